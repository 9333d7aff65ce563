//! Answers that are given again: only while they say what is known.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ca_core::ocsp::{CertStatus, ErrorStatus, OcspResponse, ResponderIdentityError};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation};
use ca_core::suite::Curve;
use status_server::config::KeepingPolicy;
use status_server::responder::{Answer, Responder, ResponderPorts};

use crate::http::post_ocsp;
use crate::ports::{MemorySigner, Mood};
use crate::requests::{request_for, request_with_nonce};
use crate::world::{Authority, DAY, NOW, World, revoked, serial, served};

fn response(world: &World, responder: &Responder, number: u64) -> Arc<OcspResponse> {
    match responder.answer(&request_for(&world.issuer, &serial(number))) {
        Answer::Signed(signed) => signed.response,
        Answer::Error(status) => panic!("{}", status.name()),
    }
}

fn told(world: &World, number: u64) -> CertStatus {
    response(world, &world.responder, number).statuses()[0]
}

fn signatures(world: &World) -> usize {
    world.signer.signatures.load(Ordering::SeqCst)
}

#[test]
fn a_signature_serves_everybody_for_half_its_validity() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let first = response(&world, &world.responder, 1);
    world.clock.advance(1_799);
    assert_eq!(response(&world, &world.responder, 1), first);
    assert_eq!(signatures(&world), 1);
    world.clock.advance(1);
    let second = response(&world, &world.responder, 1);
    assert_eq!((second.this_update(), signatures(&world)), (NOW.plus_seconds(1_800), 2));
}

#[test]
fn answers_with_a_nonce_or_of_unknown_certificates_are_not_kept() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    for _ in 0..2 {
        let answer = world.responder.answer(&request_with_nonce(&world.issuer, &serial(1)));
        assert!(matches!(answer, Answer::Signed(signed) if signed.fresh.is_none()));
        assert_eq!(told(&world, 2), CertStatus::Unknown);
    }
    assert_eq!(signatures(&world), 4);
}

#[test]
fn o_14_a_revocation_shows_in_the_same_second_on_every_node() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let identity = world.responder.identities().remove(0);
    let other =
        Responder::new(vec![served(identity, &world.signer)], world.ports(), KeepingPolicy::default());
    let nodes = [world.responder.as_ref(), &other];
    for node in nodes {
        assert_eq!(response(&world, node, 1).statuses(), [CertStatus::Good]);
    }
    world.put(1, revoked(NOW));
    for node in nodes {
        assert!(matches!(response(&world, node, 1).statuses(), [CertStatus::Revoked(_)]));
    }
}

// O-14: the ledger is not asked while it tells that nothing changed, and is asked as soon as something did.
#[tokio::test]
async fn o_14_an_answer_is_given_again_without_asking_until_any_status_has_changed() {
    let world = World::new();
    let router = world.router();
    world.ledger.set_revision(1);
    world.put(1, CertificateStatus::Good);
    let ask = || post_ocsp(&router, request_for(&world.issuer, &serial(1)));
    let first = ask().await.body;
    world.ledger.set_mood(Mood::Panics);
    assert_eq!(ask().await.body, first);
    // Another certificate's status changed: it is asked once for this one.
    world.ledger.set_mood(Mood::Answers);
    world.ledger.set_revision(2);
    assert_eq!(ask().await.body, first);
    world.ledger.set_mood(Mood::Panics);
    assert_eq!(ask().await.body, first);
    world.ledger.set_mood(Mood::Answers);
    world.put(1, revoked(NOW));
    world.ledger.set_revision(3);
    assert_ne!(ask().await.body, first);
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)));
    // Half of its validity is over: it is signed anew.
    let last = ask().await.body;
    world.clock.advance(1_800);
    assert_ne!(ask().await.body, last);
}

