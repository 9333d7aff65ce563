//! Importing expected devices and keeping one-time tokens.

use ca_core::audit::AuditEvent;
use ca_core::record::{Device, DeviceState, ExpectedDevice, ImportOutcome, Token};
use ca_core::validity::UnixTime;

use crate::keyspace::{Keyspace, device_list_key};
use crate::row::{DeviceRow, TokenRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Puts devices on their owners' lists.
///
/// What is listed with other content and only expected takes the new content and counts as added.
pub(crate) fn import(
    tx: &mut Transaction<'_>,
    devices: Vec<ExpectedDevice>,
    event: AuditEvent,
) -> Result<ImportOutcome, ActFault> {
    let now = event.time;
    tx.seal(event)?;
    let mut outcome = ImportOutcome::default();
    for expected in devices {
        match tx.row::<DeviceRow>(&expected.title)?.map(|row| row.device) {
            Some(device) if device.expected == expected => {
                outcome.unchanged = outcome.unchanged.saturating_add(1);
            }
            // Where a device is may be said at any time; what was issued to it stays in its shard.
            Some(device) if differs_in_place_alone(&device.expected, &expected) => {
                let title = expected.title;
                tx.put(&title, &DeviceRow { device: Device { expected, ..device } })?;
                outcome.added = outcome.added.saturating_add(1);
            }
            Some(device)
                if device.expected.tenant != expected.tenant || device.state != DeviceState::Expected =>
            {
                outcome.refused.push(expected.title);
            }
            Some(_) | None => {
                list(tx, expected, now)?;
                outcome.added = outcome.added.saturating_add(1);
            }
        }
    }
    Ok(outcome)
}

fn differs_in_place_alone(known: &ExpectedDevice, told: &ExpectedDevice) -> bool {
    let ExpectedDevice { region, concentrator, .. } = told.clone();
    ExpectedDevice { region, concentrator, ..known.clone() } == *told
}

fn list(tx: &mut Transaction<'_>, expected: ExpectedDevice, now: UnixTime) -> Result<(), ActFault> {
    let title = expected.title;
    tx.put_octets(Keyspace::DeviceLists, device_list_key(&expected.tenant, &title), Vec::new())?;
    let device = Device {
        expected,
        state: DeviceState::Expected,
        imported_at: now,
        claimed_by: None,
        factory_superseded_at: None,
    };
    tx.put(&title, &DeviceRow { device })
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
