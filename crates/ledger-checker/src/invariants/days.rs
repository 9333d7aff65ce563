//! I22: what is counted by days is what certificates and revocations add up to, where the ledger says that it is counted.
//!
//! A key is tenant ‖ 00 ‖ the second at which the day begins, its top bit flipped ‖ issuer; a row is four numbers: issued, revoked,
//! ending, and those of the ending ones that are revoked or on hold.

use std::collections::BTreeMap;

use der::{Decode, Sequence};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::ISSUED;

/// The keyspace of the counts.
const DAY_COUNTS: u8 = 59;

/// How many seconds a day has.
const DAY: i64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Sequence)]
struct Count {
    issued: u64,
    revoked: u64,
    ends: u64,
    ends_revoked: u64,
}

pub(super) fn counts_are_what_the_rows_add_up_to(case: &Case, findings: &mut Findings) {
    if !case.rows.contains_key(&(1, b"days".to_vec())) {
        return;
    }
    let mut counts = added_up(case);
    for ((_, key), value) in case.rows.iter().filter(|((keyspace, _), _)| *keyspace == DAY_COUNTS) {
        let row = match value.split_first() {
            Some((1, der)) => Count::from_der(der).ok(),
            _ => None,
        };
        if row.is_none() || counts.remove(key) != row {
            let what = format!("the day {} is counted wrongly", hex::encode(key));
            findings.add(Invariant::I22, what);
        }
    }
    for key in counts.keys() {
        findings.add(Invariant::I22, format!("the day {} is not counted", hex::encode(key)));
    }
}

fn added_up(case: &Case) -> BTreeMap<Vec<u8>, Count> {
    let mut counts: BTreeMap<Vec<u8>, Count> = BTreeMap::new();
    for (id, row) in case.ledger.certificates.iter().filter(|(_, row)| row.state == ISSUED) {
        counts.entry(key(&row.tenant, row.since, id)).or_default().issued += 1;
        let end = counts.entry(key(&row.tenant, row.not_after, id)).or_default();
        end.ends += 1;
        end.ends_revoked += u64::from(case.ledger.revocations.contains_key(id));
    }
    for (id, row) in case.ledger.revocations.iter().filter(|(_, row)| !row.on_hold) {
        if let Some(certificate) = case.ledger.of(id) {
            let recorded = row.final_since.or(row.recorded_at).unwrap_or(row.time);
            let day = key(&certificate.tenant, recorded, id);
            counts.entry(day).or_default().revoked += 1;
        }
    }
    counts
}

fn key(tenant: &str, time: i64, id: &[u8]) -> Vec<u8> {
    let day = time.div_euclid(DAY) * DAY;
    let sorted = u64::from_be_bytes(day.to_be_bytes()) ^ (1 << 63);
    let issuer = id.get(..20).unwrap_or_default();
    [tenant.as_bytes(), &[0], &sorted.to_be_bytes(), issuer].concat()
}
