//! A request that waits for the approval of operators: what is kept of it, and which decision may follow which.
//!
//! Pure: the ledger asks here, and writes down what follows, inside its transaction. Who may decide at all is said in
//! `approval`; what two requests have in common that are the same, in `registration`.

use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::profile::ProfileId;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

use super::CertificateId;

/// A request that waits, or waited, for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
    /// SHA-256 over all that is approved: issuer, profile and version, requester, subject, names, period, kind, public key.
    /// Octets that a request has anew each time, such as its signature, are not in it.
    pub digest: [u8; 32],
    /// Whose certificate it would be.
    pub tenant: TenantId,
    /// The key that would sign it.
    pub issuer: KeyRef,
    /// The profile.
    pub profile: ProfileId,
    /// That profile's version.
    pub profile_version: u32,
    /// The subject as it is shown.
    pub subject: String,
    /// Its alternative names.
    pub names: Vec<String>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// Who asked, as audit records name it.
    pub requester: String,
    /// Whether a certificate is to be succeeded.
    pub again: bool,
    /// How many different operators must approve it.
    pub needed: u8,
    /// When it was asked for.
    pub requested_at: UnixTime,
    /// The last second in which it can be decided or answered.
    pub expires_at: UnixTime,
    /// Who approved it so far, each once.
    pub approvals: Vec<Mark>,
    /// Who refused it, and why.
    pub refusal: Option<(Mark, String)>,
    /// The certificate, or the intent to make one, that answers it.
    pub answer: Option<CertificateId>,
}

/// Who decided, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Who, as audit records name an operator.
    pub by: String,
    /// When.
    pub at: UnixTime,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Too few have approved it.
    Waiting,
    /// It will be answered when it comes again.
    Approved,
    /// An operator refused it.
    Refused,
    /// A certificate answers it.
    Answered,
    /// Its time is over: who asks again asks anew.
    Expired,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Approved, Self::Refused, Self::Answered, Self::Expired];

    /// Returns the standing of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Expired => "expired",
        }
    }
}

/// What an operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The certificate may be issued.
    Approve,
    /// It may not.
    Refuse {
        /// Why, in the operator's words.
        reason: String,
    },
}

/// A decision to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Of which request.
    pub digest: [u8; 32],
    /// The key that would sign the certificate.
    pub issuer: KeyRef,
    /// Who and when.
    pub mark: Mark,
    /// What.
    pub verdict: Verdict,
    /// The audit event `RequestApproved` or `ApprovalRefused`, in the same transaction.
    pub event: AuditEvent,
}

/// Why a decision is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionConflict {
    /// No such request waits.
    Unknown,
    /// Its time is over.
    Expired {
        /// The last second it had.
        expires_at: UnixTime,
    },
    /// It was answered.
    Answered {
        /// By which certificate.
        id: CertificateId,
    },
    /// It was refused.
    Refused {
        /// By whom.
        by: Mark,
    },
    /// Enough have approved it.
    Approved,
    /// The same operator approved it before: two are needed.
    SameOperator,
    /// Who asked does not approve.
    OwnRequest,
}

impl WaitingRequest {
    /// Returns where it stands at this time. An answer stands until the end of the request.
    #[must_use]
    pub fn standing(&self, now: UnixTime) -> Standing {
        if now > self.expires_at {
            Standing::Expired
        } else if self.answer.is_some() {
            Standing::Answered
        } else if self.refusal.is_some() {
            Standing::Refused
        } else if self.approvals.len() >= usize::from(self.needed) {
            Standing::Approved
        } else {
            Standing::Waiting
        }
    }

    /// Tells whether something is still to come of it, whatever the time: neither answered nor refused.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.answer.is_none() && self.refusal.is_none()
    }

    /// Takes a decision in.
    ///
    /// # Errors
    /// [`DecisionConflict`]; nothing has changed.
    pub fn decide(&mut self, mark: Mark, verdict: Verdict) -> Result<(), DecisionConflict> {
        match (self.standing(mark.at), &self.answer, &self.refusal) {
            (Standing::Expired, _, _) => {
                return Err(DecisionConflict::Expired { expires_at: self.expires_at });
            }
            (_, Some(id), _) => return Err(DecisionConflict::Answered { id: id.clone() }),
            (_, None, Some((by, _))) => return Err(DecisionConflict::Refused { by: by.clone() }),
            (Standing::Waiting | Standing::Approved | Standing::Refused | Standing::Answered, None, None) => {
            }
        }
        match verdict {
            Verdict::Refuse { reason } => self.refusal = Some((mark, reason)),
            Verdict::Approve if mark.by == self.requester => return Err(DecisionConflict::OwnRequest),
            Verdict::Approve if self.approvals.iter().any(|before| before.by == mark.by) => {
                return Err(DecisionConflict::SameOperator);
            }
            Verdict::Approve if self.standing(mark.at) == Standing::Approved => {
                return Err(DecisionConflict::Approved);
            }
            Verdict::Approve => self.approvals.push(mark),
        }
        Ok(())
    }
}

