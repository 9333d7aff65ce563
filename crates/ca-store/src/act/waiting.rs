//! Requests that wait for the approval of operators: letting them wait, deciding, answering, and taking away those whose time
//! is over. Which decision may follow which is ca-core's; that it follows once is decided here.

use ca_core::audit::{Act, AuditEvent};
use ca_core::people::Permission;
use ca_core::record::{
    ApprovalCondition, Awaiting, CertificateId, Decision, DecisionConflict, Intent, IntentConflict, Standing,
    WaitingRequest,
};
use ca_core::validity::UnixTime;

use super::count::{self, Owner, Step};
use super::people;
use super::refusal::Refusal;
use crate::certificate::{certificate_row, stored};
use crate::keyspace::{Keyspace, parse_request, time_octets, waiting_end_key};
use crate::row::{CertificateState, RowFault, Waiting, WaitingRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many requests that are over are taken away whenever one comes.
const SWEPT: usize = 64;

/// Whether the request was answered or refused already: the answer before all other conditions.
pub(super) fn not_settled_before(tx: &Transaction<'_>, intent: &Intent) -> Result<(), Refusal> {
    let Some(condition) = &intent.conditions.approval else { return Ok(()) };
    let Some(known) = standing(tx, condition, intent.recorded_at)? else { return Ok(()) };
    if known.refusal.is_some() {
        return Err(IntentConflict::ApprovalRefused.into());
    }
    let Some(id) = known.answer else { return Ok(()) };
    let Some(row) = certificate_row(tx, &id)? else { return Ok(()) };
    match row.state {
        CertificateState::Intended => Err(IntentConflict::InFlight.into()),
        CertificateState::Issued => Err(IntentConflict::AlreadyIssued(Box::new(stored(tx, id, row)?)).into()),
        // Such an intent gave the approval back.
        CertificateState::Aborted | CertificateState::Uncertain => Ok(()),
    }
}

/// Lets the intent answer its request, which must be approved. Asked last: whatever else stands against it is told first.
pub(super) fn answer(tx: &mut Transaction<'_>, intent: &Intent) -> Result<(), Refusal> {
    let Some(condition) = &intent.conditions.approval else { return Ok(()) };
    let known = standing(tx, condition, intent.recorded_at)?;
    match known.map(|known| in_force(tx, &known, intent.recorded_at)).transpose()? {
        Some(known) if known.standing(intent.recorded_at) == Standing::Approved => {
            count::step::<Waiting>(tx, owner(&known), Step::Down)?;
            let request = WaitingRequest { answer: Some(intent.id.clone()), ..known };
            Ok(tx.put(&condition.request.digest, &WaitingRow { request })?)
        }
        Some(_) | None => Err(Refusal::Unapproved(condition.clone())),
    }
}

/// Lets a request wait, if it does not already and there is room. What an intent that was not approved wrote is undone.
pub(crate) fn wait(
    tx: &mut Transaction<'_>,
    condition: &ApprovalCondition,
) -> Result<IntentConflict, ActFault> {
    let (request, now) = (&condition.request, condition.request.requested_at);
    let expires_at = match standing(tx, condition, now)? {
        Some(known) => void_approvals(tx, &known, now)?.expires_at,
        None => {
            sweep(tx, now)?;
            // What is over and was not swept yet makes room for the same request.
            take_away(tx, &request.digest)?;
            if is_full(tx, condition)? {
                return Ok(IntentConflict::TooManyWaiting);
            }
            tx.seal(condition.event.clone())?;
            count::step::<Waiting>(tx, owner(request), Step::Up)?;
            let end = waiting_end_key(request.expires_at, &request.digest);
            tx.put_octets(Keyspace::WaitingEnds, end, Vec::new())?;
            tx.put(&request.digest, &WaitingRow { request: request.clone() })?;
            request.expires_at
        }
    };
    let (digest, retry_after_seconds) = (request.digest, condition.retry_after_seconds);
    Ok(IntentConflict::AwaitsApproval(Awaiting { digest, expires_at, retry_after_seconds }))
}

/// Takes the approvals away of those who may not approve any more, each on record.
fn void_approvals(
    tx: &mut Transaction<'_>,
    known: &WaitingRequest,
    now: UnixTime,
) -> Result<WaitingRequest, ActFault> {
    let left = in_force(tx, known, now)?;
    for mark in known.approvals.iter().filter(|mark| !left.approvals.contains(mark)) {
        tx.seal(AuditEvent {
            time: now,
            tenant: known.tenant.clone(),
            actor: "process:approvals".to_owned(),
            act: Act::ApprovalVoided,
            issuer: Some(known.issuer),
            serial: None,
            reason: String::new(),
            detail: format!("{} may not approve any more", mark.by),
            digest: known.digest.to_vec(),
        })?;
    }
    if left != *known {
        tx.put(&known.digest, &WaitingRow { request: left.clone() })?;
    }
    Ok(left)
}

/// Records what an operator decided.
pub(crate) fn decide(
    tx: &mut Transaction<'_>,
    decision: Decision,
) -> Result<Result<WaitingRequest, DecisionConflict>, ActFault> {
    let Decision { digest, issuer, mark, verdict, event } = decision;
    let known = tx.row::<WaitingRow>(&digest)?.map(|row| row.request);
    let Some(known) = known.filter(|request| request.issuer == issuer) else {
        return Ok(Err(DecisionConflict::Unknown));
    };
    // What was answered stays as it was.
    let mut request = if known.is_open() { void_approvals(tx, &known, mark.at)? } else { known };
    let was_open = request.is_open();
    let judged = by_person(tx, &request)?.decide(people::one_mark(tx, &mark)?, verdict.clone());
    if let Err(conflict) = judged.and_then(|()| request.decide(mark, verdict)) {
        return Ok(Err(conflict));
    }
    tx.seal(event)?;
    write(tx, &request, was_open)?;
    Ok(Ok(request))
}

/// The request as it is when one person has one name: two credentials of one person count once (M-02).
fn by_person(tx: &Transaction<'_>, request: &WaitingRequest) -> Result<WaitingRequest, ReadFault> {
    Ok(WaitingRequest {
        requester: people::one_name(tx, &request.requester)?,
        approvals: people::one_mark_each(tx, &request.approvals)?,
        ..request.clone()
    })
}

/// The request without the approvals of those who may not approve any more (M-03).
fn in_force(
    tx: &Transaction<'_>,
    request: &WaitingRequest,
    now: UnixTime,
) -> Result<WaitingRequest, ReadFault> {
    let mut approvals = Vec::new();
    for mark in &request.approvals {
        let needs = (Permission::DecideRequests, &request.tenant);
        if people::still_may(tx, &mark.by, needs, now)? {
            approvals.push(mark.clone());
        }
    }
    Ok(WaitingRequest { approvals, ..request.clone() })
}

/// Writes a request that was changed, and counts it no more when nothing is to come of it.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    request: &WaitingRequest,
    was_open: bool,
) -> Result<(), ActFault> {
    match (was_open, request.is_open()) {
        (true, false) => count::step::<Waiting>(tx, owner(request), Step::Down)?,
        (false, true) => count::step::<Waiting>(tx, owner(request), Step::Up)?,
        (true, true) | (false, false) => {}
    }
    tx.put(&request.digest, &WaitingRow { request: request.clone() })
}

