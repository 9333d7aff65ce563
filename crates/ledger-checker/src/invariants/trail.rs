//! I8: the audit trail has no gap, each record is bound to the one before, and it ends where the ledger remembers.

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::trail;

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
    if trail(&case.rows) != Some((sequence, head)) {
        findings.add(
            Invariant::I8,
            format!("the audit trail ends at {sequence}, the ledger remembers another end"),
        );
    }
}
