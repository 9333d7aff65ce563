//! What can be wrong with a ceremony file, and in which line.

use core::fmt;

use ca_core::issuer::IssuerError;
use ca_core::public_key::PublicKeyError;

use super::root::RootName;
use crate::people::{PeopleError, UnknownRole};

/// One fault and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not TOML, an unknown key, a missing key, or a value of the wrong kind.
    #[error("{message}")]
    Text {
        /// What the decoder says.
        message: String,
    },
    /// A format that is not ours.
    #[error("format is {found}, and 1 is the only one there is")]
    Format {
        /// What is written.
        found: u8,
    },
    /// A value that cannot be.
    #[error("{key}: {why}")]
    Value {
        /// Which key.
        key: &'static str,
        /// Why not.
        why: String,
    },
    /// A person's role is none.
    #[error(transparent)]
    Role(#[from] UnknownRole),
    /// A person's key is none.
    #[error("key: {0}")]
    Key(#[from] PublicKeyError),
    /// The people cannot hold a ceremony.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The quorum cannot be reached, or says nothing.
    #[error(
        "a quorum of {threshold} cannot be had of {holders} share-holders: it is at least 2 and at most their number"
    )]
    Quorum {
        /// How many must come together.
        threshold: u8,
        /// How many there are.
        holders: usize,
    },
    /// A root stands twice.
    #[error("the root {name} stands twice")]
    RootTwice {
        /// Its name.
        name: RootName,
    },
    /// An act is about a root that is not listed.
    #[error("there is no root {name} in this file")]
    UnknownRoot {
        /// The name.
        name: String,
    },
    /// An act on a root that no earlier act founds, and whose certificate is not named.
    #[error(
        "the root {name} is neither founded by an earlier act nor known by the SHA-256 of its certificate"
    )]
    NotFounded {
        /// Its name.
        name: RootName,
    },
    /// A root that is to be founded is there already.
    #[error("the root {name} is there already: its certificate is named, or an earlier act founds it")]
    FoundedTwice {
        /// Its name.
        name: RootName,
    },
    /// An act on a root whose key an earlier act destroys.
    #[error("the key of the root {name} is destroyed by an earlier act")]
    KeyGone {
        /// Its name.
        name: RootName,
    },
    /// A token is addressed by its slot.
    #[error(
        "a token is named by label and serial number, never by slot: slots change from one start to the next"
    )]
    Slot,
    /// A publication point that certificates may not carry.
    #[error("publication: {message}")]
    Publication {
        /// What is wrong with it.
        message: String,
    },
    /// The profiles cannot be had, or the one named is not among them.
    #[error("profile: {message}")]
    Profile {
        /// Why.
        message: String,
    },
}

impl Problem {
    pub(super) fn value(key: &'static str, why: impl Into<String>) -> Self {
        Self::Value { key, why: why.into() }
    }
}

impl From<IssuerError> for Problem {
    fn from(error: IssuerError) -> Self {
        Self::Publication { message: error.to_string() }
    }
}

/// Why there is no ceremony file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ceremony file is not in order:{}", listed(faults))]
pub struct CeremonyFileError {
    /// Every fault, in the order of lines.
    pub faults: Vec<FileFault>,
}

fn listed(faults: &[FileFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

/// A value, and the octet of the text at which it begins.
pub(super) type Placed<T> = (usize, T);

/// Gathers faults with their lines.
pub(super) struct Faults<'a> {
    text: &'a str,
    found: Vec<FileFault>,
}

impl<'a> Faults<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes a problem at the value that begins at an octet of the text.
    pub(super) fn note(&mut self, start: usize, problem: Problem) {
        let line = 1 + self.text.bytes().take(start).filter(|octet| *octet == b'\n').count();
        self.found.push(FileFault { line, problem });
    }

    /// Takes a value, or notes why there is none.
    pub(super) fn take<T>(&mut self, start: usize, value: Result<T, Problem>) -> Option<T> {
        value.map_err(|problem| self.note(start, problem)).ok()
    }

    /// Returns what was noted, in the order of lines.
    pub(super) fn sorted(mut self) -> Vec<FileFault> {
        self.found.sort_by_key(|fault| fault.line);
        self.found
    }
}