/// Gives an approval back that an intent used which came to nothing.
pub(crate) fn give_back(
    tx: &mut Transaction<'_>,
    digest: &[u8; 32],
    id: &CertificateId,
) -> Result<(), ActFault> {
    let Some(WaitingRow { mut request }) = tx.row(digest)? else { return Ok(()) };
    if request.answer.as_ref() != Some(id) {
        return Ok(());
    }
    request.answer = None;
    write(tx, &request, false)
}

/// Takes a request away, with all that points to it.
pub(crate) fn take_away(tx: &mut Transaction<'_>, digest: &[u8; 32]) -> Result<(), ActFault> {
    let Some(WaitingRow { request }) = tx.row(digest)? else { return Ok(()) };
    if request.is_open() {
        count::step::<Waiting>(tx, owner(&request), Step::Down)?;
    }
    tx.remove_key(Keyspace::WaitingEnds, waiting_end_key(request.expires_at, digest));
    tx.remove::<WaitingRow>(digest);
    Ok(())
}

/// The request on record, unless its time is over.
fn standing(
    tx: &Transaction<'_>,
    condition: &ApprovalCondition,
    now: UnixTime,
) -> Result<Option<WaitingRequest>, ActFault> {
    let known = tx.row::<WaitingRow>(&condition.request.digest)?.map(|row| row.request);
    Ok(known.filter(|known| known.standing(now) != Standing::Expired))
}

fn sweep(tx: &mut Transaction<'_>, now: UnixTime) -> Result<(), ActFault> {
    let over = time_octets(now);
    for (key, _) in tx.committed_after(Keyspace::WaitingEnds, &[], SWEPT)? {
        if key.get(..over.len()).is_none_or(|end| *end >= *over.as_slice()) {
            break;
        }
        let damaged = RowFault::Key { keyspace: Keyspace::WaitingEnds.name() };
        let digest = parse_request(&key).ok_or(damaged)?;
        // The same request may wait anew, until another end.
        match tx.row::<WaitingRow>(&digest)? {
            Some(row) if row.request.standing(now) == Standing::Expired => take_away(tx, &digest)?,
            Some(_) | None => tx.remove_key(Keyspace::WaitingEnds, key),
        }
    }
    Ok(())
}

fn is_full(tx: &Transaction<'_>, condition: &ApprovalCondition) -> Result<bool, ActFault> {
    let ApprovalCondition { request, bounds, .. } = condition;
    count::is_full::<Waiting>(tx, owner(request), (bounds.of_tenant, bounds.of_requester))
}

fn owner(request: &WaitingRequest) -> Owner<'_> {
    (&request.tenant, &request.requester)
}
