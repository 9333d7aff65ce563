//! Transactions: one certificate in each, which its holder confirms or refuses, or which is revoked when he does neither.

use ca_core::actor::{Actor, Identity};
use ca_core::audit::Act;
use ca_core::confirmation::{Acceptance, Confirmation, Lapses};
use ca_core::csr::KeyRequest;
use ca_core::issuance::{Delivery, IssuedCertificate};
use ca_core::ports::Transactions;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, Opened, Outcome, Stage, Transaction, TransactionAnswer,
    TransactionBounds,
};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};

use crate::doubles::clock::{DAY, NOW, at};
use crate::doubles::journal::Step;
use crate::doubles::ledger::revocation;
use crate::profiles::id;
use crate::request_octets::RequestOctets;
use crate::scenarios::renewal;
use crate::world::{World, dso, maker, operator, title};

/// How long a certificate waits to be confirmed, in seconds.
const WAIT: i64 = 300;

fn key(number: u8) -> [u8; 32] {
    [number; 32]
}

fn open(world: &World, number: u8) {
    let opening = Transaction {
        key: key(number),
        issuer: world.issuer().key(),
        tenant: dso(),
        requester: operator().to_string(),
        opened_at: at(NOW),
        ends_at: at(NOW + WAIT),
        request: [1; 32],
        answer: Vec::new(),
        memo: Vec::new(),
        stage: Stage::Answering,
    };
    let opened = world.ledger.open_transaction(opening, TransactionBounds::default()).unwrap();
    assert_eq!(opened, Opened::New);
}

/// Opens a transaction and asks in it for the certificate of the device of the same number.
fn made(world: &World, number: u8) -> IssuedCertificate {
    open(world, number);
    world.authority.enrol(within(world, number)).unwrap()
}

fn within(world: &World, number: u8) -> EnrolmentRequest {
    let request = world.by_operator("op-ds", number, u16::from(number));
    EnrolmentRequest { transaction: Some(key(number)), ..request }
}

/// Answers with a certificate that is to be confirmed.
fn unconfirmed(world: &World, number: u8) -> CertificateId {
    let certificate = made(world, number).id().clone();
    let answer = TransactionAnswer {
        key: key(number),
        now: at(NOW),
        before: [1; 32],
        request: [1; 32],
        answer: b"ip".to_vec(),
        memo: Vec::new(),
        stage: Stage::Unconfirmed { certificate: certificate.clone() },
        ends_at: at(NOW + WAIT),
    };
    world.ledger.record_answer(answer).unwrap().unwrap();
    certificate
}

fn said(number: u8, acceptance: Acceptance) -> Confirmation {
    Confirmation {
        actor: operator(),
        key: key(number),
        message: [2; 32],
        acceptance,
        answer: b"pkiConf".to_vec(),
    }
}

fn refuses(reason: &str) -> Acceptance {
    Acceptance::Refused { reason: reason.to_owned() }
}

#[track_caller]
fn not_confirmed(world: &World, confirmation: Confirmation, code: &str) {
    let error = world.authority.confirm(confirmation).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let last = world.ledger.events().pop().unwrap();
    assert_eq!((last.act, last.reason.as_str()), (Act::RequestRefused, code), "on record");
}

#[test]
fn a_certificate_that_is_confirmed_in_the_last_second_stays_good_and_that_is_on_record() {
    let world = World::new();
    let certificate = unconfirmed(&world, 1);
    world.clock.set(NOW + WAIT);
    assert_eq!(world.authority.lapse(9).unwrap(), Lapses::default());
    let closed = world.authority.confirm(said(1, Acceptance::Accepted)).unwrap();
    assert_eq!((closed.stage, closed.answer), (Stage::Closed(Outcome::Confirmed), b"pkiConf".to_vec()));
    let event = world.ledger.events().pop().unwrap();
    assert_eq!((event.act, event.serial), (Act::CertificateConfirmed, Some(certificate.serial.clone())));
    assert_eq!((event.actor, event.digest), (operator().to_string(), key(1).to_vec()));
    world.clock.set(NOW + WAIT + 1);
    assert_eq!(world.authority.lapse(9).unwrap(), Lapses::default());
    assert_eq!(world.ledger.row(&certificate).status, CertificateStatus::Good);
}

