//! `crl`: signs the root's next CRL, valid from and to the times that were stated.
//!
//! Which certificates are on it follows from the ledger; its number is drawn by ca-core. Of the CRLs whose thisUpdate has come
//! the one with the highest number is in force, so one that is signed now puts an end to those that were signed ahead.

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
use crate::ledger_file::KeptCrl;
use crate::new_file::{self, NewFileError, Readers};
use crate::refusal::{INCIDENT, exit_of_fault, sentence};
use crate::second_opinion::is_incident;
use crate::stated_time::StatedTime;

/// How far thisUpdate may lie after what was last recorded, unless the time is stated twice: 366 days. A year mistyped into
/// the far future would leave the root without a valid CRL for good, since CRLs never go back in time.
const FAR_SECONDS: i64 = 366 * 86_400;

/// How many CRLs a series may have.
pub(super) const SERIES_LIMIT: u32 = 60;

/// What is asked for. The time that the ceremony was opened with is the present.
#[derive(Debug, Clone)]
pub(crate) struct CrlWish {
    pub(crate) this_update: StatedTime,
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
    /// The numbers of CRLs signed ahead that never come into force, since this one has a higher number.
    pub(crate) obsolete_crls: Vec<u64>,
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
        tell_obsolete(f, &self.obsolete_crls)?;
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
    let (this_update, next_update) = (wish.this_update.time(), wish.next_update.time());
    let profile = profile(ceremony, this_update, next_update)?;
    check_present(ceremony)?;
    let keys = Arc::new(ceremony.unlock(&[], &wish.secrets)?);
    let authority = ceremony.authority(keys.clone(), profile, &ceremony.profiles)?;
    let obsolete = made_obsolete(ceremony, this_update);
    let crl = kept(authority.issue_crl_ahead(&ceremony.actor(), this_update)?)?;
    new_file::create(&wish.out, &crl.der, Readers::Everybody)?;
    Ok(SignedCrl {
        opened_by: keys.opened_by().iter().map(ToString::to_string).collect(),
        ..report(ceremony, wish, &crl, obsolete)
    })
}

/// Takes a CRL that was signed whole.
pub(super) fn kept(crl: CrlRecord) -> Result<KeptCrl, CrlError> {
    Ok(KeptCrl::read(crl)?)
}

/// CRLs are signed in the order of time: one that knows less must not have the higher number.
pub(super) fn check_present(ceremony: &Ceremony) -> Result<(), SignCrlError> {
    let now = ceremony.time.time();
    let last_update = ceremony.ledger.crl_signed_at(&ceremony.certificate.public_key().key_ref());
    if now >= last_update {
        return Ok(());
    }
    let error = CrlError::ClockWentBack { now, last_update };
    ceremony.record_refusal(&error.to_string(), error.code()).map_err(CrlError::from)?;
    Err(error.into())
}

/// Returns the numbers of the CRLs signed ahead that a CRL from `this_update` on makes obsolete.
pub(super) fn made_obsolete(ceremony: &Ceremony, this_update: UnixTime) -> Vec<u64> {
    let key = ceremony.certificate.public_key().key_ref();
    let ahead = ceremony.ledger.crls_ahead(&key, ceremony.time.time());
    ahead.into_iter().filter(|(_, other)| *other >= this_update).map(|(number, _)| number).collect()
}

/// Says which CRLs must not be released any more.
pub(super) fn tell_obsolete(f: &mut fmt::Formatter<'_>, numbers: &[u64]) -> fmt::Result {
    if numbers.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> = numbers.iter().map(u64::to_string).collect();
    writeln!(f, "Signed ahead before, not to be released any more: {}", listed.join(", "))
}

/// The profile of the deployment says how long at most, the operator how long.
pub(super) fn profile(
    ceremony: &Ceremony,
    this_update: UnixTime,
    next_update: UnixTime,
) -> Result<CrlProfile, SignCrlError> {
    let longest = ceremony.crl_profile()?;
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
pub(crate) fn check_not_far(root: &Root, wish: &CrlWish) -> Result<(), SignCrlError> {
    let this_update = wish.this_update.time();
    let known = wish.time.map_or_else(|| root.ledger.latest_time(), StatedTime::time);
    if this_update > known.plus_seconds(FAR_SECONDS) {
        return Err(SignCrlError::FarAhead { this_update, known });
    }
    Ok(())
}

fn report(ceremony: &Ceremony, wish: &CrlWish, crl: &KeptCrl, obsolete_crls: Vec<u64>) -> SignedCrl {
    SignedCrl {
        issuer: ceremony.certificate.subject().to_string(),
        number: crl.number,
        this_update: crl.this_update.to_string(),
        next_update: crl.next_update.to_string(),
        entries: crl.entries,
        sha256: fingerprint::of(&crl.der),
        out: wish.out.clone(),
        opened_by: Vec::new(),
        obsolete_crls,
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
    /// The series has no CRL, far too many, or gaps.
    #[error(
        "a series has 1 to {} CRLs, each for at least a day, and they overlap by at least a day",
        SERIES_LIMIT
    )]
    Series,
    /// A CRL of the series would begin after the end of the root.
    #[error("the last CRL of the series would speak from {this_update}, and the root ends on {not_after}")]
    BeyondRoot {
        /// thisUpdate of the last CRL.
        this_update: UnixTime,
        /// When the root ends.
        not_after: UnixTime,
    },
    /// The list of the series cannot be written.
    #[error("the list of the series cannot be written: {0}")]
    List(#[from] serde_json::Error),
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
            Self::Times { .. } | Self::Series => Exit::Usage,
            Self::List(_) => Exit::Failed,
            Self::BeyondRoot { .. } | Self::TooLong { .. } | Self::FarAhead { .. } => Exit::Refused,
            Self::Output(error) => error.exit(),
            Self::Profiles(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::Root(error) => error.exit(),
            Self::NotIssued(
                CrlError::ClockWentBack { .. }
                | CrlError::SpeaksOfThePast { .. }
                | CrlError::IssuerNotValid { .. },
            ) => Exit::Refused,
            Self::NotIssued(CrlError::NotSigned(failure)) if is_incident(failure) => Exit::Integrity,
            Self::NotIssued(error) => exit_of_fault(error.fault()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Times { .. } | Self::TooLong { .. } | Self::BeyondRoot { .. } => "crl.times",
            Self::Series => "crl.series",
            Self::List(_) => "output.json",
            Self::FarAhead { .. } => "crl.far-ahead",
            Self::Output(error) => error.code(),
            Self::Profiles(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::NotIssued(CrlError::NotSigned(failure)) if is_incident(failure) => INCIDENT,
            Self::NotIssued(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Series | Self::BeyondRoot { .. } => {
                "correct --first, --every-days, --overlap-days or --count".to_owned()
            }
            Self::List(_) => "have the program examined".to_owned(),
            Self::Times { .. } | Self::TooLong { .. } => "correct --this-update or --next-update".to_owned(),
            Self::FarAhead { .. } => {
                "correct --this-update; if it is right, state the present as well: --time 2026-11-21T10:00:00Z".to_owned()
            }
            Self::Output(error) => error.next(),
            Self::Profiles(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::Root(error) => error.next(),
            Self::NotIssued(
                CrlError::ClockWentBack { .. }
                | CrlError::SpeaksOfThePast { .. }
                | CrlError::IssuerNotValid { .. },
            ) => {
                "correct --this-update".to_owned()
            }
            Self::NotIssued(_) => "read what is said before; repeat only what is unavailable".to_owned(),
        }
    }
}
