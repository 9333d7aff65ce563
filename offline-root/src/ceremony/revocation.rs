//! `revoke`: records that a sub-CA's certificate is revoked. Needs no key: the next CRL will say so.

use std::fmt;

use ca_core::profile::CrlProfile;
use ca_core::reason::ReasonCode;
use ca_core::record::CertificateId;
use ca_core::request::RevocationRequest;
use ca_core::revocation::RevokeError;
use ca_core::serial_number::SerialNumber;
use serde::Serialize;
use std::sync::Arc;

use super::{Ceremony, OpenRootError};
use crate::charter::ChooseProfilesError;
use crate::explain::{Exit, Explained};
use crate::refusal::{exit_of_fault, sentence};
use crate::stated_time::StatedTime;
use signer_file::FileSigner;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct RevocationWish {
    pub(crate) serial: SerialNumber,
    pub(crate) reason: ReasonCode,
    pub(crate) invalidity_date: Option<StatedTime>,
}

/// What was recorded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Revoked {
    pub(crate) serial: String,
    pub(crate) reason: String,
    pub(crate) time: String,
    /// The number of the audit record.
    pub(crate) record: u64,
    /// The numbers of the CRLs that were signed ahead and do not list it: they are not to be released.
    pub(crate) obsolete_crls: Vec<u64>,
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The revocation is recorded.")?;
        writeln!(f, "  Serial  {}", self.serial)?;
        writeln!(f, "  Reason  {}", self.reason)?;
        writeln!(f, "  Time    {}", self.time)?;
        writeln!(f, "  Record  {}", self.record)?;
        if let (Some(first), Some(last)) = (self.obsolete_crls.first(), self.obsolete_crls.last()) {
            writeln!(
                f,
                "  CRLs {first} to {last} were signed ahead and do not list it: they must not be released."
            )?;
            return write!(f, "Next: sign a CRL, then a new series (offline-root crl, crl-series)");
        }
        write!(f, "Next: sign a CRL (offline-root crl); before that nobody knows of the revocation")
    }
}

/// Records a revocation.
pub(crate) fn revoke(ceremony: &Ceremony, wish: &RevocationWish) -> Result<Revoked, RevokeSubordinateError> {
    let profile: CrlProfile = ceremony.crl_profile()?;
    // A signer without keys: nothing is signed here, and this shows it.
    let authority = ceremony.authority(Arc::new(FileSigner::new()), profile, &ceremony.profiles)?;
    let recorded = authority.revoke(RevocationRequest {
        actor: ceremony.actor(),
        id: CertificateId { issuer: authority.issuer().key(), serial: wish.serial.clone() },
        reason: wish.reason,
        invalidity_date: wish.invalidity_date.map(StatedTime::time),
    })?;
    Ok(Revoked {
        serial: recorded.id.serial.to_string(),
        reason: recorded.revocation.reason.to_string(),
        time: recorded.revocation.time.to_string(),
        record: recorded.sequence,
        obsolete_crls: ceremony.obsolete_crls(),
    })
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeSubordinateError {
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The authority cannot be put together.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// ca-core refused or failed.
    #[error("{}", sentence(.0))]
    NotRevoked(#[from] RevokeError),
}

impl Explained for RevokeSubordinateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Profiles(error) => error.exit(),
            Self::Root(error) => error.exit(),
            Self::NotRevoked(RevokeError::NotIssued { .. }) => Exit::NotFound,
            Self::NotRevoked(error) => exit_of_fault(error.fault()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Profiles(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::NotRevoked(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Profiles(error) => error.next(),
            Self::Root(error) => error.next(),
            Self::NotRevoked(_) => "see what is on record: offline-root verify --help".to_owned(),
        }
    }
}
