//! Which revocations are legal, and their recording. Never signs: the CRL and OCSP answers are made from the recorded row.
//!
//! RFC 5280 §5.3.1 (reasons). A revocation is final here: certificateHold and its lifting are not offered.

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Ledger, StatusSource, Unavailable};
use crate::presented::{self, PresentedError};
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CertificateStatus, Revocation, RevocationOutcome, RevocationRecord, Slot,
    StoredCertificate,
};
use crate::request::RevocationRequest;
use crate::validity::UnixTime;

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
    /// When and why.
    pub revocation: Revocation,
}

/// Decides whether a revocation is legal. `own_issuers` are the keys of every CA whose certificates the ledger keeps.
pub(crate) fn decide(
    (issuer, own_issuers): (&Issuer, &[KeyRef]),
    status: &dyn StatusSource,
    request: RevocationRequest,
    now: UnixTime,
) -> Result<AdmittedRevocation, RevokeError> {
    check_actor(issuer, &request)?;
    check_shown(own_issuers, status, &request.actor)?;
    if request.id.issuer != issuer.key() || request.id.serial == *issuer.certificate().serial() {
        return Err(RevokeError::NotIssued { id: request.id });
    }
    if request.reason == ReasonCode::CertificateHold {
        return Err(RevokeError::HoldNotOffered);
    }
    if request.invalidity_date.is_some_and(|date| date > now) {
        return Err(RevokeError::InvalidityInFuture { now });
    }
    let stored = status.certificate(&request.id)?.filter(|stored| stored.tenant == *issuer.tenant());
    let Some(stored) = stored else {
        return Err(RevokeError::NotIssued { id: request.id });
    };
    check_scope(&request.actor, &stored)?;
    let StoredCertificate { status, subject, .. } = stored;
    match status {
        CertificateStatus::Good | CertificateStatus::Uncertain { .. } => {
            Ok(AdmittedRevocation { request, now, subject })
        }
        CertificateStatus::Revoked(before) => Err(RevokeError::AlreadyRevoked { before }),
        CertificateStatus::Pending => Err(RevokeError::BeingIssued),
        CertificateStatus::NeverIssued | CertificateStatus::Aborted => {
            Err(RevokeError::NotIssued { id: request.id })
        }
    }
}

/// A device may revoke the very certificate that it shows (RFC 9483 §4.2); operators and registration authorities those of
/// their tenant, the latter within their scope.
fn check_actor(issuer: &Issuer, request: &RevocationRequest) -> Result<(), RevokeError> {
    let entitled = match &request.actor.identity {
        Identity::Device(device) => device.certificate.id() == request.id,
        Identity::Operator { .. } | Identity::Process { .. } | Identity::RegistrationAuthority(_) => true,
        Identity::OneTimeToken { .. } | Identity::Unauthenticated { .. } => false,
    };
    if entitled && request.actor.tenant == *issuer.tenant() { Ok(()) } else { Err(RevokeError::NotEntitled) }
}

/// A registration authority whose certificate is revoked revokes nothing. A device that shows a revoked certificate finds it so.
fn check_shown(own_issuers: &[KeyRef], status: &dyn StatusSource, actor: &Actor) -> Result<(), RevokeError> {
    let Identity::RegistrationAuthority(authority) = &actor.identity else { return Ok(()) };
    presented::check(status, own_issuers, &authority.certificate).map_err(|error| match error {
        PresentedError::Revoked | PresentedError::Unknown => RevokeError::NotEntitled,
        PresentedError::Unavailable(unavailable) => unavailable.into(),
    })
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
            act: Act::CertificateRevoked,
            issuer: Some(id.issuer),
            serial: Some(id.serial.clone()),
            reason: reason.name().to_owned(),
            detail: self.subject,
            digest: Vec::new(),
        };
        match ledger.record_revocation(RevocationRecord { id: id.clone(), revocation, event })? {
            RevocationOutcome::Recorded { sequence } => Ok(RecordedRevocation { id, sequence, revocation }),
            RevocationOutcome::AlreadyRevoked(before) => Err(RevokeError::AlreadyRevoked { before }),
            RevocationOutcome::NotIssued => Err(RevokeError::NotIssued { id }),
        }
    }
}

/// Why a certificate was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The requester may not revoke here.
    #[error("the requester may not revoke certificates of this authority")]
    NotEntitled,
    /// This authority issued no such certificate.
    #[error("this authority issued no certificate with serial number {}", id.serial)]
    NotIssued {
        /// Which was asked for.
        id: CertificateId,
    },
    /// It was revoked before; nothing changed.
    #[error("the certificate was revoked at {} for {}", before.time, before.reason)]
    AlreadyRevoked {
        /// The revocation on record.
        before: Revocation,
    },
    /// It is being issued at this moment.
    #[error("the certificate is being issued at this moment; ask again")]
    BeingIssued,
    /// certificateHold is not offered.
    #[error("certificateHold is not offered: a revocation here is final")]
    HoldNotOffered,
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
            Self::InvalidityInFuture { .. } => "revoke.invalidity",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::AlreadyRevoked { .. } => Fault::Conflict,
            Self::BeingIssued | Self::Unavailable(_) => Fault::Unavailable,
            Self::NotEntitled
            | Self::NotIssued { .. }
            | Self::HoldNotOffered
            | Self::InvalidityInFuture { .. } => Fault::Requester,
        }
    }
}
