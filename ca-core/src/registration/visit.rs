//! On which visit a certificate for a hand-held unit is asked for, and for how long it may be valid there.
//!
//! Whether the visit admits it is decided by the ledger inside its transaction.

use sha2::{Digest, Sha256};

use crate::profile::{CertificateProfile, Hierarchy, ValidityRule};
use crate::record::{Idempotency, VisitOf};
use crate::request::EnrolmentRequest;
use crate::validity::UnixTime;
use crate::visits::Visit;

/// What is of the maintenance hierarchy is issued on a visit and not otherwise, whichever door is open for it.
pub(super) fn of(visit: Option<&Visit>, profile: &CertificateProfile) -> Option<VisitOf> {
    match (visit, profile.parts().hierarchy) {
        (Some(visit), _) => Some(VisitOf::Visit(visit.id.clone())),
        (None, Hierarchy::Maintenance) => Some(VisitOf::None),
        (
            None,
            Hierarchy::Authority | Hierarchy::Factory | Hierarchy::Operational | Hierarchy::Infrastructure,
        ) => None,
    }
}

/// The same request on another visit is another request.
pub(super) fn repeated(visit: Option<&Visit>, idempotency: Idempotency) -> Idempotency {
    let Some(visit) = visit else { return idempotency };
    let hash = Sha256::new().chain_update(idempotency.key).chain_update(visit.id.as_str());
    Idempotency { key: hash.finalize().into(), ..idempotency }
}

/// Shortens what is asked for to what is left of the visit, though never below what the profile gives at least: that the ledger
/// refuses.
pub(super) fn bounded(
    visit: Option<&Visit>,
    request: EnrolmentRequest,
    (profile, now): (&CertificateProfile, UnixTime),
) -> EnrolmentRequest {
    let (Some(visit), ValidityRule::Range { default_seconds, min_seconds, .. }) =
        (visit, &profile.parts().validity)
    else {
        return request;
    };
    let wanted = request.validity_seconds.unwrap_or(*default_seconds);
    let seconds = visit.bounded(wanted, now).max(*min_seconds).min(wanted.max(*min_seconds));
    EnrolmentRequest { validity_seconds: Some(seconds), ..request }
}