// RFC 9483 §4.1.1: a rejection by its holder revokes the certificate, which other CAs leave good.
#[test]
fn c_16_a_certificate_that_its_holder_refuses_is_revoked_and_both_are_on_record() {
    let world = World::new();
    let certificate = unconfirmed(&world, 1);
    world.clock.set(NOW + 60);
    let reason = format!("not\nmine {}", "x".repeat(500));
    let closed = world.authority.confirm(said(1, refuses(&reason))).unwrap();
    assert_eq!(closed.stage, Stage::Closed(Outcome::Refused));
    let revoked = revocation(world.ledger.row(&certificate).status).unwrap();
    assert_eq!((revoked.time, revoked.reason), (at(NOW + 60), ReasonCode::CessationOfOperation));
    let events = world.ledger.events();
    let [.., refused, revoked] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((refused.act, revoked.act), (Act::CertificateRefused, Act::CertificateRevoked));
    assert!(refused.reason.starts_with("not mine xx") && refused.reason.chars().count() == 200);
    assert_eq!((revoked.reason.as_str(), revoked.actor.as_str()), ("cessationOfOperation", "operator:ada"));
    assert!(revoked.detail.ends_with("; refused by its requester"), "{}", revoked.detail);
}

// KP10: what was said and not answered is said again, and counts once.
#[test]
fn c_10_the_same_message_again_is_answered_the_same_and_another_one_is_refused() {
    let world = World::new();
    for (number, acceptance) in [(1, Acceptance::Accepted), (2, refuses("no"))] {
        unconfirmed(&world, number);
        let closed = world.authority.confirm(said(number, acceptance.clone())).unwrap();
        let acts = world.ledger.acts();
        let again = Confirmation { answer: b"other octets".to_vec(), ..said(number, acceptance.clone()) };
        assert_eq!(world.authority.confirm(again).unwrap(), closed);
        assert_eq!(world.ledger.acts(), acts, "nothing is done twice");
        let other = Confirmation { message: [3; 32], ..said(number, acceptance) };
        not_confirmed(&world, other, "transaction.closed");
    }
}

#[test]
fn c_08_nobody_else_confirms_or_refuses() {
    let world = World::new();
    let certificate = unconfirmed(&world, 1);
    let person =
        |tenant, name: &str| Actor { tenant, identity: Identity::Operator { name: name.to_owned() } };
    for actor in [person(dso(), "bob"), person(maker(), "ada")] {
        for acceptance in [Acceptance::Accepted, refuses("no")] {
            let by_other = Confirmation { actor: actor.clone(), ..said(1, acceptance) };
            not_confirmed(&world, by_other, "transaction.other-requester");
        }
    }
    not_confirmed(&world, said(2, refuses("no")), "transaction.unknown");
    let error = world.root.confirm(said(1, refuses("no"))).unwrap_err();
    assert_eq!(error.code(), "transaction.unknown", "another authority's");
    assert_eq!(world.ledger.row(&certificate).status, CertificateStatus::Good);
}

// RFC 9483 §4.1.1: no confirmation in time is like a rejection.
#[test]
fn c_17_what_nobody_confirmed_is_revoked_when_its_time_is_over_and_once() {
    let world = World::new();
    let certificate = unconfirmed(&world, 1);
    world.clock.set(NOW + WAIT + 1);
    not_confirmed(&world, said(1, Acceptance::Accepted), "transaction.over");
    assert_eq!(world.authority.lapse(9).unwrap(), Lapses { closed: 1, revoked: 1, more: false });
    let revoked = revocation(world.ledger.row(&certificate).status).unwrap();
    assert_eq!((revoked.time, revoked.reason), (at(NOW + WAIT + 1), ReasonCode::CessationOfOperation));
    let events = world.ledger.events();
    let [.., lapsed, revoked] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((lapsed.act, revoked.act), (Act::TransactionLapsed, Act::CertificateRevoked));
    assert_eq!(lapsed.actor, "process:confirmation-deadline");
    assert!(lapsed.detail.ends_with("; asked for by operator:ada"), "{}", lapsed.detail);
    assert!(revoked.detail.ends_with("; nobody confirmed it in time"), "{}", revoked.detail);
    assert_eq!(world.authority.lapse(9).unwrap(), Lapses::default());
    not_confirmed(&world, said(1, Acceptance::Accepted), "transaction.closed");
}

#[test]
fn deadlines_are_met_a_few_at_a_time_and_the_others_are_told_of() {
    let world = World::new();
    for number in 1..=3 {
        unconfirmed(&world, number);
    }
    world.clock.set(NOW + WAIT + 1);
    assert_eq!(world.root.lapse(9).unwrap(), Lapses::default(), "another authority's");
    assert_eq!(world.authority.lapse(2).unwrap(), Lapses { closed: 2, revoked: 2, more: true });
    assert_eq!(world.authority.lapse(2).unwrap(), Lapses { closed: 1, revoked: 1, more: false });
}

// A crash came between T2 and the answer, and nobody asks again.
#[test]
fn a_certificate_that_nobody_was_given_is_revoked_when_its_transaction_lapses() {
    let world = World::new();
    let certificate = made(&world, 1).id().clone();
    open(&world, 2);
    world.clock.set(NOW + WAIT + 1);
    assert_eq!(world.authority.lapse(9).unwrap(), Lapses { closed: 2, revoked: 1, more: false });
    assert!(revocation(world.ledger.row(&certificate).status).is_some());
}