// O-14: a number that was read before the status is an old one when the status changes meanwhile.
#[tokio::test]
async fn o_14_what_changes_while_the_ledger_is_asked_is_asked_for_again() {
    let world = World::new();
    let router = world.router();
    world.ledger.set_revision(1);
    world.put(1, CertificateStatus::Good);
    world.ledger.set_mood(Mood::Blocks);
    let asking = tokio::spawn({
        let (router, request) = (router.clone(), request_for(&world.issuer, &serial(1)));
        async move { post_ocsp(&router, request).await.body }
    });
    while world.ledger.blocked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    world.ledger.set_revision(2);
    world.ledger.set_mood(Mood::Answers);
    let good = asking.await.unwrap();
    world.put(1, revoked(NOW));
    assert_ne!(post_ocsp(&router, request_for(&world.issuer, &serial(1))).await.body, good);
}

#[test]
fn o_13_without_the_ledger_the_last_answer_stands_until_its_next_update() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let first = response(&world, &world.responder, 1);
    world.ledger.set_mood(Mood::Down);
    world.clock.advance(3_599);
    assert_eq!(response(&world, &world.responder, 1), first);
    world.clock.advance(1);
    let answer = world.responder.answer(&request_for(&world.issuer, &serial(1)));
    assert_eq!(answer, Answer::Error(ErrorStatus::TryLater));
}

#[test]
fn o_15_a_good_from_before_never_comes_back_after_revoked() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    assert_eq!(told(&world, 1), CertStatus::Good);
    world.put(1, revoked(NOW));
    // The revocation is seen, but cannot be signed.
    world.signer.down.store(true, Ordering::SeqCst);
    let ask = || world.responder.answer(&request_for(&world.issuer, &serial(1)));
    assert_eq!(ask(), Answer::Error(ErrorStatus::TryLater));
    // Then the ledger fails, too: what is known is that "good" is no longer true.
    world.ledger.set_mood(Mood::Down);
    assert_eq!(ask(), Answer::Error(ErrorStatus::TryLater));
    // Then the ledger comes back as it was before the revocation.
    world.signer.down.store(false, Ordering::SeqCst);
    world.ledger.set_mood(Mood::Answers);
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)));
    world.put(1, CertificateStatus::Good);
    assert_eq!(told(&world, 1), CertStatus::Good, "the ledger decides");
    world.ledger.set_mood(Mood::Down);
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)), "but that is not kept");
}

#[test]
fn o_15_an_answer_signed_slowly_does_not_overwrite_a_newer_revoked() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    // One request has read "good" and waits for its signature while the certificate is revoked and another request is
    // answered; then its answer is offered to be kept.
    world.signer.hold_the_next();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| told(&world, 1));
        world.signer.wait_until_one_is_held();
        world.put(1, revoked(NOW));
        assert!(matches!(told(&world, 1), CertStatus::Revoked(_)));
        world.signer.let_go();
        assert_eq!(slow.join().unwrap(), CertStatus::Good);
    });
    world.ledger.set_mood(Mood::Down);
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)));
}

#[test]
fn a_certificate_released_from_hold_is_kept_as_good_again_once_its_reading_is_newer() {
    let world = World::new();
    let hold = Revocation { time: NOW, reason: ReasonCode::CertificateHold, invalidity_date: None };
    world.put(1, CertificateStatus::Revoked(hold));
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)));
    world.put(1, CertificateStatus::Good);
    assert_eq!(told(&world, 1), CertStatus::Good, "in the same second, by the ledger");
    world.ledger.set_mood(Mood::Down);
    assert!(matches!(told(&world, 1), CertStatus::Revoked(_)), "which is not enough to be kept");
    world.ledger.set_mood(Mood::Answers);
    world.clock.advance(1);
    assert_eq!(told(&world, 1), CertStatus::Good);
    world.ledger.set_mood(Mood::Down);
    assert_eq!(told(&world, 1), CertStatus::Good);
}

#[test]
fn o_16_without_the_signer_kept_answers_go_on() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.put(2, CertificateStatus::Good);
    let first = response(&world, &world.responder, 1);
    world.signer.down.store(true, Ordering::SeqCst);
    world.clock.advance(3_000);
    assert_eq!(response(&world, &world.responder, 1), first);
    let answer = world.responder.answer(&request_for(&world.issuer, &serial(2)));
    assert_eq!(answer, Answer::Error(ErrorStatus::TryLater));
}

