//! Every refusal and the answer that it is given.

use super::*;
use ca_core::certificate::CertificateError;
use ca_core::csr::CsrError;
use ca_core::fleet::uplift::NotCleared;
use ca_core::key_ref::KeyRef;
use ca_core::ports::Unavailable;
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::record::{Awaiting, CertificateId, OutOfUse, VisitRefusal};
use ca_core::serial_number::SerialNumber;
use ca_core::subject::SubjectError;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use crate::wire::base64::Base64Error;

/// Words that stand in errors and that no requester may read.
const SECRETS: [&str; 4] = ["/var/lib/secret", "4D504B0000000001", "0AB0", "hidden-profile"];

fn unavailable() -> Unavailable {
    Unavailable { port: "ledger", cause: "/var/lib/secret is full".into() }
}

fn profile() -> ProfileId {
    ProfileId::parse("hidden-profile").unwrap()
}

fn title() -> SystemTitle {
    SystemTitle::parse("4D504B0000000001").unwrap()
}

fn holder() -> CertificateId {
    CertificateId { issuer: KeyRef::new([1; 20]), serial: SerialNumber::parse("0AB0").unwrap() }
}

fn signer(error: SignError) -> Refusal {
    IssueError::NotSigned(SignFailure::Signer(error)).into()
}

fn admitted(error: AdmitError) -> Refusal {
    IssueError::NotAdmitted(error).into()
}

fn conflict(conflict: IntentConflict) -> Refusal {
    IssueError::Conflict(conflict).into()
}

/// Of operations that a label need not offer.
fn of_options() -> Vec<(u16, Refusal)> {
    vec![
        (400, DeliveryError::UnknownKey.into()),
        (400, CmcError::NotDer.into()),
        (403, CmcError::BadSignature.into()),
        (503, SealError::Randomness(unavailable()).into()),
        (500, SealError::Cipher.into()),
    ]
}

/// Of an authority in another process.
fn of_elsewhere() -> Vec<(u16, Refusal)> {
    vec![
        (403, Refusal::RefusedElsewhere(ElsewhereRefusal::NotAllowed)),
        (403, Refusal::RefusedElsewhere(ElsewhereRefusal::Revoked)),
        (400, Refusal::RefusedElsewhere(ElsewhereRefusal::NotPossessed)),
        (400, Refusal::RefusedElsewhere(ElsewhereRefusal::Content)),
        (409, Refusal::RefusedElsewhere(ElsewhereRefusal::Conflict)),
    ]
}

fn unidentified(error: IdentifyError) -> Refusal {
    AuthenticateError::from(error).into()
}

