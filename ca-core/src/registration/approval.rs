//! Whether a request needs the approval of operators, and when two requests are the same to those who approve.
//!
//! Nothing is decided here but what is asked of the ledger: whether they approved is its knowledge.

use super::repeats::Fields;
use super::{Door, Offer};
use crate::issuer::Issuer;
use crate::profile::{Approval, CertificateProfile};
use crate::record::WaitingBounds;
use crate::request::{EnrolmentKind, EnrolmentRequest};

/// What an offer asks of operators, beside its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How many must approve, if that is more than the profile says.
    pub needed: Approval,
    /// How long a request waits at most, for approval and then for being asked again, in seconds.
    pub lifetime_seconds: i64,
    /// After how many seconds a requester that waits is to ask again.
    pub retry_after_seconds: u64,
    /// How many requests may be open at once.
    pub bounds: WaitingBounds,
}

impl Default for ApprovalRule {
    /// What the profile says; a week, so that no weekend is in the way; every ten minutes; 256 of one requester, which is a
    /// day of a line station, and 10,000 of one tenant, which nobody reads any more.
    fn default() -> Self {
        Self {
            needed: Approval::NotNeeded,
            lifetime_seconds: 7 * 86_400,
            retry_after_seconds: 600,
            bounds: WaitingBounds { of_requester: 256, of_tenant: 10_000 },
        }
    }
}

/// What a request that was admitted needs of operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeededApproval {
    pub operators: u8,
    pub rule: ApprovalRule,
}

/// The strictest of what the profile and its offers say. What this program needs for itself, such as the certificate of its
/// responder, waits for nobody.
pub(super) fn needed(offers: &[Offer], offer: &Offer, door: Door) -> Option<NeededApproval> {
    let same = offers.iter().filter(|other| other.profile.id() == offer.profile.id());
    let rules = same.flat_map(|other| [other.approval.needed, other.profile.parts().approval]);
    let operators = rules.map(Approval::operators).max().unwrap_or_default();
    (operators > 0 && door != Door::Process).then_some(NeededApproval { operators, rule: offer.approval })
}

/// SHA-256 over all that is approved. Who asks for another key, subject or period asks for something else.
// RFC 7030 §4.2.3: the client repeats its request; bound to another connection (§3.5) it has other octets.
pub(crate) fn digest(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    key_fingerprint: &[u8; 32],
    operators: u8,
) -> [u8; 32] {
    let kind = match &request.kind {
        EnrolmentKind::First => "first",
        EnrolmentKind::ReEnrolment { .. } => "again",
    };
    let mut hash = Fields::new();
    hash.add(b"request to be approved, form 1");
    hash.add(issuer.key().octets());
    hash.add(profile.id().as_str().as_bytes());
    hash.add(&profile.parts().version.to_be_bytes());
    for text in
        [request.actor.tenant.as_str(), kind, &request.actor.requester(), &request.subject.to_string()]
    {
        hash.add(text.as_bytes());
    }
    for name in &request.subject.alternative_names {
        hash.add(name.to_string().as_bytes());
    }
    hash.add(&request.validity_seconds.map_or_else(Vec::new, |seconds| seconds.to_be_bytes().to_vec()));
    hash.add(key_fingerprint);
    hash.add(&[operators]);
    hash.finish()
}
