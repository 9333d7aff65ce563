//! I17: the signer's own log is whole, and it and the ledger tell of the same signatures.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::issuance::to_be_signed;
use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{ABORTED, CERTIFICATE_ISSUED, CRL_INTENDED, Id};
use crate::witness::{SignerLog, Witnessed};

pub(super) fn the_signer_says_the_same(case: &Case, findings: &mut Findings) {
    for broken in case.signer_logs.iter().flat_map(|log| log.broken.clone()) {
        findings.add(Invariant::I17, broken);
    }
    let crls: BTreeSet<&[u8]> = case
        .audit
        .iter()
        .filter(|(_, record)| record.act == CRL_INTENDED)
        .map(|(_, record)| record.digest.as_slice())
        .collect();
    for one in case.signer_logs.iter().flat_map(|log| &log.signed) {
        let wrong = match one.kind.as_str() {
            "certificate" => certificate(case, one),
            "crl" if !crls.contains(one.digest.as_slice()) => Some("has no intent"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let what = format!("{} {} of {}", one.kind, one.name, hex::encode(&one.issuer));
            findings
                .add(Invariant::I17, format!("{what} was signed, says record {}, and {wrong}", one.number));
        }
    }
    issued_ones_are_in_the_log(case, findings);
}

fn id(one: &Witnessed) -> Option<Id> {
    Some([one.issuer.as_slice(), &hex::decode(&one.name).ok()?].concat())
}

/// What is wrong with a certificate that was signed.
fn certificate(case: &Case, one: &Witnessed) -> Option<&'static str> {
    let Some(row) = id(one).and_then(|id| case.ledger.of(&id)) else {
        return Some("is on no record");
    };
    let same = to_be_signed(row).is_some_and(|tbs| Sha256::digest(tbs).as_slice() == one.digest);
    if !same {
        Some("its intent has other octets")
    } else if row.state == ABORTED && !case.marks_may_be_lost {
        Some("counts as never signed")
    } else {
        None
    }
}

fn issued_ones_are_in_the_log(case: &Case, findings: &mut Findings) {
    let Some(since) = case.signer_logs.iter().filter_map(|log: &SignerLog| log.since).min() else {
        return;
    };
    let signed = case.signer_logs.iter().flat_map(|log| &log.signed);
    let witnessed: BTreeSet<Id> = signed.filter(|one| one.kind == "certificate").filter_map(id).collect();
    let told = case.audit.iter().map(|(_, record)| record);
    for record in told.filter(|record| record.act == CERTIFICATE_ISSUED && record.time >= since) {
        if !witnessed.contains(&record.id) {
            let name = hex::encode(&record.id);
            findings.add(Invariant::I17, format!("{name} is issued and the signer has no record of it"));
        }
    }
}
