//! Who comes with a client certificate: one of an operator's profile that an authority of ours issued, that is good by the ledger
//! at this moment, and that is a person's credential.
//!
//! That the peer holds its key, the handshake has proved. What the person may do is asked afterwards, as of everybody. A
//! device's certificate is never an operator's: it is of another profile, and no record of a person changes that.

use ca_core::certificate::Certificate;
use ca_core::path::{PathError, TrustAnchor, validate_client};
use ca_core::people::{Caller, Credential};
use ca_core::ports::Unavailable;
use ca_core::record::{CertificateId, CertificateStatus};
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use crate::compose::System;

/// Tells who shows these certificates, his own first.
///
/// # Errors
/// [`NotKnown`].
pub(crate) fn caller(system: &System, shown: &[Vec<u8>]) -> Result<Caller, NotKnown> {
    let der = shown.first().ok_or(NotKnown::Absent)?;
    let certificate = Certificate::from_der(der).map_err(|_| NotKnown::Unreadable)?;
    let id = issued_here(system, certificate, system.clock.now())?;
    check(system, &id)?;
    let credential = credential(der);
    let known = system.people.person_by(&credential)?;
    Ok(Caller::with(credential, known, false))
}

/// Returns the credential that a certificate is, whoever has it.
pub(crate) fn credential(der: &[u8]) -> Credential {
    Credential::Certificate(Sha256::digest(der).into())
}

/// Returns how records name whoever shows these certificates: the person, where the credential is one's.
pub(crate) fn name(system: &System, shown: &[Vec<u8>]) -> String {
    let credential = shown.first().map(|der| credential(der));
    let known = credential.as_ref().and_then(|one| system.people.person_by(one).ok().flatten());
    match (known, credential) {
        (Some(person), _) => person.id.to_string(),
        (None, Some(credential)) => credential.to_string(),
        (None, None) => "nobody".to_owned(),
    }
}

/// Validates a certificate up to one of our own authorities, which stands for itself: what is above it is not asked, so that
/// an operator gets in while a root is renewed.
fn issued_here(system: &System, certificate: Certificate, now: UnixTime) -> Result<CertificateId, NotKnown> {
    let own = system.authorities.iter().map(|served| served.authority.issuer().certificate());
    let anchors: Vec<TrustAnchor> = own.map(TrustAnchor::from_certificate).collect();
    let serial = certificate.serial().clone();
    let path = validate_client(certificate, &[], &anchors, now).map_err(|error| match error {
        PathError::Expired { not_after, .. } => NotKnown::Expired { not_after },
        PathError::NotYetValid { not_before } => NotKnown::NotYetValid { not_before },
        PathError::TooManyCertificates { .. }
        | PathError::TooManySignatures
        | PathError::NoPath
        | PathError::Usage { .. }
        | PathError::CriticalExtension { .. } => NotKnown::NotOurs,
    })?;
    Ok(CertificateId { issuer: path.issuer(), serial })
}

/// Asks the ledger whether it counts.
fn check(system: &System, id: &CertificateId) -> Result<(), NotKnown> {
    if system.status.is_blocked(&id.issuer)? {
        return Err(NotKnown::Blocked);
    }
    match system.status.status_of(id)? {
        CertificateStatus::Good => {}
        CertificateStatus::Revoked(_) => return Err(NotKnown::Revoked),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. } => return Err(NotKnown::NotOurs),
    }
    let profile = system.status.certificate(id)?.ok_or(NotKnown::NotOurs)?.profile.to_string();
    if system.operator_profiles.contains(&profile) {
        return Ok(());
    }
    Err(NotKnown::Profile { profile })
}

/// Why nobody is known by the certificates that were shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKnown {
    /// None was shown.
    #[error("no client certificate was shown, and no token sent")]
    Absent,
    /// It cannot be read.
    #[error("the client certificate cannot be read")]
    Unreadable,
    /// No authority of ours issued it, or it is no client's.
    #[error("no authority here issued the certificate to a client")]
    NotOurs,
    /// Its time is over.
    #[error("the certificate expired at {not_after}")]
    Expired {
        /// When.
        not_after: UnixTime,
    },
    /// Its time has not begun.
    #[error("the certificate is not valid before {not_before}")]
    NotYetValid {
        /// When it begins.
        not_before: UnixTime,
    },
    /// It is revoked, or on hold.
    #[error("the certificate is revoked")]
    Revoked,
    /// Its authority is shut out.
    #[error("the authority of the certificate is shut out")]
    Blocked,
    /// It is a device's, or a server's, or anything else but an operator's.
    #[error("the certificate is of the profile {profile}, which is no operator's")]
    Profile {
        /// Which.
        profile: String,
    },
    /// The ledger cannot say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl NotKnown {
    /// Returns the stable reason code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Absent => "people.certificate-absent",
            Self::Unreadable => "people.certificate-unreadable",
            Self::NotOurs => "people.certificate-not-ours",
            Self::Expired { .. } => "people.certificate-expired",
            Self::NotYetValid { .. } => "people.certificate-not-yet-valid",
            Self::Revoked => "people.certificate-revoked",
            Self::Blocked => "people.certificate-blocked",
            Self::Profile { .. } => "people.certificate-profile",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Tells whether anybody at all can be the cause: who shows nothing, or what is none of ours. Such refusals are on record
    /// once a minute.
    pub(crate) const fn is_anybodys(&self) -> bool {
        matches!(self, Self::Absent | Self::Unreadable | Self::NotOurs)
    }
}
