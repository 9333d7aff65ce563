//! The release of a certificate from hold: it is good again, and gives everything back.
//!
//! Never by the device itself: whoever took it has its key. RFC 5280 §5.3.1; RFC 9483 §5.3.2.

use super::{RevocationGrounds, RevokeError};
use crate::actor::Identity;
use crate::audit::{Act, AuditEvent};
use crate::ports::Ledger;
use crate::record::{
    CertificateId, CertificateStatus, ReleaseOutcome, ReleaseRecord, Revocation, StoredCertificate,
};
use crate::request::ReleaseRequest;
use crate::validity::UnixTime;

/// A release that may be carried out.
#[derive(Debug)]
pub(crate) struct AdmittedRelease {
    request: ReleaseRequest,
    now: UnixTime,
    subject: String,
}

/// A release that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRelease {
    /// Which certificate.
    pub id: CertificateId,
    /// The number of its audit record.
    pub sequence: u64,
    /// When it was released.
    pub time: UnixTime,
    /// The hold that is over.
    pub hold: Revocation,
}

/// Decides whether a release is legal.
pub(crate) fn decide(
    grounds: &RevocationGrounds<'_>,
    request: ReleaseRequest,
    now: UnixTime,
) -> Result<AdmittedRelease, RevokeError> {
    grounds.check_actor(&request.actor, may_release(&request.actor.identity))?;
    let StoredCertificate { status, subject, .. } = grounds.find(&request.actor, &request.id)?;
    match status {
        CertificateStatus::Revoked(revocation) if revocation.is_hold() => {
            Ok(AdmittedRelease { request, now, subject })
        }
        CertificateStatus::Revoked(before) => Err(RevokeError::AlreadyRevoked { before }),
        CertificateStatus::Good => Err(RevokeError::NotOnHold),
        CertificateStatus::Pending => Err(RevokeError::BeingIssued),
        CertificateStatus::NeverIssued | CertificateStatus::Aborted | CertificateStatus::Uncertain { .. } => {
            Err(RevokeError::NotIssued { id: request.id })
        }
    }
}

/// People, and stations that speak for many devices; no clockwork, and nobody who would thereby get his own key back.
const fn may_release(identity: &Identity) -> bool {
    match identity {
        Identity::Operator { .. } | Identity::RegistrationAuthority(_) => true,
        Identity::Device(_)
        | Identity::Process { .. }
        | Identity::OneTimeToken { .. }
        | Identity::Unauthenticated { .. } => false,
    }
}

impl AdmittedRelease {
    /// Records the release with its audit event, in one durable transaction.
    pub(crate) fn record(self, ledger: &dyn Ledger) -> Result<RecordedRelease, RevokeError> {
        let ReleaseRequest { actor, id } = self.request;
        let event = AuditEvent {
            time: self.now,
            tenant: actor.tenant.clone(),
            actor: actor.to_string(),
            act: Act::CertificateReleased,
            issuer: Some(id.issuer),
            serial: Some(id.serial.clone()),
            reason: String::new(),
            detail: self.subject,
            digest: Vec::new(),
        };
        match ledger.record_release(ReleaseRecord { id: id.clone(), event })? {
            ReleaseOutcome::Released { sequence, hold } => {
                Ok(RecordedRelease { id, sequence, time: self.now, hold })
            }
            ReleaseOutcome::NotOnHold => Err(RevokeError::NotOnHold),
            ReleaseOutcome::AlreadyRevoked(before) => Err(RevokeError::AlreadyRevoked { before }),
            ReleaseOutcome::NotIssued => Err(RevokeError::NotIssued { id }),
        }
    }
}
