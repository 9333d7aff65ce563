//! I1, I2, I3, I4, I7, I9: what was signed, recorded and delivered.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::certificate::{Crl, Drafted, split};
use crate::evidence::Case;
use crate::rows::{
    ABORTED, CERTIFICATE_ISSUED, CRL_INTENDED, CertificateRow, INTENDED, INTENT_RECORDED, ISSUED, Id,
};

/// The certificates among the signatures: which one, what was signed, which signature.
fn signed_certificates(case: &Case) -> impl Iterator<Item = (Id, &[u8], &crate::record::SignatureRecord)> {
    case.signatures.iter().flatten().filter_map(|made| {
        let serial = Drafted::read(&made.signed)?.serial;
        Some(([made.key.as_slice(), &serial].concat(), made.signed.as_slice(), made))
    })
}

/// What was, or was to be, signed.
pub(super) fn to_be_signed(row: &CertificateRow) -> Option<Vec<u8>> {
    if row.state == ISSUED { split(&row.octets).map(|(tbs, _)| tbs) } else { Some(row.octets.clone()) }
}

pub(super) fn every_signature_has_an_intent(case: &Case, findings: &mut Findings) {
    for (id, signed, _) in signed_certificates(case) {
        let name = hex::encode(&id);
        match case.ledger.of(&id) {
            None => findings.add(Invariant::I1, format!("{name} was signed and is on no record")),
            Some(row) if to_be_signed(row).as_deref() != Some(signed) => {
                findings
                    .add(Invariant::I1, format!("{name} was signed with other octets than its intent has"));
            }
            Some(row) if row.state == ABORTED && !case.marks_may_be_lost => {
                findings.add(Invariant::I1, format!("{name} was signed and counts as never signed"));
            }
            Some(row) if row.state == INTENDED && !case.ledger.signing.contains(&id) => {
                if !case.marks_may_be_lost && !case.machine_restarted {
                    findings.add(Invariant::I1, format!("{name} was signed and its intent bears no mark"));
                }
            }
            Some(_) => {}
        }
    }
    let intended: BTreeSet<&[u8]> = case
        .audit
        .iter()
        .filter(|(_, record)| record.act == CRL_INTENDED)
        .map(|(_, record)| record.digest.as_slice())
        .collect();
    for made in case.signatures.iter().flatten() {
        if let Some(crl) = Crl::of_tbs(&made.signed)
            && !intended.contains(Sha256::digest(&made.signed).as_slice())
        {
            findings.add(
                Invariant::I1,
                format!("CRL {} of {} has no intent", crl.number, hex::encode(&made.key)),
            );
        }
    }
}

pub(super) fn serial_numbers_are_used_once(case: &Case, findings: &mut Findings) {
    let ledger = &case.ledger;
    for id in ledger.open.keys().filter(|id| ledger.certificates.contains_key(*id)) {
        findings.add(Invariant::I2, format!("{} is both open and ended", hex::encode(id)));
    }
    for (id, row) in ledger.open.iter().chain(&ledger.certificates) {
        let drafted = to_be_signed(row).and_then(|tbs| Drafted::read(&tbs));
        if drafted.is_none_or(|drafted| id.get(20..) != Some(&drafted.serial)) {
            findings
                .add(Invariant::I2, format!("the row of {} holds another serial number", hex::encode(id)));
        }
    }
    let mut intended = BTreeSet::new();
    for (_, record) in case.audit.iter().filter(|(_, record)| record.act == INTENT_RECORDED) {
        if !intended.insert(&record.id) {
            findings.add(Invariant::I2, format!("{} was taken twice", hex::encode(&record.id)));
        }
        if ledger.of(&record.id).is_none() {
            findings.add(Invariant::I2, format!("{} was taken and is free again", hex::encode(&record.id)));
        }
    }
    let mut signed = BTreeMap::new();
    for (id, tbs, _) in signed_certificates(case) {
        if signed.insert(id.clone(), tbs).is_some_and(|before| before != tbs) {
            findings.add(Invariant::I2, format!("two certificates were signed as {}", hex::encode(id)));
        }
    }
}