#[test]
fn what_is_being_signed_is_looked_at_when_it_has_ended() {
    let world = World::new();
    let certificate = made(&world, 1).id().clone();
    world.ledger.set_status(&certificate, CertificateStatus::Pending);
    world.clock.set(NOW + WAIT + 1);
    assert_eq!(world.authority.lapse(1).unwrap(), Lapses::default());
    world.ledger.set_status(&certificate, CertificateStatus::Good);
    assert_eq!(world.authority.lapse(1).unwrap(), Lapses { closed: 1, revoked: 1, more: true });
}

// KP8 within a transaction: after a crash the same is asked again.
#[test]
fn one_transaction_has_one_certificate_whatever_is_asked_in_it() {
    let world = World::new();
    let first = made(&world, 1);
    world.clock.set(NOW + 3 * DAY);
    let again = world.authority.enrol(within(&world, 1)).unwrap();
    assert_eq!((again.der(), again.delivery()), (first.der(), Delivery::Repeated));
    let other = EnrolmentRequest { transaction: Some(key(1)), ..world.by_operator("op-ka", 3, 3) };
    assert_eq!(world.authority.enrol(other.clone()).unwrap().id(), first.id());
    world.authority.lapse(1).unwrap();
    for asked in [within(&world, 1), other] {
        assert_eq!(world.authority.enrol(asked).unwrap_err().code(), "transaction.over");
    }
    let never_opened = EnrolmentRequest { transaction: Some(key(9)), ..world.by_operator("op-ds", 9, 9) };
    assert_eq!(world.authority.enrol(never_opened).unwrap_err().code(), "transaction.over");
    assert_eq!(world.journal.count(&Step::Sign), 1);
}

// RFC 7030 §4.4: a certificate is not handed out beside a key that is not its own.
#[test]
fn a_key_made_here_that_was_lost_in_a_crash_is_not_replaced_in_its_transaction() {
    let world = World::new();
    open(&world, 1);
    let asked = || {
        let key = world.authority.make_key(&id("op-ka")).unwrap().unwrap().public().clone();
        let octets = RequestOctets::of_device(&world.key(1), &title(1));
        let (request, _) = KeyRequest::from_der(&octets.with_signature(b"none")).unwrap();
        let evidence = Evidence::MadeHere { key, request: Box::new(request) };
        EnrolmentRequest { evidence, transaction: Some([1; 32]), ..world.by_operator("op-ka", 1, 1) }
    };
    let issued = world.authority.enrol(asked()).unwrap();
    assert_eq!(world.ledger.row(issued.id()).handed_to, None, "its answer is on record, and was not lost");
    assert_eq!(world.authority.enrol(asked()).unwrap_err().code(), "request.repeated");
    world.clock.set(NOW + WAIT + 1);
    assert_eq!(world.authority.lapse(1).unwrap().revoked, 1);
}

// RFC 9483 §4.1.3.
#[test]
fn c_14_a_certificate_that_is_not_confirmed_yet_is_not_renewed() {
    let world = World::new();
    unconfirmed(&world, 1);
    let again = || EnrolmentRequest {
        kind: EnrolmentKind::ReEnrolment { renewed: None, former: None },
        ..world.by_operator("op-ds", 1, 5)
    };
    assert_eq!(world.authority.enrol(again()).unwrap_err().code(), "renewal.unconfirmed");
    world.authority.confirm(said(1, Acceptance::Accepted)).unwrap();
    world.authority.enrol(again()).unwrap();
}

#[test]
fn c_14_a_second_renewal_waits_until_the_first_is_confirmed_and_follows_when_it_was_refused() {
    let world = World::new();
    let renewed = renewal(&world, "op-ds");
    open(&world, 1);
    let first = EnrolmentRequest { transaction: Some(key(1)), ..renewed.clone() };
    let certificate = world.authority.enrol(first).unwrap().id().clone();
    let answer = TransactionAnswer {
        key: key(1),
        now: at(NOW),
        before: [1; 32],
        request: [1; 32],
        answer: b"kup".to_vec(),
        memo: Vec::new(),
        stage: Stage::Unconfirmed { certificate: certificate.clone() },
        ends_at: at(NOW + WAIT),
    };
    world.ledger.record_answer(answer).unwrap().unwrap();
    let evidence = world.by_operator("op-ds", 1, 77).evidence;
    let second = EnrolmentRequest { evidence, ..renewed };
    assert_eq!(world.authority.enrol(second.clone()).unwrap_err().code(), "renewal.unconfirmed");
    world.clock.set(NOW + WAIT + 1);
    world.authority.lapse(1).unwrap();
    assert!(revocation(world.ledger.row(&certificate).status).is_some());
    world.authority.enrol(second).unwrap();
}
