//! The reason codes: each error has one, it never changes, and codes that several errors share are listed here.
//!
//! Audit records, metrics and answers carry these words; whoever searches for one must find it in ten years.

use std::collections::BTreeMap;

use ca_core::approval::DecideError;
use ca_core::confirmation::ConfirmError;
use ca_core::csr::CsrError;
use ca_core::distinguished_name::NameError;
use ca_core::fault::Fault::{self, Conflict, Ours, Requester, Unavailable};
use ca_core::fleet::uplift::NotCleared;
use ca_core::issuance::draft::DraftError;
use ca_core::issuance::{IssueError, ProveError};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::path::PathError;
use ca_core::ports::{SignError, Unavailable as PortDown};
use ca_core::profile::KeyPurpose;
use ca_core::public_key::PublicKeyError;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    Awaiting, CertificateId, CertificateStatus, DecisionConflict, IntentConflict, Mark, OutOfUse, Outcome,
    ProductionRefusal, Revocation, StoredCertificate, TransactionConflict, VisitRefusal,
};
use ca_core::registration::{AdmitError, RenewalError};
use ca_core::revocation::RevokeError;
use ca_core::scope::CrlListing;
use ca_core::serial_number::{SerialNumber, SerialNumberError};
use ca_core::signing::SignFailure;
use ca_core::subject::SubjectError;
use ca_core::suite::Curve;
use ca_core::validity::Validity;

use crate::doubles::clock::{NOW, at};
use crate::path;
use crate::profiles::id;
use crate::world::{distinguished, dso, title};

fn down() -> PortDown {
    PortDown { port: "ledger", cause: "off".into() }
}

fn key() -> KeyRef {
    KeyRef::new([1; 20])
}

fn certificate() -> CertificateId {
    CertificateId { issuer: key(), serial: SerialNumber::from_octets(&[1]).unwrap() }
}

fn stored() -> StoredCertificate {
    StoredCertificate {
        id: certificate(),
        certificate: Vec::new(),
        tenant: dso(),
        profile: id("op-ds"),
        profile_version: 1,
        subject: String::new(),
        key_fingerprint: [0; 32],
        purpose: KeyPurpose::Signature,
        validity: Validity::new(at(NOW), at(NOW)).unwrap(),
        recorded_at: at(NOW),
        record: 0,
        status: CertificateStatus::Good,
        slot: None,
        listing: CrlListing::ON_ALL,
        handed_to: None,
        provenance: ca_core::record::Provenance::Issued,
    }
}

fn admission() -> Vec<(AdmitError, &'static str, Fault)> {
    vec![
        (AdmitError::ProfileNotOffered { profile: id("x") }, "profile.unknown", Requester),
        (AdmitError::DoorClosed { profile: id("x") }, "authn.door", Requester),
        (AdmitError::ForeignTenant, "tenant.foreign", Requester),
        (AdmitError::CredentialExpired { expired_at: at(NOW) }, "authn.expired", Requester),
        (AdmitError::CredentialRevoked, "authn.revoked", Requester),
        (AdmitError::TrustBlocked, "trust.blocked", Requester),
        (AdmitError::CredentialUnknown, "authn.unknown", Requester),
        (AdmitError::OtherSubject { proved: title(1) }, "subject.other", Requester),
        (AdmitError::OtherProfile { held: id("x") }, "profile.other", Requester),
        (AdmitError::SubjectChanged, "subject.changed", Requester),
        (RenewalError::TooEarly { opens: at(NOW), wait_seconds: 1 }.into(), "renewal.too-early", Requester),
        (RenewalError::TooOften { limit: 4 }.into(), "renewal.limit", Requester),
        (RenewalError::Compromised.into(), "renewal.compromised", Requester),
        (RenewalError::Unconfirmed.into(), "renewal.unconfirmed", Requester),
        (AdmitError::OutsideScope { name: "x".to_owned() }, "ra.scope", Requester),
        (AdmitError::NamesNotEntitled, "subject.names", Requester),
        (AdmitError::DeviceNotExpected { title: title(1) }, "device.not-expected", Requester),
        (AdmitError::NotCleared { title: title(1), why: NotCleared::Firmware }, "uplift.firmware", Requester),
        (
            AdmitError::DeviceOutOfUse { title: title(1), out: OutOfUse::Suspended },
            "device.suspended",
            Requester,
        ),
        (AdmitError::Unavailable(down()), "unavailable", Unavailable),
    ]
}

