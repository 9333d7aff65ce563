//! Every proof verifies, and none that is changed: published vectors of RFC 6962's reference tests, and all sizes to 130.

use core::convert::Infallible;

use super::super::tree::reference::{LEAVES, ROOTS, hash, octets, root};
use super::super::tree::{Subtree, TreeHash, leaf_hash};
use super::*;

/// Leaves in memory; hashes by the definition.
struct Log(Vec<Vec<u8>>);

impl Subtrees for Log {
    type Fault = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, Infallible> {
        let start = usize::try_from(index << level).unwrap();
        Ok(root(&self.0[start..start + (1 << level)]))
    }
}

impl Log {
    fn of(size: u8) -> Self {
        Self((0..size).map(|number| vec![number, 7]).collect())
    }

    fn published() -> Self {
        Self(LEAVES.iter().map(|hex| octets(hex)).collect())
    }

    fn leaf(&self, index: usize) -> Subtree {
        Subtree { level: 0, index: u64::try_from(index).unwrap(), hash: leaf_hash(&self.0[index]) }
    }

    fn head(&self, size: usize) -> TreeHead {
        TreeHead { size: u64::try_from(size).unwrap(), root: root(&self.0[..size]) }
    }
}

fn hashes(hex: &[&str]) -> Vec<TreeHash> {
    hex.iter().map(|hex| hash(hex)).collect()
}

/// What is left of a proof when something is done to it: another octet anywhere, one hash less, one more, two exchanged.
fn spoilt(proof: &[TreeHash]) -> Vec<Vec<TreeHash>> {
    let mut all = vec![[proof, &[[0; 32]]].concat()];
    for (at, octet) in (0..proof.len()).flat_map(|at| (0..32).map(move |octet| (at, octet))) {
        let mut other = proof.to_vec();
        other[at][octet] ^= 0x10;
        all.push(other);
    }
    if let Some((_, shorter)) = proof.split_last() {
        all.push(shorter.to_vec());
        all.push(proof[1..].to_vec());
    }
    if proof.len() > 1 {
        let mut other = proof.to_vec();
        other.swap(0, 1);
        all.push(other);
    }
    all
}

// RFC 9162 §2.1.3.1: the published inclusion proofs of certificate-transparency's reference tests.
#[test]
fn gives_the_published_inclusion_proofs() {
    let log = Log::published();
    let cases: [(u64, u64, &[&str]); 4] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ];
    for (index, size, expected) in cases {
        let Ok(path) = inclusion(&log, index, size);
        assert_eq!(path, hashes(expected), "{index} in {size}");
        let root = hash(ROOTS[usize::try_from(size).unwrap() - 1]);
        assert_eq!(verify_inclusion(&log.leaf(usize::try_from(index).unwrap()), size, &path, &root), Ok(()));
    }
}

// RFC 9162 §2.1.4.1: the published consistency proofs of certificate-transparency's reference tests.
#[test]
fn gives_the_published_consistency_proofs() {
    let log = Log::published();
    let cases: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (earlier, later, expected) in cases {
        let Ok(proof) = consistency(&log, earlier, later);
        assert_eq!(proof, hashes(expected), "{earlier} to {later}");
    }
}

// RFC 9162 §2.1.3.2: every proof is accepted for its leaf and place alone, and none is once anything of it is changed.
#[test]
fn every_inclusion_proof_verifies_and_none_for_another_leaf_or_place() {
    let log = Log::of(130);
    for size in 1..=130_usize {
        let TreeHead { size: leaves, root } = log.head(size);
        for index in 0..size {
            let leaf = log.leaf(index);
            let Ok(path) = inclusion(&log, leaf.index, leaves);
            assert_eq!(verify_inclusion(&leaf, leaves, &path, &root), Ok(()), "{index} in {size}");
            let elsewhere = Subtree { index: (leaf.index + 1) % leaves, ..leaf };
            assert!(size == 1 || verify_inclusion(&elsewhere, leaves, &path, &root).is_err());
            let mut other = leaf;
            other.hash[index % 32] ^= 1;
            assert!(verify_inclusion(&other, leaves, &path, &root).is_err());
        }
        let beyond = Subtree { index: leaves, ..log.leaf(0) };
        assert_eq!(
            verify_inclusion(&beyond, leaves, &[], &root),
            Err(ProofRefused::OutsideTree { index: leaves, size: leaves })
        );
    }
}

#[test]
fn no_inclusion_proof_survives_a_change_of_any_octet() {
    let log = Log::of(70);
    for (index, size) in [(0, 1), (0, 2), (3, 7), (6, 7), (31, 33), (32, 33), (64, 70), (69, 70), (5, 64)] {
        let (leaf, head) = (log.leaf(index), log.head(size));
        let Ok(path) = inclusion(&log, leaf.index, head.size);
        for other in spoilt(&path) {
            assert!(
                verify_inclusion(&leaf, head.size, &other, &head.root).is_err(),
                "{index} in {size}: {other:?}"
            );
        }
    }
}

// RFC 9162 §2.1.4.2: every proof is accepted for its two trees alone.
#[test]
fn every_consistency_proof_verifies_and_none_for_other_trees() {
    let log = Log::of(130);
    let heads: Vec<TreeHead> = (0..=130).map(|size| log.head(size)).collect();
    for later in &heads {
        for earlier in heads.iter().take_while(|head| head.size <= later.size) {
            let Ok(proof) = consistency(&log, earlier.size, later.size);
            let told = format!("{} to {}", earlier.size, later.size);
            assert_eq!(verify_consistency(earlier, later, &proof), Ok(()), "{told}");
            if earlier.size == 0 {
                continue;
            }
            let (mut forged, mut other) = (*earlier, *later);
            forged.root[3] ^= 1;
            other.root[31] ^= 1;
            assert!(verify_consistency(&forged, later, &proof).is_err(), "{told}");
            assert!(verify_consistency(earlier, &other, &proof).is_err(), "{told}");
        }
    }
}

#[test]
fn no_consistency_proof_survives_a_change_of_any_octet() {
    let log = Log::of(70);
    for (earlier, later) in [(1, 2), (3, 7), (4, 7), (6, 7), (32, 33), (33, 70), (64, 70), (69, 70), (8, 8)] {
        let (earlier, later) = (log.head(earlier), log.head(later));
        let Ok(proof) = consistency(&log, earlier.size, later.size);
        for other in spoilt(&proof) {
            assert!(
                verify_consistency(&earlier, &later, &other).is_err(),
                "{} to {}",
                earlier.size,
                later.size
            );
        }
    }
}

#[test]
fn a_tree_that_shrank_is_refused() {
    let log = Log::of(5);
    let refused = verify_consistency(&log.head(5), &log.head(4), &[]);
    assert_eq!(refused, Err(ProofRefused::Shrunk { earlier: 5, later: 4 }));
}
