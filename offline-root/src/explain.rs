//! How an error is told to the operator: what happened, what to do next, and the number the program ends with.
//!
//! No error is defined here; each stands below the verb that it belongs to.

/// The number that the program ends with when it did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The operation failed.
    Failed,
    /// The command line or a file that it names is not in order.
    Usage,
    /// Refused by policy: the profile, a rule of the linter, the state of the root.
    Refused,
    /// Something that was named is not there.
    NotFound,
    /// The passphrase or PIN is wrong, or a file lets others in.
    Permission,
    /// At odds with what is there already.
    Conflict,
    /// A disk or token cannot be used now; the same command may work later.
    Unavailable,
    /// Something was altered, or does not do what it must: stop and call.
    Integrity,
}

impl Exit {
    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 4,
            Self::NotFound => 5,
            Self::Permission => 6,
            Self::Conflict => 7,
            Self::Unavailable => 8,
            Self::Integrity => 9,
        }
    }
}

/// An error that an operator can act on. Its `Display` says in one sentence what is wrong and why.
pub trait Explained: core::error::Error {
    /// Returns how the program ends.
    fn exit(&self) -> Exit;

    /// Returns the stable reason code.
    fn code(&self) -> &'static str;

    /// Returns what to do next, without a full stop.
    fn next(&self) -> String;
}