pub(super) fn rows_records_and_signatures_agree(case: &Case, findings: &mut Findings) {
    let mut told: BTreeMap<&Id, Vec<&[u8]>> = BTreeMap::new();
    for (_, record) in case.audit.iter().filter(|(_, record)| record.act == CERTIFICATE_ISSUED) {
        told.entry(&record.id).or_default().push(&record.digest);
    }
    let mut made: BTreeMap<Id, Vec<&crate::record::SignatureRecord>> = BTreeMap::new();
    for (id, _, signature) in signed_certificates(case) {
        made.entry(id).or_default().push(signature);
    }
    // What was taken over is I23's.
    for (id, row) in case.ledger.issued().filter(|(_, row)| !row.taken_over) {
        let name = hex::encode(id);
        if told.remove(id) != Some(vec![Sha256::digest(&row.octets).as_slice()]) {
            findings.add(Invariant::I3, format!("{name} is issued and the audit trail does not say so once"));
        }
        let signature = split(&row.octets).map(|(_, signature)| signature);
        if case.signatures.is_some()
            && !made
                .get(id)
                .is_some_and(|all| all.iter().any(|one| Some(&one.signature) == signature.as_ref()))
        {
            findings
                .add(Invariant::I3, format!("{name} is issued with a signature that the signer never made"));
        }
    }
    for id in told.keys() {
        findings.add(Invariant::I3, format!("the audit trail says that {} was issued", hex::encode(id)));
    }
    for (id, all) in &made {
        if all.iter().filter(|one| !one.is_short).count() > 1 {
            findings.add(Invariant::I3, format!("{} was signed twice", hex::encode(id)));
        }
    }
    let issued: BTreeSet<&[u8]> = case.ledger.issued().map(|(_, row)| row.octets.as_slice()).collect();
    for (wish, der) in &case.clients.received {
        if !issued.contains(der.as_slice()) {
            findings
                .add(Invariant::I3, format!("what was delivered for wish {wish} is not on record as issued"));
        }
    }
}

pub(super) fn only_what_is_signed_is_good(case: &Case, findings: &mut Findings) {
    for (id, row) in case.ledger.issued() {
        let issuer = id.get(..20).and_then(|key| case.issuers.get(key));
        let signed = split(&row.octets);
        let verifies =
            issuer.zip(signed).is_some_and(|(issuer, (tbs, signature))| issuer.verifies(&tbs, &signature));
        if !verifies && !row.taken_over {
            findings.add(
                Invariant::I4,
                format!("{} counts as good and no signature makes it so", hex::encode(id)),
            );
        }
    }
}

pub(super) fn a_request_has_one_certificate(case: &Case, findings: &mut Findings) {
    let mut given: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for (wish, der) in &case.clients.received {
        if given.insert(wish, der).is_some_and(|before| before != der.as_slice()) {
            findings.add(Invariant::I7, format!("wish {wish} was answered with two certificates"));
        }
    }
    let mut issued: BTreeMap<(&str, &[u8]), usize> = BTreeMap::new();
    for (_, row) in case.ledger.issued() {
        *issued.entry((&row.profile, &row.key_fingerprint)).or_default() += 1;
    }
    for (wish, (profile, key)) in &case.clients.asked {
        let count = issued.get(&(profile.as_str(), key.as_slice())).copied().unwrap_or_default();
        if count > 1 {
            findings.add(Invariant::I7, format!("{count} certificates were issued for wish {wish}"));
        }
    }
    for id in case.ledger.requests.values().filter(|id| case.ledger.of(id).is_none()) {
        findings.add(
            Invariant::I7,
            format!("a request is answered by {}, which is on no record", hex::encode(id)),
        );
    }
}

pub(super) fn none_outlives_its_issuer(case: &Case, findings: &mut Findings) {
    for (id, row) in case.ledger.issued() {
        let issuer = id.get(..20).and_then(|key| case.issuers.get(key));
        let ends =
            split(&row.octets).and_then(|(tbs, _)| Drafted::read(&tbs)).map(|drafted| drafted.not_after);
        if let (Some(issuer), Some(ends)) = (issuer, ends)
            && ends > issuer.not_after
        {
            findings.add(Invariant::I9, format!("{} ends after its issuer", hex::encode(id)));
        }
    }
}