fn proof() -> Vec<(ProveError, &'static str)> {
    let (found, wanted) = ("a".to_owned(), "b".to_owned());
    vec![
        (ProveError::NotPossessed, "pop.invalid"),
        (ProveError::Curve { found: Curve::P256, wanted: Curve::P384 }, "key.curve"),
        (ProveError::IssuerCurve { found: Curve::P384, issuer: Curve::P256 }, "key.curve"),
        (ProveError::KeyOfAuthority, "key.authority"),
        (ProveError::KeyReused, "key.reuse"),
        (ProveError::Subject { cause: SubjectError::AlternativeNameKind }, "subject.names"),
        (ProveError::SubjectDiffers { found: found.clone(), wanted }, "subject.other"),
        (ProveError::NotSystemTitle { found }, "subject.not-system-title"),
        (ProveError::Extension { extension: oid::KEY_USAGE }, "csr.extension"),
        (ProveError::MadeHere { purpose: KeyPurpose::Signature }, "key.made-here"),
    ]
}

fn conflicts() -> Vec<(IntentConflict, &'static str, Fault)> {
    let elsewhere =
        IntentConflict::KeyCertifiedElsewhere { subject: String::new(), purpose: KeyPurpose::Signature };
    let awaiting = Awaiting { digest: [1; 32], expires_at: at(NOW), retry_after_seconds: 1 };
    vec![
        (IntentConflict::SerialTaken, "serial.taken", Conflict),
        (IntentConflict::AlreadyIssued(Box::new(stored())), "request.repeated", Conflict),
        (IntentConflict::InFlight, "request.in-flight", Unavailable),
        (IntentConflict::KeyAway, "signer.unavailable", Unavailable),
        (IntentConflict::WindowOver, "request.window-over", Conflict),
        (IntentConflict::AwaitsApproval(awaiting), "request.waiting", Conflict),
        (IntentConflict::ApprovalRefused, "request.refused", Requester),
        (IntentConflict::TooManyWaiting, "request.too-many", Conflict),
        (elsewhere, "key.certified-elsewhere", Conflict),
        (IntentConflict::KeyBlocked, "key.blocked", Requester),
        (IntentConflict::SlotTaken { holder: certificate() }, "slot.taken", Conflict),
        (IntentConflict::Overtaken, "renewal.overtaken", Conflict),
        (IntentConflict::TransactionOver, "transaction.over", Conflict),
        (IntentConflict::TokenUnknown, "token.unknown", Requester),
        (IntentConflict::TokenSpent, "token.spent", Requester),
        (IntentConflict::DeviceNotExpected, "device.not-expected", Requester),
        (IntentConflict::DeviceClaimedByOther, "device.claimed", Requester),
        (IntentConflict::DeviceKeyNotDelivered, "device.other-key", Requester),
        (IntentConflict::DeviceOutOfUse(OutOfUse::Retired), "device.retired", Requester),
        (IntentConflict::FactorySuperseded { since: at(NOW) }, "factory.superseded", Requester),
        (IntentConflict::Production(ProductionRefusal::Required), "order.required", Requester),
        (IntentConflict::Production(ProductionRefusal::Unknown), "order.unknown", Requester),
        (IntentConflict::Production(ProductionRefusal::Closed), "order.closed", Conflict),
        (
            IntentConflict::Production(ProductionRefusal::Expired { until: at(NOW) }),
            "order.expired",
            Conflict,
        ),
        (IntentConflict::Production(ProductionRefusal::Title), "order.title", Requester),
        (IntentConflict::Production(ProductionRefusal::Purpose), "order.purpose", Requester),
        (IntentConflict::Production(ProductionRefusal::Full { ordered: 1 }), "order.full", Conflict),
        (IntentConflict::Visit(VisitRefusal::Required), "visit.required", Requester),
        (IntentConflict::Visit(VisitRefusal::Unknown), "visit.unknown", Requester),
        (IntentConflict::Visit(VisitRefusal::Technician), "visit.technician", Requester),
        (IntentConflict::Visit(VisitRefusal::NoTechnician), "visit.no-technician", Requester),
        (IntentConflict::Visit(VisitRefusal::Unit), "visit.unit", Requester),
        (IntentConflict::Visit(VisitRefusal::Profile), "visit.profile", Requester),
        (IntentConflict::Visit(VisitRefusal::Refused), "visit.refused", Conflict),
        (IntentConflict::Visit(VisitRefusal::Ended), "visit.ended", Conflict),
        (IntentConflict::Visit(VisitRefusal::Early { from: at(NOW) }), "visit.early", Conflict),
        (IntentConflict::Visit(VisitRefusal::Over { until: at(NOW) }), "visit.over", Conflict),
        (
            IntentConflict::Visit(VisitRefusal::Unapproved { needed: 2, given: 1 }),
            "visit.unapproved",
            Conflict,
        ),
        (IntentConflict::Visit(VisitRefusal::Void), "visit.void", Conflict),
        (IntentConflict::Visit(VisitRefusal::Ending { until: at(NOW) }), "visit.ending", Conflict),
        (IntentConflict::Visit(VisitRefusal::TooMany), "visit.too-many", Conflict),
    ]
}

