//! Whether what a requester showed still counts: its tenant, and the certificates it authenticated with.
//!
//! Paths were validated by the front end, which knows nothing of revocation; the ledger does.

use super::{AdmitError, Grounds, scope};
use crate::actor::{Actor, DeviceIdentity, Identity, Origin, Presented};
use crate::issuer::Issuer;
use crate::presented::{self, PresentedError};
use crate::record::StoredCertificate;
use crate::request::{EnrolmentKind, EnrolmentRequest};

/// RFC 7030 §3.7: whoever forwards a request must be allowed to, and no more revoked than the device that asks.
pub(super) fn check_forwarder(grounds: &Grounds<'_>, request: &EnrolmentRequest) -> Result<(), AdmitError> {
    let Some(station) = request.actor.identity.forwarded_by() else { return Ok(()) };
    check_tenant(grounds.issuer, station)?;
    match &station.identity {
        Identity::RegistrationAuthority(authority) if authority.forwards => {
            check_not_revoked(grounds, &authority.certificate)?;
            scope::check_authority(authority, request)
        }
        Identity::RegistrationAuthority(_)
        | Identity::Device(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => Err(AdmitError::NotForwarded { by: station.to_string() }),
    }
}

/// Everybody but a factory device acts for the owner of the CA; a factory device acts for its manufacturer.
pub(super) fn check_tenant(issuer: &Issuer, actor: &Actor) -> Result<(), AdmitError> {
    let comes_to_be_claimed = matches!(
        &actor.identity,
        Identity::Device(DeviceIdentity { origin: Origin::Factory { manufacturer, .. }, .. }) if *manufacturer == actor.tenant
    );
    if comes_to_be_claimed || actor.tenant == *issuer.tenant() {
        Ok(())
    } else {
        Err(AdmitError::ForeignTenant)
    }
}

/// Checks every certificate that was shown against the ledger, the primary source of its status.
pub(super) fn check_presented(grounds: &Grounds<'_>, request: &EnrolmentRequest) -> Result<(), AdmitError> {
    if let Some(shown) = request.actor.identity.presented() {
        check_not_revoked(grounds, shown)?;
    }
    if let EnrolmentKind::ReEnrolment { renewed: Some(renewed), .. } = &request.kind {
        check_not_revoked(grounds, renewed)?;
    }
    Ok(())
}

pub(super) fn check_not_revoked(grounds: &Grounds<'_>, shown: &Presented) -> Result<(), AdmitError> {
    presented::check(grounds.status, grounds.own_issuers, shown).map_err(|error| match error {
        PresentedError::Revoked => AdmitError::CredentialRevoked,
        PresentedError::Blocked => AdmitError::TrustBlocked,
        PresentedError::Unknown => AdmitError::CredentialUnknown,
        PresentedError::Unavailable(unavailable) => unavailable.into(),
    })
}

/// Returns what the ledger knows of a certificate that was shown, which must be one of ours.
pub(super) fn stored(grounds: &Grounds<'_>, presented: &Presented) -> Result<StoredCertificate, AdmitError> {
    grounds.status.certificate(&presented.id())?.ok_or(AdmitError::CredentialUnknown)
}
