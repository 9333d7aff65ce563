//! The registration authority's decision: may this requester have a certificate for this subject, under this profile.
//!
//! Reads the ledger and the registry, writes nothing. What it finds free may be taken a moment later: whatever two requests
//! can race for goes along as [`Conditions`] and is decided again inside the ledger's transaction. RFC 7030 §3.7, §4.2.

mod conditions;
mod device;
mod scope;
mod renewal;
mod predecessor;
mod credential;
mod door;
mod error;

use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Registry, StatusSource};
use crate::profile::CertificateProfile;
use crate::record::Conditions;
use crate::request::EnrolmentRequest;
use crate::validity::UnixTime;
pub use door::Door;
pub use error::AdmitError;
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
}

/// What registration looks at.
pub(crate) struct Grounds<'a> {
    pub issuer: &'a Issuer,
    pub offers: &'a [Offer],
    /// The keys of every CA whose certificates this ledger keeps.
    pub own_issuers: &'a [KeyRef],
    pub status: &'a dyn StatusSource,
    pub registry: &'a dyn Registry,
}

/// A request that may be answered, with the profile chosen and the conditions that must still hold when it is recorded.
#[derive(Debug)]
pub struct AdmittedRequest {
    pub(crate) request: EnrolmentRequest,
    pub(crate) profile: CertificateProfile,
    pub(crate) conditions: Conditions,
    /// Fingerprint of the key in the certificate that this one succeeds.
    pub(crate) predecessor_key: Option<[u8; 32]>,
    pub(crate) now: UnixTime,
}

/// Decides whether a request may be answered. `now` is the one sample of the clock that the request gets.
pub(crate) fn admit(
    grounds: &Grounds<'_>,
    request: EnrolmentRequest,
    now: UnixTime,
) -> Result<AdmittedRequest, AdmitError> {
    credential::check_tenant(grounds.issuer, &request.actor)?;
    credential::check_presented(grounds, &request)?;
    let (profile, door) = door::find(grounds.offers, &request)?;
    let predecessor = predecessor::find(grounds, &request, profile)?;
    let succeeded = predecessor.as_ref().map(|lineage| &lineage.latest);
    scope::check(grounds, &request, profile, succeeded)?;
    let successor_of = renewal::check(&request, profile, predecessor.as_ref(), now)?;
    let device = device::check(grounds, &request, profile, door)?;
    let conditions = conditions::of(grounds.issuer, &request, profile, (door, device.as_ref(), now));
    let conditions = Conditions { successor_of, ..conditions };
    let predecessor_key = predecessor.map(|lineage| lineage.latest.key_fingerprint);
    Ok(AdmittedRequest { profile: profile.clone(), conditions, predecessor_key, request, now })
}
