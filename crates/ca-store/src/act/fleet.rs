//! Writing a device: its row, whose list it is on, what it is found by, and how many there are like it. All in the transaction
//! of the act, so that none of it is ever behind.
//!
//! Everything that changes a device comes here. Counts are gathered over an act and written once.

use std::collections::BTreeMap;

use ca_core::audit::AuditEvent;
use ca_core::record::{
    CertificateId, Device, DeviceEventKind, DeviceField, DeviceState, TITLES_IN_A_RECORD, detail_naming,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use crate::keyspace::fleet::{Found, index_key};
use crate::keyspace::{Keyspace, device_list_key};
use crate::row::{DeviceCountRow, DeviceRow, HistoryRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Where devices are counted: owner, field, text.
type Place = (TenantId, Option<DeviceField>, String);

/// How many more or fewer devices there are where, gathered over an act.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<Place, [i64; 7]>);

impl Tally {
    /// Counts a device in or out.
    pub(crate) fn count(&mut self, device: &Device, by: i64) {
        let owner = &device.expected.tenant;
        let fields = DeviceField::COUNTED.into_iter().map(Some).chain([None]);
        for field in fields {
            let text = match field {
                Some(field) => device.expected.field(field),
                None => Some(""),
            };
            let Some(text) = text else { continue };
            let states = self.0.entry((owner.clone(), field, text.to_owned())).or_default();
            if let Some(count) = states.get_mut(place_of(device.state)) {
                *count = count.saturating_add(by);
            }
        }
    }

    /// Writes what changed.
    pub(crate) fn settle(self, tx: &mut Transaction<'_>) -> Result<(), ActFault> {
        for (place, changes) in self.0 {
            if changes == [0; 7] {
                continue;
            }
            let before = tx.row::<DeviceCountRow>(&place)?.map_or([0; 7], |row| row.states);
            let mut states = before;
            for (count, change) in states.iter_mut().zip(changes) {
                *count = count.saturating_add_signed(change);
            }
            if states == [0; 7] {
                tx.remove::<DeviceCountRow>(&place);
            } else {
                let text = place.2.clone();
                tx.put(&place, &DeviceCountRow { text, states })?;
            }
        }
        Ok(())
    }

    /// Takes what was counted, to be compared.
    pub(crate) fn into_counts(self) -> BTreeMap<Place, [i64; 7]> {
        self.0
    }
}

/// Returns the place of a state among the counts of a row.
fn place_of(state: DeviceState) -> usize {
    DeviceState::ALL.into_iter().position(|one| one == state).unwrap_or_default()
}

/// Lists what a device is found by: the keys of its rows in the index.
pub(crate) fn found_by(device: &Device) -> Vec<Vec<u8>> {
    let (owner, title) = (&device.expected.tenant, &device.expected.title);
    let state = [Found::State(device.state)].into_iter();
    let fields = DeviceField::ALL
        .into_iter()
        .filter_map(|field| device.expected.field(field).map(|text| Found::Field(field, text)));
    let delivery = device.delivery.iter().map(Found::Delivery);
    state.chain(fields).chain(delivery).map(|found| index_key(owner, &found, title)).collect()
}

/// Writes a device in the place of what was known of it.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    tally: &mut Tally,
    before: Option<&Device>,
    device: &Device,
) -> Result<(), ActFault> {
    let title = device.expected.title;
    let old = before.map(found_by).unwrap_or_default();
    let new = found_by(device);
    for key in old.iter().filter(|key| !new.contains(key)) {
        tx.remove_key(Keyspace::DeviceIndex, key.clone());
    }
    for key in new.iter().filter(|key| !old.contains(key)) {
        tx.put_octets(Keyspace::DeviceIndex, key.clone(), Vec::new())?;
    }
    let owner_before = before.map(|device| &device.expected.tenant);
    if owner_before != Some(&device.expected.tenant) {
        if let Some(owner) = owner_before {
            tx.remove_key(Keyspace::DeviceLists, device_list_key(owner, &title));
        }
        let key = device_list_key(&device.expected.tenant, &title);
        tx.put_octets(Keyspace::DeviceLists, key, Vec::new())?;
    }
    if let Some(before) = before {
        tally.count(before, -1);
    }
    tally.count(device, 1);
    tx.put(&title, &DeviceRow { device: device.clone() })
}

/// Writes one device in the place of what was known of it, and its counts.
pub(crate) fn write_one(
    tx: &mut Transaction<'_>,
    before: Option<&Device>,
    device: &Device,
) -> Result<(), ActFault> {
    let mut tally = Tally::default();
    write(tx, &mut tally, before, device)?;
    tally.settle(tx)
}

/// A line of a device's history that lacks the number of its audit record yet.
pub(crate) struct Line {
    title: SystemTitle,
    row: HistoryRow,
}

impl Line {
    /// Tells what became of a device, as it is now.
    pub(crate) fn of(device: &Device, kind: DeviceEventKind) -> Self {
        let row = HistoryRow {
            kind,
            owner: Some(device.expected.tenant.clone()),
            state: Some(device.state),
            delivery: None,
            certificate: None,
        };
        Self { title: device.expected.title, row }
    }

    /// Adds the delivery that told of it.
    pub(crate) fn told_by(mut self, delivery: [u8; 32]) -> Self {
        self.row.delivery = Some(delivery);
        self
    }
}

/// Writes a line into a device's history whose audit record stands already.
pub(crate) fn follow(tx: &mut Transaction<'_>, sequence: u64, line: &Line) -> Result<(), ActFault> {
    tx.put(&(line.title, sequence), &line.row)
}

/// Writes into a device's history what became of a certificate.
pub(crate) fn follow_certificate(
    tx: &mut Transaction<'_>,
    (title, sequence): (SystemTitle, u64),
    kind: DeviceEventKind,
    id: &CertificateId,
) -> Result<(), ActFault> {
    let row = HistoryRow { kind, owner: None, state: None, delivery: None, certificate: Some(id.clone()) };
    tx.put(&(title, sequence), &row)
}

/// Seals an event as often as it takes to name all devices that it tells of, at least once, and follows each of them.
///
/// Returns the numbers of the first and the last record. What the record says names its devices, so that nothing but the
/// trail is needed to prove what became of one.
pub(crate) fn seal_naming(
    tx: &mut Transaction<'_>,
    event: &AuditEvent,
    lines: &[Line],
) -> Result<(u64, u64), ActFault> {
    if lines.is_empty() {
        let sequence = tx.seal(event.clone())?;
        return Ok((sequence, sequence));
    }
    let mut numbers: Option<(u64, u64)> = None;
    for share in lines.chunks(TITLES_IN_A_RECORD) {
        let titles: Vec<SystemTitle> = share.iter().map(|line| line.title).collect();
        let detail = detail_naming(&event.detail, &titles);
        let sequence = tx.seal(AuditEvent { detail, ..event.clone() })?;
        for line in share {
            follow(tx, sequence, line)?;
        }
        numbers = Some((numbers.map_or(sequence, |(first, _)| first), sequence));
    }
    Ok(numbers.unwrap_or_default())
}
