//! The user PIN of a token: wiped when dropped, shown nowhere, taken from a private file or from a prompt.
//!
//! It is kept while the token is in use, since a token that was logged out must be logged in again. Never tried twice
//! after a refusal: see `session.rs`.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

/// More octets than a PIN file may have; tokens take less.
const LIMIT: usize = 256;

/// A user PIN: 1 to 256 octets of UTF-8.
#[derive(Clone)]
pub struct Pin(AuthPin);

impl Pin {
    /// Takes a PIN as typed at a prompt. Returns nothing when it is empty or longer than 256 octets.
    #[must_use]
    pub fn new(text: &Zeroizing<String>) -> Option<Self> {
        (1..=LIMIT).contains(&text.len()).then(|| Self(AuthPin::from(text.as_str())))
    }

    /// Loads a PIN from a file of mode 0600 or stricter. One line ending at its end is not part of it.
    ///
    /// # Errors
    /// [`LoadPinError`].
    pub fn load(path: &Path) -> Result<Self, LoadPinError> {
        let unreadable = |cause| LoadPinError::Unreadable { path: path.to_owned(), cause };
        // Before it is opened, since opening a pipe waits for its writer; and again on what was opened.
        check(path, &fs::symlink_metadata(path).map_err(unreadable)?)?;
        let file = File::open(path).map_err(unreadable)?;
        check(path, &file.metadata().map_err(unreadable)?)?;
        // Room for all of it from the start: a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LIMIT + 2));
        file.take(u64::try_from(LIMIT + 2).unwrap_or(u64::MAX))
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let pin = text.strip_suffix('\n').unwrap_or(&text);
        let pin = pin.strip_suffix('\r').unwrap_or(pin);
        if pin.contains('\n') || !(1..=LIMIT).contains(&pin.len()) {
            return Err(LoadPinError::NotAPin { path: path.to_owned() });
        }
        Ok(Self(AuthPin::from(pin)))
    }

    /// Returns the PIN, for `C_Login` only.
    pub(crate) const fn secret(&self) -> &AuthPin {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(not shown)")
    }
}

fn check(path: &Path, metadata: &fs::Metadata) -> Result<(), LoadPinError> {
    let path = || path.to_owned();
    if !metadata.is_file() {
        return Err(LoadPinError::NotAFile { path: path() });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(LoadPinError::TooOpen { path: path(), mode }) }
}

/// Why a file gives no PIN.
#[derive(Debug, thiserror::Error)]
pub enum LoadPinError {
    /// The operating system refuses, or the file is not UTF-8.
    #[error("the PIN file {path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A directory, a symbolic link, a device or a pipe.
    #[error("the PIN file {path} is not a regular file", path = path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// Group or others may use it.
    #[error(
        "the PIN file {path} has mode {mode:04o}, which lets others than its owner in; run: chmod 0600 {path}",
        path = path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Empty, longer than 256 octets, or more than one line.
    #[error("the PIN file {path} does not hold one line of 1 to {LIMIT} octets", path = path.display())]
    NotAPin {
        /// The file.
        path: PathBuf,
    },
}
