//! The stored tree over the audit records: where its hashes come from. Reads only; what they prove is ca-core's.

use ca_core::audit::proof::Subtrees;
use ca_core::audit::tree::{Peaks, TreeHash, leaf_hash};

use crate::engine::View;
use crate::keyspace::{Keyspace, subtree_key};
use crate::transaction::{ReadFault, Rows};

/// The perfect subtrees of one point in time. Leaves are hashed anew from their records.
pub(crate) struct StoredTree<'v>(pub(crate) &'v dyn View);

impl Subtrees for StoredTree<'_> {
    type Fault = TreeFault;

    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, TreeFault> {
        if level == 0 {
            let sequence = index.saturating_add(1);
            let record = self.0.octets(Keyspace::Audit, &sequence.to_be_bytes())?;
            return record.map(|der| leaf_hash(&der)).ok_or(TreeFault::NoRecord { sequence });
        }
        let octets = self.0.octets(Keyspace::Tree, &subtree_key(level, index))?;
        octets.and_then(|octets| octets.try_into().ok()).ok_or(TreeFault::NoSubtree { level, index })
    }
}

impl StoredTree<'_> {
    /// Returns the right edge of the tree over the first `size` records.
    pub(crate) fn peaks(&self, size: u64) -> Result<Peaks, TreeFault> {
        let mut peaks = Vec::new();
        for (level, index) in Peaks::places(size) {
            peaks.push(self.hash(level, index)?);
        }
        // One peak was read for each place, so there are as many as there must be.
        Ok(Peaks::new(size, peaks).unwrap_or(Peaks::EMPTY))
    }
}

/// Why a hash of the tree cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeFault {
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error("audit record {sequence} is missing")]
    NoRecord { sequence: u64 },
    #[error("subtree {index} of level {level} over the audit records is missing")]
    NoSubtree { level: u8, index: u64 },
}
