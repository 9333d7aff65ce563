//! Whose ledger it is, and why it may be in recovery. Values only.

use ca_core::validity::UnixTime;

/// One copy of a ledger among all that may ever exist of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// 16 random octets; a restored ledger has new ones.
    pub id: [u8; 16],
    /// Goes up by one whenever a recovery ends: two copies that both left recovery cannot both have the next epoch.
    pub epoch: u64,
}

/// A ledger is in recovery: it answers, and records nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Since when.
    pub since: UnixTime,
    /// Why, in one sentence for the operator.
    pub reason: String,
    /// The number of the audit record up to which the exported log was replayed.
    pub reconciled: Option<u64>,
}

/// Nothing is recorded any more by a process whose place another copy of the ledger has taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this copy of the ledger records nothing any more: {0}")]
pub struct Fenced(pub String);

/// Nothing is recorded while a ledger is in recovery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is in recovery since {}: {}", .0.since, .0.reason)]
pub struct InRecovery(pub Recovery);
