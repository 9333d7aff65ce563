//! C-24: every port fails at every call, and every answer of a port is empty. Nothing is issued, confirmed or revoked by it.

use ca_core::record::{CertificateStatus, Verdict};
use cmp_messages::body::PkiBody;
use cmp_messages::message::PkiMessage;
use cmp_messages::status::PkiFailureInfo;
use der::Decode;
use der::asn1::Any;

use crate::client::{Message, cert_conf, cr, ir, kur};
use crate::csr::Csr;
use crate::doubles::journal::{Failing, Step};
use crate::pki::{Wish, meter_op_ds};
use crate::polling::{asking_people, decide, poll};
use crate::world::{Answer, DEVICE, PATH, World, certificate, post, status_info};

/// A message that would be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    BySecret,
    ByFactoryCertificate,
    ByStation,
    Pkcs10,
    Update,
    Poll,
    Confirmation,
    Revocation,
}

impl Attempt {
    const ALL: [Self; 8] = [
        Self::BySecret,
        Self::ByFactoryCertificate,
        Self::ByStation,
        Self::Pkcs10,
        Self::Update,
        Self::Poll,
        Self::Confirmation,
        Self::Revocation,
    ];

    /// Makes a world in which the message would be granted, and the message.
    async fn prepared(self) -> (World, Message) {
        let world = if self == Self::Poll { asking_people() } else { World::new() };
        let message = match self {
            Self::BySecret => world.ir(),
            Self::ByFactoryCertificate => world.cr(),
            Self::ByStation => world.by_station(cr(DEVICE, 40)),
            Self::Pkcs10 => {
                let csr = Any::from_der(&Csr::new(DEVICE, 40).der()).unwrap();
                Message { body: PkiBody::P10cr(csr), ..world.cr() }
            }
            Self::Update => Message::signed(40, &world.enrolled().await, kur(DEVICE, 41)),
            Self::Poll => {
                let request = world.cr();
                let answer = world.ask(&request).await;
                decide(&world, Verdict::Approve);
                request.after(&answer, poll())
            }
            Self::Confirmation => {
                let request = world.cr();
                let (answer, certificate) = world.unconfirmed(&request).await;
                request.after(&answer, cert_conf(&certificate))
            }
            Self::Revocation => {
                let enrolled = world.enrolled().await;
                Message::signed(40, &enrolled, crate::revocation::rr(&world, &enrolled))
            }
        };
        (world, message)
    }

    /// The steps of a success.
    async fn steps(self) -> Vec<Step> {
        let (world, message) = self.prepared().await;
        world.fail(Failing::Never);
        world.exchange(PATH, message.der()).await;
        world.journal.steps()
    }
}

/// Says that the service is not available, and nothing else: over HTTP where not even an error message can be made.
#[track_caller]
fn assert_unavailable(answer: &Answer, what: &str) {
    if answer.status == 503 {
        assert_eq!(answer.text(), "the service is not available at this moment (unavailable)\n", "{what}");
        return;
    }
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    let told = status_info(&PkiMessage::decode(&answer.body).unwrap());
    assert_eq!(told.failures(), [PkiFailureInfo::SystemUnavail], "{what}: {:?}", told.status_string);
    let sentence = told.status_string.unwrap().concat();
    assert!(sentence.starts_with("the service is not available at this moment ("), "{what}: {sentence}");
}

/// What is durable: all certificates as they stand, and what was confirmed.
fn standing(world: &World) -> (Vec<CertificateStatus>, usize) {
    let issued = |status: &CertificateStatus| {
        matches!(status, CertificateStatus::Good | CertificateStatus::Revoked(_))
    };
    let confirmed = world.ledger.acts().iter().filter(|act| act.name() == "certificate-confirmed").count();
    (world.ledger.statuses().into_iter().filter(issued).collect(), confirmed)
}

/// Whether a success is on record before this step: then it is a fault that the requester is not told of it, and no more.
fn is_done_before(steps: &[Step], place: usize) -> bool {
    let done = |step: &Step| matches!(step, Step::RecordIssued(_) | Step::RecordRevocation | Step::Conclude);
    steps[..place].iter().any(done)
}

// CVE-2025-44005: an error that was looked past let authorisation go on.
#[tokio::test]
async fn c_24_one_call_that_fails_grants_nothing_and_the_message_may_come_again() {
    for attempt in Attempt::ALL {
        let steps = attempt.steps().await;
        assert!(steps.len() >= 5, "{attempt:?}: {steps:?}");
        for place in 0..steps.len() {
            let what = format!("{attempt:?}, failing at {:?}", steps[place]);
            let (world, message) = attempt.prepared().await;
            let (before, refusals) = (standing(&world), world.ledger.refusals().len());
            world.fail(Failing::At(place));
            assert_unavailable(&world.send(post(PATH), message.der()).await, &what);
            if !is_done_before(&steps, place) {
                assert_eq!(standing(&world), before, "{what}: nothing changed");
            }
            assert_eq!(world.ledger.refusals().len(), refusals + 1, "{what}: one record");
            // The same message again is worked on again, and what was done is not done twice.
            world.fail(Failing::Never);
            let answer = PkiMessage::decode(&world.exchange(PATH, message.der()).await).unwrap();
            assert_granted(attempt, &answer, (is_done_before(&steps, place), &what));
            let grants = standing(&world).0.len() - before.0.len();
            let enrols = !matches!(attempt, Attempt::Confirmation | Attempt::Revocation);
            assert_eq!(grants, usize::from(enrols), "{what}: exactly once");
        }
    }
}

