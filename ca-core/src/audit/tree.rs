//! The Merkle tree over the audit records (RFC 9162 §2.1, the tree of RFC 6962): its hashes, and the right edge that grows.
//!
//! Not the proofs, and no storage: whoever keeps the tree keeps the perfect subtrees that [`Peaks::append`] completes. Leaf
//! number *i*, from 0, is the record with sequence number *i* + 1.

use sha2::{Digest, Sha256};

/// A hash of the tree: SHA-256, 32 octets.
pub type TreeHash = [u8; 32];

/// Returns the hash of a leaf: of a record's DER.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> TreeHash {
    // RFC 9162 §2.1.1: a leaf is hashed behind the octet 00, so that no leaf can pass for a node.
    Sha256::new().chain_update([0x00]).chain_update(record).finalize().into()
}

/// Returns the hash of a node over its two children.
#[must_use]
pub fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    // RFC 9162 §2.1.1: a node is hashed behind the octet 01.
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a perfect subtree of 2^`level` leaves: the `index`th of its level, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// How many levels stand below it; 0 is a leaf.
    pub level: u8,
    /// How many subtrees of its level stand left of it.
    pub index: u64,
    /// Its hash.
    pub hash: TreeHash,
}

/// The right edge of a tree: the perfect subtrees that its leaves fill, the largest first. They give the root, and are all
/// that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peaks {
    size: u64,
    hashes: Vec<TreeHash>,
}

impl Peaks {
    /// The edge of the tree without leaves.
    pub const EMPTY: Self = Self { size: 0, hashes: Vec::new() };

    /// Takes up peaks that were kept; `None` unless a tree of that size has as many.
    #[must_use]
    pub fn new(size: u64, hashes: Vec<TreeHash>) -> Option<Self> {
        (u32::try_from(hashes.len()) == Ok(size.count_ones())).then_some(Self { size, hashes })
    }

    /// Returns where the peaks of a tree of `size` leaves stand, the largest first: level and index.
    pub fn places(size: u64) -> impl Iterator<Item = (u8, u64)> {
        (0..64_u8).rev().filter_map(move |level| {
            let shifted = size >> level;
            // A lone subtree at the right edge: the even one of its level.
            (shifted & 1 == 1).then_some((level, shifted ^ 1))
        })
    }

    /// Returns how many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hashes, the largest subtree first.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// Adds a leaf; returns the subtrees above it that are now perfect, the smallest first: one for each leaf in the mean.
    pub fn append(&mut self, leaf: TreeHash) -> Vec<Subtree> {
        let (mut completed, mut hash, mut index) = (Vec::new(), leaf, self.size);
        let mut level = 0_u8;
        while index & 1 == 1
            && let Some(left) = self.hashes.pop()
        {
            hash = node_hash(&left, &hash);
            index >>= 1;
            level = level.saturating_add(1);
            completed.push(Subtree { level, index, hash });
        }
        self.hashes.push(hash);
        self.size = self.size.saturating_add(1);
        completed
    }

    /// Returns the root of the tree.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        // RFC 9162 §2.1.1: the hash of no leaves is the hash of no octets; any other split is at the largest power of two.
        let mut smallest_first = self.hashes.iter().rev();
        match smallest_first.next() {
            Some(smallest) => smallest_first.fold(*smallest, |right, left| node_hash(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

#[cfg(test)]
pub(super) mod reference {
    //! The tree by the words of RFC 9162 §2.1.1 alone: the judge of all shortcuts.

    use super::{TreeHash, leaf_hash, node_hash};

    /// `MTH(D_n)`.
    pub(in crate::audit) fn root(leaves: &[Vec<u8>]) -> TreeHash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [only] => leaf_hash(only),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&root(left), &root(right))
            }
        }
    }

    use sha2::{Digest, Sha256};

    /// The eight leaves of the reference tests of certificate-transparency, `merkletree/` (Apache-2.0), and the roots of the
    /// trees over the first one to eight of them.
    pub(in crate::audit) const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    pub(in crate::audit) const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    pub(in crate::audit) fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap())
            .collect()
    }

    pub(in crate::audit) fn hash(hex: &str) -> TreeHash {
        octets(hex).try_into().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::reference::{LEAVES, ROOTS, hash, octets, root};
    use super::*;

    // RFC 9162 §2.1.1: the published roots of the trees over one to eight leaves, and of none.
    #[test]
    fn gives_the_published_roots() {
        let mut peaks = Peaks::EMPTY;
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(peaks.root(), hash(empty));
        for (leaf, root) in LEAVES.into_iter().zip(ROOTS) {
            peaks.append(leaf_hash(&octets(leaf)));
            assert_eq!(peaks.root(), hash(root));
        }
    }

    #[test]
    fn grows_as_the_definition_says_and_completes_each_perfect_subtree_once() {
        let leaves: Vec<Vec<u8>> = (0..130_u8).map(|number| vec![number; 3]).collect();
        let (mut peaks, mut completed) = (Peaks::EMPTY, Vec::new());
        for (before, leaf) in leaves.iter().enumerate() {
            completed.extend(peaks.append(leaf_hash(leaf)));
            assert_eq!(peaks.root(), root(&leaves[..=before]));
            assert_eq!(Peaks::new(peaks.size(), peaks.hashes().to_vec()), Some(peaks.clone()));
        }
        for Subtree { level, index, hash } in &completed {
            let (width, at) = (1 << level, usize::try_from(*index).unwrap() << level);
            assert_eq!(*hash, root(&leaves[at..at + width]));
        }
        let places: std::collections::BTreeSet<_> =
            completed.iter().map(|node| (node.level, node.index)).collect();
        assert_eq!((places.len(), completed.len()), (65 + 32 + 16 + 8 + 4 + 2 + 1, 128));
    }

    #[test]
    fn peaks_stand_where_their_places_say() {
        assert_eq!(Peaks::places(0).count(), 0);
        assert_eq!(Peaks::places(13).collect::<Vec<_>>(), [(3, 0), (2, 2), (0, 12)]);
        assert_eq!(Peaks::new(13, vec![[0; 32]; 2]), None);
    }
}
