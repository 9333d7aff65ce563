//! What can be wrong with profile files, with file and line.
//!
//! Every fault of every file is found before anything is said; a set of profiles is loaded whole or not at all.

use core::fmt;
use std::path::PathBuf;

use ca_core::profile::{ProfileFault, ProfileId};

/// Why profiles were not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadProfileError {
    /// The directory or one of its files cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: std::io::Error,
    },
    /// The directory holds no profile file.
    #[error("{} holds no file whose name ends in .toml", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Files have faults.
    #[error("the profiles are faulty:{}", listed(faults))]
    Faulty {
        /// All of them, in the order of files and lines.
        faults: Vec<FileFault>,
    },
}

fn listed(faults: &[FileFault]) -> String {
    faults.iter().map(|fault| format!("\n{fault}")).collect()
}

/// A fault and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: KeyFault,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fault)
    }
}

/// What is wrong with a key of a profile file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not TOML, an unknown key, or a value of the wrong type or of no known word.
    #[error("{message}")]
    Text {
        /// What the decoder says.
        message: String,
    },
    /// The file is of another format.
    #[error("this is not format 1, the only one known: write `format = 1`")]
    Format,
    /// The file is of no known kind.
    #[error("a profile file is of a kind: write `kind = \"certificate\"`, `\"crl\"` or `\"ocsp\"`")]
    Kind,
    /// A key is missing.
    #[error("the key `{key}` is missing")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// The suites are none, unknown, or named twice.
    #[error("the suites are [1], [2] or [1, 2]")]
    Suites,
    /// A text is neither one of the words known here nor an object identifier.
    #[error("{text:?} is neither a dotted object identifier nor one of {}", known.join(", "))]
    Identifier {
        /// The text.
        text: String,
        /// The words.
        known: &'static [&'static str],
    },
    /// One length is given in two units, or two values for one thing.
    #[error("`{key}` says again what `{other}` says")]
    SaidTwice {
        /// The second key.
        key: &'static str,
        /// The first.
        other: &'static str,
    },
    /// A key has no effect beside the others.
    #[error("`{key}` has no effect without `{without}`")]
    NoEffect {
        /// The key.
        key: &'static str,
        /// What it needs.
        without: &'static str,
    },
    /// The profile is not sound in itself.
    #[error("{0}")]
    Unsound(ProfileFault),
    /// Another file has a profile of this name.
    #[error("there is a profile {id} in {other} already")]
    Duplicate {
        /// The name.
        id: ProfileId,
        /// The other file.
        other: String,
    },
    /// A profile that is no CA's has no issuer.
    #[error("only a CA can be self-signed: `issuers` must name one")]
    NoIssuer,
    /// An issuer is not a CA profile of the set.
    #[error("there is no CA profile {issuer} that could issue {id}")]
    IssuerUnknown {
        /// The profile.
        id: ProfileId,
        /// The issuer it names.
        issuer: ProfileId,
    },
    /// A certificate could outlive its issuer.
    #[error("{id} issued at the end of {issuer}'s issuing window would outlive it")]
    OutlivesIssuer {
        /// The profile.
        id: ProfileId,
        /// The issuer it names.
        issuer: ProfileId,
    },
}
