//! T2: recording a certificate that was signed and verified. Not verifying it: that was ca-core's, before it came here.

use ca_core::audit::{Act, AuditEvent};
use ca_core::profile::Hierarchy;
use ca_core::record::{CertificateId, DeviceEventKind, IssuedRecord, Mark};

use super::fleet::{self, Line};
use super::intent::is_signing;
use super::{days, production, replacement, slot, swap, visits};
use crate::keyspace::{Keyspace, expiry_key, id_key};
use crate::row::{CertificateRow, CertificateState, DeviceRow, IntentRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Records the certificate of an intent that was given to the signer.
pub(crate) fn record(tx: &mut Transaction<'_>, issued: IssuedRecord) -> Result<(), ActFault> {
    let IssuedRecord { id, certificate, issued_at, event } = issued;
    let intent = tx.row::<IntentRow>(&id)?.ok_or_else(|| ActFault::NotOpen { id: id.clone() })?;
    if !is_signing(tx, &id)? {
        return Err(ActFault::NotGivenToSigner { id });
    }
    let actor = event.actor.clone();
    let sequence = tx.seal(event)?;
    let row = CertificateRow {
        state: CertificateState::Issued,
        since: issued_at,
        octets: certificate,
        ..intent.certificate.clone()
    };
    let replaced = write(tx, &id, &row)?;
    if let Some(title) = row.title() {
        let kind = if replaced.is_empty() {
            DeviceEventKind::CertificateIssued
        } else {
            DeviceEventKind::CertificateRenewed
        };
        fleet::follow_certificate(tx, (title, sequence), kind, &id)?;
    }
    swap::issued(tx, &id, &row, &actor)?;
    visits::supersede(tx, (&id, &row), &replaced, &Mark { by: actor.clone(), at: issued_at })?;
    if let Some(after) = intent.revoke_replaced_after {
        replacement::issued(tx, (&id, &row), intent.request.as_ref(), (after, replaced))?;
    }
    supersede_factory(tx, &intent, |device| AuditEvent {
        time: issued_at,
        tenant: device.device.expected.tenant.clone(),
        actor,
        act: Act::FactorySuperseded,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: device.device.expected.title.to_string(),
        digest: device.device.claimed_by.map(Vec::from).unwrap_or_default(),
    })
}

/// Writes the row of a certificate in the place of its intent, and returns what it replaces; its audit record stands already.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<Vec<CertificateId>, ActFault> {
    tx.remove::<IntentRow>(id);
    tx.remove_key(Keyspace::Signing, id_key(id));
    tx.put(id, row)?;
    production::issued(tx, id, row)?;
    days::issued(tx, id, row)?;
    tx.put_octets(Keyspace::Expiry, expiry_key(row.validity.not_after(), id), Vec::new())?;
    match &row.slot {
        Some(slot) => slot::settle_in(tx, slot, id),
        None => Ok(Vec::new()),
    }
}

/// A device with an operational certificate is in operation, and its factory certificates are superseded from then on.
fn supersede_factory(
    tx: &mut Transaction<'_>,
    intent: &IntentRow,
    event: impl FnOnce(&DeviceRow) -> AuditEvent,
) -> Result<(), ActFault> {
    let operational =
        intent.certificate.slot.as_ref().filter(|slot| slot.hierarchy == Hierarchy::Operational);
    let Some(title) = intent.claim.or_else(|| operational.map(|slot| slot.title)) else { return Ok(()) };
    let Some(row) = tx.row::<DeviceRow>(&title)? else { return Ok(()) };
    let others =
        intent.claim.is_none() && operational.is_some_and(|slot| slot.tenant != row.device.expected.tenant);
    let event = event(&row);
    let mut device = row.device.clone();
    device.operate(event.time);
    // A campaign supersedes them when every wanted certificate is in use, and not before.
    if others || device == row.device || swap::keeps_factory(tx, &title)? {
        return Ok(());
    }
    fleet::write_one(tx, Some(&row.device), &device)?;
    let sequence = tx.seal(event)?;
    fleet::follow(tx, sequence, &Line::of(&device, DeviceEventKind::Operational))
}
