//! Every refusal with its failInfo and its reason code.

use core::time::Duration;
use std::collections::{BTreeMap, HashSet};

use ca_core::csr::CsrError;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Unavailable};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Revocation};
use ca_core::serial_number::SerialNumber;
use ca_core::signing::SignFailure;
use ca_core::subject::SubjectError;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use cmp_messages::message::DecodeMessageError;
use cmp_messages::protection::MacAlgorithmError;
use cmp_messages::status::PkiStatus;

use super::*;

/// Words that stand in errors and that no sender may read.
const SECRETS: [&str; 3] = ["/var/lib/secret", "4D504B0000000001", "0AB0"];

fn unavailable() -> Unavailable {
    Unavailable { port: "ledger", cause: "/var/lib/secret is full".into() }
}

fn encoding() -> der::Error {
    der::Tag::Null.value_error().into()
}

fn holder() -> CertificateId {
    CertificateId { issuer: KeyRef::new([1; 20]), serial: SerialNumber::parse("0AB0").unwrap() }
}

fn signer(error: SignError) -> IssueError {
    IssueError::NotSigned(SignFailure::Signer(error))
}

fn revoked() -> RevokeError {
    let before =
        Revocation { time: UnixTime::default(), reason: ReasonCode::Superseded, invalidity_date: None };
    RevokeError::AlreadyRevoked { before }
}

/// One row for each variant, which the compiler counts: pattern, instance, failInfo, reason code.
macro_rules! every_variant {
    ($($pattern:pat => $instance:expr, $failure:ident, $code:literal;)*) => {
        fn table() -> Vec<(Refusal, PkiFailureInfo, &'static str)> {
            vec![$(($instance, PkiFailureInfo::$failure, $code)),*]
        }

        /// Does not compile where a variant has no row.
        const fn has_row(refusal: &Refusal) -> bool {
            match refusal { $($pattern => true,)* }
        }
    };
}

