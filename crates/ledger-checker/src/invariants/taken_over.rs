//! I23: what another program issued under the same key, and is on record here.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::certificate::{Drafted, split};
use crate::evidence::Case;
use crate::rows::{AuditRecord, CERTIFICATE_ISSUED, CERTIFICATE_TAKEN_OVER, INTENT_RECORDED, Id};

pub(super) fn what_was_taken_over_was_never_issued_here(case: &Case, findings: &mut Findings) {
    let mut told: BTreeMap<&Id, Vec<&AuditRecord>> = BTreeMap::new();
    for (_, record) in case.audit.iter().filter(|(_, record)| record.act == CERTIFICATE_TAKEN_OVER) {
        told.entry(&record.id).or_default().push(record);
    }
    for (id, row) in case.ledger.issued().filter(|(_, row)| row.taken_over) {
        let name = hex::encode(id);
        let records = told.remove(id).unwrap_or_default();
        let digest = Sha256::digest(&row.octets);
        if records.len() != 1 || records.iter().any(|record| record.digest != digest.as_slice()) {
            findings.add(Invariant::I23, format!("the trail does not say once that {name} was taken over"));
        }
        let issuer = id.get(..20).and_then(|key| case.issuers.get(key));
        let signed = split(&row.octets);
        if !issuer.zip(signed).is_some_and(|(issuer, (tbs, signature))| issuer.signed(&tbs, &signature)) {
            findings.add(Invariant::I23, format!("{name} was taken over and its issuer never signed it"));
        }
    }
    for id in told.keys() {
        let what = format!("the trail says that {} was taken over, and no row does", hex::encode(id));
        findings.add(Invariant::I23, what);
    }
    let taken_over = |id: &Id| case.ledger.of(id).is_some_and(|row| row.taken_over);
    let here = [INTENT_RECORDED, CERTIFICATE_ISSUED];
    for (_, record) in case.audit.iter().filter(|(_, record)| here.contains(&record.act)) {
        if taken_over(&record.id) {
            let what = format!("{} was taken over, and intended or issued here", hex::encode(&record.id));
            findings.add(Invariant::I23, what);
        }
    }
    for made in case.signatures.iter().flatten() {
        let id = Drafted::read(&made.signed).map(|drafted| [made.key.as_slice(), &drafted.serial].concat());
        if let Some(id) = id.filter(taken_over) {
            findings.add(Invariant::I23, format!("{} was taken over, and signed here", hex::encode(id)));
        }
    }
}