fn drafting() -> Vec<(DraftError, &'static str, Fault)> {
    vec![
        (DraftError::SubjectDoesNotFit, "subject.unfit", Requester),
        (DraftError::NameTooLong { octets: 2, max_octets: 1 }, "subject.unfit", Requester),
        (DraftError::AlternativeNamesDoNotFit, "subject.unfit", Requester),
        (DraftError::Name(NameError::Text), "subject.unfit", Requester),
        (DraftError::NoPublicationPoint, "issuer.no-publication-point", Ours),
        (DraftError::Encode(der::ErrorKind::DateTime.into()), "draft.not-encoded", Ours),
    ]
}

fn signing() -> Vec<(SignFailure, &'static str, Fault)> {
    let cause = || "off".into();
    vec![
        (SignError::KeyNotFound { key: key() }.into(), "signer.unavailable", Ours),
        (SignError::Refused { cause: cause() }.into(), "signer.refused", Ours),
        (SignError::unavailable(cause()).into(), "signer.unavailable", Unavailable),
        (SignError::OutcomeUnknown { cause: cause() }.into(), "signer.unavailable", Unavailable),
        (SignFailure::DoesNotVerify { key: key() }, "signer.broken", Ours),
        (SignFailure::NeverFullLength { key: key() }, "signer.broken", Ours),
    ]
}

fn issuance() -> Vec<(IssueError, &'static str, Fault)> {
    let exceeds = IssueError::ValidityExceedsIssuer { not_after: at(2), issuer_not_after: at(1) };
    let closed = IssueError::WindowClosed { now: at(2), window_ends: at(1) };
    let mut all = vec![
        (IssueError::ValidityOutsideProfile { seconds: None }, "validity.outside-profile", Requester),
        (closed, "issuer.window-closed", Ours),
        (exceeds, "validity.exceeds-issuer", Ours),
        (IssueError::NotLinted { findings: Vec::new() }, "lint.failed", Ours),
        (IssueError::NoFreeSerialNumber, "serial.exhausted", Ours),
        (IssueError::from(SerialNumberError::Empty), "serial.exhausted", Ours),
        (IssueError::Altered, "certificate.altered", Ours),
        (IssueError::from(down()), "unavailable", Unavailable),
    ];
    all.extend(admission().into_iter().map(|(error, code, fault)| (error.into(), code, fault)));
    all.extend(proof().into_iter().map(|(error, code)| (error.into(), code, Requester)));
    all.extend(drafting().into_iter().map(|(error, code, fault)| (error.into(), code, fault)));
    all.extend(signing().into_iter().map(|(error, code, fault)| (error.into(), code, fault)));
    let conflict = |(error, code, fault)| (IssueError::Conflict(error), code, fault);
    all.extend(conflicts().into_iter().map(conflict));
    all
}