#[test]
fn o_12_an_answer_from_the_future_is_not_given() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let first = response(&world, &world.responder, 1);
    world.clock.advance(-60);
    let second = response(&world, &world.responder, 1);
    assert_eq!(second.this_update(), NOW.plus_seconds(-60));
    world.clock.advance(60);
    assert_eq!(response(&world, &world.responder, 1), first, "the newer one is kept");
}

#[test]
fn o_10_a_renewed_responder_takes_over_and_an_expired_one_says_try_later() {
    let mut signer = MemorySigner::default();
    let world = World::new();
    let renewed = world.authority.responder(&mut signer);
    world.put(1, CertificateStatus::Good);
    world.clock.advance(14 * DAY);
    let ask = || world.responder.answer(&request_for(&world.issuer, &serial(1)));
    assert_eq!(ask(), Answer::Error(ErrorStatus::TryLater));
    world.clock.advance(-60);
    let before = response(&world, &world.responder, 1);
    assert_eq!(before.next_update(), NOW.plus_seconds(14 * DAY), "not beyond its certificate");
    assert_eq!(world.responder.identities().len(), 1);
    world.responder.serve(served(renewed.clone(), &world.signer));
    assert_eq!(world.responder.identities(), [renewed]);
    // Its key is not in this signer: the answer from before is gone, and there is no new one.
    assert_eq!(ask(), Answer::Error(ErrorStatus::TryLater));
}

// H-04: a CA whose responder has no certificate yet, since its token is away, is not one that is answered for elsewhere.
#[test]
fn h_04_whoever_asks_before_there_is_a_responder_certificate_is_told_to_come_again() {
    let mut signer = MemorySigner::default();
    let world = World::new();
    let other = Authority::root(Curve::P256, NOW);
    let identity = other.responder(&mut signer);
    let ports = || ResponderPorts { clock: world.clock.clone(), status: world.ledger.clone() };
    let ask = |responder: &Responder| responder.answer(&request_for(&other.issuer(), &serial(1)));
    let without = Responder::new(vec![], ports(), KeepingPolicy::default());
    assert_eq!(ask(&without), Answer::Error(ErrorStatus::Unauthorized));
    let responder = Responder::new(vec![], ports(), KeepingPolicy::default())
        .awaiting(vec![identity.issuer_hashes().clone()]);
    assert_eq!(ask(&responder), Answer::Error(ErrorStatus::TryLater));
    let signer = Arc::new(signer);
    responder.serve(served(identity.clone(), &signer));
    assert_eq!(responder.identities(), [identity]);
    assert!(matches!(ask(&responder), Answer::Signed(_)));
}

// A suite has one curve (Green Book 9.2.3.7).
#[test]
fn o_10_a_responder_on_another_curve_than_its_ca_is_refused() {
    let mut signer = MemorySigner::default();
    for (authority, responder) in [(Curve::P256, Curve::P384), (Curve::P384, Curve::P256)] {
        let refusal = Authority::root(authority, NOW).responder_on(responder, &mut signer).unwrap_err();
        assert_eq!(refusal, ResponderIdentityError::Curve { found: responder, expected: authority });
    }
}

#[test]
fn as_many_answers_are_kept_as_allowed() {
    let world = World::new();
    let identity = world.responder.identities().remove(0);
    let policy = KeepingPolicy::new(60, 4).unwrap();
    let responder = Responder::new(vec![served(identity, &world.signer)], world.ports(), policy);
    for number in 0..40 {
        world.put(number, CertificateStatus::Good);
        response(&world, &responder, number);
    }
    let before = signatures(&world);
    for number in 0..40 {
        response(&world, &responder, number);
    }
    assert!(signatures(&world) - before >= 36, "at most four of forty were kept");
}
