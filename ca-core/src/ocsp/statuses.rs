//! What is told of the certificates that a request asks for: the ledger's words in those of OCSP (RFC 6960 §2.2).
//!
//! Read at one moment, and apart from signing, so that an answer that says the same can be given again.

use super::cert_id::CertId;
use super::request::OcspRequest;
use super::{DraftResponse, OcspContext, OcspResponse, RespondError};
use crate::ports::Unavailable;
use crate::profile::{NeverIssued, OcspProfile};
use crate::record::{CertificateId, CertificateStatus, Revocation};
use crate::validity::UnixTime;

/// What is told of a certificate (RFC 6960 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertStatus {
    /// We issued it, and it is not revoked; it may have expired.
    Good,
    /// We issued it, or may have, and it is revoked.
    Revoked(Revocation),
    /// We never issued it, and say so: "revoked" in the extended sense.
    NeverIssued,
    /// We say nothing of it: not ours, or nobody knows yet whether it was issued, or it is too long over; and what was never
    /// issued, unless we say so.
    Unknown,
}

impl CertStatus {
    // RFC 6960 §2.2: "good" is for what is known to be issued, and for nothing that merely is not revoked; what was never
    // issued may be told as revoked, so that it is refused.
    fn of(status: CertificateStatus, profile: &OcspProfile) -> Self {
        match (status, profile.never_issued()) {
            (CertificateStatus::Good, _) => Self::Good,
            (CertificateStatus::Revoked(revocation), _) => Self::Revoked(revocation),
            (CertificateStatus::NeverIssued | CertificateStatus::Aborted, NeverIssued::ExtendedRevoked) => {
                Self::NeverIssued
            }
            // Of what is under way or uncertain nobody can say that it never was issued.
            (
                CertificateStatus::NeverIssued
                | CertificateStatus::Aborted
                | CertificateStatus::Pending
                | CertificateStatus::Uncertain { .. },
                _,
            ) => Self::Unknown,
        }
    }

    /// Tells whether it is of a certificate that we issued. What is said of others may change with the next issuance.
    #[must_use]
    pub const fn is_of_issued(&self) -> bool {
        matches!(self, Self::Good | Self::Revoked(_))
    }
}

/// The statuses of the certificates that a request asks for, as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStatuses<'r> {
    request: &'r OcspRequest,
    read_at: UnixTime,
    statuses: Vec<CertStatus>,
}

impl<'r> ReadStatuses<'r> {
    /// Reads the statuses from the ledger.
    ///
    /// A certificate of another issuer is unknown to this responder, even when the ledger knows it: the CA of that one has
    /// not delegated its answers to this key (RFC 6960 §4.2.2.2).
    ///
    /// # Errors
    /// [`RespondError::ForeignIssuer`] when no certificate is of this issuer; [`RespondError::Unavailable`].
    pub fn of(context: &OcspContext<'_>, request: &'r OcspRequest) -> Result<Self, RespondError> {
        let hashes = context.responder.issuer_hashes();
        let certificates = request.certificates();
        if !certificates.iter().any(|certificate| hashes.name(certificate)) {
            return Err(RespondError::ForeignIssuer);
        }
        // RFC 6960 §2.4: thisUpdate is a time at which the status is known to have been right, so the clock comes first.
        let read_at = context.clock.now();
        let statuses = certificates
            .iter()
            .map(|certificate| {
                if hashes.name(certificate) {
                    status_of(context, certificate, read_at)
                } else {
                    Ok(CertStatus::Unknown)
                }
            })
            .collect::<Result<_, Unavailable>>()?;
        Ok(Self { request, read_at, statuses })
    }

    /// Returns the statuses, in the order of the request; at least one.
    #[must_use]
    pub fn statuses(&self) -> &[CertStatus] {
        &self.statuses
    }

    /// Returns when they were read.
    #[must_use]
    pub const fn read_at(&self) -> UnixTime {
        self.read_at
    }

    /// Makes the signed answer to the request whose statuses these are.
    ///
    /// # Errors
    /// [`RespondError`], but neither of those that reading gives.
    pub fn sign(self, context: &OcspContext<'_>) -> Result<OcspResponse, RespondError> {
        DraftResponse::new(context, self)?.sign(context)
    }

    /// Takes them apart for drafting.
    pub(super) fn into_parts(self) -> (&'r OcspRequest, UnixTime, Vec<CertStatus>) {
        (self.request, self.read_at, self.statuses)
    }
}

/// The status of a certificate that is said to be of this issuer.
fn status_of(
    context: &OcspContext<'_>,
    certificate: &CertId,
    now: UnixTime,
) -> Result<CertStatus, Unavailable> {
    let profile = context.profile;
    let Some(serial) = certificate.serial() else {
        return Ok(CertStatus::of(CertificateStatus::NeverIssued, profile));
    };
    let id = CertificateId { issuer: context.responder.issuer(), serial: serial.clone() };
    let Some(answered_seconds) = profile.expired_answered_seconds() else {
        return context.status.status_of(&id).map(|status| CertStatus::of(status, profile));
    };
    let Some(stored) = context.status.certificate(&id)? else {
        return Ok(CertStatus::of(CertificateStatus::NeverIssued, profile));
    };
    // RFC 6960 §4.4.4: beyond the archive cutoff nothing is remembered, least of all that it was good.
    if stored.validity.not_after().plus_seconds(answered_seconds) < now {
        return Ok(CertStatus::Unknown);
    }
    Ok(CertStatus::of(stored.status, profile))
}
