//! I8: the audit trail has no gap, each record is bound to the one before, it ends where the ledger remembers, and the Merkle
//! tree over the records (RFC 9162 §2.1) is what they hash to.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{TREE, Trail, trail};

type Hash = [u8; 32];

pub(super) fn the_trail_is_whole(case: &Case, findings: &mut Findings) {
    let (mut sequence, mut head) = (0, vec![0; 32]);
    for (der, record) in &case.audit {
        sequence += 1;
        if record.sequence != sequence {
            findings.add(Invariant::I8, format!("audit record {sequence} is missing"));
            sequence = record.sequence;
        } else if record.previous != head {
            findings.add(Invariant::I8, format!("audit record {sequence} is not bound to the one before"));
        }
        head = Sha256::digest(der).to_vec();
    }
    let levels = levels(case.audit.iter().map(|(der, _)| leaf(der)).collect());
    let computed = Trail { sequence, head, peaks: peaks(&levels, case.audit.len()) };
    if trail(&case.rows) != Some(computed) {
        let what = format!("the audit trail ends at {sequence}, the ledger remembers another end");
        findings.add(Invariant::I8, what);
    }
    the_tree_is_theirs(case, &levels, findings);
}

/// The tree that is stored has every perfect subtree above the leaves, and nothing else.
fn the_tree_is_theirs(case: &Case, levels: &[Vec<Hash>], findings: &mut Findings) {
    let mut expected: BTreeMap<Vec<u8>, Hash> = BTreeMap::new();
    for (level, hashes) in (0_u8..).zip(levels).skip(1) {
        for (index, hash) in (0_u64..).zip(hashes) {
            expected.insert([&[level], index.to_be_bytes().as_slice()].concat(), *hash);
        }
    }
    for ((_, key), value) in case.rows.iter().filter(|((keyspace, _), _)| *keyspace == TREE) {
        if expected.remove(key).is_none_or(|hash| hash.as_slice() != value) {
            findings.add(
                Invariant::I8,
                format!("the subtree {} is not what its records hash to", hex::encode(key)),
            );
        }
    }
    for key in expected.keys() {
        findings.add(Invariant::I8, format!("the subtree {} is missing", hex::encode(key)));
    }
}

fn leaf(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// All perfect subtrees, level by level, the leaves first.
fn levels(leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![leaves];
    while let Some(below) = levels.last().filter(|below| below.len() > 1) {
        let pairs = below.as_chunks().0;
        levels.push(pairs.iter().map(|[left, right]| node(left, right)).collect());
    }
    levels
}

/// The subtrees at the right edge, the largest first: one for each one in the binary form of the size.
fn peaks(levels: &[Vec<Hash>], size: usize) -> Vec<u8> {
    let lone = levels.iter().enumerate().rev().filter(|(level, _)| size >> level & 1 == 1);
    lone.filter_map(|(_, hashes)| hashes.last()).flatten().copied().collect()
}
