//! Visits: what people say of them, which certificates are asked for on them, and revoking what is left. Which act may follow
//! which, and what a visit admits, is ca-core's; who still may what, and that each follows once, is decided here.

use ca_core::audit::{Act, AuditEvent};
use ca_core::people::{Permission, PersonId};
use ca_core::profile::Hierarchy;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, Intent, IntentConflict, Mark, Revocation, RevocationRecord, VisitId, VisitOf, VisitRefusal,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_core::visits::{Visit, VisitAct, VisitCertificate, VisitChange, VisitConflict, VisitPlan};

use super::refusal::Refusal;
use super::{people, revocation};
use crate::certificate::certificate_row;
use crate::keyspace::{Keyspace, parse_unit_visit, unit_visit_key, unit_visit_prefix};
use crate::row::{CertificateRow, DeviceRow, PersonRow, Row, RowFault, VisitRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// Records what somebody says of a visit.
pub(crate) fn change(
    tx: &mut Transaction<'_>,
    change: &VisitChange,
) -> Result<Result<Visit, VisitConflict>, ActFault> {
    if let VisitAct::Open(plan) | VisitAct::Amend(plan) = &change.act
        && let Err(conflict) = fits(tx, change, plan)?
    {
        return Ok(Err(conflict));
    }
    let known = tx.row::<VisitRow>(&change.id)?.map(|row| row.visit);
    // One person with two credentials is one: judged by persons' names, and written down as it was said.
    let by_person = known.as_ref().map(|visit| by_person(tx, visit)).transpose()?;
    let judged = VisitChange { mark: people::one_mark(tx, &change.mark)?, ..change.clone() };
    if let Err(conflict) = judged.applied_to(by_person) {
        return Ok(Err(conflict));
    }
    let visit = match change.applied_to(known.clone()) {
        Ok(visit) => visit,
        Err(conflict) => return Ok(Err(conflict)),
    };
    tx.seal(change.event.clone())?;
    write(tx, known.as_ref(), &visit)?;
    if voids(&change.act) {
        revoke_all(tx, &visit, change)?;
    }
    Ok(Ok(visit))
}

/// Tells whether what was issued on the visit is good no more.
const fn voids(act: &VisitAct) -> bool {
    match act {
        VisitAct::Amend(_) | VisitAct::Refuse { .. } | VisitAct::End { .. } => true,
        VisitAct::Open(_) | VisitAct::Approve { .. } => false,
    }
}

/// Checks what the rest of the ledger says of a plan: whose the devices are, who the technician is, where the unit is.
fn fits(
    tx: &Transaction<'_>,
    change: &VisitChange,
    plan: &VisitPlan,
) -> Result<Result<(), VisitConflict>, ReadFault> {
    let owner = |title: &SystemTitle| {
        let row = tx.row::<DeviceRow>(title)?;
        Ok::<_, ReadFault>(row.map(|row| row.device.expected.tenant))
    };
    // A hand-held unit need not be on the list of devices; on another owner's it must not.
    if owner(&plan.unit)?.is_some_and(|owner| owner != change.tenant) {
        return Ok(Err(VisitConflict::NotOwned { title: plan.unit }));
    }
    for meter in &plan.meters {
        if owner(meter)?.is_none_or(|owner| owner != change.tenant) {
            return Ok(Err(VisitConflict::NotOwned { title: *meter }));
        }
    }
    if !is_technician(tx, &plan.technician, (&change.tenant, change.mark.at))? {
        return Ok(Err(VisitConflict::NoTechnician));
    }
    for visit in of_unit(tx, &change.tenant, &plan.unit)? {
        let overlaps = visit.plan.from <= plan.until && plan.from <= visit.plan.until;
        if visit.id != change.id && overlaps {
            return Ok(Err(VisitConflict::UnitTaken { by: visit.id }));
        }
    }
    Ok(Ok(()))
}

fn is_technician(
    tx: &Transaction<'_>,
    id: &PersonId,
    (tenant, now): (&TenantId, UnixTime),
) -> Result<bool, ReadFault> {
    let known = tx.has::<PersonRow>(id)?;
    Ok(known && people::still_may(tx, &format!("operator:{id}"), (Permission::Visit, tenant), now)?)
}

/// Returns the visits of a hand-held unit that nobody ended.
fn of_unit(tx: &Transaction<'_>, tenant: &TenantId, unit: &SystemTitle) -> Result<Vec<Visit>, ReadFault> {
    let prefix = unit_visit_prefix(tenant, unit);
    let mut visits = Vec::new();
    for (key, _) in tx.rows_under(Keyspace::VisitUnits, &prefix)? {
        let damaged = RowFault::Key { keyspace: Keyspace::VisitUnits.name() };
        let id = parse_unit_visit(&key).ok_or(damaged)?;
        visits.extend(tx.row::<VisitRow>(&id)?.map(|row| row.visit));
    }
    Ok(visits)
}

/// The visit as it is when one person has one name (M-02).
fn by_person(tx: &Transaction<'_>, visit: &Visit) -> Result<Visit, ReadFault> {
    Ok(Visit {
        opened: people::one_mark(tx, &visit.opened)?,
        approvals: people::one_mark_each(tx, &visit.approvals)?,
        ..visit.clone()
    })
}

/// Writes a visit in the place of what was known of it; its audit record stands already.
pub(crate) fn write(tx: &mut Transaction<'_>, known: Option<&Visit>, visit: &Visit) -> Result<(), ActFault> {
    if let Some(known) = known {
        tx.remove_key(Keyspace::VisitUnits, unit_visit_key(&known.tenant, &known.plan.unit, &known.id));
    }
    if visit.ended.is_none() {
        let key = unit_visit_key(&visit.tenant, &visit.plan.unit, &visit.id);
        tx.put_octets(Keyspace::VisitUnits, key, Vec::new())?;
    }
    tx.put(&visit.id, &VisitRow { visit: visit.clone() })
}

/// Revokes what is left of the certificates of a visit, intents among them.
fn revoke_all(tx: &mut Transaction<'_>, visit: &Visit, change: &VisitChange) -> Result<(), ActFault> {
    let why = format!("{} of {}", change.event.act.name(), visit.id);
    for one in &visit.certificates {
        revoke(tx, &one.id, (ReasonCode::CessationOfOperation, &why), &change.event)?;
    }
    Ok(())
}

/// Revokes a certificate unless it is revoked, is over, or came to nothing. `like` tells who does it, and when.
fn revoke(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    (reason, why): (ReasonCode, &str),
    like: &AuditEvent,
) -> Result<(), ActFault> {
    let event = AuditEvent {
        act: Act::CertificateRevoked,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: reason.name().to_owned(),
        detail: why.to_owned(),
        digest: Vec::new(),
        ..like.clone()
    };
    if certificate_row(tx, id)?.is_none_or(|row| row.validity.not_after() < like.time) {
        return Ok(());
    }
    let revocation = Revocation { time: like.time, reason, invalidity_date: None };
    revocation::record(tx, RevocationRecord { id: id.clone(), revocation, event }).map(drop)
}

/// Decides whether an intent is admitted on its visit, and notes it there; returns the visit. Nothing where it needs none.
pub(super) fn admit(tx: &Transaction<'_>, intent: &Intent) -> Result<Option<Visit>, Refusal> {
    let id = match &intent.conditions.visit {
        None => return Ok(None),
        Some(VisitOf::None) => return Err(refused(VisitRefusal::Required)),
        Some(VisitOf::Visit(id)) => id,
    };
    let known = tx.row::<VisitRow>(id)?.map(|row| row.visit);
    let mut visit = known.ok_or(refused(VisitRefusal::Unknown))?;
    let (tenant, now) = (&intent.tenant, intent.recorded_at);
    let person = people::person_named(tx, &intent.event.actor)?;
    if person.is_none_or(|person| person.id != visit.plan.technician) {
        return Err(refused(VisitRefusal::Technician));
    }
    if !is_technician(tx, &visit.plan.technician, (tenant, now))? {
        return Err(refused(VisitRefusal::NoTechnician));
    }
    // What is no device's has no title, so that it is no unit's.
    let Some((slot, _)) = &intent.conditions.slot else { return Err(refused(VisitRefusal::Unit)) };
    if slot.hierarchy != Hierarchy::Maintenance {
        return Err(refused(VisitRefusal::Profile));
    }
    // M-03: who may approve no more has not approved, and what he opened who may not open is void.
    let given = still_given(tx, &visit, now)?;
    visit.admits((tenant, &slot.title), (now, intent.validity.not_after()), given).map_err(refused)?;
    if !people::still_may(tx, &visit.opened.by, (Permission::LeadVisits, tenant), now)? {
        return Err(refused(VisitRefusal::Void));
    }
    visit.certificates.push(VisitCertificate { purpose: intent.purpose, id: intent.id.clone() });
    Ok(Some(visit))
}

/// Counts those who approved and still may, each person once.
fn still_given(tx: &Transaction<'_>, visit: &Visit, now: UnixTime) -> Result<u8, ReadFault> {
    let mut names: Vec<String> = Vec::new();
    for mark in &visit.approvals {
        let may = people::still_may(tx, &mark.by, (Permission::Approve, &visit.tenant), now)?;
        let name = people::one_name(tx, &mark.by)?;
        if may && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(u8::try_from(names.len()).unwrap_or(u8::MAX))
}

const fn refused(refusal: VisitRefusal) -> Refusal {
    Refusal::Conflict(IntentConflict::Visit(refusal))
}

/// Revokes what a certificate for a hand-held unit replaced, in the act that records it: one at a time is good.
pub(super) fn supersede(
    tx: &mut Transaction<'_>,
    (id, row): (&CertificateId, &CertificateRow),
    replaced: &[CertificateId],
    by: &Mark,
) -> Result<(), ActFault> {
    if row.slot.as_ref().is_none_or(|slot| slot.hierarchy != Hierarchy::Maintenance) {
        return Ok(());
    }
    let like = AuditEvent {
        time: by.at,
        tenant: row.tenant.clone(),
        actor: by.by.clone(),
        act: Act::CertificateRevoked,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: Vec::new(),
    };
    for earlier in replaced {
        let why = format!("{} takes its place", id.serial);
        revoke(tx, earlier, (ReasonCode::Superseded, &why), &like)?;
    }
    Ok(())
}

/// Ends visits whose time is over; returns how many.
pub(crate) fn end_over(tx: &mut Transaction<'_>, now: UnixTime, limit: usize) -> Result<usize, ActFault> {
    let mut ended = 0;
    for (key, _) in tx.rows_under(Keyspace::VisitUnits, &[])? {
        let damaged = RowFault::Key { keyspace: Keyspace::VisitUnits.name() };
        let id = parse_unit_visit(&key).ok_or(damaged)?;
        let visit = tx.row::<VisitRow>(&id)?.map(|row| row.visit);
        let over = visit.filter(|visit| visit.plan.until < now && ended < limit);
        if let Some(visit) = over
            && change(tx, &VisitChange::over(&visit, now))?.is_ok()
        {
            ended += 1;
        }
    }
    Ok(ended)
}

/// Makes a change of an exported log again. What was revoked by it has records of its own.
pub(crate) fn redo(
    tx: &mut Transaction<'_>,
    change: &VisitChange,
) -> Result<Result<(), VisitConflict>, ActFault> {
    let known = tx.row::<VisitRow>(&change.id)?.map(|row| row.visit);
    match change.applied_to(known.clone()) {
        Ok(visit) => write(tx, known.as_ref(), &visit).map(Ok),
        Err(conflict) => Ok(Err(conflict)),
    }
}

/// Notes an intent of an exported log on its visit again.
pub(crate) fn retake(
    tx: &mut Transaction<'_>,
    id: &VisitId,
    certificate: VisitCertificate,
) -> Result<(), ActFault> {
    let Some(VisitRow { mut visit }) = tx.row(id)? else { return Ok(()) };
    visit.certificates.push(certificate);
    tx.put(id, &VisitRow { visit })
}

/// Writes an admitted intent's visit.
pub(super) fn note(tx: &mut Transaction<'_>, visit: Visit) -> Result<(), ActFault> {
    tx.put(&visit.id.clone(), &VisitRow { visit })
}

/// Decodes a row that a list came upon.
pub(crate) fn decode(octets: &[u8]) -> Result<Visit, RowFault> {
    Ok(VisitRow::decode(octets)?.visit)
}
