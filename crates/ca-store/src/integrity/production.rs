//! Whether production orders count what stands on record for them, and each certificate of their devices is one.

use std::collections::BTreeMap;

use ca_core::profile::KeyPurpose;
use ca_core::record::{ProductionCount, ProductionId, ProductionOrder};

use super::IntegrityFault;
use crate::keyspace::{Keyspace, station_key};
use crate::row::{CertificateRow, CertificateState, IntentRow, ProducedRow, ProductionRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

impl Store {
    /// Checks the rows of production orders against those of their devices.
    pub(super) fn check_production(&self) -> Result<(), IntegrityFault> {
        let mut orders: BTreeMap<ProductionId, (ProductionOrder, ProductionCount)> = BTreeMap::new();
        let mut stations = 0_u64;
        self.each(Keyspace::ProductionOrders, |_, octets| {
            let ProductionRow { order } = ProductionRow::decode(octets)?;
            if order.ended.is_none() {
                for station in &order.stations {
                    let view = self.rows().view().map_err(ReadFault::from)?;
                    let key = station_key(&order.tenant, station);
                    let at = view.octets(Keyspace::ProductionStations, &key)?;
                    if at.as_deref() != Some(order.id.as_str().as_bytes()) {
                        return Err(RowFault::Value { keyspace: Keyspace::ProductionStations.name() }.into());
                    }
                    stations = stations.saturating_add(1);
                }
            }
            // How often devices were scrapped is told by the trail alone.
            let found = ProductionCount { scrapped: order.count.scrapped, ..ProductionCount::default() };
            orders.insert(order.id.clone(), (order, found));
            Ok(())
        })?;
        self.each(Keyspace::ProductionStations, |_, _| {
            // With as many rows as the open orders need, each of which is there, no row is left over.
            stations = stations
                .checked_sub(1)
                .ok_or(RowFault::Value { keyspace: Keyspace::ProductionStations.name() })?;
            Ok(())
        })?;
        self.each(Keyspace::ProductionDevices, |_, octets| {
            let device = ProducedRow::decode(octets)?;
            self.check_device(&device)?;
            // An order that was opened after a backup is not known until it is opened again.
            if let Some((order, found)) = orders.get_mut(&device.order) {
                add(order, found, &device);
            }
            Ok(())
        })?;
        orders.into_values().try_for_each(|(order, found)| compare(&order, found))
    }

    /// Each certificate of a device is on record as it is counted.
    fn check_device(&self, device: &ProducedRow) -> Result<(), IntegrityFault> {
        let view = self.rows().view().map_err(ReadFault::from)?;
        for one in &device.certificates {
            let sound = if one.issued {
                let row = view.row::<CertificateRow>(&one.id)?;
                row.is_some_and(|row| row.state == CertificateState::Issued)
            } else {
                view.has::<IntentRow>(&one.id)?
            };
            if !sound {
                return Err(RowFault::Value { keyspace: Keyspace::ProductionDevices.name() }.into());
            }
        }
        Ok(())
    }
}

fn add(order: &ProductionOrder, found: &mut ProductionCount, device: &ProducedRow) {
    let issued = device.certificates.iter().filter(|one| one.issued);
    let purposes: Vec<KeyPurpose> = issued.map(|one| one.purpose).collect();
    let open = device.certificates.len().saturating_sub(purposes.len());
    found.places = found.places.saturating_add(1);
    found.under_way = found.under_way.saturating_add(u64::try_from(open).unwrap_or(u64::MAX));
    found.complete = found.complete.saturating_add(u64::from(order.is_complete(purposes.iter().copied())));
}

fn compare(order: &ProductionOrder, found: ProductionCount) -> Result<(), IntegrityFault> {
    let told = order.count;
    for (what, told, found) in [
        ("devices with a place", told.places, found.places),
        ("complete devices", told.complete, found.complete),
        ("certificates under way", told.under_way, found.under_way),
    ] {
        if told != found {
            return Err(IntegrityFault::Production { order: order.id.to_string(), what, told, found });
        }
    }
    Ok(())
}
