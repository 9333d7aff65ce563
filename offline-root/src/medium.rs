//! `medium`: looks at everything on a transfer medium before it leaves the room (case R-20).
//!
//! What leaves is public and of a kind that is known here: requests, responses, certificates, CRLs, public keys, pictures and
//! sheets of them, lists of CRLs, and bundles of ceremonies, which are verified. Anything else is named, and the medium stays. Nothing is changed or removed: that is for people to do.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ceremony::bundle::Bundle;
use ceremony::bundle::manifest::{Manifest, Signatures};
use ceremony::verify::IntactBundle;
use paper::part::Part;
use paper::{picture, sheet};
use serde::Serialize;

use crate::ceremony::crl_series::SignedSeries;
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file;
use crate::show;

/// What is on a medium.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MediumReview {
    files: Vec<PublicFile>,
}

#[derive(Debug, Clone, Serialize)]
struct PublicFile {
    path: PathBuf,
    kind: &'static str,
    file_sha256: String,
}

impl fmt::Display for MediumReview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Everything on the medium is public: {} files", self.files.len())?;
        for file in &self.files {
            writeln!(f, "  {}  {}  {}", file.file_sha256, file.path.display(), file.kind)?;
        }
        write!(f, "Next: compare the list with that of the script; then the medium may leave")
    }
}

/// Looks at every file below a directory.
pub(crate) fn review(directory: &Path) -> Result<MediumReview, MediumError> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |cause| MediumError::Unreadable { path: folder.clone(), cause };
        if let Some(parts) = bundle(&folder) {
            files.extend(parts);
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            // A symbolic link is not followed: it is one of the others.
            let kind = fs::symlink_metadata(&path).map_err(unreadable)?.file_type();
            if kind.is_dir() {
                folders.push(path);
            } else if let Some(file) = kind.is_file().then(|| public(&path)).flatten() {
                files.push(file);
            } else {
                others.push(path);
            }
        }
    }
    others.sort();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    if others.is_empty() { Ok(MediumReview { files }) } else { Err(MediumError::Others { paths: others }) }
}

/// The file, if it is of a kind that leaves.
fn public(path: &Path) -> Option<PublicFile> {
    let octets = fs::read(path).ok()?;
    let shown = show::show(path).ok().map(|shown| shown.kind());
    let kind = shown
        .or_else(|| picture_of_codes(&octets))
        .or_else(|| list(&octets))
        .or_else(|| Some(intact(path)?.0))?;
    Some(PublicFile { path: path.to_owned(), kind, file_sha256: fingerprint::of(&octets) })
}

/// The files of a directory that is the bundle of a ceremony, whole and unaltered. What is in it was taken in or made by
/// steps that people signed; anything more would be found.
fn bundle(folder: &Path) -> Option<Vec<PublicFile>> {
    let (_, bundle) = folder.join("manifest.json").is_file().then(|| intact(folder)).flatten()?;
    let files = bundle.files().map(|(name, octets)| PublicFile {
        path: folder.join(name),
        kind: "Part of the bundle of a ceremony",
        file_sha256: fingerprint::of(octets),
    });
    Some(files.collect())
}

fn intact(path: &Path) -> Option<(&'static str, Bundle)> {
    let bundle = Bundle::open(path).ok()?;
    let intact = IntactBundle::check(bundle.clone()).ok()?;
    let kind = if intact.is_rehearsal() { "Bundle of a rehearsal" } else { "Bundle of a ceremony" };
    Some((kind, bundle))
}

/// What lists other files, in the one form in which it is written.
fn list(octets: &[u8]) -> Option<&'static str> {
    if Manifest::read(octets).is_ok() {
        Some("Manifest of the bundle of a ceremony")
    } else if Signatures::read(octets).is_ok() {
        Some("Signatures under the manifest of a bundle")
    } else if SignedSeries::read(octets).is_some() {
        Some("List of a series of CRLs")
    } else {
        let text = core::str::from_utf8(octets).ok()?;
        sheet::read(text).map(|_| "Sheet of codes")
    }
}

fn picture_of_codes(octets: &[u8]) -> Option<&'static str> {
    let texts = picture::read(octets).ok()?;
    texts.iter().all(|text| Part::from_text(text).is_ok()).then_some("Picture of codes")
}

/// Why a medium does not leave.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediumError {
    /// There is something on it that is not known to be public.
    #[error("{} of the things on the medium are of no kind that leaves: {}", paths.len(), names(paths))]
    Others {
        /// Which.
        paths: Vec<PathBuf>,
    },
    /// It cannot be looked at.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Explained for MediumError {
    fn exit(&self) -> Exit {
        match self {
            Self::Others { .. } => Exit::Refused,
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Others { .. } => "medium.not-public",
            Self::Unreadable { .. } => "file.unreadable",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Others { .. } => {
                "keep the medium here, write down how it came there, and take a fresh one".to_owned()
            }
            Self::Unreadable { .. } => "check the medium and the path".to_owned(),
        }
    }
}
