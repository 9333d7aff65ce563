//! Why the ledger does not open, told to the operator: how the program ends, and what to do next.

use std::path::Path;

use ca_store::{NodeFault, OpenDirectoryError, OpenError};

use crate::exit::{Exit, Failure};

/// What to do with a ledger whose files cannot be trusted. Nothing may be issued by guesswork: a serial number, a revocation
/// or a whole certificate may be missing.
const DAMAGED: &str = "keep a copy of the ledger as it is, replace the disk if it failed, and restore the last backup; \
                       nothing is issued until the ledger opens";

pub(super) fn not_open(directory: &Path, error: &OpenError) -> Failure {
    let failure = |exit, code| Failure::new(exit, code, format!("{}: {error}", directory.display()));
    match error {
        OpenError::Directory(OpenDirectoryError::InUse { .. }) => failure(Exit::Conflict, "store.in-use")
            .then("stop the other program, or ask it over the operator's socket"),
        OpenError::Damaged { .. } | OpenError::AuditTrail { .. } | OpenError::Recovery { .. } => {
            failure(Exit::Integrity, "store.damaged").then(DAMAGED)
        }
        OpenError::Away { .. } | OpenError::Node(NodeFault::Session(_)) => {
            failure(Exit::Unavailable, "store.away")
                .then("look whether the database runs and its address is right; nothing was changed")
        }
        OpenError::Node(NodeFault::Clock { .. }) => failure(Exit::Conflict, "node.clock")
            .then("set the clock of this machine right, then start again"),
        OpenError::Node(_) => failure(Exit::Conflict, "node.refused"),
        OpenError::Directory(_)
        | OpenError::Engine { .. }
        | OpenError::Migration { .. }
        | OpenError::Thread { .. } => failure(Exit::Failed, "store.not-open"),
    }
}
