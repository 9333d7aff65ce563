//! Which tables a keyspace consists of is checked before fjall reads it: fjall keeps a checksum of that, and does not look at it.
//!
//! A flipped bit there makes rows vanish that are whole on disk. The file `current` names a version of the keyspace and its
//! checksum; the version lists the tables, which have checksums of their own that fjall checks. A keyspace without `current` was
//! being made when a crash came, and is left to fjall.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

/// The file that names the version.
const CURRENT: &str = "current";

/// What says which tables there are is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{} is damaged: it is not what was written there", file.display())]
pub(super) struct DamagedManifest {
    file: PathBuf,
}

/// Why it is not known which tables there are.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    #[error(transparent)]
    Damaged(#[from] DamagedManifest),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Checks those of all keyspaces of a database.
pub(super) fn check(directory: &Path) -> Result<(), ManifestError> {
    for entry in fs::read_dir(directory.join("keyspaces"))? {
        check_one(&entry?.path())?;
    }
    Ok(())
}

fn check_one(keyspace: &Path) -> Result<(), ManifestError> {
    let file = keyspace.join(CURRENT);
    let Some(octets) = read(&file)? else { return Ok(()) };
    let current = Current::parse(&octets).ok_or(DamagedManifest { file })?;
    let file = keyspace.join(format!("v{}", current.version));
    match read(&file)? {
        Some(version) if xxh3_128(&version) == current.checksum => Ok(()),
        Some(_) | None => Err(DamagedManifest { file }.into()),
    }
}

fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The version in 8 octets and its checksum in 16, little-endian, and 0 for XXH3.
struct Current {
    version: u64,
    checksum: u128,
}

impl Current {
    fn parse(octets: &[u8]) -> Option<Self> {
        let (version, rest) = octets.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        (rest == [0])
            .then(|| Self { version: u64::from_le_bytes(*version), checksum: u128::from_le_bytes(*checksum) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fjall::FjallEngine;
    use std::collections::BTreeSet;

    /// Every octet of every file that is read here, in a database that fjall made.
    #[test]
    fn s_05_no_flipped_bit_passes_for_what_was_written() {
        let ground = tempfile::tempdir().unwrap();
        drop(FjallEngine::create(ground.path(), 1 << 20).unwrap());
        check(ground.path()).unwrap();
        let mut names = BTreeSet::new();
        for keyspace in fs::read_dir(ground.path().join("keyspaces")).unwrap() {
            let keyspace = keyspace.unwrap().path();
            let version = Current::parse(&fs::read(keyspace.join(CURRENT)).unwrap()).unwrap().version;
            for file in [CURRENT.to_owned(), format!("v{version}")] {
                let (path, octets) = (keyspace.join(&file), fs::read(keyspace.join(&file)).unwrap());
                for place in 0..octets.len() {
                    let mut flipped = octets.clone();
                    flipped[place] ^= 0x10;
                    fs::write(&path, flipped).unwrap();
                    let told = check_one(&keyspace);
                    assert!(matches!(told, Err(ManifestError::Damaged(_))), "{}: {place}", path.display());
                }
                fs::write(&path, octets).unwrap();
                names.insert(file);
            }
        }
        assert!(names.len() >= 2, "{names:?}");
        check(ground.path()).unwrap();
    }
}