every_variant! {
    Refusal::NotDecoded(_) => DecodeMessageError::Protection.into(), BadDataFormat, "message.not-der";
    Refusal::Version { .. } => Refusal::Version { pvno: 1 }, UnsupportedVersion, "header.version";
    Refusal::NoTransactionId => Refusal::NoTransactionId, BadDataFormat, "header.transaction-id";
    Refusal::TransactionId => Refusal::TransactionId, BadDataFormat, "header.transaction-id";
    Refusal::SenderNonce => Refusal::SenderNonce, BadSenderNonce, "header.sender-nonce";
    Refusal::FirstRecipientNonce => Refusal::FirstRecipientNonce, BadRecipientNonce, "header.recipient-nonce";
    Refusal::RecipientNonce => Refusal::RecipientNonce, BadRecipientNonce, "header.recipient-nonce";
    Refusal::Time { .. } => Refusal::Time { window_seconds: 300 }, BadTime, "header.time";
    Refusal::NoTime => Refusal::NoTime, BadTime, "header.no-time";
    Refusal::NotServed { .. } => Refusal::NotServed { body: "ccr" }, BadRequest, "operation.not-served";
    Refusal::OtherOperation { .. } => Refusal::OtherOperation { body: "ir" }, BadRequest, "operation.other";
    Refusal::ProfilesDisagree => Refusal::ProfilesDisagree, NotAuthorized, "profile.disagree";
    Refusal::NoSuchProfile => Refusal::NoSuchProfile, NotAuthorized, "profile.unknown";
    Refusal::CertProfile => Refusal::CertProfile, BadDataFormat, "header.cert-profile";
    Refusal::NotProtected => Refusal::NotProtected, BadMessageCheck, "protection.none";
    Refusal::Algorithm => Refusal::Algorithm, BadAlg, "protection.algorithm";
    Refusal::MacAlgorithm(_) => MacAlgorithmError::Parameters.into(), BadAlg, "protection.algorithm";
    Refusal::WrongIntegrity => Refusal::WrongIntegrity, WrongIntegrity, "protection.mac";
    Refusal::SenderName => Refusal::SenderName, BadMessageCheck, "header.sender";
    Refusal::SenderKid => Refusal::SenderKid, BadMessageCheck, "header.sender-kid";
    Refusal::BadSignature => Refusal::BadSignature, BadMessageCheck, "protection.signature";
    Refusal::BadMac => Refusal::BadMac, BadMessageCheck, "protection.secret";
    Refusal::NotIdentified(_) => IdentifyError::NoCertificate.into(), SignerNotTrusted, "authn.none";
    Refusal::Shown(_) => Refusal::Shown(AdmitError::CredentialRevoked), CertRevoked, "authn.revoked";
    Refusal::SecretOver => Refusal::SecretOver, NotAuthorized, "authn.secret-over";
    Refusal::RequestCount { .. } => Refusal::RequestCount { count: 2 }, BadRequest, "request.count";
    Refusal::RequestId { .. } => Refusal::RequestId { found: 1, wanted: 0 }, BadRequest, "request.id";
    Refusal::Body { .. } => Refusal::Body { what: "x" }, BadDataFormat, "message.body";
    Refusal::Template { .. } => Refusal::Template { field: "x" }, BadCertTemplate, "request.template";
    Refusal::KeyGeneration => Refusal::KeyGeneration, BadCertTemplate, "request.key-generation";
    Refusal::CentralKey(_) => CentralKeyError::Version.into(), UnsupportedVersion, "key.version";
    Refusal::NotSealed(_) => SealError::Cipher.into(), SystemFailure, "answer.not-encoded";
    Refusal::NoProof => Refusal::NoProof, BadPop, "request.no-proof";
    Refusal::RaVerified => Refusal::RaVerified, NotAuthorized, "request.ra-verified";
    Refusal::Request(_) => CsrError::SignatureValue.into(), BadPop, "csr.signature";
    Refusal::Subject(_) => SubjectError::AlternativeNamesNotDer.into(), BadCertTemplate, "subject.names";
    Refusal::NothingToRename => Refusal::NothingToRename, BadCertTemplate, "subject.nothing-to-rename";
    Refusal::Forwarding { .. } => Refusal::Forwarding { why: "alone" }, BadRequest, "request.forwarding";
    Refusal::OldCertificate => Refusal::OldCertificate, BadCertId, "request.old-certificate";
    Refusal::OldCertificateUpdated => Refusal::OldCertificateUpdated, CertRevoked, "request.old-updated";
    Refusal::NotIssued(_) => IssueError::Altered.into(), SystemFailure, "certificate.altered";
    Refusal::TransactionInUse => Refusal::TransactionInUse, TransactionIdInUse, "transaction.in-use";
    Refusal::BeingAnswered => Refusal::BeingAnswered, SystemUnavail, "transaction.being-answered";
    Refusal::TooManyTransactions => Refusal::TooManyTransactions, SystemUnavail, "transaction.too-many";
    Refusal::OutOfTurn => Refusal::OutOfTurn, BadRequest, "transaction.out-of-turn";
    Refusal::AlreadyConfirmed => Refusal::AlreadyConfirmed, CertConfirmed, "transaction.confirmed";
    Refusal::CertHash => Refusal::CertHash, BadCertId, "confirmation.hash";
    Refusal::HashAlgorithm => Refusal::HashAlgorithm, BadAlg, "confirmation.hash-algorithm";
    Refusal::HashAlgorithmVersion => Refusal::HashAlgorithmVersion, BadRequest, "confirmation.hash-version";
    Refusal::Status => Refusal::Status, BadRequest, "confirmation.status";
    Refusal::NotConfirmed(_) => ConfirmError::NotEntitled.into(), NotAuthorized, "transaction.other-requester";
    Refusal::RevokedCertificate => Refusal::RevokedCertificate, BadCertId, "revoke.not-issued";
    Refusal::Reason => Refusal::Reason, BadRequest, "revoke.reason";
    Refusal::Unconfirmed => Refusal::Unconfirmed, BadRequest, "revoke.unconfirmed";
    Refusal::NotRevoked(_) => revoked().into(), CertRevoked, "revoke.already";
    Refusal::NoSuchInformation => Refusal::NoSuchInformation, BadRequest, "general.unknown";
    Refusal::ForeignCrl => Refusal::ForeignCrl, BadCertId, "general.foreign-crl";
    Refusal::NotRegistrationAuthority => Refusal::NotRegistrationAuthority, NotAuthorized, "authn.not-ra";
    Refusal::BatchSize { .. } => Refusal::BatchSize { count: 2, max: 1 }, BadRequest, "nested.size";
    Refusal::BatchNames => Refusal::BatchNames, BadRequest, "nested.names";
    Refusal::Inner(_) => Box::new(TransferRefusal::Crowded).into(), SystemUnavail, "busy";
    Refusal::Unavailable(_) => unavailable().into(), SystemUnavail, "unavailable";
    Refusal::NotSigned(_) => SignMessageError::Encoding(encoding()).into(), SystemFailure, "answer.not-encoded";
    Refusal::NotEncoded(_) => encoding().into(), SystemFailure, "answer.not-encoded";
    Refusal::NotRecorded(_) => Refusal::NotRecorded(unavailable()), SystemUnavail, "unavailable";
}

