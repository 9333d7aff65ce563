//! The soft tokens of rehearsals: made by SoftHSM2 in a place of their own below `REHEARSAL/`, one for each token of the file.
//!
//! SoftHSM2 is told by the environment where its tokens are; so the program begins anew once the place is there. Which soft
//! token stands for which token is kept in the place: an interrupted rehearsal finds its keys again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ca_core::ports::{Entropy, Unavailable};
use ceremony::file::root::TokenChoice;
use ceremony::words::Fingerprint;
use signer_file::SystemEntropy;
use signer_pkcs11::{LoadPinError, MakeSoftTokenError, Pin, SoftTokens};

use crate::explain::{Exit, Explained};
use crate::invocation::Invocation;
use crate::new_file::{self, NewFileError};

/// Where distributions put SoftHSM2.
const MODULES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib64/softhsm/libsofthsm2.so",
];

/// What a rehearsal needs to know of the program.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsal {
    /// SoftHSM2, if it was named.
    pub(crate) soft_token: Option<PathBuf>,
    /// How the program was called.
    pub(crate) invocation: Invocation,
}

/// The place of the soft tokens, with SoftHSM2 at work in it.
#[derive(Debug)]
pub(crate) struct SoftTokenPlace {
    directory: PathBuf,
    module: PathBuf,
    tokens: SoftTokens,
}

impl SoftTokenPlace {
    /// Prepares a directory that is there. Where SoftHSM2 works elsewhere, the program begins anew with it here.
    pub(crate) fn prepare(directory: &Path, rehearsal: &Rehearsal) -> Result<Self, SoftTokenError> {
        let directory = fs::canonicalize(directory).map_err(unreadable(directory))?;
        let module = module(rehearsal.soft_token.as_deref())?;
        let (configuration, tokens) = (directory.join("softhsm2.conf"), directory.join("tokens"));
        if !tokens.is_dir() {
            new_file::directory(&tokens)?;
        }
        once(&configuration, || {
            Ok(format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()))
        })?;
        if rehearsal.invocation.softhsm2_conf.as_deref() != Some(configuration.as_os_str()) {
            return Err(SoftTokenError::NotBegunAnew(rehearsal.invocation.begin_anew(&configuration)));
        }
        once(&directory.join("pin"), draw_pin)?;
        Ok(Self { directory, tokens: SoftTokens::open(&module)?, module })
    }

    /// Returns the file of the PIN, which was drawn for this place and is the PIN of nothing else.
    pub(crate) fn pin_file(&self) -> PathBuf {
        self.directory.join("pin")
    }

    pub(crate) fn pin(&self) -> Result<String, SoftTokenError> {
        let path = self.pin_file();
        Ok(fs::read_to_string(&path).map_err(unreadable(&path))?.trim_end().to_owned())
    }

    /// Returns the token that stands for one of the file, with its label. It is made the first time.
    pub(crate) fn stand_in(&self, named: &TokenChoice) -> Result<TokenChoice, SoftTokenError> {
        let known = Fingerprint::of(format!("{}\0{}", named.label, named.serial).as_bytes()).to_string();
        let path = self.directory.join(format!("{}.serial", known.get(..16).unwrap_or_default()));
        once(&path, || {
            let made = self.tokens.make(&named.label, &Pin::load(&self.pin_file())?)?;
            Ok(format!("{}\n", made.serial))
        })?;
        let serial = fs::read_to_string(&path).map_err(unreadable(&path))?.trim_end().to_owned();
        Ok(TokenChoice { module: self.module.clone(), serial, ..named.clone() })
    }
}

/// Writes a file unless it is there.
fn once(path: &Path, text: impl FnOnce() -> Result<String, SoftTokenError>) -> Result<(), SoftTokenError> {
    if path.is_file() { Ok(()) } else { Ok(new_file::place(path, text()?.as_bytes())?) }
}

/// Draws eight digits.
fn draw_pin() -> Result<String, SoftTokenError> {
    let mut octets = [0; 8];
    SystemEntropy.fill(&mut octets)?;
    Ok(format!("{:08}\n", u64::from_be_bytes(octets) % 100_000_000))
}

