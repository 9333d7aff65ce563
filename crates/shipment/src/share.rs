//! What proves a chunk's records to somebody who has neither the manifest nor the recipient's key: the right edge of the tree
//! before them, and that the tree which ends with them is the beginning of the one that was signed (RFC 9162 §2.1.4).
//!
//! A few hashes for a thousand records, where a path for each would be twenty thousand. One pass over a manifest collects those
//! of all chunks.

use core::cell::RefCell;
use core::convert::Infallible;
use std::collections::{BTreeMap, BTreeSet};

use ca_core::audit::proof::{Subtrees, TreeHead, consistency, verify_consistency};
use ca_core::audit::tree::{Peaks, Subtree, TreeHash, leaf_hash};
use ca_core::record::DeliveredDevice;

use crate::header::Header;
use crate::proof::ProofRefused;
use crate::read::ReadRecord;
use crate::record;
use crate::signed::SignedHeader;

/// What proves that records stand in a manifest, one behind the other, from a place on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareProof {
    /// The place of the first of them, from 0.
    pub first: u64,
    /// The hashes of the perfect subtrees before it, the largest first.
    pub before: Vec<TreeHash>,
    /// That the tree which ends with the last of them is the beginning of the whole.
    pub consistency: Vec<TreeHash>,
}

impl SignedHeader {
    /// Checks that records, each as its DER stands in the manifest, stand there from the place on that the proof names; returns
    /// their devices. Whose the header is, [`Self::judge`] tells.
    ///
    /// # Errors
    /// [`ProofRefused`].
    pub fn verify_share(
        &self,
        records: &[Vec<u8>],
        proof: &ShareProof,
    ) -> Result<Vec<DeliveredDevice>, ProofRefused> {
        let header = self.header();
        let edge = Peaks::new(proof.first, proof.before.clone()).filter(|_| !records.is_empty());
        let mut tree = edge.ok_or(ProofRefused::NotProof)?;
        for octets in records {
            drop(tree.append(leaf_hash(octets)));
        }
        let earlier = TreeHead { size: tree.size(), root: tree.root() };
        let whole = TreeHead { size: header.devices, root: header.root };
        verify_consistency(&earlier, &whole, &proof.consistency)?;
        records.iter().map(|octets| device(octets, header)).collect()
    }
}

fn device(octets: &[u8], header: &Header) -> Result<DeliveredDevice, ProofRefused> {
    let device = record::decode(octets)?;
    record::judge(&device, |label| header.carries(label))?;
    Ok(device)
}

/// The proofs of all chunks of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareProofs {
    /// How many records there are up to the end of each chunk, in the order of the chunks.
    ends: Vec<u64>,
    /// The right edge of the tree before each chunk.
    edges: Vec<Peaks>,
    tree: Peaks,
    /// The hashes that proofs need, as far as they were seen.
    hashes: BTreeMap<(u8, u64), TreeHash>,
    needed: BTreeSet<(u8, u64)>,
}

impl ShareProofs {
    /// Begins to collect, for chunks of so many records each.
    pub(crate) fn of(chunks: impl Iterator<Item = u32>) -> Self {
        let mut size = 0_u64;
        let ends: Vec<u64> = chunks
            .map(|records| {
                size = size.saturating_add(records.into());
                size
            })
            .collect();
        let asked = Asked::default();
        for end in &ends {
            // Which hashes it asks for is all that is wanted here.
            let Ok(_) = consistency(&asked, *end, size);
        }
        Self {
            ends,
            edges: Vec::new(),
            tree: Peaks::EMPTY,
            hashes: BTreeMap::new(),
            needed: asked.0.into_inner(),
        }
    }

    /// Takes in the next record.
    pub(crate) fn see(&mut self, record: &ReadRecord) {
        let index = self.tree.size();
        if index == self.end_of(self.edges.len()) {
            self.edges.push(self.tree.clone());
        }
        let leaf = Subtree { level: 0, index, hash: record.leaf };
        let completed = self.tree.append(record.leaf);
        for subtree in core::iter::once(leaf).chain(completed) {
            let place = (subtree.level, subtree.index);
            if self.needed.contains(&place) {
                self.hashes.insert(place, subtree.hash);
            }
        }
    }

    /// How many records the first chunks have.
    fn end_of(&self, chunks: usize) -> u64 {
        chunks.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or_default()
    }

    /// Returns the proof of a chunk, by its number from 1; nothing where there is no such chunk.
    #[must_use]
    pub fn of_chunk(&self, number: u32) -> Option<ShareProof> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        let (edge, end) = (self.edges.get(place)?, *self.ends.get(place)?);
        let consistency = consistency(&Kept(&self.hashes), end, self.tree.size()).ok()?;
        Some(ShareProof { first: edge.size(), before: edge.hashes().to_vec(), consistency })
    }
}

struct Kept<'a>(&'a BTreeMap<(u8, u64), TreeHash>);

/// A hash was not kept.
struct NotKept;

impl Subtrees for Kept<'_> {
    type Fault = NotKept;

    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, NotKept> {
        self.0.get(&(level, index)).copied().ok_or(NotKept)
    }
}

/// Notes which hashes are asked for.
#[derive(Default)]
struct Asked(RefCell<BTreeSet<(u8, u64)>>);

impl Subtrees for Asked {
    type Fault = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, Infallible> {
        self.0.borrow_mut().insert((level, index));
        Ok([0; 32])
    }
}
