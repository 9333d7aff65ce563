//! The manifest: name, length and SHA-256 of every file of a bundle; and who signed it.

use serde::{Deserialize, Serialize};

use super::{Bundle, MANIFEST, SIGNATURES};
use crate::exact_json;
use crate::transcript::PersonSignature;
use crate::words::Fingerprint;

/// The one version of the format.
pub(crate) const FORMAT: u8 = 1;

/// What is in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `1`.
    pub format: u8,
    /// The title of the ceremony.
    pub title: String,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// SHA-256 of the ceremony file.
    pub ceremony: Fingerprint,
    /// SHA-256 of the last line of the transcript.
    pub transcript: Fingerprint,
    /// Every file but the manifest and its signatures, in the order of their names.
    pub files: Vec<ListedFile>,
}

/// A file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Its path in the bundle.
    pub name: String,
    /// How long it is.
    pub octets: u64,
    /// SHA-256 of its octets.
    pub sha256: Fingerprint,
}

/// The signatures under a manifest, over its octets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    /// One for each person.
    pub signatures: Vec<PersonSignature>,
}

impl Signatures {
    /// Reads signatures in the one form in which they are written.
    ///
    /// # Errors
    /// Why they are none, in a sentence.
    pub fn read(octets: &[u8]) -> Result<Self, String> {
        exact_json::read(octets)
    }
}

impl Manifest {
    /// Lists the files that a bundle has.
    #[must_use]
    pub fn list(bundle: &Bundle) -> Vec<ListedFile> {
        bundle
            .files()
            .filter(|(name, _)| ![MANIFEST, SIGNATURES].contains(name))
            .map(|(name, octets)| ListedFile {
                name: name.to_owned(),
                octets: u64::try_from(octets.len()).unwrap_or(u64::MAX),
                sha256: Fingerprint::of(octets),
            })
            .collect()
    }

    /// Reads a manifest in the one form in which manifests are written.
    ///
    /// # Errors
    /// Why it is none, in a sentence.
    pub fn read(octets: &[u8]) -> Result<Self, String> {
        let manifest: Self = exact_json::read(octets)?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            Err(format!("format {} is not ours", manifest.format))
        }
    }
}