#[track_caller]
fn assert_granted(attempt: Attempt, answer: &PkiMessage, (was_done, what): (bool, &str)) {
    match (attempt, answer.body()) {
        (Attempt::Confirmation, PkiBody::PkiConf(_)) => {}
        // It was revoked, and the answer was lost: that it is revoked is the truth.
        (Attempt::Revocation, _) if was_done => {
            assert_eq!(status_info(answer).failures(), [PkiFailureInfo::CertRevoked], "{what}");
        }
        (Attempt::Revocation, _) => assert!(status_info(answer).failures().is_empty(), "{what}"),
        (Attempt::Confirmation, other) => panic!("{what}: {other:?}"),
        _ => drop(certificate(answer)),
    }
}

#[tokio::test]
async fn c_24_ports_that_fail_for_good_grant_nothing() {
    for attempt in Attempt::ALL {
        let steps = attempt.steps().await;
        for place in 0..steps.len() {
            let what = format!("{attempt:?}, failing from {:?} on", steps[place]);
            let (world, message) = attempt.prepared().await;
            let before = standing(&world);
            world.fail(Failing::From(place));
            assert_unavailable(&world.send(post(PATH), message.der()).await, &what);
            if !is_done_before(&steps, place) {
                assert_eq!(standing(&world), before, "{what}: nothing changed");
            }
        }
    }
}

// A refusal that is not on record is not told: it is not available now, and told when it comes again.
#[tokio::test]
async fn c_24_a_refusal_that_cannot_be_recorded_is_not_told() {
    type Asked = fn(&World) -> Message;
    let by_version: Asked = |world: &World| world.cr().with(|header| header.pvno = 1);
    let by_template: Asked = |world: &World| Message { body: cr("no device", 40), ..world.cr() };
    let by_count: Asked = |world: &World| Message { body: PkiBody::Cr(Vec::new()), ..world.cr() };
    let by_details: Asked = |world: &World| world.by_station(PkiBody::Rr(Vec::new()));
    for (what, message) in [
        ("in an error message", by_version),
        ("by the authority", by_template),
        ("in a cp", by_count),
        ("in an rp", by_details),
    ] {
        let world = World::new();
        let message = message(&world);
        world.fail(Failing::Never);
        let told = status_info(&PkiMessage::decode(&world.exchange(PATH, message.der()).await).unwrap());
        let is_event = |step: &Step| matches!(step, Step::RecordEvent(_));
        let place = world.journal.steps().iter().position(is_event).unwrap();

        let world = World::new();
        world.fail(Failing::At(place));
        assert_unavailable(&world.send(post(PATH), message.der()).await, what);
        world.fail(Failing::Never);
        let again = status_info(&PkiMessage::decode(&world.exchange(PATH, message.der()).await).unwrap());
        assert_eq!(again, told, "{what}: it is worked on again");
    }
}

// Every port that is asked in deciding is among those that failed above.
#[tokio::test]
async fn c_24_no_port_that_decides_is_left_out() {
    let mut asked = Vec::new();
    for attempt in Attempt::ALL {
        asked.extend(attempt.steps().await);
    }
    for step in [
        Step::Fill,
        Step::StatusOf,
        Step::Certificate,
        Step::Certificates,
        Step::Device,
        Step::Token,
        Step::RecordIntents(1),
        Step::BeginSigning(1),
        Step::Sign,
        Step::RecordIssued(1),
        Step::RecordRevocation,
        Step::OpenTransaction,
        Step::RecordAnswer,
        Step::Conclude,
        Step::Unconfirmed,
        Step::Transaction,
    ] {
        assert!(asked.contains(&step), "{step:?}");
    }
}

// An answer that is empty is "no", never "nothing against it".
#[tokio::test]
async fn c_24_an_empty_answer_of_a_port_grants_nothing() {
    let world = World::new();
    let no_access = PkiFailureInfo::NotAuthorized;
    // The registry knows no such device.
    let stranger = "4D504B00000000FF";
    let message = Message::signed(32, &world.factory(stranger, 32), cr(stranger, 42));
    world.refuses(&message, (no_access, "device.not-expected")).await;
    // It knows no such token.
    world.secrets.keep("stray", "other");
    let message = Message::under_mac("stray", "other", ir(DEVICE, 40));
    world.refuses(&message, (no_access, "authn.secret-over")).await;
    // Nobody knows the secret.
    let message = world.ir();
    world.secrets.forget("reference");
    world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "protection.secret")).await;
    // No status: the authority signed the certificate, and has it not on record.
    let title = ca_core::system_title::SystemTitle::parse(DEVICE).unwrap();
    let subject = ca_core::subject::Subject::device(title);
    let off_record = world.pki.operational.certify(&Wish::new(meter_op_ds(), subject, 40));
    let message = Message::signed(40, &off_record, kur(DEVICE, 41));
    world.refuses(&message, (PkiFailureInfo::SignerNotTrusted, "authn.unknown")).await;
    // No transaction.
    let message = Message { body: cert_conf(&off_record), ..world.cr() };
    world.refuses(&message, (PkiFailureInfo::BadRequest, "transaction.out-of-turn")).await;
    // No such certificate.
    let message = world.by_station(crate::revocation::rr(&world, &off_record));
    world.refuses(&message, (PkiFailureInfo::BadCertId, "revoke.not-issued")).await;
}