/// What the variants that wrap errors of others are told for those of them that are told otherwise than in the table.
///
/// Not among them: what waits for approval, which is no refusal, and a serial number that is taken, which the authority resolves.
fn wrapped() -> Vec<(Refusal, PkiFailureInfo)> {
    let conflict = |conflict: IntentConflict| Refusal::from(IssueError::Conflict(conflict));
    let admitted = |error: AdmitError| Refusal::from(IssueError::NotAdmitted(error));
    let gone = || SignError::unavailable("/var/lib/secret is gone");
    let lost = SignError::OutcomeUnknown { cause: "/var/lib/secret is gone".into() };
    vec![
        (IdentifyError::NoDevice.into(), PkiFailureInfo::NotAuthorized),
        (IdentifyError::UnknownRegistrationAuthority.into(), PkiFailureInfo::NotAuthorized),
        (IssueError::NotProven(ProveError::NotPossessed).into(), PkiFailureInfo::BadPop),
        (IssueError::NotProven(ProveError::KeyReused).into(), PkiFailureInfo::BadCertTemplate),
        (admitted(AdmitError::CredentialRevoked), PkiFailureInfo::CertRevoked),
        (admitted(AdmitError::TrustBlocked), PkiFailureInfo::SignerNotTrusted),
        (admitted(AdmitError::CredentialUnknown), PkiFailureInfo::SignerNotTrusted),
        (admitted(AdmitError::ForeignTenant), PkiFailureInfo::NotAuthorized),
        (admitted(AdmitError::Unavailable(unavailable())), PkiFailureInfo::SystemUnavail),
        (conflict(IntentConflict::SlotTaken { holder: holder() }), PkiFailureInfo::DuplicateCertReq),
        (conflict(IntentConflict::Overtaken), PkiFailureInfo::CertRevoked),
        (conflict(IntentConflict::TokenSpent), PkiFailureInfo::NotAuthorized),
        (conflict(IntentConflict::KeyBlocked), PkiFailureInfo::BadCertTemplate),
        (conflict(IntentConflict::TransactionOver), PkiFailureInfo::BadRequest),
        (conflict(IntentConflict::InFlight), PkiFailureInfo::SystemUnavail),
        (IssueError::ValidityOutsideProfile { seconds: None }.into(), PkiFailureInfo::BadCertTemplate),
        (signer(gone()).into(), PkiFailureInfo::SystemUnavail),
        (signer(lost).into(), PkiFailureInfo::SystemUnavail),
        (signer(SignError::KeyNotFound { key: KeyRef::new([1; 20]) }).into(), PkiFailureInfo::SystemFailure),
        (IssueError::from(unavailable()).into(), PkiFailureInfo::SystemUnavail),
        (IssueError::NoFreeSerialNumber.into(), PkiFailureInfo::SystemFailure),
        (RevokeError::NotEntitled.into(), PkiFailureInfo::NotAuthorized),
        (RevokeError::NotIssued { id: holder() }.into(), PkiFailureInfo::BadCertId),
        (RevokeError::HoldNotOffered.into(), PkiFailureInfo::BadRequest),
        (RevokeError::NotOnHold.into(), PkiFailureInfo::BadRequest),
        (RevokeError::BeingIssued.into(), PkiFailureInfo::SystemUnavail),
        (RevokeError::Unavailable(unavailable()).into(), PkiFailureInfo::SystemUnavail),
        (ConfirmError::Conflict(TransactionConflict::Unknown).into(), PkiFailureInfo::BadRequest),
        (ConfirmError::Conflict(TransactionConflict::OtherCertificate).into(), PkiFailureInfo::BadCertId),
        (ConfirmError::Conflict(TransactionConflict::TooLong).into(), PkiFailureInfo::SystemFailure),
        (ConfirmError::Conflict(TransactionConflict::BeingIssued).into(), PkiFailureInfo::SystemUnavail),
        (ConfirmError::Unavailable(unavailable()).into(), PkiFailureInfo::SystemUnavail),
        (SignMessageError::Signer(gone()).into(), PkiFailureInfo::SystemUnavail),
        (SealError::Randomness(unavailable()).into(), PkiFailureInfo::SystemUnavail),
        (CentralKeyError::Proof.into(), PkiFailureInfo::BadPop),
        (CentralKeyError::Kind { made: Curve::P256 }.into(), PkiFailureInfo::BadAlg),
        (CentralKeyError::TooWeak { bits: 128, wanted: 192 }.into(), PkiFailureInfo::BadAlg),
        (CentralKeyError::NotOwn.into(), PkiFailureInfo::NotAuthorized),
        (CentralKeyError::NoKeyAgreement.into(), PkiFailureInfo::BadRequest),
    ]
}

fn all() -> Vec<(Refusal, PkiFailureInfo)> {
    table().into_iter().map(|(refusal, failure, _)| (refusal, failure)).chain(wrapped()).collect()
}

