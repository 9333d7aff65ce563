//! The independent checker: it reads a ledger's files, what the signer signed, what clients were given and what was
//! published, and names every invariant that they break together.
//!
//! It shares no code with ca-core or ca-store: engines are opened directly, rows are decoded by definitions of its own,
//! signatures are verified by another library. It decides nothing and repairs nothing; opening a store recovers it, so it is
//! given a copy. A ledger in PostgreSQL it reads where it is, as it stands at one moment. I10 (every approval is by someone else) is checked of every intent whose record names an approved request; which
//! profiles need approval is not known here.

mod invariants;
mod evidence;
mod record;
mod witness;
mod certificate;
mod campaigns;
mod fleet;
mod rows;
mod database;
mod engines;
mod journal;
mod unreadable;

pub use engines::{Rows, keyspace_name, write_fjall};
pub use evidence::Evidence;
pub use invariants::{Invariant, Violation};
pub use unreadable::Unreadable;

/// Reads everything and checks every invariant.
///
/// # Errors
/// [`Unreadable`] when something cannot be read at all.
pub fn check(evidence: &Evidence) -> Result<Vec<Violation>, Unreadable> {
    evidence.read().map(|case| invariants::all(&case))
}
