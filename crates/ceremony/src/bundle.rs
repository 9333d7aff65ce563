//! The bundle: everything that a ceremony took in, did and made, in one directory, under one manifest that people sign.
//!
//! Holds octets; what they are worth is for [`verify`](crate::verify) to say. Layout: `ceremony.toml`, `script.md`,
//! `transcript.jsonl`, `tools.json`, `inputs/`, `outputs/`, `records/`, `people/`, `manifest.json`, `manifest.sig.json`.

pub mod draft;
pub mod tar;
pub mod manifest;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub use draft::{BundleDraft, UnsignedBundle};

/// Files with names of their own.
pub(crate) const CEREMONY: &str = "ceremony.toml";
pub(crate) const SCRIPT: &str = "script.md";
pub(crate) const TRANSCRIPT: &str = "transcript.jsonl";
pub(crate) const TOOLS: &str = "tools.json";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURES: &str = "manifest.sig.json";

/// The directories.
const DIRECTORIES: [&str; 4] = ["inputs", "outputs", "people", "records"];

/// How many octets a bundle may have altogether.
const MOST_OCTETS: u64 = 512 * 1024 * 1024;

/// The files of a bundle, by their paths in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// Makes a bundle of files.
    #[must_use]
    pub const fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { files }
    }

    /// Reads a bundle from its directory, or from a `.tar` of it.
    ///
    /// # Errors
    /// [`OpenBundleError`].
    pub fn open(path: &Path) -> Result<Self, OpenBundleError> {
        let unreadable = |cause| OpenBundleError::Unreadable { path: path.to_owned(), cause };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let mut reading = Reading { files: BTreeMap::new(), room: MOST_OCTETS };
            reading.directory(path, "")?;
            return Ok(Self { files: reading.files });
        }
        let mut octets = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MOST_OCTETS + 1).read_to_end(&mut octets).map_err(unreadable)?;
        Self::from_tar(&octets)
    }

    /// Reads a bundle from the octets of a `.tar` of it.
    ///
    /// # Errors
    /// [`OpenBundleError`].
    pub fn from_tar(octets: &[u8]) -> Result<Self, OpenBundleError> {
        let fits = u64::try_from(octets.len()).is_ok_and(|length| length <= MOST_OCTETS);
        if fits { Ok(Self { files: tar::read(octets)? }) } else { Err(OpenBundleError::TooLarge) }
    }

    /// Writes the bundle into a new directory; nothing is ever overwritten.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)?;
        for name in DIRECTORIES {
            fs::create_dir(directory.join(name))?;
        }
        for (name, octets) in &self.files {
            let path = directory.join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.write_all(octets)?;
            file.sync_all()?;
        }
        for path in DIRECTORIES.iter().map(|name| directory.join(name)).chain([directory.to_owned()]) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    }

    /// Writes the bundle as the octets of a `.tar`.
    ///
    /// # Errors
    /// [`tar::TarError`] for a name or file that is too long for one.
    pub fn to_tar(&self) -> Result<Vec<u8>, tar::TarError> {
        tar::write(&self.files)
    }

    /// Lists the files by their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, octets)| (name.as_str(), octets.as_slice()))
    }

    /// Returns the octets of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }
}

struct Reading {
    files: BTreeMap<String, Vec<u8>>,
    room: u64,
}

impl Reading {
    fn directory(&mut self, path: &Path, prefix: &str) -> Result<(), OpenBundleError> {
        let unreadable = |cause| OpenBundleError::Unreadable { path: path.to_owned(), cause };
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (path, name) = (entry.path(), entry.file_name());
            let strange = || OpenBundleError::Strange { path: path.clone() };
            let name = name.to_str().ok_or_else(strange)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_file() {
                self.file(&path, format!("{prefix}{name}"))?;
            } else if kind.is_dir() && prefix.is_empty() && DIRECTORIES.contains(&name) {
                self.directory(&path, &format!("{name}/"))?;
            } else {
                return Err(strange());
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), OpenBundleError> {
        let unreadable = |cause| OpenBundleError::Unreadable { path: path.to_owned(), cause };
        let mut octets = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        let read = file.take(self.room + 1).read_to_end(&mut octets).map_err(unreadable)?;
        let left = u64::try_from(read).ok().and_then(|read| self.room.checked_sub(read));
        self.room = left.ok_or(OpenBundleError::TooLarge)?;
        self.files.insert(name, octets);
        Ok(())
    }
}

/// Why a bundle was not read.
#[derive(Debug, thiserror::Error)]
pub enum OpenBundleError {
    /// Not there, or the operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Something that no bundle has: another directory, a link, a device.
    #[error("{path} does not belong into a bundle", path = path.display())]
    Strange {
        /// What it is.
        path: PathBuf,
    },
    /// More than 512 MiB.
    #[error("the bundle has more than 512 MiB")]
    TooLarge,
    /// Not a `.tar` as bundles are written.
    #[error(
        "the file is not the .tar of a bundle: {0}; one that another program packed is to be unpacked first"
    )]
    Tar(#[from] tar::TarError),
}

impl OpenBundleError {
    /// Tells whether the bundle is at fault, rather than the path to it.
    #[must_use]
    pub const fn is_fault_of_bundle(&self) -> bool {
        match self {
            Self::Unreadable { .. } => false,
            Self::Strange { .. } | Self::TooLarge | Self::Tar(_) => true,
        }
    }
}
