//! I12: one more start adds the record that the ledger was opened, and nothing else.

use super::{Findings, Invariant};
use crate::engines::{Rows, keyspace_name as name};
use crate::evidence::Case;
use crate::rows::{AuditRecord, LEDGER_OPENED, TREE};

/// Keyspaces that follow from the audit trail: its end (and on which run of the machine the ledger was opened), and its tree.
const DERIVED: [u8; 2] = [1, TREE];

pub(super) fn a_second_start_changes_nothing(case: &Case, findings: &mut Findings) {
    let Some(again) = &case.again else { return };
    let mut differ = |from: &Rows, to: &Rows, what: &str| {
        for ((keyspace, key), value) in from {
            let same = to.get(&(*keyspace, key.clone())) == Some(value);
            if !same && !DERIVED.contains(keyspace) && !tells_of_an_opening(*keyspace, value) {
                let what =
                    format!("a second start {what} the row {} of {}", hex::encode(key), name(*keyspace));
                findings.add(Invariant::I12, what);
            }
        }
    };
    differ(&case.rows, again, "removed or changed");
    differ(again, &case.rows, "added or changed");
}

fn tells_of_an_opening(keyspace: u8, value: &[u8]) -> bool {
    keyspace == 2 && AuditRecord::read(value).is_some_and(|record| record.act == LEDGER_OPENED)
}
