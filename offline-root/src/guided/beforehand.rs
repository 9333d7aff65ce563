//! What is brought into the room from before: the bundle of the previous ceremony, and that of the last rehearsal.
//!
//! Both are verified before anything is written; the one that the ceremony file names cannot be left out.

use std::path::{Path, PathBuf};

use ceremony::bundle::{Bundle, OpenBundleError};
use ceremony::earlier::{EarlierError, HeldRehearsal, PreviousCeremony};
use ceremony::file::CeremonyFile;
use ceremony::words::Fingerprint;

use super::originals::OriginalError;
use super::soft_tokens::SoftTokenError;
use crate::explain::{Exit, Explained};
use crate::new_file;

/// Which bundles were named.
#[derive(Debug, Clone, Default)]
pub(crate) struct EarlierBundles {
    /// Of the previous ceremony.
    pub(crate) previous: Option<PathBuf>,
    /// Of the last rehearsal.
    pub(crate) rehearsed: Option<PathBuf>,
}

/// What was held before, verified.
#[derive(Debug, Default)]
pub(crate) struct Beforehand {
    pub(crate) previous: Option<PreviousCeremony>,
    pub(crate) rehearsed: Option<HeldRehearsal>,
}

impl Beforehand {
    /// Opens and verifies the bundles.
    pub(crate) fn open(file: &CeremonyFile, bundles: &EarlierBundles) -> Result<Self, BeforehandError> {
        let previous = match (&bundles.previous, file.previous()) {
            (None, Some(named)) => return Err(BeforehandError::PreviousAbsent { named: *named }),
            (path, _) => path
                .as_deref()
                .map(|path| PreviousCeremony::of(file, open(path)?).map_err(BeforehandError::Previous)),
        };
        let rehearsed = bundles.rehearsed.as_deref();
        let rehearsed =
            rehearsed.map(|path| HeldRehearsal::of(file, open(path)?).map_err(BeforehandError::Rehearsal));
        Ok(Self { previous: previous.transpose()?, rehearsed: rehearsed.transpose()? })
    }
}

fn open(path: &Path) -> Result<Bundle, BeforehandError> {
    Ok(Bundle::open(path)?)
}

/// Why a ceremony is not begun with what was brought.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeforehandError {
    /// The previous ceremony is named in the file, and its bundle is not there.
    #[error("the ceremony file names the previous ceremony, manifest {named}, and its bundle was not given")]
    PreviousAbsent {
        /// SHA-256 of its manifest.
        named: Fingerprint,
    },
    /// It is not the bundle of the previous ceremony.
    #[error("the previous ceremony: {0}")]
    Previous(#[source] EarlierError),
    /// It is not the bundle of a rehearsal of this file.
    #[error("the rehearsal: {0}")]
    Rehearsal(#[source] EarlierError),
    /// A bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] OpenBundleError),
    /// Nothing can stand in for a root of an earlier ceremony.
    #[error(transparent)]
    Original(#[from] OriginalError),
    /// A rehearsal has no soft tokens.
    #[error(transparent)]
    SoftToken(#[from] SoftTokenError),
}

impl Explained for BeforehandError {
    fn exit(&self) -> Exit {
        match self {
            Self::PreviousAbsent { .. } | Self::Previous(EarlierError::NoneNamed) => Exit::Usage,
            Self::Previous(EarlierError::Altered(_)) | Self::Rehearsal(EarlierError::Altered(_)) => {
                Exit::Integrity
            }
            Self::Previous(_) | Self::Rehearsal(_) => Exit::Refused,
            Self::Bundle(OpenBundleError::Unreadable { cause, .. }) => new_file::exit_of(cause),
            Self::Bundle(_) => Exit::Integrity,
            Self::Original(error) => error.exit(),
            Self::SoftToken(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::PreviousAbsent { .. } => "previous.absent",
            Self::Previous(EarlierError::NoneNamed) => "previous.not-named",
            Self::Previous(EarlierError::Altered(_)) => "previous.altered",
            Self::Previous(_) => "previous.another",
            Self::Rehearsal(EarlierError::Altered(_)) => "rehearsal.altered",
            Self::Rehearsal(_) => "rehearsal.another",
            Self::Bundle(OpenBundleError::Unreadable { .. }) => "file.unreadable",
            Self::Bundle(_) => "bundle.altered",
            Self::Original(error) => error.code(),
            Self::SoftToken(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::PreviousAbsent { .. } => {
                "bring the bundle of the previous ceremony, and name it: --previous BUNDLE"
            }
            Self::Previous(EarlierError::NoneNamed) => {
                "leave --previous out, or have its manifest's SHA-256 put into the ceremony file and reviewed"
            }
            Self::Previous(_) => {
                "bring the bundle that the ceremony file names; offline-root ceremony verify says what a bundle is"
            }
            Self::Rehearsal(_) => {
                "rehearse this very file, and name the bundle of that rehearsal: --rehearsed BUNDLE"
            }
            Self::Bundle(_) => "check the path and the medium, or take the second one",
            Self::Original(error) => return error.next(),
            Self::SoftToken(error) => return error.next(),
        }
        .to_owned()
    }
}
