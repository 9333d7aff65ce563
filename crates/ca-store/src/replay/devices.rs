//! What audit records tell of devices. They name each device, and say what became of it; how a new one was described they do
//! not say, so that what was imported since is brought in again by hand.

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::record::{Device, DeviceAct, DeviceChange, DeviceEventKind, titles_named};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use super::ReplayReport;
use crate::act::delivery::move_credentials;
use crate::act::fleet::{Line, follow, write_one};
use crate::row::DeviceRow;
use crate::transaction::{ActFault, Rows, Transaction};

/// Takes in that a device was claimed, or is in operation.
pub(super) fn progress(
    tx: &mut Transaction<'_>,
    record: &AuditRecord,
    report: &mut ReplayReport,
) -> Result<(), ActFault> {
    let event = &record.event;
    let title = SystemTitle::parse(&event.detail)
        .map_err(|_| ActFault::NotReplayed { sequence: record.sequence, what: "it names no system title" })?;
    let Some(DeviceRow { device: before }) = tx.row(&title)? else {
        report.miss(record);
        return Ok(());
    };
    let mut device = before.clone();
    let kind = if event.act == Act::DeviceClaimed {
        let Ok(key) = event.digest.as_slice().try_into() else {
            let what = "it names no factory key";
            return Err(ActFault::NotReplayed { sequence: record.sequence, what });
        };
        device.claim(key);
        DeviceEventKind::Claimed
    } else {
        device.operate(event.time);
        DeviceEventKind::Operational
    };
    write_one(tx, Some(&before), &device)?;
    follow(tx, record.sequence, &Line::of(&device, kind))
}

/// Takes in an operator's act on devices, as far as the ledger knows them.
pub(super) fn change(
    tx: &mut Transaction<'_>,
    record: &AuditRecord,
    act: DeviceAct,
    report: &mut ReplayReport,
) -> Result<(), ActFault> {
    let event = &record.event;
    let change = DeviceChange {
        tenant: event.tenant.clone(),
        titles: titles_named(&event.detail),
        act,
        to: addressee(event),
        event: event.clone(),
    };
    let mut missed = change.titles.is_empty();
    for title in &change.titles {
        let known: Option<Device> = tx.row::<DeviceRow>(title)?.map(|row| row.device);
        let Ok((device, kind)) = change.applied_to(known.as_ref()) else {
            missed = true;
            continue;
        };
        if let Some(known) = &known {
            move_credentials(tx, known, &device)?;
        }
        write_one(tx, known.as_ref(), &device)?;
        follow(tx, record.sequence, &Line::of(&device, kind))?;
    }
    if missed {
        report.miss(record);
    }
    Ok(())
}

/// The owner to whom devices were sent or passed: `to dso-2` stands first in the detail.
fn addressee(event: &AuditEvent) -> Option<TenantId> {
    let words = event.detail.strip_prefix("to ")?;
    let name = words.split([';', ':', ' ']).next()?;
    TenantId::parse(name).ok()
}
