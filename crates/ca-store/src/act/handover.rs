//! Superseding what was certified for a key that was made here and lost with its answer. What counts as lost is ca-core's.

use ca_core::audit::{Act, AuditEvent};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Handover, Intent, IntentConflict, Revocation, Slot};

use super::refusal::Refusal;
use super::revocation;
use crate::certificate::{certificate_row, stored};
use crate::row::{CertificateRow, SlotRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Revokes what the slot holds that was lost, in the act that records what takes its place.
pub(super) fn supersede_lost(tx: &mut Transaction<'_>, slot: &Slot, intent: &Intent) -> Result<(), Refusal> {
    let Some(handover) = &intent.conditions.handover else { return Ok(()) };
    for holder in tx.row::<SlotRow>(slot)?.unwrap_or_default().holders {
        let Some(row) = certificate_row(tx, &holder.id)? else { continue };
        let earlier = stored(tx, holder.id.clone(), row.clone())?;
        if handover.underway(&earlier) {
            return Err(IntentConflict::InFlight.into());
        }
        if handover.lost(&earlier) {
            supersede(tx, (&holder.id, row), (handover, intent))?;
        }
    }
    Ok(())
}

fn supersede(
    tx: &mut Transaction<'_>,
    (id, row): (&CertificateId, CertificateRow),
    (handover, intent): (&Handover, &Intent),
) -> Result<(), ActFault> {
    let (now, reason) = (intent.recorded_at, ReasonCode::Superseded);
    let sequence = tx.seal(AuditEvent {
        time: now,
        tenant: row.tenant.clone(),
        act: Act::CertificateRevoked,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: reason.name().to_owned(),
        detail: format!("the key was lost on its way to {}, who asks for another", handover.to),
        digest: Vec::new(),
        ..intent.event.clone()
    })?;
    let revocation = Revocation { time: now, reason, invalidity_date: None };
    revocation::write(tx, id, (revocation, now, sequence), row)
}
