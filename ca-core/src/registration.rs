//! The registration authority's decision: may this requester have a certificate for this subject, under this profile.
//!
//! Reads the ledger and the registry, writes nothing. What it finds free may be taken a moment later: whatever two requests
//! can race for goes along as [`Conditions`] and is decided again inside the ledger's transaction. RFC 7030 §3.7, §4.2.

mod conditions;
pub(crate) mod approval;
mod repeats;
mod device;
mod scope;
mod uplift;
mod renewal;
mod predecessor;
mod credential;
mod door;
mod visit;
mod error;

use crate::actor::Actor;
use crate::fleet::uplift::UpliftMatrix;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Registry, StatusSource, Transactions, Unavailable};
use crate::profile::CertificateProfile;
use crate::record::{AfterWindow, Conditions, ProductionId, StoredCertificate};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::validity::UnixTime;
use crate::visits::Visit;
pub use approval::ApprovalRule;
pub(crate) use approval::NeededApproval;
pub use door::Door;
pub use error::AdmitError;
pub(crate) use predecessor::certificates_of;
pub use renewal::RenewalError;

/// A profile that the authority issues under, and who may ask for it. No door open means nobody may.
///
/// Several offers of one profile open all their doors: a door belongs to the profile, not to the place where it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The profile.
    pub profile: CertificateProfile,
    /// Who may ask.
    pub doors: Vec<Door>,
    /// What becomes of a request that comes again.
    pub repeats: RepeatRule,
    /// Who must approve before it is answered.
    pub approval: ApprovalRule,
    /// Whether it is issued under production orders alone.
    pub production: ProductionRule,
}

/// Whether certificates of an offer are issued under production orders alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProductionRule {
    /// No order is asked for.
    #[default]
    Unasked,
    /// Whoever asks, through whichever door, asks under an order, and for what that order has left. Nothing is renewed.
    Required,
}

/// What becomes of a request that was answered before and comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatRule {
    /// How long it is given the same octets, in seconds.
    pub window_seconds: i64,
    /// What becomes of it later.
    pub after: AfterWindow,
}

impl Default for RepeatRule {
    /// A day, and then a request like any other: whoever lost an answer asks again within a day, and what a device holds
    /// then keeps its slot, so that a stale repetition is refused for what it is.
    fn default() -> Self {
        Self { window_seconds: 86_400, after: AfterWindow::New }
    }
}

/// What registration looks at.
pub(crate) struct Grounds<'a> {
    pub issuer: &'a Issuer,
    pub offers: &'a [Offer],
    /// The keys of every CA whose certificates this ledger keeps.
    pub own_issuers: &'a [KeyRef],
    pub status: &'a dyn StatusSource,
    pub registry: &'a dyn Registry,
    pub transactions: &'a dyn Transactions,
    /// Which devices may be lifted to which suite.
    pub uplifts: &'a UpliftMatrix,
    /// The production order that the requests name.
    pub production: Option<&'a ProductionId>,
    /// The visit that the request names.
    pub visit: Option<&'a Visit>,
}

/// A request that may be answered, with the profile chosen and the conditions that must still hold when it is recorded.
#[derive(Debug)]
pub struct AdmittedRequest {
    pub(crate) request: EnrolmentRequest,
    pub(crate) profile: CertificateProfile,
    pub(crate) conditions: Conditions,
    /// Fingerprint of the key in the certificate that this one succeeds.
    pub(crate) predecessor_key: Option<[u8; 32]>,
    /// What it needs of operators.
    pub(crate) approval: Option<NeededApproval>,
    pub(crate) now: UnixTime,
}

/// Decides whether a request may be answered. `now` is the one sample of the clock that the request gets.
pub(crate) fn admit(
    grounds: &Grounds<'_>,
    request: EnrolmentRequest,
    now: UnixTime,
) -> Result<AdmittedRequest, AdmitError> {
    credential::check_tenant(grounds.issuer, &request.actor)?;
    credential::check_forwarder(grounds, &request)?;
    credential::check_presented(grounds, &request)?;
    let (offer, door) = door::find(grounds.offers, &request, now)?;
    let profile = &offer.profile;
    let predecessor = predecessor::find(grounds, &request, profile)?;
    let succeeded = predecessor.as_ref().map(|lineage| &lineage.latest);
    scope::check(grounds, &request, profile, succeeded)?;
    let device = device::check(grounds, &request, profile, door)?;
    let approval = approval::needed(grounds.offers, offer, door);
    let place = (door, device.as_ref(), now);
    let conditions = conditions::of(grounds, &request, offer, place, approval.as_ref());
    // A device that lost the answer to its renewal asks again, and is not told that it is too early for another.
    if predecessor.is_some() && repeats::is_answered(grounds.status, conditions.idempotency.as_ref())? {
        return Ok(AdmittedRequest {
            profile: profile.clone(),
            conditions,
            predecessor_key: None,
            approval,
            request,
            now,
        });
    }
    if is_unconfirmed(grounds, &request, succeeded)? {
        return Err(RenewalError::Unconfirmed.into());
    }
    let handover = conditions.handover.as_deref();
    let successor_of = renewal::check(&request, profile, predecessor.as_ref(), (now, handover))?;
    let conditions = Conditions { successor_of, ..conditions };
    let predecessor_key = predecessor.map(|lineage| lineage.latest.key_fingerprint);
    let request = visit::bounded(grounds.visit, request, (profile, now));
    Ok(AdmittedRequest { profile: profile.clone(), conditions, predecessor_key, approval, request, now })
}

/// Checks the certificate that an actor shows who asks for none: it is not revoked, and has not expired.
pub(crate) fn check_shown(grounds: &Grounds<'_>, actor: &Actor) -> Result<(), AdmitError> {
    if let Some(expired_at) = actor.identity.expired_at() {
        return Err(AdmitError::CredentialExpired { expired_at });
    }
    actor.identity.presented().map_or(Ok(()), |shown| credential::check_not_revoked(grounds, shown))
}

/// Tells whether the certificate to be succeeded, or the one that is shown for it, waits to be confirmed still.
// RFC 9483 §4.1.3: only a certificate that its holder took is updated.
fn is_unconfirmed(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    succeeded: Option<&StoredCertificate>,
) -> Result<bool, Unavailable> {
    let EnrolmentKind::ReEnrolment { renewed, .. } = &request.kind else { return Ok(false) };
    let shown = renewed.as_ref().map(|renewed| renewed.id());
    let succeeded = succeeded.map(|stored| stored.id.clone()).filter(|id| Some(id) != shown.as_ref());
    for id in shown.iter().chain(&succeeded) {
        if grounds.transactions.unconfirmed(id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
