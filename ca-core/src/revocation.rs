//! Which revocations are legal, and their recording. Never signs: the CRL and OCSP answers are made from the recorded row.
//!
//! A certificate is good, on hold, or revoked for good. From hold it comes back by a release, or is revoked for good; nothing
//! undoes that. RFC 5280 §5.3.1 (reasons).

pub(crate) mod release;

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Ledger, StatusSource, Unavailable};
use crate::presented::{self, PresentedError};
use crate::profile::CrlProfile;
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CertificateStatus, Revocation, RevocationOutcome, RevocationRecord, Slot,
    StoredCertificate,
};
use crate::request::RevocationRequest;
use crate::validity::UnixTime;
pub use release::RecordedRelease;

/// A request that may be carried out.
#[derive(Debug)]
pub(crate) struct AdmittedRevocation {
    request: RevocationRequest,
    now: UnixTime,
    subject: String,
}

/// A revocation that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRevocation {
    /// Which certificate.
    pub id: CertificateId,
    /// The number of its audit record.
    pub sequence: u64,
    /// Since when and why.
    pub revocation: Revocation,
}

/// What is looked at when a revocation or a release is decided.
#[derive(Clone, Copy)]
pub(crate) struct RevocationGrounds<'a> {
    /// Whose certificates.
    pub(crate) issuer: &'a Issuer,
    /// The keys of every CA whose certificates the ledger keeps.
    pub(crate) own_issuers: &'a [KeyRef],
    /// The profile of its CRLs, which says whether it puts anything on hold.
    pub(crate) crl_profile: &'a CrlProfile,
    /// What is known of them.
    pub(crate) status: &'a dyn StatusSource,
}

/// Decides whether a revocation is legal.
pub(crate) fn decide(
    grounds: &RevocationGrounds<'_>,
    request: RevocationRequest,
    now: UnixTime,
) -> Result<AdmittedRevocation, RevokeError> {
    grounds.check_actor(&request.actor, may_revoke(&request))?;
    let hold = request.reason == ReasonCode::CertificateHold;
    if hold && !grounds.crl_profile.offers_hold() {
        return Err(RevokeError::HoldNotOffered);
    }
    if request.invalidity_date.is_some_and(|date| date > now) {
        return Err(RevokeError::InvalidityInFuture { now });
    }
    let StoredCertificate { status, subject, .. } = grounds.find(&request.actor, &request.id)?;
    // A key that is on hold proves nothing, not even that its certificate should be revoked for good.
    let by_itself = matches!(request.actor.identity, Identity::Device(_));
    match status {
        CertificateStatus::Good => Ok(AdmittedRevocation { request, now, subject }),
        CertificateStatus::Uncertain { .. } if !hold => Ok(AdmittedRevocation { request, now, subject }),
        CertificateStatus::Revoked(before) if before.is_hold() && !hold && !by_itself => {
            Ok(AdmittedRevocation { request, now, subject })
        }
        CertificateStatus::Revoked(before) => Err(RevokeError::AlreadyRevoked { before }),
        CertificateStatus::Pending => Err(RevokeError::BeingIssued),
        // What may not exist is not put on hold: nobody could tell what its release would give back.
        CertificateStatus::Uncertain { .. } | CertificateStatus::NeverIssued | CertificateStatus::Aborted => {
            Err(RevokeError::NotIssued { id: request.id })
        }
    }
}

/// A device may revoke the very certificate that it shows (RFC 9483 §4.2); operators and registration authorities those of
/// their tenant, the latter within their scope.
fn may_revoke(request: &RevocationRequest) -> bool {
    match &request.actor.identity {
        Identity::Device(device) => device.certificate.id() == request.id,
        Identity::Operator { .. } | Identity::Process { .. } | Identity::RegistrationAuthority(_) => true,
        Identity::OneTimeToken { .. } | Identity::Unauthenticated { .. } => false,
    }
}