/// An intent is recorded only when its request was approved; otherwise the request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalCondition {
    /// The request as it will be kept if it is not on record.
    pub request: WaitingRequest,
    /// After how many seconds the requester is to ask again.
    pub retry_after_seconds: u64,
    /// How many requests may be open at once.
    pub bounds: WaitingBounds,
    /// The audit event `RequestWaits`, in the same transaction as the row.
    pub event: AuditEvent,
}

/// How many requests may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingBounds {
    /// Of one requester.
    pub of_requester: u32,
    /// Of one tenant.
    pub of_tenant: u32,
}

/// A request that is on record and not approved yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaiting {
    /// Which.
    pub digest: [u8; 32],
    /// How long it can be decided and answered.
    pub expires_at: UnixTime,
    /// After how many seconds the requester is to ask again.
    pub retry_after_seconds: u64,
}

/// Which requests to list, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// The present, by which they stand so.
    pub now: UnixTime,
    /// Only those that come after this one, by its end and its digest.
    pub after: Option<(UnixTime, [u8; 32])>,
    /// At most so many.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serial_number::SerialNumber;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn waiting(needed: u8) -> WaitingRequest {
        WaitingRequest {
            digest: [7; 32],
            tenant: TenantId::parse("dso").unwrap(),
            issuer: KeyRef::new([1; 20]),
            profile: ProfileId::parse("hhu-op-ds-s1").unwrap(),
            profile_version: 1,
            subject: "4D504B0001FEA042".to_owned(),
            names: Vec::new(),
            key_fingerprint: [9; 32],
            requester: "operator:ada".to_owned(),
            again: false,
            needed,
            requested_at: NOW,
            expires_at: NOW.plus_seconds(100),
            approvals: Vec::new(),
            refusal: None,
            answer: None,
        }
    }

    fn by(name: &str) -> Mark {
        Mark { by: format!("operator:{name}"), at: NOW }
    }

    fn refuse() -> Verdict {
        Verdict::Refuse { reason: "not ours".to_owned() }
    }

    #[test]
    fn two_different_operators_approve_and_none_of_them_is_the_requester() {
        let mut one = waiting(2);
        assert_eq!(one.decide(by("ada"), Verdict::Approve), Err(DecisionConflict::OwnRequest));
        assert_eq!(one.decide(by("bob"), Verdict::Approve), Ok(()));
        assert_eq!(one.standing(NOW), Standing::Waiting);
        assert_eq!(one.decide(by("bob"), Verdict::Approve), Err(DecisionConflict::SameOperator));
        assert_eq!(one.decide(by("eve"), Verdict::Approve), Ok(()));
        assert_eq!(one.standing(NOW), Standing::Approved);
        assert_eq!(one.decide(by("kim"), Verdict::Approve), Err(DecisionConflict::Approved));
        assert_eq!(one.approvals.len(), 2);
    }

    #[test]
    fn a_refusal_is_final_also_of_what_was_approved() {
        let mut one = waiting(1);
        one.decide(by("bob"), Verdict::Approve).unwrap();
        one.decide(by("eve"), refuse()).unwrap();
        assert_eq!(one.standing(NOW), Standing::Refused);
        let refused = || Err(DecisionConflict::Refused { by: by("eve") });
        assert_eq!(one.decide(by("kim"), Verdict::Approve), refused());
        assert_eq!(one.decide(by("kim"), refuse()), refused());
    }

    #[test]
    fn nothing_is_decided_of_what_was_answered_or_is_over() {
        let mut one = waiting(1);
        let late = Mark { at: NOW.plus_seconds(101), ..by("bob") };
        let expired = DecisionConflict::Expired { expires_at: one.expires_at };
        assert_eq!(one.decide(late, Verdict::Approve), Err(expired));
        assert_eq!(one.standing(NOW.plus_seconds(100)), Standing::Waiting, "the last second belongs to it");
        let serial = SerialNumber::from_octets(&[1]).unwrap();
        let id = CertificateId { issuer: one.issuer, serial };
        one.answer = Some(id.clone());
        assert_eq!(one.decide(by("bob"), refuse()), Err(DecisionConflict::Answered { id }));
    }

    #[test]
    fn words_lead_back_to_their_standing() {
        for standing in Standing::ALL {
            assert_eq!(Standing::from_name(standing.name()), Some(standing));
        }
        assert_eq!(Standing::from_name("open"), None);
    }
}
