//! I15: shards, changes, and what no CRL lists.

use std::collections::BTreeSet;

use super::status::every_published;
use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{CERTIFICATE_HELD, CERTIFICATE_RELEASED, CERTIFICATE_REVOKED, Id};

/// A shard's CRL lists nothing of another shard, and, once all is published, everything of its own.
pub(super) fn shards_list_their_own(case: &Case, findings: &mut Findings) {
    let shard_of = |id: &Id| case.ledger.of(id).and_then(|row| row.shard.as_deref());
    for (issuer, crl) in every_published(case) {
        let Some(shard) = crl.shard.as_deref() else { continue };
        for serial in &crl.serials {
            let id = [issuer.as_slice(), serial].concat();
            if shard_of(&id) != Some(shard) {
                findings.add(Invariant::I15, format!("{} is not of shard {shard}", hex::encode(id)));
            }
        }
        if !case.all_published || crl.delta {
            continue;
        }
        let own = case.ledger.revocations.iter().filter(|(id, row)| {
            id.starts_with(issuer)
                && shard_of(id) == Some(shard)
                && row.time < crl.this_update
                && row.not_after >= crl.this_update
        });
        for (id, _) in own.filter(|(id, _)| id.get(20..).is_none_or(|serial| !crl.serials.contains(serial))) {
            let what = format!("{} is revoked and not on the CRL of shard {shard}", hex::encode(id));
            findings.add(Invariant::I15, what);
        }
    }
}

/// No CRL lists what is short-lived, no shard has it and no change tells of it; its revocation says so as it does itself.
pub(super) fn short_lived_is_on_no_crl(case: &Case, findings: &mut Findings) {
    let short_lived = |id: &Id| case.ledger.of(id).is_some_and(|row| row.on_no_crl);
    for (issuer, crl) in every_published(case) {
        for serial in &crl.serials {
            let id = [issuer.as_slice(), serial].concat();
            if short_lived(&id) {
                findings.add(Invariant::I15, format!("{} is short-lived and on a CRL", hex::encode(id)));
            }
        }
    }
    for (id, _) in case.ledger.revocations.iter().filter(|(id, row)| row.on_no_crl != short_lived(id)) {
        let what = format!("{} and its revocation do not agree whether a CRL lists it", hex::encode(id));
        findings.add(Invariant::I15, what);
    }
    for ((scope, sequence), serial) in &case.ledger.changes {
        let id = [scope.get(..20).unwrap_or_default(), serial].concat();
        if short_lived(&id) {
            findings.add(
                Invariant::I15,
                format!("change {sequence} tells of {}, which no CRL lists", hex::encode(id)),
            );
        }
    }
}

/// The index of a shard has who is revoked in it; a change is what an audit record tells of.
pub(super) fn indexes_say_what_the_rows_say(case: &Case, findings: &mut Findings) {
    let scope = |id: &Id, shard: &str| [id.get(..20).unwrap_or_default(), shard.as_bytes(), &[0]].concat();
    let revoked: BTreeSet<(Vec<u8>, Id)> = case
        .ledger
        .revocations
        .keys()
        .filter_map(|id| Some((scope(id, case.ledger.of(id)?.shard.as_deref()?), id.clone())))
        .collect();
    for (_, id) in revoked.symmetric_difference(&case.ledger.in_shards) {
        let what =
            format!("{} is in the index of a shard and not revoked there, or missing", hex::encode(id));
        findings.add(Invariant::I15, what);
    }
    let acts = [CERTIFICATE_REVOKED, CERTIFICATE_HELD, CERTIFICATE_RELEASED];
    for ((scope, sequence), serial) in &case.ledger.changes {
        let told = case.audit.iter().any(|(_, record)| {
            record.sequence == *sequence
                && acts.contains(&record.act)
                && record.id.get(20..) == Some(serial)
                && scope.get(..20) == record.id.get(..20)
        });
        if !told {
            findings
                .add(Invariant::I15, format!("no audit record {sequence} tells of a change that is noted"));
        }
    }
}
