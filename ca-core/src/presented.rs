//! Whether a certificate that somebody showed still counts: what the ledger, the primary source of its status, knows of it.
//!
//! Its path was validated by whoever let it in, and says nothing of revocation. RFC 9483 §3.5, RFC 7030 §3.3.2.

use crate::actor::Presented;
use crate::key_ref::KeyRef;
use crate::ports::{StatusSource, Unavailable};
use crate::record::CertificateStatus;

/// Checks a certificate that was shown. One of a manufacturer whose CA is not ours is vouched for by its path alone.
pub(crate) fn check(
    status: &dyn StatusSource,
    own_issuers: &[KeyRef],
    presented: &Presented,
) -> Result<(), PresentedError> {
    for authority in presented.authorities() {
        if status.is_blocked(&authority)? {
            return Err(PresentedError::Blocked);
        }
    }
    match status.status_of(&presented.id())? {
        CertificateStatus::Good => Ok(()),
        CertificateStatus::Revoked(_) => Err(PresentedError::Revoked),
        CertificateStatus::NeverIssued if !own_issuers.contains(&presented.issuer) => Ok(()),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. } => Err(PresentedError::Unknown),
    }
}

/// Why a certificate that was shown does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PresentedError {
    /// It is revoked.
    #[error("the certificate that was shown is revoked")]
    Revoked,
    /// It stands below a key that operators have shut out.
    #[error("an authority above the certificate that was shown is blocked")]
    Blocked,
    /// It says that a CA of ours issued it, and none did.
    #[error("the certificate that was shown is not on record")]
    Unknown,
    /// The ledger cannot say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