/// SoftHSM2 as it was named, or where it usually is.
fn module(named: Option<&Path>) -> Result<PathBuf, SoftTokenError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let fixed = MODULES.into_iter().map(PathBuf::from);
    // Such as /usr/lib/x86_64-linux-gnu.
    let by_architecture =
        fs::read_dir("/usr/lib").into_iter().flatten().flatten().flat_map(|folder| {
            ["softhsm", "pkcs11"].map(|name| folder.path().join(name).join("libsofthsm2.so"))
        });
    fixed.chain(by_architecture).find(|path| path.is_file()).ok_or(SoftTokenError::NoModule)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> SoftTokenError {
    let path = path.to_owned();
    move |cause| SoftTokenError::Unreadable { path: path.clone(), cause }
}

/// Why there are no soft tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SoftTokenError {
    /// SoftHSM2 is not where it usually is.
    #[error("the keys of the rehearsal go on a soft token, and SoftHSM2 is not found")]
    NoModule,
    /// The PIN of a token was named.
    #[error(
        "the keys of the root {root} are on a token: a rehearsal makes a PIN of its own, and takes no other"
    )]
    RealPin {
        /// Which root.
        root: String,
    },
    /// The program cannot be run with the configuration of the place.
    #[error("the program cannot begin anew with soft tokens: {0}")]
    NotBegunAnew(#[source] io::Error),
    /// A file or directory of the place cannot be read.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A file of the place was not written.
    #[error(transparent)]
    NotWritten(#[from] NewFileError),
    /// SoftHSM2 makes no token.
    #[error(transparent)]
    NotMade(#[from] MakeSoftTokenError),
    /// The PIN of the rehearsal cannot be read.
    #[error(transparent)]
    Pin(#[from] LoadPinError),
    /// No PIN was drawn.
    #[error(transparent)]
    NotDrawn(#[from] Unavailable),
}

impl Explained for SoftTokenError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoModule | Self::NotMade(MakeSoftTokenError::Module(_)) => Exit::NotFound,
            Self::RealPin { .. } | Self::NotMade(MakeSoftTokenError::AnotherModule { .. }) => Exit::Usage,
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::NotWritten(error) => error.exit(),
            Self::Pin(_) => Exit::Permission,
            Self::NotBegunAnew(_) | Self::NotMade(_) | Self::NotDrawn(_) => Exit::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoModule => "rehearsal.no-softhsm2",
            Self::RealPin { .. } => "rehearsal.real-pin",
            Self::NotMade(MakeSoftTokenError::AnotherModule { .. }) => "rehearsal.another-module",
            Self::Unreadable { .. } => "file.unreadable",
            Self::NotWritten(error) => error.code(),
            Self::NotBegunAnew(_) | Self::NotMade(_) | Self::Pin(_) | Self::NotDrawn(_) => {
                "rehearsal.no-token"
            }
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NoModule | Self::NotMade(MakeSoftTokenError::Module(_) | MakeSoftTokenError::AnotherModule { .. }) => {
                "install SoftHSM2 on the machine of the rehearsal, or say where its module is: --soft-token /…/libsofthsm2.so"
            }
            Self::RealPin { .. } => "leave --root-secret-file out for this root; the PIN of the rehearsal is shown in the room",
            Self::NotWritten(error) => return error.next(),
            Self::NotBegunAnew(_) | Self::Unreadable { .. } | Self::NotMade(_) | Self::Pin(_) | Self::NotDrawn(_) => {
                "move the directory REHEARSAL of the room away, and rehearse anew"
            }
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_not_softhsm2_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vendor.so");
        fs::write(&path, "what is loaded would have to be a library").unwrap();
        let refused: SoftTokenError = SoftTokens::open(&path).unwrap_err().into();
        assert_eq!((refused.exit(), refused.code()), (Exit::Usage, "rehearsal.another-module"));
    }

    #[test]
    fn a_pin_has_eight_digits() {
        let pin = draw_pin().unwrap();
        assert!(pin.len() == 9 && pin.trim_end().bytes().all(|digit| digit.is_ascii_digit()), "{pin}");
    }
}
