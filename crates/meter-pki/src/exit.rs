//! How the program ends: one table of exit codes for all verbs, and one form of message.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of every verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The operation failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Some of many failed.
    Partial = 3,
    /// Refused by policy.
    Refused = 4,
    /// There is no such thing.
    NotFound = 5,
    /// Who you are, or may do, does not suffice.
    Permission = 6,
    /// At odds with what is on record, or done already.
    Conflict = 7,
    /// Cannot be reached now; try again.
    Unavailable = 8,
    /// Records do not agree: stop and call.
    Integrity = 9,
}

impl Exit {
    /// Every exit code.
    pub const ALL: [Self; 9] = [
        Self::Failed,
        Self::Usage,
        Self::Partial,
        Self::Refused,
        Self::NotFound,
        Self::Permission,
        Self::Conflict,
        Self::Unavailable,
        Self::Integrity,
    ];

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Refused => 4,
            Self::NotFound => 5,
            Self::Permission => 6,
            Self::Conflict => 7,
            Self::Unavailable => 8,
            Self::Integrity => 9,
        }
    }

    /// Returns the exit code with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.number() == number)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a verb failed: what happened, under which reason code, and what to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// The stable reason code.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do next; may be empty.
    pub next: String,
}

/// The reason code of a failure that ends by itself once a token is back.
pub(crate) const SIGNER_AWAY: &str = "signer.unavailable";

impl Failure {
    /// Makes a failure without advice.
    pub fn new(exit: Exit, code: &str, message: impl fmt::Display) -> Self {
        Self { exit, code: code.to_owned(), message: message.to_string(), next: String::new() }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, "\n  next: {}", self.next) }
    }
}

impl std::error::Error for Failure {}
