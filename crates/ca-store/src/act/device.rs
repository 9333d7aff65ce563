//! Importing expected devices, putting made ones on record, acts of operators on many, and keeping one-time tokens. Which act
//! may follow which state is ca-core's table.

use ca_core::audit::AuditEvent;
use ca_core::record::{
    ChangeOutcome, Device, DeviceChange, DeviceEventKind, DeviceState, ExpectedDevice, ImportOutcome, Token,
};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::delivery::move_credentials;
use super::fleet::{Line, Tally, seal_naming, write};
use crate::row::{DeviceRow, TokenRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Puts devices on their owners' lists.
///
/// What is listed with other content and only expected takes the new content and counts as added. A device never comes from
/// one owner to another this way.
pub(crate) fn import(
    tx: &mut Transaction<'_>,
    devices: Vec<ExpectedDevice>,
    event: &AuditEvent,
) -> Result<ImportOutcome, ActFault> {
    list(tx, devices, event, DeviceState::Expected)
}

/// Puts devices on record that their maker has made, and has still.
pub(crate) fn record_made(
    tx: &mut Transaction<'_>,
    devices: Vec<ExpectedDevice>,
    event: &AuditEvent,
) -> Result<ImportOutcome, ActFault> {
    list(tx, devices, event, DeviceState::Manufactured)
}

fn list(
    tx: &mut Transaction<'_>,
    devices: Vec<ExpectedDevice>,
    event: &AuditEvent,
    newcomer: DeviceState,
) -> Result<ImportOutcome, ActFault> {
    let mut outcome = ImportOutcome::default();
    let (mut tally, mut lines) = (Tally::default(), Vec::new());
    for expected in devices {
        let title = expected.title;
        let before = tx.row::<DeviceRow>(&title)?.map(|row| row.device);
        match listing(before.as_ref(), expected, (newcomer, event.time)) {
            Listing::Same => outcome.unchanged = outcome.unchanged.saturating_add(1),
            Listing::Refused => outcome.refused.push(title),
            Listing::Written(device, kind) => {
                write(tx, &mut tally, before.as_ref(), &device)?;
                lines.push(Line::of(&device, kind));
                outcome.added = outcome.added.saturating_add(1);
            }
        }
    }
    tally.settle(tx)?;
    seal_naming(tx, event, &lines)?;
    Ok(outcome)
}

/// What becomes of a device that is to be listed.
enum Listing {
    Same,
    Refused,
    Written(Box<Device>, DeviceEventKind),
}

fn listing(
    before: Option<&Device>,
    expected: ExpectedDevice,
    (newcomer, now): (DeviceState, UnixTime),
) -> Listing {
    match before {
        None => {
            let made = newcomer == DeviceState::Manufactured;
            let kind = if made { DeviceEventKind::Manufactured } else { DeviceEventKind::Imported };
            Listing::Written(Box::new(Device { state: newcomer, ..Device::new(expected, now) }), kind)
        }
        Some(device) if device.expected == expected => Listing::Same,
        // Where a device is may be said at any time; what was issued to it stays in its shard.
        Some(device) if device.expected.differs_in_place_alone(&expected) => {
            Listing::Written(Box::new(Device { expected, ..device.clone() }), DeviceEventKind::Described)
        }
        Some(device) if device.expected.tenant == expected.tenant && device.state == newcomer => {
            let device = Device { imported_at: now, expected, ..device.clone() };
            Listing::Written(Box::new(device), DeviceEventKind::Described)
        }
        Some(_) => Listing::Refused,
    }
}

/// Does an operator's act to devices, each if it is legal from where it stands.
pub(crate) fn change(tx: &mut Transaction<'_>, change: &DeviceChange) -> Result<ChangeOutcome, ActFault> {
    let mut outcome = ChangeOutcome::default();
    let (mut tally, mut lines) = (Tally::default(), Vec::new());
    for title in &change.titles {
        let known = tx.row::<DeviceRow>(title)?.map(|row| row.device);
        match change.applied_to(known.as_ref()) {
            Ok((device, kind)) => {
                if let Some(known) = &known {
                    move_credentials(tx, known, &device)?;
                }
                write(tx, &mut tally, known.as_ref(), &device)?;
                lines.push(Line::of(&device, kind));
                outcome.changed.push(*title);
            }
            Err(refusal) => outcome.refused.push((*title, refusal)),
        }
    }
    if !lines.is_empty() {
        tally.settle(tx)?;
        outcome.records = Some(seal_naming(tx, &change.event, &lines)?);
    }
    Ok(outcome)
}

/// Records that the wrapped secrets of a device are given out; tells whether the device is this owner's.
pub(crate) fn give_out_secrets(
    tx: &mut Transaction<'_>,
    title: &SystemTitle,
    event: &AuditEvent,
) -> Result<bool, ActFault> {
    let known = tx.row::<DeviceRow>(title)?.map(|row| row.device);
    let Some(device) = known.filter(|device| device.expected.tenant == event.tenant) else {
        return Ok(false);
    };
    seal_naming(tx, event, &[Line::of(&device, DeviceEventKind::SecretsExported)])?;
    Ok(true)
}

/// Keeps a token. One that is kept already is never written again: it could be spent.
pub(crate) fn keep_token(tx: &mut Transaction<'_>, token: Token, event: AuditEvent) -> Result<(), ActFault> {
    if tx.has::<TokenRow>(&token.hash)? {
        return Err(ActFault::TokenKept);
    }
    tx.seal(event)?;
    let hash = token.hash;
    tx.put(&hash, &TokenRow { token, spent_by: None })
}