#[expect(clippy::too_many_lines, reason = "a line for each refusal")]
fn table() -> Vec<(u16, Refusal)> {
    let (now, subject) = (UnixTime::from_seconds(1_795_255_200), title().to_string());
    let elsewhere = IntentConflict::KeyCertifiedElsewhere { subject, purpose: KeyPurpose::Tls };
    let awaiting = Awaiting { digest: [1; 32], expires_at: now, retry_after_seconds: 600 };
    vec![
        (404, Refusal::NoSuchOperation),
        (405, Refusal::Method { allowed: "POST" }),
        (415, Refusal::MediaType { expected: "application/pkcs10" }),
        (413, Refusal::BodyTooLarge { max_octets: 1 }),
        (406, Refusal::NotAcceptable),
        (400, Refusal::BodyIncomplete),
        (400, Refusal::NothingToRename),
        (401, AuthenticateError::NoCredentials.into()),
        (401, AuthenticateError::WrongPassword.into()),
        (429, AuthenticateError::MustWait { wait: Duration::from_secs(61) }.into()),
        (401, unidentified(IdentifyError::NoCertificate)),
        (403, unidentified(IdentifyError::Certificate(CertificateError::SignatureValue))),
        (403, unidentified(IdentifyError::UnknownRegistrationAuthority)),
        (403, unidentified(IdentifyError::NoDevice)),
        (503, AuthenticateError::Unavailable(unavailable()).into()),
        (400, DecodeBodyError::Base64(Base64Error::Empty).into()),
        (400, DecodeBodyError::Csr(CsrError::SignatureValue).into()),
        (403, BindingError::Missing.into()),
        (403, BindingError::Mismatch.into()),
        (403, BindingError::Unverifiable.into()),
        (400, SubjectError::AlternativeNameKind.into()),
        (500, admitted(AdmitError::ProfileNotOffered { profile: profile() })),
        (403, admitted(AdmitError::DoorClosed { profile: profile() })),
        (403, admitted(AdmitError::ForeignTenant)),
        (403, admitted(AdmitError::CredentialExpired { expired_at: now })),
        (403, admitted(AdmitError::CredentialRevoked)),
        (403, admitted(AdmitError::TrustBlocked)),
        (403, admitted(AdmitError::CredentialUnknown)),
        (403, admitted(AdmitError::OtherSubject { proved: title() })),
        (403, admitted(AdmitError::OtherProfile { held: profile() })),
        (403, admitted(AdmitError::SubjectChanged)),
        (403, admitted(RenewalError::TooEarly { opens: now, wait_seconds: 7 }.into())),
        (403, admitted(RenewalError::TooOften { limit: 4 }.into())),
        (403, admitted(RenewalError::Compromised.into())),
        (403, admitted(RenewalError::Unconfirmed.into())),
        (403, admitted(AdmitError::OutsideScope { name: "/var/lib/secret".to_owned() })),
        (403, admitted(AdmitError::NamesNotEntitled)),
        (403, admitted(AdmitError::DeviceNotExpected { title: title() })),
        (403, admitted(AdmitError::DeviceOutOfUse { title: title(), out: OutOfUse::Suspended })),
        (403, admitted(AdmitError::NotCleared { title: title(), why: NotCleared::Model })),
        (503, admitted(AdmitError::Unavailable(unavailable()))),
        (400, IssueError::from(ProveError::NotPossessed).into()),
        (400, IssueError::from(ProveError::KeyReused).into()),
        (403, IssueError::from(ProveError::KeyOfAuthority).into()),
        (400, IssueError::from(ProveError::NotSystemTitle { found: title().to_string() }).into()),
        (400, IssueError::from(DraftError::SubjectDoesNotFit).into()),
        (500, IssueError::from(DraftError::NoPublicationPoint).into()),
        (500, IssueError::ValidityExceedsIssuer { not_after: now, issuer_not_after: now }.into()),
        (500, IssueError::WindowClosed { now, window_ends: now }.into()),
        (500, IssueError::NotLinted { findings: Vec::new() }.into()),
        (500, IssueError::NoFreeSerialNumber.into()),
        (500, IssueError::Altered.into()),
        (503, IssueError::from(unavailable()).into()),
        (503, conflict(IntentConflict::InFlight)),
        (409, conflict(elsewhere)),
        (409, conflict(IntentConflict::WindowOver)),
        (202, conflict(IntentConflict::AwaitsApproval(awaiting))),
        (403, conflict(IntentConflict::ApprovalRefused)),
        (429, conflict(IntentConflict::TooManyWaiting)),
        (409, conflict(IntentConflict::SlotTaken { holder: holder() })),
        (403, conflict(IntentConflict::KeyBlocked)),
        (409, conflict(IntentConflict::Overtaken)),
        (409, conflict(IntentConflict::TransactionOver)),
        (401, conflict(IntentConflict::TokenUnknown)),
        (403, conflict(IntentConflict::TokenSpent)),
        (403, conflict(IntentConflict::DeviceNotExpected)),
        (403, conflict(IntentConflict::DeviceClaimedByOther)),
        (403, conflict(IntentConflict::DeviceKeyNotDelivered)),
        (403, conflict(IntentConflict::DeviceOutOfUse(OutOfUse::Retired))),
        (403, conflict(IntentConflict::FactorySuperseded { since: now })),
        (403, conflict(IntentConflict::Visit(VisitRefusal::Required))),
        (403, conflict(IntentConflict::Production(ProductionRefusal::Required))),
        (403, conflict(IntentConflict::Production(ProductionRefusal::Unknown))),
        (403, conflict(IntentConflict::Production(ProductionRefusal::Title))),
        (403, conflict(IntentConflict::Production(ProductionRefusal::Purpose))),
        (409, conflict(IntentConflict::Production(ProductionRefusal::Closed))),
        (409, conflict(IntentConflict::Production(ProductionRefusal::Expired { until: now }))),
        (409, conflict(IntentConflict::Production(ProductionRefusal::Full { ordered: 1 }))),
        (500, conflict(IntentConflict::SerialTaken)),
        (503, signer(SignError::unavailable("/var/lib/secret"))),
        (503, signer(SignError::OutcomeUnknown { cause: "/var/lib/secret".into() })),
        (500, signer(SignError::KeyNotFound { key: KeyRef::new([1; 20]) })),
        (500, signer(SignError::Refused { cause: "/var/lib/secret".into() })),
        (503, RunJobError::Busy { retry_after: Duration::from_millis(2_500) }.into()),
        (503, RunJobError::Closed.into()),
        (500, RunJobError::Panicked.into()),
        (503, unavailable().into()),
    ]
}

#[test]
fn every_refusal_has_its_status_and_discloses_nothing() {
    for (status, refusal) in table().into_iter().chain(of_options()).chain(of_elsewhere()) {
        let reply = reply(&refusal);
        assert_eq!(reply.status, status, "{refusal:?}");
        let code = if status == 500 { "internal" } else { refusal.code() };
        assert!(reply.text.ends_with(&format!(" ({code})\n")), "{}", reply.text);
        assert_eq!(reply.text.lines().count(), 1, "one sentence: {}", reply.text);
        assert!(!SECRETS.iter().any(|secret| reply.text.contains(secret)), "{}", reply.text);
    }
}

#[test]
fn fields_go_with_the_status_they_belong_to() {
    for (status, refusal) in table() {
        let reply = reply(&refusal);
        assert_eq!(reply.challenge.is_some(), status == 401, "{refusal:?}");
        assert_eq!(reply.allow.is_some(), status == 405, "{refusal:?}");
        let told = matches!(status, 202 | 429 | 503) || refusal.code() == "renewal.too-early";
        assert_eq!(reply.retry_after.is_some(), told, "{refusal:?}");
    }
}

#[test]
fn waits_are_told_in_whole_seconds_rounded_up() {
    let busy = Refusal::from(RunJobError::Busy { retry_after: Duration::from_millis(2_500) });
    assert_eq!(reply(&busy).retry_after, Some(3));
    let token = |again_in| {
        let error = SignError::Unavailable { cause: "the token rests".into(), again_in };
        reply(&IssueError::from(error).into()).retry_after
    };
    assert_eq!(token(Some(Duration::from_millis(6_100))), Some(7));
    // K-04, K-14: those who find the same thing away do not come back together.
    let told: Vec<u64> = (0..8).filter_map(|_| token(None)).collect();
    assert!(told.iter().all(|seconds| (30..60).contains(seconds)), "{told:?}");
    assert!(told.iter().any(|seconds| *seconds != told[0]), "{told:?}");
    let wait = Refusal::from(AuthenticateError::MustWait { wait: Duration::from_secs(61) });
    assert_eq!(reply(&wait).retry_after, Some(61));
}
