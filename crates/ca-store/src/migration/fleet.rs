//! Format 2 to 3: devices are indexed and counted, and what the trail tells of them is their history.
//!
//! Also done for a ledger that was restored from a backup of format 2. Records of that format name no device that was
//! imported, so that the history of one begins with what became of it later.

use ca_core::audit::{Act, AuditRecord};
use ca_core::record::{CertificateId, DeviceEventKind, DeviceState};
use ca_core::system_title::SystemTitle;

use super::{BATCH, MigrationError, each};
use crate::act::fleet::{Tally, found_by};
use crate::audit_walk::AuditFault;
use crate::certificate::certificate_row;
use crate::engine::{Durability, Engine, View, Write};
use crate::keyspace::{FLEET, Keyspace};
use crate::row::{DeviceCountRow, DeviceRow, HistoryRow, Row};

/// The value of the row that says that all is there.
pub(crate) const WHOLE: &[u8] = &[1];

/// Tells whether devices are indexed, counted and followed.
pub(super) fn is_built(engine: &dyn Engine) -> Result<bool, MigrationError> {
    Ok(engine.view()?.value(Keyspace::Meta, FLEET)?.is_some())
}

/// Builds what a ledger of format 2 lacks, and says last that it is there.
pub(super) fn build(engine: &dyn Engine) -> Result<u64, MigrationError> {
    let devices = index(engine)?;
    follow(engine)?;
    let whole = Write { keyspace: Keyspace::Meta, key: FLEET.to_vec(), value: Some(WHOLE.to_vec()) };
    engine.commit(vec![whole], Durability::Durable)?;
    Ok(devices)
}

fn index(engine: &dyn Engine) -> Result<u64, MigrationError> {
    let (mut tally, mut devices) = (Tally::default(), 0_u64);
    each(engine, Keyspace::Devices, |_, (_, octets), batch| {
        let DeviceRow { device } = DeviceRow::decode(octets)?;
        tally.count(&device, 1);
        devices = devices.saturating_add(1);
        batch.extend(found_by(&device).into_iter().map(|key| Write {
            keyspace: Keyspace::DeviceIndex,
            key,
            value: Some(Vec::new()),
        }));
        Ok(())
    })?;
    let mut batch = Vec::new();
    for (place, counts) in tally.into_counts() {
        let states = counts.map(i64::unsigned_abs);
        let row = DeviceCountRow { text: place.2.clone(), states };
        let (keyspace, key) = (Keyspace::DeviceCounts, DeviceCountRow::key(&place));
        batch.push(Write { keyspace, key, value: Some(row.encode()?) });
        if batch.len() >= BATCH {
            engine.commit(core::mem::take(&mut batch), Durability::Durable)?;
        }
    }
    if !batch.is_empty() {
        engine.commit(batch, Durability::Durable)?;
    }
    Ok(devices)
}

fn follow(engine: &dyn Engine) -> Result<(), MigrationError> {
    each(engine, Keyspace::Audit, |view, (_, octets), batch| {
        let record =
            AuditRecord::from_der(octets).map_err(|cause| AuditFault::Unreadable { cause: cause.into() })?;
        if let Some((title, row)) = line(view, &record)? {
            let key = HistoryRow::key(&(title, record.sequence));
            batch.push(Write { keyspace: Keyspace::DeviceHistory, key, value: Some(row.encode()?) });
        }
        Ok(())
    })
}

/// Returns what a record tells of one device.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "ledgers of this format have no other acts that tell of one device"
)]
fn line(view: &dyn View, record: &AuditRecord) -> Result<Option<(SystemTitle, HistoryRow)>, MigrationError> {
    let event = &record.event;
    let of_certificate = match event.act {
        Act::CertificateIssued => Some(DeviceEventKind::CertificateIssued),
        Act::CertificateRevoked => Some(DeviceEventKind::CertificateRevoked),
        Act::CertificateHeld => Some(DeviceEventKind::CertificateHeld),
        Act::CertificateReleased => Some(DeviceEventKind::CertificateReleased),
        _ => None,
    };
    if let (Some(kind), Some(issuer), Some(serial)) = (of_certificate, event.issuer, &event.serial) {
        let id = CertificateId { issuer, serial: serial.clone() };
        let title = certificate_row(view, &id)?.and_then(|row| row.title());
        let row = HistoryRow { kind, owner: None, state: None, delivery: None, certificate: Some(id) };
        return Ok(title.map(|title| (title, row)));
    }
    let (kind, state) = match event.act {
        Act::DeviceClaimed => (DeviceEventKind::Claimed, DeviceState::Claimed),
        Act::FactorySuperseded => (DeviceEventKind::Operational, DeviceState::Operational),
        _ => return Ok(None),
    };
    let (owner, state) = (Some(event.tenant.clone()), Some(state));
    let row = HistoryRow { kind, owner, state, delivery: None, certificate: None };
    Ok(SystemTitle::parse(&event.detail).ok().map(|title| (title, row)))
}