// RFC 9483 §3.5, §3.6.4: the bit of each check.
#[test]
fn every_variant_has_its_failure_and_its_code() {
    let rows = table();
    for (refusal, failure, code) in &rows {
        assert_eq!((super::failure(refusal), refusal.code()), (*failure, *code), "{refusal:?}");
        assert!(has_row(refusal));
    }
    let variants: HashSet<_> = rows.iter().map(|(refusal, _, _)| core::mem::discriminant(refusal)).collect();
    assert_eq!(variants.len(), rows.len(), "each variant once");
    for (refusal, failure) in wrapped() {
        assert_eq!(super::failure(&refusal), failure, "{refusal:?}");
    }
}

// Faults of ours are all told as "internal".
#[test]
fn one_code_means_one_thing() {
    let mut meanings: BTreeMap<&str, PkiFailureInfo> = BTreeMap::new();
    let told = |(_, failure): &(Refusal, PkiFailureInfo)| *failure != PkiFailureInfo::SystemFailure;
    for (refusal, failure) in all().into_iter().filter(told) {
        let known = *meanings.entry(refusal.code()).or_insert(failure);
        assert_eq!(known, failure, "{} is told as {} too", refusal.code(), known.name());
    }
}

// A sender tries again after systemUnavail: it must be what is told where trying again may help, and there only.
#[test]
fn whose_fault_it_is_and_what_is_told_agree() {
    for (refusal, failure) in all() {
        let fault = fault(&refusal);
        let told = (failure == PkiFailureInfo::SystemUnavail, failure == PkiFailureInfo::SystemFailure);
        assert_eq!(told, (fault == Fault::Unavailable, fault == Fault::Ours), "{refusal:?}");
    }
}

#[test]
fn every_rejection_is_one_sentence_that_discloses_nothing() {
    for (refusal, failure) in all() {
        let told = rejection(&refusal).unwrap();
        assert_eq!((told.status(), told.failures()), (Some(PkiStatus::Rejection), vec![failure]));
        let [sentence] = told.status_string.unwrap().try_into().unwrap();
        let code = if failure == PkiFailureInfo::SystemFailure { "internal" } else { refusal.code() };
        assert!(sentence.ends_with(&format!(" ({code})")), "{sentence}");
        assert!(!SECRETS.iter().any(|secret| sentence.contains(secret)), "{sentence}");
    }
}

#[test]
fn what_is_no_message_is_told_by_status() {
    let busy = RunJobError::Busy { retry_after: Duration::from_millis(2_500) };
    for (status, retry_after, refusal) in [
        (404, None, TransferRefusal::NoSuchPath),
        (405, None, TransferRefusal::Method),
        (415, None, TransferRefusal::MediaType),
        (413, None, TransferRefusal::BodyTooLarge { max_octets: 1 }),
        (400, None, TransferRefusal::BodyIncomplete),
        (406, None, TransferRefusal::NotAcceptable),
        (400, None, DecodeMessageError::Protection.into()),
        (501, None, TransferRefusal::Announcement),
        (503, Some(3), busy.into()),
        (503, Some(30), RunJobError::Closed.into()),
        (500, None, RunJobError::Panicked.into()),
        (503, Some(30), TransferRefusal::Crowded),
        (503, Some(30), unavailable().into()),
        (503, Some(30), TransferRefusal::NotSigned(rests(None))),
        (503, Some(7), TransferRefusal::NotSigned(rests(Some(Duration::from_millis(6_100))))),
        (500, None, encoding().into()),
    ] {
        let reply = reply(&refusal);
        // K-14: half a minute is spread over as much again.
        let told = reply.retry_after.map(|seconds| if (30..60).contains(&seconds) { 30 } else { seconds });
        assert_eq!((reply.status, told), (status, retry_after), "{refusal:?}");
        assert_eq!(reply.allow.is_some(), status == 405, "{refusal:?}");
        let code = if status == 500 { "internal" } else { refusal.code() };
        // RFC 9811 §3.5: nothing is said of an announcement.
        let told = reply.text.ends_with(&format!(" ({code})\n")) && reply.text.lines().count() == 1;
        assert_eq!(told, status != 501, "{}", reply.text);
        assert!(!SECRETS.iter().any(|secret| reply.text.contains(secret)), "{}", reply.text);
    }
}

fn rests(again_in: Option<Duration>) -> SignError {
    SignError::Unavailable { cause: "/var/lib/secret is gone".into(), again_in }
}

// H-01: HTTP says 200, so the text is where a device reads when to come again.
#[test]
fn h_01_whoever_finds_the_token_away_is_told_when_it_is_asked_again() {
    for (again_in, text) in [
        (Some(Duration::from_millis(6_100)), "at this moment, try again in 7 s (signer.unavailable)"),
        (None, "at this moment (signer.unavailable)"),
    ] {
        let told = rejection(&signer(rests(again_in)).into()).unwrap();
        assert_eq!(told.failures(), [PkiFailureInfo::SystemUnavail]);
        assert_eq!(told.status_string.unwrap(), [format!("the service is not available {text}")]);
    }
}
