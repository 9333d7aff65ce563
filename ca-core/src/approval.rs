//! What operators decide of requests that wait, and the recording of it. Nothing is issued here: the requester asks again.
//!
//! Which decision may follow which is said in `record`, and decided by the ledger inside its transaction.

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::hexadecimal::hexadecimal;
use crate::issuer::Issuer;
use crate::ports::{Unavailable, WaitingRoom};
use crate::record::{Decision, DecisionConflict, Mark, Verdict, WaitingRequest};
use crate::validity::UnixTime;

/// The longest reason of a refusal, in characters.
const MAX_REASON: usize = 200;

/// What an operator says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// Who decides.
    pub actor: Actor,
    /// Of which request: the digest over all that is approved.
    pub digest: [u8; 32],
    /// What.
    pub verdict: Verdict,
}

impl ApprovalRequest {
    /// Says in words what was tried, for the record of a refusal.
    pub(crate) fn wish(&self) -> String {
        let what = match &self.verdict {
            Verdict::Approve => "approval",
            Verdict::Refuse { .. } => "refusal",
        };
        format!("{what} of request {}", hexadecimal(&self.digest))
    }
}

/// Records a decision, if this operator may make it.
pub(crate) fn decide(
    issuer: &Issuer,
    room: &dyn WaitingRoom,
    request: ApprovalRequest,
    now: UnixTime,
) -> Result<WaitingRequest, DecideError> {
    check_actor(issuer, &request.actor)?;
    let ApprovalRequest { actor, digest, verdict } = request;
    let (act, reason) = match &verdict {
        Verdict::Approve => (Act::RequestApproved, String::new()),
        Verdict::Refuse { reason } => (Act::ApprovalRefused, readable(reason)?),
    };
    let mark = Mark { by: actor.to_string(), at: now };
    let event = AuditEvent {
        time: now,
        tenant: actor.tenant,
        actor: mark.by.clone(),
        act,
        issuer: Some(issuer.key()),
        serial: None,
        reason: String::new(),
        detail: if reason.is_empty() {
            hexadecimal(&digest)
        } else {
            format!("{}; {reason}", hexadecimal(&digest))
        },
        digest: digest.to_vec(),
    };
    let decision = Decision { digest, issuer: issuer.key(), mark, verdict, event };
    room.record_decision(decision)?.map_err(DecideError::Conflict)
}

/// Operators of the owner decide, one by one; no part of the program does.
fn check_actor(issuer: &Issuer, actor: &Actor) -> Result<(), DecideError> {
    match &actor.identity {
        Identity::Operator { .. } if actor.tenant == *issuer.tenant() => Ok(()),
        Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Device(_)
        | Identity::RegistrationAuthority(_)
        | Identity::OneTimeToken { .. }
        | Identity::Unauthenticated { .. } => Err(DecideError::NotEntitled),
    }
}

fn readable(reason: &str) -> Result<String, DecideError> {
    let characters = reason.chars().count();
    if characters == 0 || characters > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(DecideError::Reason);
    }
    Ok(reason.to_owned())
}

/// Why a decision was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// Who asks decides nothing here.
    #[error("only operators of the owner of this authority decide about its requests")]
    NotEntitled,
    /// The reason of a refusal is none.
    #[error("a refusal has a reason of 1 to {MAX_REASON} printable characters")]
    Reason,
    /// The request does not stand so that this can be decided.
    #[error("{}", sentence(.0))]
    Conflict(DecisionConflict),
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn sentence(conflict: &DecisionConflict) -> String {
    match conflict {
        DecisionConflict::Unknown => "no such request waits here".to_owned(),
        DecisionConflict::Expired { expires_at } => {
            format!("the request waited until {expires_at} and is over")
        }
        DecisionConflict::Answered { id } => {
            format!("the request was answered with certificate {}", id.serial)
        }
        DecisionConflict::Refused { by } => format!("the request was refused by {} at {}", by.by, by.at),
        DecisionConflict::Approved => "the request has all the approvals it needs".to_owned(),
        DecisionConflict::SameOperator => {
            "the same operator approved it before, and two different ones are needed".to_owned()
        }
        DecisionConflict::OwnRequest => "who asked for a certificate does not approve it".to_owned(),
    }
}

impl DecideError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "approval.not-entitled",
            Self::Reason => "approval.reason",
            Self::Conflict(conflict) => match conflict {
                DecisionConflict::Unknown => "request.unknown",
                DecisionConflict::Expired { .. } => "request.expired",
                DecisionConflict::Answered { .. } => "request.answered",
                DecisionConflict::Refused { .. } => "request.refused",
                DecisionConflict::Approved => "approval.enough",
                DecisionConflict::SameOperator => "approval.same-operator",
                DecisionConflict::OwnRequest => "approval.own-request",
            },
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotEntitled
            | Self::Reason
            | Self::Conflict(
                DecisionConflict::Unknown | DecisionConflict::SameOperator | DecisionConflict::OwnRequest,
            ) => Fault::Requester,
            Self::Conflict(
                DecisionConflict::Expired { .. }
                | DecisionConflict::Answered { .. }
                | DecisionConflict::Refused { .. }
                | DecisionConflict::Approved,
            ) => Fault::Conflict,
            Self::Unavailable(_) => Fault::Unavailable,
        }
    }
}
