//! What was held before a ceremony: the previous ceremony, which its file names, and the last rehearsal of the same file.
//!
//! Both are bundles, verified before anything in them is believed.

use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::verify::{IntactBundle, Report};
use crate::words::Fingerprint;

/// The ceremony that a file names as the one before.
#[derive(Debug, Clone)]
pub struct PreviousCeremony(IntactBundle);

impl PreviousCeremony {
    /// Takes the bundle of the ceremony that `file` names.
    ///
    /// # Errors
    /// [`EarlierError`].
    pub fn of(file: &CeremonyFile, bundle: Bundle) -> Result<Self, EarlierError> {
        let wanted = *file.previous().ok_or(EarlierError::NoneNamed)?;
        let intact = IntactBundle::check(bundle).map_err(EarlierError::Altered)?;
        let found = *intact.manifest();
        if found != wanted {
            return Err(EarlierError::AnotherCeremony { found, wanted });
        }
        if intact.is_rehearsal() { Err(EarlierError::Rehearsal) } else { Ok(Self(intact)) }
    }

    /// Returns its bundle.
    #[must_use]
    pub const fn bundle(&self) -> &IntactBundle {
        &self.0
    }
}

/// A rehearsal of a ceremony file.
#[derive(Debug, Clone)]
pub struct HeldRehearsal(IntactBundle);

impl HeldRehearsal {
    /// Takes the bundle of a rehearsal of `file`, octet for octet.
    ///
    /// # Errors
    /// [`EarlierError`].
    pub fn of(file: &CeremonyFile, bundle: Bundle) -> Result<Self, EarlierError> {
        let intact = IntactBundle::check(bundle).map_err(EarlierError::Altered)?;
        if !intact.is_rehearsal() {
            return Err(EarlierError::NotARehearsal);
        }
        let (found, wanted) = (*intact.file().fingerprint(), *file.fingerprint());
        if found == wanted { Ok(Self(intact)) } else { Err(EarlierError::AnotherFile { found, wanted }) }
    }

    /// Returns the SHA-256 of its manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Fingerprint {
        self.0.manifest()
    }
}

/// Why a bundle is not that of the earlier ceremony or rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// The file names no previous ceremony.
    #[error("the ceremony file names no previous ceremony, and a bundle of one was given")]
    NoneNamed,
    /// It does not verify.
    #[error("the bundle does not verify: {}", .0.findings.first().map(ToString::to_string).unwrap_or_default())]
    Altered(Box<Report>),
    /// It is of another ceremony than the file names.
    #[error(
        "the bundle has a manifest with the SHA-256 {found}, and the ceremony file names {wanted} as the previous one"
    )]
    AnotherCeremony {
        /// What it has.
        found: Fingerprint,
        /// What the file names.
        wanted: Fingerprint,
    },
    /// A rehearsal in the place of a ceremony.
    #[error("the bundle is that of a rehearsal, not of a ceremony")]
    Rehearsal,
    /// A ceremony in the place of a rehearsal.
    #[error("the bundle is that of a ceremony, not of a rehearsal")]
    NotARehearsal,
    /// Another file was rehearsed.
    #[error("the file with the SHA-256 {found} was rehearsed, and this one has {wanted}")]
    AnotherFile {
        /// What was rehearsed.
        found: Fingerprint,
        /// What is to be held.
        wanted: Fingerprint,
    },
}
