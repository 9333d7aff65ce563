//! `ceremony verify`: checks the bundle of a ceremony again, from the bundle alone.
//!
//! What is checked is decided in the library `ceremony`; here it is said how the program ends.

use std::fmt;
use std::path::Path;

use ::ceremony::bundle::{Bundle, OpenBundleError};
use ::ceremony::verify::{Report, verify, verify_after};
use serde::Serialize;

use crate::explain::{Exit, Explained};
use crate::new_file;

/// A bundle that is intact.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct IntactBundle(Report);

impl fmt::Display for IntactBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks a bundle; with the one before it, also that it goes on where that one ended.
pub(crate) fn review(path: &Path, previous: Option<&Path>) -> Result<IntactBundle, BundleReviewError> {
    let open = |path: &Path| Bundle::open(path).map_err(BundleReviewError::Unreadable);
    let bundle = open(path)?;
    let report = match previous {
        Some(previous) => verify_after(&bundle, open(previous)?),
        None => verify(&bundle),
    };
    if report.is_intact() {
        Ok(IntactBundle(report))
    } else {
        Err(BundleReviewError::Altered(Box::new(report)))
    }
}

/// Why a bundle is not intact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleReviewError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(OpenBundleError),
    /// It is not as the ceremony left it.
    #[error("{0}")]
    Altered(Box<Report>),
}

impl Explained for BundleReviewError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable(OpenBundleError::Unreadable { cause, .. }) => new_file::exit_of(cause),
            Self::Unreadable(_) | Self::Altered(_) => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(OpenBundleError::Unreadable { .. }) => "file.unreadable",
            Self::Unreadable(_) | Self::Altered(_) => "bundle.altered",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable(OpenBundleError::Unreadable { .. }) => {
                "check the path and the medium".to_owned()
            }
            Self::Unreadable(_) | Self::Altered(_) => {
                "rely on nothing in it, keep it as it is, and compare it with the second medium".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_path_that_leads_nowhere_from_a_bundle_that_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(review(&folder.path().join("absent"), None).unwrap_err().exit(), Exit::NotFound);
        let empty = review(folder.path(), None).unwrap_err();
        assert_eq!((empty.exit(), empty.code()), (Exit::Integrity, "bundle.altered"));
        assert!(empty.to_string().contains("manifest.json: it is missing"), "{empty}");
        let strange = folder.path().join("strange.tar");
        std::fs::write(&strange, [0x20; 1024]).unwrap();
        assert_eq!(review(&strange, None).unwrap_err().exit(), Exit::Integrity);
    }
}
