//! `crl`: signs the root's next CRL, valid from and to the times that were stated.
//!
//! Which certificates are on it follows from the ledger; its number is drawn by ca-core. A series for the time until the next
//! ceremony is made by calling it once for each thisUpdate, in ascending order.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ca_core::crl::CrlError;
use ca_core::profile::{CrlProfile, ProfileFault};
use ca_core::record::CrlRecord;
use ca_core::validity::UnixTime;
use serde::Serialize;

use super::{Ceremony, OpenRootError, Root};
use crate::charter::ChooseProfilesError;
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::keys::{SecretSource, UnlockError};
use crate::new_file::{self, NewFileError, Readers};
use crate::refusal::{exit_of_fault, sentence};
use crate::stated_time::StatedTime;

/// How far thisUpdate may lie after what was last recorded, unless the time is stated twice: 366 days. A year mistyped into
/// the far future would leave the root without a valid CRL for good, since CRLs never go back in time.
const FAR_SECONDS: i64 = 366 * 86_400;

/// What is asked for. thisUpdate is the time that the ceremony was opened with.
#[derive(Debug, Clone)]
pub(crate) struct CrlWish {
    pub(crate) next_update: StatedTime,
    /// The present, where thisUpdate is another time.
    pub(crate) time: Option<StatedTime>,
    /// Where the CRL goes, in DER.
    pub(crate) out: PathBuf,
    pub(crate) secrets: SecretSource,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedCrl {
    pub(crate) issuer: String,
    pub(crate) number: u64,
    pub(crate) this_update: String,
    pub(crate) next_update: String,
    pub(crate) entries: u64,
    pub(crate) sha256: String,
    pub(crate) out: PathBuf,
    /// Whose shares opened the keys, of a shared root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) opened_by: Vec<String>,
}

impl fmt::Display for SignedCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The CRL is signed.")?;
        writeln!(f, "  Issuer   {}", self.issuer)?;
        writeln!(f, "  Number   {}", self.number)?;
        writeln!(f, "  Speaks   from {} to {}", self.this_update, self.next_update)?;
        writeln!(f, "  Entries  {}", self.entries)?;
        writeln!(f, "  SHA-256  {}", fingerprint::grouped(&self.sha256))?;
        writeln!(f, "  File     {}", self.out.display())?;
        if !self.opened_by.is_empty() {
            writeln!(f, "  Opened   by {}", self.opened_by.join(", "))?;
        }
        write!(
            f,
            "Next: publish it before the one before ends, and plan the next ceremony well before {}",
            self.next_update
        )
    }
}

/// Signs the next CRL.
pub(crate) fn sign(ceremony: &Ceremony, wish: &CrlWish) -> Result<SignedCrl, SignCrlError> {
    new_file::check_free(&wish.out)?;
    let profile = profile(ceremony, wish)?;
    let keys = Arc::new(ceremony.unlock(&[], &wish.secrets)?);
    let authority = ceremony.authority(keys.clone(), profile, &ceremony.profiles)?;
    let crl = authority.issue_crl(&ceremony.actor())?;
    new_file::create(&wish.out, &crl.der, Readers::Everybody)?;
    Ok(SignedCrl { opened_by: keys.opened_by().to_vec(), ..report(ceremony, wish, &crl) })
}

/// The profile of the deployment says how long at most, the operator how long.
fn profile(ceremony: &Ceremony, wish: &CrlWish) -> Result<CrlProfile, SignCrlError> {
    let longest = ceremony.crl_profile()?;
    let (this_update, next_update) = (ceremony.time.time(), wish.next_update.time());
    let seconds = next_update.seconds().saturating_sub(this_update.seconds());
    if seconds > longest.validity_seconds() {
        return Err(SignCrlError::TooLong {
            this_update,
            next_update,
            days: longest.validity_seconds() / 86_400,
        });
    }
    CrlProfile::offline(seconds, longest.reissue_seconds().min(seconds / 2))
        .map_err(|cause| SignCrlError::Times { this_update, next_update, cause })
}

/// Refuses a thisUpdate that nobody can mean.
pub(crate) fn check_not_far(
    root: &Root,
    this_update: StatedTime,
    wish: &CrlWish,
) -> Result<(), SignCrlError> {
    let this_update = this_update.time();
    let known = wish.time.map_or_else(|| root.ledger.latest_time(), StatedTime::time);
    if this_update > known.plus_seconds(FAR_SECONDS) {
        return Err(SignCrlError::FarAhead { this_update, known });
    }
    Ok(())
}

fn report(ceremony: &Ceremony, wish: &CrlWish, crl: &CrlRecord) -> SignedCrl {
    SignedCrl {
        issuer: ceremony.certificate.subject().to_string(),
        number: crl.number,
        this_update: crl.this_update.to_string(),
        next_update: crl.next_update.to_string(),
        entries: crl.entries,
        sha256: fingerprint::of(&crl.der),
        out: wish.out.clone(),
        opened_by: Vec::new(),
    }
}

/// Why there is no new CRL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignCrlError {
    /// nextUpdate is not after thisUpdate by as much as a CRL must be valid.
    #[error("a CRL cannot speak from {this_update} to {next_update}: {cause}")]
    Times {
        /// thisUpdate.
        this_update: UnixTime,
        /// nextUpdate.
        next_update: UnixTime,
        /// Which bound does not hold.
        cause: ProfileFault,
    },
    /// Longer than the profile allows.
    #[error(
        "a CRL from {this_update} to {next_update} would be valid for more than {days} days, which the profile allows"
    )]
    TooLong {
        /// thisUpdate.
        this_update: UnixTime,
        /// nextUpdate.
        next_update: UnixTime,
        /// How long at most, in days.
        days: i64,
    },
    /// thisUpdate is far after anything on record.
    #[error("thisUpdate is {this_update}, more than a year after {known}, and CRLs never go back in time")]
    FarAhead {
        /// thisUpdate.
        this_update: UnixTime,
        /// The latest time on record, or the present as it was stated.
        known: UnixTime,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] NewFileError),
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The key cannot be unlocked.
    #[error(transparent)]
    Keys(#[from] UnlockError),
    /// The authority cannot be put together.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// ca-core refused or failed.
    #[error("{}", sentence(.0))]
    NotIssued(#[from] CrlError),
}

impl Explained for SignCrlError {
    fn exit(&self) -> Exit {
        match self {
            Self::Times { .. } => Exit::Usage,
            Self::TooLong { .. } | Self::FarAhead { .. } => Exit::Refused,
            Self::Output(error) => error.exit(),
            Self::Profiles(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::Root(error) => error.exit(),
            Self::NotIssued(CrlError::ClockWentBack { .. } | CrlError::IssuerNotValid { .. }) => {
                Exit::Refused
            }
            Self::NotIssued(error) => exit_of_fault(error.fault()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Times { .. } | Self::TooLong { .. } => "crl.times",
            Self::FarAhead { .. } => "crl.far-ahead",
            Self::Output(error) => error.code(),
            Self::Profiles(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::NotIssued(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Times { .. } | Self::TooLong { .. } => "correct --this-update or --next-update".to_owned(),
            Self::FarAhead { .. } => {
                "correct --this-update; if it is right, state the present as well: --time 2026-11-21T10:00:00Z".to_owned()
            }
            Self::Output(error) => error.next(),
            Self::Profiles(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::Root(error) => error.next(),
            Self::NotIssued(CrlError::ClockWentBack { .. } | CrlError::IssuerNotValid { .. }) => {
                "correct --this-update".to_owned()
            }
            Self::NotIssued(_) => "read what is said before; repeat only what is unavailable".to_owned(),
        }
    }
}
