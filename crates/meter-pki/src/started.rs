//! By which configuration a server was started, as digests: so that whoever looks later can tell that the files were changed.
//!
//! Nothing of the configuration itself, which may name places that not everybody should read.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{Config, RawConfig, beside};

/// What was there when the server was started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started {
    /// SHA-256 of the configuration, in hexadecimal.
    pub(crate) sha256: String,
    /// SHA-256 over the profile files; none where they are built in.
    pub(crate) profiles_sha256: Option<String>,
}

impl Started {
    /// Reads the files now.
    pub(crate) fn with(config: &Config) -> Self {
        let profiles_sha256 =
            Config::raw(&config.file).ok().and_then(|raw| profiles_sha256(&config.file, &raw));
        Self { sha256: sha256(&config.file), profiles_sha256 }
    }
}

/// SHA-256 of a file in hexadecimal; of nothing when it cannot be read.
pub(crate) fn sha256(file: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(file).unwrap_or_default()))
}

/// SHA-256 over the names and octets of all profile files, in the order of their names.
pub(crate) fn profiles_sha256(file: &Path, raw: &RawConfig) -> Option<String> {
    let directory = beside(file, raw.profiles.get_ref().directory.as_ref()?);
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let octets = fs::read(&file).unwrap_or_default();
        digest.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        digest.update([0]);
        digest.update(Sha256::digest(octets));
    }
    Some(hex::encode(digest.finalize()))
}
