//! Proofs over the tree (RFC 9162 §2.1.3, §2.1.4): that a record is in it, and that a later tree continues an earlier one.
//!
//! Pure: a proof is made from whatever gives the hashes of perfect subtrees, and checked from nothing but itself.

use super::tree::{Subtree, TreeHash, node_hash};

/// Where the hashes of perfect subtrees come from.
pub trait Subtrees {
    /// Why a hash cannot be had.
    type Fault;

    /// Returns the hash of the `index`th perfect subtree of 2^`level` leaves, from 0.
    ///
    /// # Errors
    /// The fault of whatever keeps the hashes.
    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, Self::Fault>;
}

/// Proves that leaf number `index`, from 0, is in the tree of `size` leaves; the sibling of the leaf first.
///
/// Asked for a leaf beyond the tree it gives no hashes.
///
/// # Errors
/// As [`Subtrees::hash`].
pub fn inclusion<S: Subtrees>(subtrees: &S, index: u64, size: u64) -> Result<Vec<TreeHash>, S::Fault> {
    // RFC 9162 §2.1.3.1: PATH(m, D_n), walked from the root down and turned round.
    let mut path = Vec::new();
    let mut range = Range { start: 0, end: size };
    while let Some((left, right)) = range.split()
        && index < range.end
    {
        let (inside, sibling) = if index < right.start { (left, right) } else { (right, left) };
        path.push(sibling.hash(subtrees)?);
        range = inside;
    }
    path.reverse();
    Ok(path)
}

/// Proves that the tree of `later` leaves begins with the tree of `earlier` leaves. Nothing needs proof of the empty tree or
/// of a tree and itself: no hashes.
///
/// # Errors
/// As [`Subtrees::hash`].
pub fn consistency<S: Subtrees>(subtrees: &S, earlier: u64, later: u64) -> Result<Vec<TreeHash>, S::Fault> {
    // RFC 9162 §2.1.4.1: SUBPROOF(m, D_n, b), walked from the root down and turned round.
    let mut proof = Vec::new();
    let mut range = Range { start: 0, end: later };
    while earlier > 0
        && earlier < range.end
        && let Some((left, right)) = range.split()
    {
        let (inside, sibling) = if earlier <= right.start { (left, right) } else { (right, left) };
        proof.push(sibling.hash(subtrees)?);
        range = inside;
    }
    // Where the walk ended at the right of the earlier tree, its last perfect subtree is told, unless it is the whole tree.
    if range.start > 0 {
        proof.push(range.hash(subtrees)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Leaves next to each other, from `start` up to but without `end`; as the trees' definition splits them.
#[derive(Clone, Copy)]
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    const fn width(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Splits at the largest power of two that is smaller than the width; a single leaf is not split.
    fn split(self) -> Option<(Self, Self)> {
        let last = self.width().checked_sub(1).filter(|last| *last > 0)?;
        let middle = self.start.saturating_add(1 << last.ilog2());
        Some((Self { end: middle, ..self }, Self { start: middle, ..self }))
    }

    fn hash<S: Subtrees>(self, subtrees: &S) -> Result<TreeHash, S::Fault> {
        match self.split() {
            Some((left, right)) if !self.width().is_power_of_two() => {
                Ok(node_hash(&left.hash(subtrees)?, &right.hash(subtrees)?))
            }
            Some(_) | None => {
                let level = self.width().trailing_zeros();
                // At most 63: the level of a width that is not zero.
                subtrees.hash(u8::try_from(level).unwrap_or(u8::MAX), self.start >> level)
            }
        }
    }
}

/// Checks that a leaf with this place and hash is in the tree of `size` leaves with this root.
///
/// # Errors
/// [`ProofRefused`]: the proof does not lead to the root, or has another length than it must.
pub fn verify_inclusion(
    leaf: &Subtree,
    size: u64,
    path: &[TreeHash],
    root: &TreeHash,
) -> Result<(), ProofRefused> {
    // RFC 9162 §2.1.3.2: the steps of the algorithm, in its names.
    if leaf.level != 0 || leaf.index >= size {
        return Err(ProofRefused::OutsideTree { index: leaf.index, size });
    }
    let (mut fnode, mut snode, mut computed) = (leaf.index, size.saturating_sub(1), leaf.hash);
    for sibling in path {
        if snode == 0 {
            return Err(ProofRefused::WrongLength);
        }
        if fnode & 1 == 1 || fnode == snode {
            computed = node_hash(sibling, &computed);
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            computed = node_hash(&computed, sibling);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    match (snode, computed == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofRefused::OtherRoot),
        (_, _) => Err(ProofRefused::WrongLength),
    }
}

/// The head of a tree: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves it has.
    pub size: u64,
    /// The hash over them.
    pub root: TreeHash,
}

/// Checks that the later tree begins with all of the earlier one.
///
/// # Errors
/// [`ProofRefused`]: the proof does not lead to both roots, or has another length than it must.
pub fn verify_consistency(
    earlier: &TreeHead,
    later: &TreeHead,
    proof: &[TreeHash],
) -> Result<(), ProofRefused> {
    if earlier.size > later.size {
        return Err(ProofRefused::Shrunk { earlier: earlier.size, later: later.size });
    }
    if earlier.size == 0 || earlier.size == later.size {
        let same = earlier.size == 0 || earlier.root == later.root;
        return match (same, proof.is_empty()) {
            (false, _) => Err(ProofRefused::OtherRoot),
            (true, false) => Err(ProofRefused::WrongLength),
            (true, true) => Ok(()),
        };
    }
    // RFC 9162 §2.1.4.2: the steps of the algorithm, in its names.
    let mut proof = proof.iter();
    let first = if earlier.size.is_power_of_two() { Some(&earlier.root) } else { proof.next() };
    let Some(first) = first else { return Err(ProofRefused::WrongLength) };
    let (mut fnode, mut snode) = (earlier.size.saturating_sub(1), later.size.saturating_sub(1));
    while fnode & 1 == 1 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    let (mut of_earlier, mut of_later) = (*first, *first);
    for hash in proof {
        if snode == 0 {
            return Err(ProofRefused::WrongLength);
        }
        if fnode & 1 == 1 || fnode == snode {
            of_earlier = node_hash(hash, &of_earlier);
            of_later = node_hash(hash, &of_later);
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            of_later = node_hash(&of_later, hash);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    match (snode, of_earlier == earlier.root && of_later == later.root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofRefused::OtherRoot),
        (_, _) => Err(ProofRefused::WrongLength),
    }
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    /// The leaf is not one of the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree {
        /// Which leaf, from 0.
        index: u64,
        /// How many leaves there are.
        size: u64,
    },
    /// The later tree is the smaller one.
    #[error("a tree of {later} leaves cannot continue one of {earlier}")]
    Shrunk {
        /// Leaves of the earlier tree.
        earlier: u64,
        /// Leaves of the later tree.
        later: u64,
    },
    /// There are more or fewer hashes than the sizes ask for.
    #[error("the proof has more or fewer hashes than the sizes ask for")]
    WrongLength,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    OtherRoot,
}

#[cfg(test)]
mod tests;
