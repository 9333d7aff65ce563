//! certConf: who asked for a certificate says whether it is the one he wants (RFC 9483 §4.1.1).

use ca_core::confirmation::{Acceptance, Confirmation};
use ca_core::record::{CertificateId, Stage};
use ca_core::suite::Curve;
use cmp_messages::body::PkiBody;
use cmp_messages::confirmation::CertStatus;
use cmp_messages::header::CMP_2021;
use cmp_messages::status::PkiStatus;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::asn1::Null;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::transaction::{self, Known, Standing};
use super::{Case, Worked};
use crate::protect::Draft;
use crate::refusal::Refusal;

/// Answers a confirmation with pkiConf, once it is on record.
pub(super) fn confirm(case: &Case<'_>, statuses: &[CertStatus]) -> Result<Worked, Refusal> {
    // RFC 9483 §4.1.1: MUST contain a sequence of one CertStatus.
    let [status] = statuses else { return Err(Refusal::RequestCount { count: statuses.len() }) };
    let known = match transaction::find(case)? {
        Standing::Open(known) => known,
        Standing::Answered(der) => return Ok(Worked::again(der)),
    };
    let Stage::Unconfirmed { certificate } = &known.transaction.stage else { return Err(Refusal::OutOfTurn) };
    check_number(&known, status)?;
    check_hash(case, certificate, status)?;
    let acceptance = acceptance(status)?;
    let is_refused = acceptance != Acceptance::Accepted;
    let sealed = case.seal(Draft::of(PkiBody::PkiConf(Null)))?;
    let closed = case.authority().confirm(Confirmation {
        actor: case.sender.actor.clone(),
        key: known.transaction.key,
        message: case.digest(),
        acceptance,
        answer: sealed.der,
    })?;
    if is_refused {
        (case.label.parts().on_revocation)();
    }
    Ok(Worked::again(closed.answer))
}

/// RFC 9483 §4.1.1: certReqId is that of the response: 0, and after PKCS#10 -1, for which some clients say 0.
fn check_number(known: &Known, status: &CertStatus) -> Result<(), Refusal> {
    let begun = known.memory.message();
    let was_pkcs10 = begun.is_some_and(|begun| matches!(begun.body(), PkiBody::P10cr(_)));
    match status.cert_req_id {
        0 => Ok(()),
        -1 if was_pkcs10 => Ok(()),
        found => Err(Refusal::RequestId { found, wanted: 0 }),
    }
}

/// RFC 9810 §5.3.18: the hash of the certificate's signature, or, in version 3, the one that is named.
fn check_hash(case: &Case<'_>, id: &CertificateId, status: &CertStatus) -> Result<(), Refusal> {
    let stored = case.authority().certificate(&id.serial)?.ok_or(Refusal::OutOfTurn)?;
    let of_signature = match case.authority().issuer().curve() {
        Curve::P256 => rfc5912::ID_SHA_256,
        Curve::P384 => rfc5912::ID_SHA_384,
    };
    let algorithm = match &status.hash_alg {
        None => of_signature,
        Some(named) if case.message.header().pvno == CMP_2021 => named.oid,
        // RFC 9810 §5.3.18: hashAlg MUST NOT be there but in version 3.
        Some(_) => return Err(Refusal::HashAlgorithmVersion),
    };
    let hash = hash(algorithm, &stored.certificate).ok_or(Refusal::HashAlgorithm)?;
    if status.cert_hash.as_bytes() == hash { Ok(()) } else { Err(Refusal::CertHash) }
}

fn hash(algorithm: ObjectIdentifier, octets: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        rfc5912::ID_SHA_256 => Some(Sha256::digest(octets).to_vec()),
        rfc5912::ID_SHA_384 => Some(Sha384::digest(octets).to_vec()),
        rfc5912::ID_SHA_512 => Some(Sha512::digest(octets).to_vec()),
        _ => None,
    }
}

/// RFC 9483 §4.1.1: no status, or accepted, accepts; rejection refuses.
fn acceptance(status: &CertStatus) -> Result<Acceptance, Refusal> {
    let Some(info) = &status.status_info else { return Ok(Acceptance::Accepted) };
    match info.status() {
        Some(PkiStatus::Accepted) => Ok(Acceptance::Accepted),
        Some(PkiStatus::Rejection) => {
            let failures = info.failures().into_iter().map(|failure| failure.name().to_owned());
            let words = info.status_string.iter().flatten().cloned();
            Ok(Acceptance::Refused { reason: words.chain(failures).collect::<Vec<_>>().join("; ") })
        }
        Some(
            PkiStatus::GrantedWithMods
            | PkiStatus::Waiting
            | PkiStatus::RevocationWarning
            | PkiStatus::RevocationNotification
            | PkiStatus::KeyUpdateWarning,
        )
        | None => Err(Refusal::Status),
    }
}
