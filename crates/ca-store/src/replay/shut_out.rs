//! What the exported log tells of revocations that are due later, and of authorities that are shut out.

use ca_core::audit::{Act, AuditEvent};
use ca_core::reason::ReasonCode;
use ca_core::record::{BlockedKey, CertificateId, Mark, ScheduledRevocation};

use crate::act::schedule;
use crate::row::BlockedRow;
use crate::transaction::{ActFault, Rows, Transaction};

/// Takes in that a revocation was scheduled, or taken back. What cannot be read of it is left: its certificate stays as it is.
pub(super) fn schedule(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    event: &AuditEvent,
) -> Result<(), ActFault> {
    let due = schedule::told_due(&event.detail);
    match (event.act, due, ReasonCode::from_name(&event.reason)) {
        (Act::RevocationScheduled, Some(due), Some(reason)) => schedule::write(
            tx,
            ScheduledRevocation {
                id: id.clone(),
                due,
                reason,
                // The invalidity date is not on record.
                invalidity_date: None,
                asked: mark(event),
                if_replaced: event.actor == schedule::REPLACEMENT,
            },
        ),
        _ => schedule::take_away(tx, id).map(drop),
    }
}

/// Takes in that an authority was shut out, or let in again.
pub(super) fn block(tx: &mut Transaction<'_>, event: &AuditEvent) -> Result<(), ActFault> {
    let Some(key) = event.issuer else { return Ok(()) };
    if event.act == Act::TrustBlocked {
        let (blocked, why) = (mark(event), event.detail.clone());
        return tx.put(&key, &BlockedRow { blocked: BlockedKey { key, blocked, why, unblock_asked: None } });
    }
    let Some(BlockedRow { mut blocked }) = tx.row(&key)? else { return Ok(()) };
    if event.act == Act::UnblockRequested {
        blocked.unblock_asked = Some(mark(event));
        return tx.put(&key, &BlockedRow { blocked });
    }
    tx.remove::<BlockedRow>(&key);
    Ok(())
}

fn mark(event: &AuditEvent) -> Mark {
    Mark { by: event.actor.clone(), at: event.time }
}
