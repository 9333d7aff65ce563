//! The user PIN of a token: wiped when dropped, shown nowhere, taken from one of the places that a URI may name (case H-12).
//!
//! It is kept while the token is in use, since a token that was logged out must be logged in again. Never tried twice
//! after a refusal: see `session.rs`. What is beyond reach: the environment that a process was started with stays readable to
//! its user and to root, and is inherited by what it starts, for as long as it runs; so does a file descriptor.

mod terminal;

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::pin_source::PinSource;
pub use terminal::AskError;

/// More octets than a PIN may have; tokens take less.
const LIMIT: usize = 256;

/// Where systemd puts the credentials of a service.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A user PIN: 1 to 256 octets of UTF-8.
#[derive(Clone)]
pub struct Pin(AuthPin);

impl Pin {
    /// Takes a PIN as typed at a prompt. Returns nothing when it is empty or longer than 256 octets.
    #[must_use]
    pub fn new(text: &Zeroizing<String>) -> Option<Self> {
        (1..=LIMIT).contains(&text.len()).then(|| Self(AuthPin::from(text.as_str())))
    }

    /// Takes the PIN from the place that a URI names, or from a file. One line ending at its end is not part of it.
    ///
    /// A file descriptor gives it once, a person is asked each time; the others give it as often as they are asked.
    ///
    /// # Errors
    /// [`LoadPinError`], which never holds what was read.
    pub fn load(source: impl Into<PinSource>) -> Result<Self, LoadPinError> {
        let source = source.into();
        let text = match &source {
            PinSource::File(path) => private_file(path, OWNER_ONLY)?,
            PinSource::Credential(name) => credential(name)?,
            PinSource::Environment(name) => variable(name)?,
            PinSource::Descriptor(number) => descriptor(*number)?,
            PinSource::Prompt { token } => terminal::ask(token)?,
        };
        one_line(&text).ok_or(LoadPinError::NotAPin { source_of_it: source })
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

/// Permission bits that a PIN file must not have.
const OWNER_ONLY: u32 = 0o077;

/// systemd lets the user of the service in by an access list, which shows as the group's right to read.
const OWNER_AND_LISTED: u32 = 0o037;

/// Takes one line of 1 to 256 octets.
fn one_line(text: &str) -> Option<Pin> {
    let pin = text.strip_suffix('\n').unwrap_or(text);
    let pin = pin.strip_suffix('\r').unwrap_or(pin);
    (!pin.contains('\n') && (1..=LIMIT).contains(&pin.len())).then(|| Pin(AuthPin::from(pin)))
}

fn private_file(path: &Path, forbidden: u32) -> Result<Zeroizing<String>, LoadPinError> {
    let unreadable = |cause| LoadPinError::Unreadable { path: path.to_owned(), cause };
    // Before it is opened, since opening a pipe waits for its writer; and again on what was opened.
    check(path, &fs::symlink_metadata(path).map_err(unreadable)?, forbidden)?;
    let file = File::open(path).map_err(unreadable)?;
    check(path, &file.metadata().map_err(unreadable)?, forbidden)?;
    read(file).map_err(unreadable)
}

/// Reads up to one octet more than a line may have, so that what is too long shows.
fn read(file: File) -> io::Result<Zeroizing<String>> {
    // Room for all of it from the start: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LIMIT + 3));
    file.take(u64::try_from(LIMIT + 3).unwrap_or(u64::MAX)).read_to_string(&mut text)?;
    Ok(text)
}

fn credential(name: &str) -> Result<Zeroizing<String>, LoadPinError> {
    let directory = env::var_os(CREDENTIALS).map(PathBuf::from).filter(|directory| directory.is_absolute());
    let directory = directory.ok_or_else(|| LoadPinError::NoCredentials { name: name.to_owned() })?;
    private_file(&directory.join(name), OWNER_AND_LISTED)
}

fn variable(name: &str) -> Result<Zeroizing<String>, LoadPinError> {
    let value = env::var_os(name).ok_or_else(|| LoadPinError::NoVariable { name: name.to_owned() })?;
    let not_a_pin = || LoadPinError::NotAPin { source_of_it: PinSource::Environment(name.to_owned()) };
    value.into_string().map(Zeroizing::new).map_err(|_| not_a_pin())
}

/// Opens what is behind the descriptor anew: to take the descriptor itself needs code that the compiler cannot check. It must
/// be a file or a pipe; whoever wrote the PIN into a pipe closes it.
fn descriptor(number: u32) -> Result<Zeroizing<String>, LoadPinError> {
    let unreadable = |cause| LoadPinError::UnreadableDescriptor { number, cause };
    let path = PathBuf::from(format!("/proc/self/fd/{number}"));
    let kind = fs::metadata(&path).map_err(unreadable)?.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        return Err(LoadPinError::NotADescriptorToRead { number });
    }
    read(File::open(&path).map_err(unreadable)?).map_err(unreadable)
}

fn check(path: &Path, metadata: &fs::Metadata, forbidden: u32) -> Result<(), LoadPinError> {
    let path = || path.to_owned();
    if !metadata.is_file() {
        return Err(LoadPinError::NotAFile { path: path() });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & forbidden == 0 { Ok(()) } else { Err(LoadPinError::TooOpen { path: path(), mode }) }
}

/// Why there is no PIN.
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
    #[error("{source_of_it} does not hold a PIN, which is one line of 1 to {LIMIT} octets")]
    NotAPin {
        /// Where it was looked for.
        source_of_it: PinSource,
    },
    /// The program was not started by systemd, or without credentials.
    #[error(
        "there are no credentials of systemd to take {name} from: the service has no LoadCredential= or SetCredentialEncrypted="
    )]
    NoCredentials {
        /// The credential.
        name: String,
    },
    /// The environment has no such variable.
    #[error("the environment has no variable {name} to take the PIN from")]
    NoVariable {
        /// The variable.
        name: String,
    },
    /// It is not open, not ours to read, or does not hold UTF-8.
    #[error("the file descriptor {number}, which is to hold the PIN, cannot be read: {cause}")]
    UnreadableDescriptor {
        /// The descriptor.
        number: u32,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A terminal, a socket, a device or a directory.
    #[error("the file descriptor {number}, which is to hold the PIN, is neither a file nor a pipe")]
    NotADescriptorToRead {
        /// The descriptor.
        number: u32,
    },
    /// Nobody was asked.
    #[error(transparent)]
    Terminal(#[from] AskError),
}
