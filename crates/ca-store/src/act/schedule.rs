//! Revocations that are due later: putting them on record, taking them back, and finding those that are due.

use ca_core::audit::{Act, AuditEvent};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Mark, ScheduledRevocation};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::keyspace::{Keyspace, expiry_key};
use crate::row::{RevocationRow, ScheduledRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// In whose name what was replaced is scheduled.
pub(crate) const REPLACEMENT: &str = "process:replacement";

/// Puts a revocation on record, in the place of one for the same certificate.
pub(crate) fn put(
    tx: &mut Transaction<'_>,
    scheduled: ScheduledRevocation,
    event: AuditEvent,
) -> Result<(), ActFault> {
    tx.seal(event)?;
    write(tx, scheduled)
}

/// Writes one whose audit record stands already.
pub(crate) fn write(tx: &mut Transaction<'_>, scheduled: ScheduledRevocation) -> Result<(), ActFault> {
    take_away(tx, &scheduled.id)?;
    let (id, due) = (scheduled.id.clone(), expiry_key(scheduled.due, &scheduled.id));
    tx.put_octets(Keyspace::ScheduledTimes, due, Vec::new())?;
    tx.put(&id, &ScheduledRow { scheduled })
}

/// Takes one back, if there is one.
pub(crate) fn cancel(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    event: AuditEvent,
) -> Result<bool, ActFault> {
    if !take_away(tx, id)? {
        return Ok(false);
    }
    tx.seal(event)?;
    Ok(true)
}

/// Takes away what is scheduled for a certificate; tells whether there was anything.
pub(crate) fn take_away(tx: &mut Transaction<'_>, id: &CertificateId) -> Result<bool, ActFault> {
    let Some(ScheduledRow { scheduled }) = tx.row(id)? else { return Ok(false) };
    tx.remove_key(Keyspace::ScheduledTimes, expiry_key(scheduled.due, id));
    tx.remove::<ScheduledRow>(id);
    Ok(true)
}

/// Schedules the revocation of what a certificate replaced, of which `like` tells.
pub(crate) fn replaced(
    tx: &mut Transaction<'_>,
    ids: Vec<CertificateId>,
    (after_seconds, now, tenant): (i64, UnixTime, &TenantId),
) -> Result<(), ActFault> {
    for id in ids {
        if tx.has::<RevocationRow>(&id)? {
            continue;
        }
        let scheduled = ScheduledRevocation {
            id: id.clone(),
            due: now.plus_seconds(after_seconds),
            reason: ReasonCode::Superseded,
            invalidity_date: None,
            asked: Mark { by: REPLACEMENT.to_owned(), at: now },
            if_replaced: true,
        };
        let event = event(&scheduled, (now, tenant));
        put(tx, scheduled, event)?;
    }
    Ok(())
}

fn event(scheduled: &ScheduledRevocation, (time, tenant): (UnixTime, &TenantId)) -> AuditEvent {
    AuditEvent {
        time,
        tenant: tenant.clone(),
        actor: REPLACEMENT.to_owned(),
        act: Act::RevocationScheduled,
        issuer: Some(scheduled.id.issuer),
        serial: Some(scheduled.id.serial.clone()),
        reason: scheduled.reason.name().to_owned(),
        detail: scheduled.told(),
        digest: Vec::new(),
    }
}

/// Reads when it is due out of what an audit record tells of it.
pub(crate) fn told_due(detail: &str) -> Option<UnixTime> {
    let (_, seconds) = detail.strip_suffix(')')?.rsplit_once(" (")?;
    Some(UnixTime::from_seconds(seconds.parse().ok()?))
}

/// The key behind which the times of a keyspace begin that are later.
pub(crate) fn after_key(after: Option<&(UnixTime, CertificateId)>) -> Vec<u8> {
    after.map(|(due, id)| expiry_key(*due, id)).unwrap_or_default()
}