fn revocation() -> Vec<(RevokeError, &'static str, Fault)> {
    let before = Revocation { time: at(NOW), reason: ReasonCode::Superseded, invalidity_date: None };
    vec![
        (RevokeError::NotEntitled, "revoke.not-entitled", Requester),
        (RevokeError::NotIssued { id: certificate() }, "revoke.not-issued", Requester),
        (RevokeError::AlreadyRevoked { before }, "revoke.already", Conflict),
        (RevokeError::BeingIssued, "revoke.being-issued", Unavailable),
        (RevokeError::HoldNotOffered, "revoke.hold", Requester),
        (RevokeError::NotOnHold, "revoke.not-on-hold", Conflict),
        (RevokeError::InvalidityInFuture { now: at(NOW) }, "revoke.invalidity", Requester),
        (RevokeError::Unavailable(down()), "unavailable", Unavailable),
    ]
}

fn decisions() -> Vec<(DecideError, &'static str, Fault)> {
    let by = Mark { by: "operator:ada".to_owned(), at: at(NOW) };
    let conflict = |conflict, code, fault| (DecideError::Conflict(conflict), code, fault);
    vec![
        (DecideError::NotEntitled, "approval.not-entitled", Requester),
        (DecideError::Reason, "approval.reason", Requester),
        conflict(DecisionConflict::Unknown, "request.unknown", Requester),
        conflict(DecisionConflict::Expired { expires_at: at(NOW) }, "request.expired", Conflict),
        conflict(DecisionConflict::Answered { id: certificate() }, "request.answered", Conflict),
        conflict(DecisionConflict::Refused { by }, "request.refused", Conflict),
        conflict(DecisionConflict::Approved, "approval.enough", Conflict),
        conflict(DecisionConflict::SameOperator, "approval.same-operator", Requester),
        conflict(DecisionConflict::OwnRequest, "approval.own-request", Requester),
        (DecideError::Unavailable(down()), "unavailable", Unavailable),
    ]
}

fn confirmations() -> Vec<(ConfirmError, &'static str, Fault)> {
    let conflict = |conflict, code, fault| (ConfirmError::Conflict(conflict), code, fault);
    let ends_at = at(NOW);
    vec![
        (ConfirmError::NotEntitled, "transaction.other-requester", Requester),
        conflict(TransactionConflict::Unknown, "transaction.unknown", Requester),
        conflict(TransactionConflict::Over { ends_at }, "transaction.over", Conflict),
        conflict(TransactionConflict::NotOver { ends_at }, "transaction.not-over", Conflict),
        conflict(TransactionConflict::Closed(Outcome::Lapsed), "transaction.closed", Conflict),
        conflict(TransactionConflict::Overtaken, "transaction.overtaken", Conflict),
        conflict(TransactionConflict::OutOfTurn, "transaction.out-of-turn", Requester),
        conflict(TransactionConflict::OtherCertificate, "transaction.other-certificate", Conflict),
        conflict(TransactionConflict::BeingIssued, "transaction.being-issued", Unavailable),
        conflict(TransactionConflict::TooLong, "transaction.too-long", Ours),
        (ConfirmError::Unavailable(down()), "unavailable", Unavailable),
    ]
}

fn paths() -> Vec<(PathError, &'static str)> {
    vec![
        (PathError::TooManyCertificates { count: 17 }, "authn.path-limits"),
        (PathError::TooManySignatures, "authn.path-limits"),
        (PathError::NoPath, "authn.no-path"),
        (PathError::NotYetValid { not_before: at(NOW) }, "authn.not-yet-valid"),
        (path::expired(), "authn.expired"),
        (PathError::Usage { subject: distinguished("x") }, "authn.usage"),
        (PathError::CriticalExtension { extension: oid::NAME_CONSTRAINTS }, "authn.critical-extension"),
    ]
}