impl RevocationGrounds<'_> {
    /// Whether somebody speaks for this authority who, as `entitled` says, may ask for this at all.
    fn check_actor(&self, actor: &Actor, entitled: bool) -> Result<(), RevokeError> {
        if !entitled || actor.tenant != *self.issuer.tenant() {
            return Err(RevokeError::NotEntitled);
        }
        // A registration authority whose certificate is revoked changes nothing. A device that shows such finds it so.
        let Identity::RegistrationAuthority(authority) = &actor.identity else { return Ok(()) };
        presented::check(self.status, self.own_issuers, &authority.certificate).map_err(|error| match error {
            PresentedError::Revoked | PresentedError::Blocked | PresentedError::Unknown => {
                RevokeError::NotEntitled
            }
            PresentedError::Unavailable(unavailable) => unavailable.into(),
        })
    }

    /// Finds a certificate of this authority that is within the actor's scope.
    fn find(&self, actor: &Actor, id: &CertificateId) -> Result<StoredCertificate, RevokeError> {
        let not_issued = || RevokeError::NotIssued { id: id.clone() };
        if id.issuer != self.issuer.key() || id.serial == *self.issuer.certificate().serial() {
            return Err(not_issued());
        }
        let stored = self.status.certificate(id)?.filter(|stored| stored.tenant == *self.issuer.tenant());
        let stored = stored.ok_or_else(not_issued)?;
        check_scope(actor, &stored)?;
        Ok(stored)
    }
}

/// What a registration authority may ask for, it may have revoked (RFC 9483 §5.3.2).
fn check_scope(actor: &Actor, stored: &StoredCertificate) -> Result<(), RevokeError> {
    let Identity::RegistrationAuthority(authority) = &actor.identity else { return Ok(()) };
    let of_a_device = |slot: &Slot| slot.title.octets().starts_with(&authority.title_prefix);
    // What is no device's has no system title, and only whoever may name every device may speak for it.
    let within = stored.slot.as_ref().map_or(authority.title_prefix.is_empty(), of_a_device);
    if within && authority.profiles.contains(&stored.profile) {
        Ok(())
    } else {
        Err(RevokeError::NotEntitled)
    }
}

impl AdmittedRevocation {
    /// Records the revocation with its audit event, in one durable transaction.
    pub(crate) fn record(self, ledger: &dyn Ledger) -> Result<RecordedRevocation, RevokeError> {
        let RevocationRequest { actor, id, reason, invalidity_date } = self.request;
        let revocation = Revocation { time: self.now, reason, invalidity_date };
        let event = AuditEvent {
            time: self.now,
            tenant: actor.tenant.clone(),
            actor: actor.to_string(),
            act: if revocation.is_hold() { Act::CertificateHeld } else { Act::CertificateRevoked },
            issuer: Some(id.issuer),
            serial: Some(id.serial.clone()),
            reason: reason.name().to_owned(),
            detail: self.subject,
            digest: Vec::new(),
        };
        match ledger.record_revocation(RevocationRecord { id: id.clone(), revocation, event })? {
            RevocationOutcome::Recorded { sequence, revocation } => {
                Ok(RecordedRevocation { id, sequence, revocation })
            }
            RevocationOutcome::AlreadyRevoked(before) => Err(RevokeError::AlreadyRevoked { before }),
            RevocationOutcome::NotIssued => Err(RevokeError::NotIssued { id }),
        }
    }
}

/// Why a certificate was not revoked, or not released.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The requester may not revoke here, or not release.
    #[error("the requester may not change the revocation of this certificate")]
    NotEntitled,
    /// This authority issued no such certificate.
    #[error("this authority issued no certificate with serial number {}", id.serial)]
    NotIssued {
        /// Which was asked for.
        id: CertificateId,
    },
    /// It was revoked before, or is on hold already; nothing changed.
    #[error("the certificate was revoked at {} for {}", before.time, before.reason)]
    AlreadyRevoked {
        /// The revocation on record.
        before: Revocation,
    },
    /// It is being issued at this moment.
    #[error("the certificate is being issued at this moment; ask again")]
    BeingIssued,
    /// certificateHold is not offered by this authority.
    #[error("certificateHold is not offered: the CRLs of this authority keep their entries")]
    HoldNotOffered,
    /// It is not revoked, so that there is nothing to be released.
    #[error("the certificate is not on hold")]
    NotOnHold,
    /// The invalidity date lies in the future.
    #[error("the invalidity date lies after the present, {now}")]
    InvalidityInFuture {
        /// The present.
        now: UnixTime,
    },
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RevokeError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "revoke.not-entitled",
            Self::NotIssued { .. } => "revoke.not-issued",
            Self::AlreadyRevoked { .. } => "revoke.already",
            Self::BeingIssued => "revoke.being-issued",
            Self::HoldNotOffered => "revoke.hold",
            Self::NotOnHold => "revoke.not-on-hold",
            Self::InvalidityInFuture { .. } => "revoke.invalidity",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::AlreadyRevoked { .. } | Self::NotOnHold => Fault::Conflict,
            Self::BeingIssued | Self::Unavailable(_) => Fault::Unavailable,
            Self::NotEntitled
            | Self::NotIssued { .. }
            | Self::HoldNotOffered
            | Self::InvalidityInFuture { .. } => Fault::Requester,
        }
    }
}
