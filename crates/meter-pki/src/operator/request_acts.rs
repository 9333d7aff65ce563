//! What operators can do about requests that wait for approval: list, show, approve, refuse.
//!
//! Nothing is issued here. Who the operator is, the kernel says.

use ca_core::approval::{ApprovalRequest, DecideError};
use ca_core::fault::Fault;
use ca_core::ports::Unavailable;
use ca_core::record::{DecisionConflict, Mark, Standing, Verdict, WaitingQuery, WaitingRequest};
use ca_core::validity::UnixTime;

use super::acts::{operator, rows, unavailable, unknown_state};
use super::routes::Peer;
use super::wire::requests::{DecisionText, MarkView, RequestPage, RequestQueryText, RequestView};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// The fewest hexadecimal digits that name a request.
const SHORTEST_ID: usize = 8;

pub(super) fn list(system: &System, peer: &Peer, text: &RequestQueryText) -> Result<RequestPage, Failure> {
    let (limit, now) = (rows(text.limit), system.clock.now());
    let query = WaitingQuery {
        tenant: peer.bounded(text.tenant.as_deref())?,
        standing: text.state.as_deref().map(standing).transpose()?,
        now,
        after: text.after.as_deref().map(place).transpose()?,
        limit,
    };
    let found = system.ports.waiting.waiting_requests(&query).map_err(unavailable)?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|last| format!("{}.{}", last.expires_at.seconds(), hex::encode(last.digest)));
    Ok(RequestPage { requests: found.iter().map(|one| view(system, one, now)).collect(), next })
}

pub(super) fn show(system: &System, peer: &Peer, id: &str) -> Result<RequestView, Failure> {
    let request = find(system, id)?;
    peer.check(&request.tenant)?;
    Ok(view(system, &request, system.clock.now()))
}

pub(super) fn decide(
    system: &System,
    peer: &Peer,
    id: &str,
    text: DecisionText,
) -> Result<RequestView, Failure> {
    let request = find(system, id)?;
    let served = system.served(&request.issuer).ok_or_else(|| unknown(id))?;
    let verdict = match text.refused_for {
        None => Verdict::Approve,
        Some(reason) => Verdict::Refuse { reason },
    };
    let actor = operator(served.authority.issuer().tenant(), peer)?;
    let decided = served
        .authority
        .decide(ApprovalRequest { actor, digest: request.digest, verdict })
        .map_err(|error| failure(error, id))?;
    Ok(view(system, &decided, system.clock.now()))
}

/// Finds the one request whose id begins so.
fn find(system: &System, id: &str) -> Result<WaitingRequest, Failure> {
    let digest = hex::decode(id).ok().filter(|_| (SHORTEST_ID..=64).contains(&id.len()));
    let digest = digest.ok_or_else(|| {
        let message =
            format!("{id} is no id of a request: {SHORTEST_ID} to 64 hexadecimal digits, an even number");
        Failure::new(Exit::Usage, "request.malformed", message).then("meter-pki request list")
    })?;
    let mut found = system.ports.waiting.waiting_requests_named(&digest).map_err(unavailable)?;
    match (found.pop(), found.is_empty()) {
        (Some(request), true) => Ok(request),
        (Some(_), false) => {
            let message = format!("the ids of several requests begin with {id}");
            Err(Failure::new(Exit::Usage, "request.ambiguous", message).then("give more digits of the id"))
        }
        (None, _) => Err(unknown(id)),
    }
}

fn unknown(id: &str) -> Failure {
    Failure::new(Exit::NotFound, "request.unknown", format!("no request with the id {id} waits here"))
        .then("meter-pki request list")
}

fn failure(error: DecideError, id: &str) -> Failure {
    let exit = match (&error, error.fault()) {
        (DecideError::NotEntitled, _)
        | (DecideError::Conflict(DecisionConflict::SameOperator | DecisionConflict::OwnRequest), _) => {
            Exit::Permission
        }
        (DecideError::Conflict(DecisionConflict::Unknown), _) => Exit::NotFound,
        (DecideError::Reason, _) => Exit::Usage,
        (DecideError::Conflict(_), _) => Exit::Conflict,
        (DecideError::Unavailable(_), Fault::Unavailable) => Exit::Unavailable,
        (DecideError::Unavailable(_), _) => Exit::Failed,
    };
    let code = error.code();
    let next = match &error {
        DecideError::Conflict(DecisionConflict::SameOperator | DecisionConflict::OwnRequest) => {
            format!("another operator types `meter-pki request approve {id}`")
        }
        DecideError::Conflict(_) => format!("meter-pki request show {id}"),
        DecideError::NotEntitled | DecideError::Reason => String::new(),
        DecideError::Unavailable(Unavailable { .. }) => "try again".to_owned(),
    };
    Failure::new(exit, code, error).then(next)
}

fn standing(text: &str) -> Result<Standing, Failure> {
    let known = || Standing::ALL.map(Standing::name);
    Standing::from_name(text).ok_or_else(|| unknown_state(text, &known()))
}

/// A place in the list: the end of a request and its digest.
fn place(text: &str) -> Result<(UnixTime, [u8; 32]), Failure> {
    let read = || {
        let (end, digest) = text.split_once('.')?;
        let digest = hex::decode(digest).ok()?.try_into().ok()?;
        Some((UnixTime::from_seconds(end.parse().ok()?), digest))
    };
    read().ok_or_else(|| {
        Failure::new(Exit::Usage, "place.malformed", "that is not the `next` of a page before")
    })
}

fn view(system: &System, request: &WaitingRequest, now: UnixTime) -> RequestView {
    let served = system.served(&request.issuer);
    RequestView {
        id: hex::encode(request.digest),
        state: request.standing(now).name().to_owned(),
        authority: served.map_or_else(|| request.issuer.to_string(), |served| served.name.clone()),
        tenant: request.tenant.to_string(),
        profile: request.profile.to_string(),
        profile_version: request.profile_version,
        subject: request.subject.clone(),
        names: request.names.clone(),
        key_sha256: hex::encode(request.key_fingerprint),
        requester: request.requester.clone(),
        kind: if request.again { "again" } else { "first" }.to_owned(),
        needed: request.needed,
        approvals: request.approvals.iter().map(mark).collect(),
        refused: request.refusal.as_ref().map(|(by, _)| mark(by)),
        reason: request.refusal.as_ref().map(|(_, reason)| reason.clone()),
        serial: request.answer.as_ref().map(|id| id.serial.to_string()),
        requested_at: request.requested_at.to_string(),
        expires_at: request.expires_at.to_string(),
    }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}
