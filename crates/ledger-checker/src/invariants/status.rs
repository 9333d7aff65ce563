//! I5, I6, I11: uncertain ones, CRLs, revocations.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::certificate::Crl;
use crate::evidence::Case;
use crate::record::SignatureRecord;
use crate::rows::{CERTIFICATE_RELEASED, CERTIFICATE_REVOKED, Id, UNCERTAIN};

/// The published complete CRL of all of each issuer.
fn published(case: &Case) -> impl Iterator<Item = (&Vec<u8>, &Crl)> {
    every_published(case).filter(|(_, crl)| crl.shard.is_none() && !crl.delta)
}

/// Every published CRL with its issuer: the one whose key verifies it.
pub(super) fn every_published(case: &Case) -> impl Iterator<Item = (&Vec<u8>, &Crl)> {
    case.published.iter().filter_map(|crl| {
        let issuer = case.issuers.iter().find(|(_, issuer)| issuer.verifies(&crl.tbs, &crl.signature));
        issuer.map(|(key, _)| (key, crl))
    })
}

pub(super) fn uncertain_ones_are_revoked(case: &Case, findings: &mut Findings) {
    let current: BTreeMap<&[u8], &Crl> = published(case).map(|(key, crl)| (key.as_slice(), crl)).collect();
    for (id, row) in case.ledger.certificates.iter().filter(|(_, row)| row.state == UNCERTAIN) {
        let name = hex::encode(id);
        if !case.ledger.uncertain.contains(id) && !case.ledger.revocations.contains_key(id) {
            findings.add(Invariant::I5, format!("{name} is uncertain and stands on no list of such"));
        }
        let Some((issuer, serial)) = id.split_at_checked(20) else { continue };
        let due = current.get(issuer).filter(|crl| row.since.saturating_add(case.grace) <= crl.this_update);
        if due.is_some_and(|crl| !crl.serials.contains(serial)) {
            findings.add(Invariant::I5, format!("{name} is uncertain beyond the grace time and on no CRL"));
        }
    }
}

pub(super) fn crls_follow_each_other(case: &Case, findings: &mut Findings) {
    let mut numbers: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut before: BTreeMap<Vec<u8>, Crl> = BTreeMap::new();
    for (made, crl) in in_order(case) {
        let scope = scope(&made.key, &crl);
        // Complete and delta CRLs of a scope count together.
        if let Some(former) = numbers.insert(scope.clone(), crl.number).filter(|former| crl.number <= *former)
        {
            let what = format!("CRL {} of {} was signed after {former}", crl.number, hex::encode(&scope));
            findings.add(Invariant::I6, what);
        }
        if crl.delta {
            continue;
        }
        if let Some(former) = before.get(&scope) {
            follows(case, (&made.key, former), &crl, findings);
        }
        before.insert(scope, crl);
    }
    for (issuer, crl) in every_published(case) {
        let scope = scope(issuer, crl);
        if numbers.contains_key(&scope) && !case.ledger.crls.contains(&(scope.clone(), crl.number)) {
            let what = format!("CRL {} of {} is published and on no record", crl.number, hex::encode(&scope));
            findings.add(Invariant::I6, what);
        }
    }
}

/// The CRLs that were signed, in that order; where several processes sign at the same time, in the order of their numbers.
fn in_order(case: &Case) -> Vec<(&SignatureRecord, Crl)> {
    let signed = case.signatures.iter().flatten();
    let mut crls: Vec<_> = signed.filter_map(|made| Some((made, Crl::of_tbs(&made.signed)?))).collect();
    if case.shared {
        crls.sort_by_key(|(_, crl)| crl.number);
    }
    crls
}

/// The scope of a CRL as the keys of rows have it.
fn scope(issuer: &[u8], crl: &Crl) -> Vec<u8> {
    match &crl.shard {
        None => issuer.to_vec(),
        Some(shard) => [issuer, shard.as_bytes(), &[0]].concat(),
    }
}

/// What may leave a list, and what may not be on hold again.
fn follows(case: &Case, (issuer, former): (&[u8], &Crl), crl: &Crl, findings: &mut Findings) {
    for serial in former.serials.difference(&crl.serials) {
        let id = [issuer, serial.as_slice()].concat();
        let expired = case.ledger.revocations.get(&id).is_some_and(|row| row.not_after < crl.this_update);
        let released = former.on_hold.contains(serial) && was_released(case, &id);
        if !expired && !released {
            findings.add(Invariant::I6, format!("{} left CRL {}", hex::encode(id), crl.number));
        }
    }
    for serial in crl.on_hold.difference(&former.on_hold).filter(|serial| former.serials.contains(*serial)) {
        let what = format!("CRL {} has {} on hold, which was final", crl.number, hex::encode(serial));
        findings.add(Invariant::I6, what);
    }
}

fn was_released(case: &Case, id: &Id) -> bool {
    case.audit.iter().any(|(_, record)| record.act == CERTIFICATE_RELEASED && record.id == *id)
}

pub(super) fn revoked_stays_revoked(case: &Case, findings: &mut Findings) {
    let revocations = &case.ledger.revocations;
    for id in case.clients.revoked.iter().filter(|id| !revocations.contains_key(*id)) {
        findings.add(Invariant::I11, format!("{} was acknowledged as revoked and is not", hex::encode(id)));
    }
    for (_, record) in case.audit.iter().filter(|(_, record)| record.act == CERTIFICATE_REVOKED) {
        if revocations.get(&record.id).is_none_or(|row| row.on_hold) {
            findings.add(Invariant::I11, format!("{} was revoked and is not", hex::encode(&record.id)));
        }
    }
    for made in case.signatures.iter().flatten() {
        // A delta also lists what is no longer revoked.
        let Some(crl) = Crl::of_tbs(&made.signed).filter(|crl| !crl.delta) else { continue };
        for serial in &crl.serials {
            let id = [made.key.as_slice(), serial].concat();
            let released = crl.on_hold.contains(serial) && was_released(case, &id);
            if !revocations.contains_key(&id) && !released {
                findings
                    .add(Invariant::I11, format!("{} stood on a CRL and is not revoked", hex::encode(id)));
            }
        }
    }
    if case.all_published {
        for (issuer, crl) in published(case) {
            let of_issuer = revocations.iter().filter(|(id, _)| id.starts_with(issuer));
            for (id, _) in of_issuer.filter(|(_, row)| {
                !row.on_no_crl && row.time < crl.this_update && row.not_after >= crl.this_update
            }) {
                if id.get(20..).is_none_or(|serial| !crl.serials.contains(serial)) {
                    findings.add(Invariant::I11, format!("{} is revoked and on no CRL", hex::encode(id)));
                }
            }
        }
    }
}
