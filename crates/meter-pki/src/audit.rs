//! The audit log towards the outside: signed checkpoints, proofs as text, copies in files and over syslog, and the check of
//! any of them.
//!
//! Not the audit trail itself: records and tree are the ledger's. Nothing here can append, change or remove a record.

pub mod check;
pub mod export;
mod keeper;
pub mod note;
pub mod proof;
mod sending;
pub mod syslog;

use std::sync::Arc;

use ca_core::audit::proof::TreeHead;
use ca_core::audit::tree::Peaks;
use ca_core::ports::Unavailable;
use ca_store::Store;

use crate::exit::{Exit, Failure};
pub(crate) use keeper::{Copies, Followed, condition};
use note::Notary;

/// The ledger's trail, and who signs checkpoints of it.
pub struct AuditLog {
    pub(crate) store: Arc<Store>,
    pub(crate) notary: Option<Notary>,
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLog").field("notary", &self.notary).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Returns the notary of the installation.
    pub(crate) fn notary(&self) -> Result<&Notary, Failure> {
        self.notary.as_ref().ok_or_else(|| {
            let message = "this installation signs no checkpoints";
            Failure::new(Exit::NotFound, "audit.no-checkpoint", message)
                .then("give checkpoint_key and origin in [audit] of the configuration")
        })
    }

    /// Signs a checkpoint of all records that are on disk and remembers it; returns the signed note and its size. Blocks.
    pub(crate) fn checkpoint(&self) -> Result<(String, u64), Failure> {
        let head = head(self.store.audit_end().map_err(unavailable)?.peaks());
        let note = self.notary()?.sign(head)?;
        self.store.keep_checkpoint(note.clone()).map_err(unavailable)?;
        Ok((note, head.size))
    }
}

/// Returns the head of the tree with these peaks.
pub(crate) fn head(peaks: &Peaks) -> TreeHead {
    TreeHead { size: peaks.size(), root: peaks.root() }
}

pub(crate) fn unavailable(error: Unavailable) -> Failure {
    Failure::new(Exit::Unavailable, "unavailable", error)
}
