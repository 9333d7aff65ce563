//! I13: a transaction ends once; what its holder confirmed is not taken from him by its deadline, and what he refused, or said
//! nothing of in time, is revoked, once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{
    CERTIFICATE_CONFIRMED, CERTIFICATE_REFUSED, CERTIFICATE_REVOKED, ISSUED, Id, TRANSACTION_LAPSED,
};

/// How long the name of an issuing key is; behind it stands a serial number, if there is one.
const ISSUER: usize = 20;

pub(super) fn what_is_not_confirmed_is_revoked_once(case: &Case, findings: &mut Findings) {
    ends(case, findings);
    rows(case, findings);
}

/// By the audit trail and the clients.
fn ends(case: &Case, findings: &mut Findings) {
    let mut ended: BTreeSet<&[u8]> = BTreeSet::new();
    let mut confirmed: BTreeSet<&Id> = BTreeSet::new();
    let mut revoked: BTreeMap<&Id, usize> = BTreeMap::new();
    let mut unaccepted: BTreeSet<&Id> = BTreeSet::new();
    for (_, record) in &case.audit {
        match record.act {
            CERTIFICATE_CONFIRMED => {
                confirmed.insert(&record.id);
            }
            CERTIFICATE_REFUSED | TRANSACTION_LAPSED if record.id.len() > ISSUER => {
                unaccepted.insert(&record.id);
            }
            CERTIFICATE_REFUSED | TRANSACTION_LAPSED => {}
            CERTIFICATE_REVOKED => {
                *revoked.entry(&record.id).or_default() += 1;
                continue;
            }
            _ => continue,
        }
        if !ended.insert(&record.digest) {
            findings.add(Invariant::I13, format!("audit record {} ends what had ended", record.sequence));
        }
    }
    for (id, _) in revoked.iter().filter(|(_, times)| **times > 1) {
        findings.add(Invariant::I13, format!("{} was revoked more than once", hex::encode(id)));
    }
    for id in unaccepted.iter().filter(|id| !revoked.contains_key(**id)) {
        findings.add(Invariant::I13, format!("{} was not accepted and is not revoked", hex::encode(id)));
    }
    for id in confirmed.intersection(&unaccepted) {
        findings.add(Invariant::I13, format!("{} was confirmed, and not accepted", hex::encode(id)));
    }
    for id in case.clients.confirmed.iter().filter(|id| !confirmed.contains(id)) {
        let what = format!("{} was acknowledged as confirmed and is not on record so", hex::encode(id));
        findings.add(Invariant::I13, what);
    }
}

/// By the rows: who waits to be confirmed is issued and has its transaction, and at the end no deadline was missed.
fn rows(case: &Case, findings: &mut Findings) {
    for (id, key) in &case.ledger.unconfirmed {
        let issued = case.ledger.certificates.get(id).is_some_and(|row| row.state == ISSUED);
        if !issued || case.ledger.transactions.get(key) != Some(&Some(id.clone())) {
            let what = format!("{} waits to be confirmed where nothing is", hex::encode(id));
            findings.add(Invariant::I13, what);
        }
    }
    for (key, certificate) in &case.ledger.transactions {
        let points = certificate.as_ref().is_none_or(|id| case.ledger.unconfirmed.get(id) == Some(key));
        if !points {
            let what = format!("the certificate of transaction {} is not found", hex::encode(key));
            findings.add(Invariant::I13, what);
        }
    }
    let Some((_, last)) = case.audit.last().filter(|_| case.all_published) else { return };
    for (deadline, key) in case.ledger.deadlines.iter().filter(|(deadline, _)| *deadline < last.time) {
        let what = format!("the deadline {deadline} of transaction {} was missed", hex::encode(key));
        findings.add(Invariant::I13, what);
    }
}
