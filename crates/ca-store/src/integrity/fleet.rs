//! Whether devices are found, counted and followed as their rows say. Counts are added up again, and compared.

use std::collections::BTreeMap;

use ca_core::record::{Device, DeviceField};
use ca_core::tenant::TenantId;

use super::IntegrityFault;
use crate::act::fleet::{Tally, found_by};
use crate::keyspace::fleet::{Found, index_key, parse_history};
use crate::keyspace::{Keyspace, device_list_key};
use crate::row::{CredentialRow, DeviceCountRow, DeviceRow, HistoryRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

impl Store {
    pub(super) fn check_fleet(&self) -> Result<(), IntegrityFault> {
        let (mut tally, mut indexed) = (Tally::default(), 0_u64);
        self.each(Keyspace::Devices, |_, octets| {
            let DeviceRow { device } = DeviceRow::decode(octets)?;
            tally.count(&device, 1);
            indexed = indexed.saturating_add(self.is_found(&device)?);
            Ok(())
        })?;
        self.check_device_counts(tally)?;
        let mut rows = 0_u64;
        self.each(Keyspace::DeviceIndex, |_, _| {
            rows = rows.saturating_add(1);
            Ok(())
        })?;
        if rows != indexed {
            return Err(IntegrityFault::Count { what: "index rows of devices", told: indexed, found: rows });
        }
        self.each(Keyspace::DeviceHistory, |key, octets| {
            HistoryRow::decode(octets)?;
            let keyspace = Keyspace::DeviceHistory.name();
            let (_, sequence) = parse_history(key).ok_or(RowFault::Key { keyspace })?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            let record = view.value(Keyspace::Audit, &sequence.to_be_bytes()).map_err(ReadFault::from)?;
            if record.is_some() { Ok(()) } else { Err(IntegrityFault::Fleet { keyspace }) }
        })
    }

    /// Looks for every row that a device is found by; returns how many there must be.
    fn is_found(&self, device: &Device) -> Result<u64, IntegrityFault> {
        let (owner, title) = (&device.expected.tenant, device.expected.title);
        let view = self.rows().view().map_err(ReadFault::from)?;
        let mut keys = found_by(device);
        let mut delivered = 0_u16;
        let under = view.rows_after(Keyspace::DeviceCredentials, title.octets(), &[], usize::from(u16::MAX));
        for (_, octets) in under.map_err(ReadFault::from)? {
            let CredentialRow { credential } = CredentialRow::decode(&octets)?;
            delivered = delivered.saturating_add(1);
            keys.push(index_key(owner, &Found::Certificate(&credential.serial), &title));
        }
        keys.sort();
        keys.dedup();
        let listed = device_list_key(owner, &title);
        let is_there = |keyspace, key: &[u8]| view.octets(keyspace, key).map(|row| row.is_some());
        let mut sound = delivered == device.delivered_keys && is_there(Keyspace::DeviceLists, &listed)?;
        for key in &keys {
            sound = sound && is_there(Keyspace::DeviceIndex, key)?;
        }
        if !sound {
            return Err(IntegrityFault::Fleet { keyspace: Keyspace::DeviceIndex.name() });
        }
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }

    fn check_device_counts(&self, tally: Tally) -> Result<(), IntegrityFault> {
        let keyspace = Keyspace::DeviceCounts.name();
        let counted: BTreeMap<Vec<u8>, [u64; 7]> = tally
            .into_counts()
            .into_iter()
            .map(|(place, counts): ((TenantId, Option<DeviceField>, String), [i64; 7])| {
                (DeviceCountRow::key(&place), counts.map(i64::unsigned_abs))
            })
            .collect();
        let mut found = 0_usize;
        self.each(Keyspace::DeviceCounts, |key, octets| {
            found = found.saturating_add(1);
            let row = DeviceCountRow::decode(octets)?;
            let sound = counted.get(key).is_some_and(|states| *states == row.states);
            if sound { Ok(()) } else { Err(IntegrityFault::Fleet { keyspace }) }
        })?;
        if found == counted.len() { Ok(()) } else { Err(IntegrityFault::Fleet { keyspace }) }
    }
}
