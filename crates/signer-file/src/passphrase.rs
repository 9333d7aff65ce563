//! Passphrases of key files: wiped when dropped, shown nowhere, taken from private files and never from arguments.
//!
//! No judgement of strength here beyond "not empty": the file's mode and the key derivation carry the weight.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::private_path::{self, PrivatePathError};

/// More octets than a passphrase file may have.
const LIMIT: usize = 1024;

/// What opens key files: 1 to 1024 octets.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes the octets of a passphrase, as typed at a prompt.
    ///
    /// Returns nothing when there are none or more than 1024.
    #[must_use]
    pub fn new(octets: Zeroizing<Vec<u8>>) -> Option<Self> {
        (1..=LIMIT).contains(&octets.len()).then_some(Self(octets))
    }

    /// Loads a passphrase from a file of mode 0600 or stricter. One line ending at its end is not part of it.
    ///
    /// # Errors
    /// [`LoadPassphraseError`].
    pub fn load(path: &Path) -> Result<Self, LoadPassphraseError> {
        let mut octets = private_path::read_file(path, LIMIT)?;
        if octets.last() == Some(&b'\n') {
            octets.pop();
            if octets.last() == Some(&b'\r') {
                octets.pop();
            }
        }
        if octets.contains(&b'\n') {
            return Err(LoadPassphraseError::SeveralLines { path: path.to_owned() });
        }
        Self::new(octets).ok_or_else(|| LoadPassphraseError::Empty { path: path.to_owned() })
    }

    /// Returns the octets, for key derivation only.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(not shown)")
    }
}

/// Why a file gives no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum LoadPassphraseError {
    /// The file is absent, open to others, too long or unreadable.
    #[error("the passphrase file is refused: {0}")]
    File(#[from] PrivatePathError),
    /// There is nothing in the file but a line ending.
    #[error("the passphrase file {path} is empty", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// There is a line ending inside the file, so what the passphrase is would be a guess.
    #[error("the passphrase file {path} has more than one line", path = path.display())]
    SeveralLines {
        /// The file.
        path: PathBuf,
    },
}
