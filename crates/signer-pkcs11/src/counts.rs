//! What became of the signatures that were asked of a token: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked of a token since the program began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Calls of PKCS#11 that were handed to a thread, be it to sign, to list keys or to look whether the token works.
    pub calls: u64,
    /// Signatures that it made.
    pub signed: u64,
    /// Signatures that it certainly did not make, those among them that were not asked of it because it rests.
    pub not_signed: u64,
    /// Signatures that may have been made, and were not received.
    pub unknown: u64,
    /// How often it failed, from when it worked until it was left alone.
    pub failures: u64,
    /// Calls that wait for a thread at this moment.
    pub waiting: u64,
    /// Calls under way at this moment; those that hang not among them.
    pub under_way: u64,
    /// Calls that were given up and have not come back.
    pub hanging: u64,
}

/// Counts that only grow.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: Count,
    pub(crate) signed: Count,
    pub(crate) not_signed: Count,
    pub(crate) unknown: Count,
    pub(crate) failures: Count,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