fn requests() -> Vec<(CsrError, &'static str)> {
    vec![
        (CsrError::TooLong { octets: 1 }, "csr.too-long"),
        (CsrError::Crowded, "csr.crowded"),
        (CsrError::NotDer { position: None }, "csr.not-der"),
        (CsrError::Version { version: 1 }, "csr.version"),
        (CsrError::SignatureAlgorithm { algorithm: oid::SHA_1, curve: Curve::P256 }, "csr.algorithm"),
        (CsrError::SignatureValue, "csr.signature"),
        (CsrError::Attribute { attribute: oid::SHA_1 }, "csr.attribute"),
        (CsrError::DoubledAttribute { attribute: oid::EXTENSION_REQUEST }, "csr.attribute"),
        (CsrError::DoubledExtension { extension: oid::KEY_USAGE }, "csr.extension"),
        (CsrError::Name(NameError::Text), "csr.subject"),
        (CsrError::Key(PublicKeyError::NotDer), "key.unacceptable"),
    ]
}

#[test]
fn every_error_has_its_code_and_its_fault() {
    for (error, code, fault) in issuance() {
        assert_eq!((error.code(), error.fault()), (code, fault), "{error:?}");
    }
    for (error, code, fault) in admission() {
        assert_eq!((error.code(), error.fault()), (code, fault), "{error:?}");
    }
    for (error, code) in proof() {
        assert_eq!(error.code(), code, "{error:?}");
    }
    for (error, code, fault) in revocation() {
        assert_eq!((error.code(), error.fault()), (code, fault), "{error:?}");
    }
    for (error, code, fault) in decisions() {
        assert_eq!((error.code(), error.fault()), (code, fault), "{error:?}");
    }
    for (error, code, fault) in confirmations() {
        assert_eq!((error.code(), error.fault()), (code, fault), "{error:?}");
    }
    for (error, code) in paths() {
        assert_eq!(error.code(), code, "{error:?}");
    }
    for (error, code) in requests() {
        assert_eq!(error.code(), code, "{error:?}");
    }
}

/// Codes that more than one error has: one cause for the requester, several for the log.
const SHARED: [(&str, usize); 12] = [
    // By the front end, or by a door that looks past it for a while.
    ("authn.expired", 2),
    ("authn.path-limits", 2),
    ("csr.attribute", 2),
    ("csr.extension", 2),
    // Found free by registration, or taken when it is recorded.
    ("device.not-expected", 2),
    ("key.curve", 2),
    ("serial.exhausted", 2),
    ("signer.broken", 2),
    ("signer.unavailable", 4),
    // Not entitled to them, or malformed.
    ("subject.names", 2),
    // Another device than authenticated, or another than the request names.
    ("subject.other", 2),
    ("subject.unfit", 4),
];

#[test]
fn codes_that_several_errors_share_are_known() {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let codes = issuance().into_iter().map(|(_, code, _)| code);
    let codes = codes.chain(paths().into_iter().map(|(_, code)| code));
    let codes = codes.chain(requests().into_iter().map(|(_, code)| code));
    // That a port is down is said with one word by every verb.
    let codes = codes.chain(revocation().into_iter().map(|(_, code, _)| code));
    for code in codes.filter(|code| *code != "unavailable") {
        *count.entry(code).or_default() += 1;
    }
    let shared: Vec<_> = count.into_iter().filter(|(_, errors)| *errors > 1).collect();
    assert_eq!(shared, SHARED);
}

#[test]
fn codes_are_two_words_of_lower_case_and_sentences_are_one_line() {
    let wordy = |word: &str| !word.is_empty() && word.chars().all(|c| matches!(c, 'a'..='z' | '-'));
    for (error, code, _) in issuance() {
        assert!(code == "unavailable" || code.split('.').filter(|word| wordy(word)).count() == 2, "{code}");
        let sentence = error.to_string();
        assert!(!sentence.is_empty() && !sentence.contains('\n') && !sentence.ends_with('.'), "{sentence}");
    }
}
