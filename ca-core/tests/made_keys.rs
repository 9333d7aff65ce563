//! Keys that the server makes: for what, by whose request, and that no two are the same. RFC 7030 §4.4.

use ca_core::actor::{Actor, Identity, Presented};
use ca_core::audit::Act;
use ca_core::csr::KeyRequest;
use ca_core::issuance::{Delivery, IssueError};
use ca_core::made_key::MadePublicKey;
use ca_core::profile::{Approval, RenewalRule};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, IntentConflict, Verdict};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, NOW, at};
use crate::profiles::id;
use crate::request_octets::RequestOctets;
use crate::world::{World, change_profile, dso, operator, title};

/// A request for a key of this profile, with what was made for it.
fn asked(world: &World, profile: &str) -> (EnrolmentRequest, MadePublicKey) {
    let key = world.authority.make_key(&id(profile)).unwrap().unwrap().public().clone();
    let octets = RequestOctets::of_device(&world.key(1), &title(1));
    let (read, _) = KeyRequest::from_der(&octets.with_signature(b"no signature at all")).unwrap();
    let evidence = Evidence::MadeHere { key: key.clone(), request: Box::new(read) };
    (EnrolmentRequest { evidence, ..world.by_operator(profile, 1, 1) }, key)
}

#[test]
fn a_key_that_was_made_here_is_certified_and_the_record_says_who_made_it() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let world = World::of(suite);
        let (request, key) = asked(&world, "op-ka");
        let issued = world.authority.enrol(request).unwrap();
        let certificate = ca_core::certificate::Certificate::from_der(issued.der()).unwrap();
        assert_eq!(certificate.public_key(), key.public_key());
        let events = world.ledger.events();
        let intent = events.iter().find(|event| event.act == Act::IntentRecorded).unwrap();
        assert!(intent.detail.contains("; the server made the key; request SHA-256 "), "{}", intent.detail);
    }
}

// A signature by a key that somebody else made proves nothing.
#[test]
fn a_key_for_signatures_is_not_certified_when_the_server_made_it() {
    let world = World::new();
    let (request, _) = asked(&world, "op-ds");
    let error = world.authority.enrol(request).unwrap_err();
    assert_eq!(error.code(), "key.made-here", "{error}");
}

// E-22: what is kept nowhere cannot be given again.
#[test]
fn e_22_a_request_for_a_key_is_never_the_same_again() {
    let world = World::new();
    let first = world.authority.enrol(asked(&world, "op-ka").0).unwrap();
    let (again, _) = asked(&world, "op-ka");
    assert_eq!(world.authority.enrol(again.clone()).unwrap_err().code(), "slot.taken");
    let kind = EnrolmentKind::ReEnrolment { renewed: None, former: None };
    let second = world.authority.enrol(EnrolmentRequest { kind, ..again }).unwrap();
    assert_eq!(second.delivery(), Delivery::New);
    assert_ne!(second.id(), first.id());
}

// RFC 7030 §4.2.3: the repetition has another key, and what was approved is that one is made.
#[test]
fn an_approval_holds_for_the_key_that_the_repetition_gets() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        charter.offers.iter_mut().for_each(|offer| offer.approval.needed = Approval::One);
    });
    let waiting = world.authority.enrol(asked(&world, "op-ka").0).unwrap_err();
    let IssueError::Conflict(IntentConflict::AwaitsApproval(awaiting)) = waiting else { panic!("{waiting}") };
    let actor = Actor { tenant: dso(), identity: Identity::Operator { name: "bob".to_owned() } };
    assert_ne!(actor, operator());
    let approval =
        ca_core::approval::ApprovalRequest { actor, digest: awaiting.digest, verdict: Verdict::Approve };
    world.authority.decide(approval).unwrap();
    world.authority.enrol(asked(&world, "op-ka").0).unwrap();
}

/// Device 1 shows its TLS certificate and asks for a key for key agreement in the place of the one before.
fn asked_again(world: &World, shown: &Presented) -> EnrolmentRequest {
    EnrolmentRequest {
        actor: World::device(1, shown.clone()),
        kind: EnrolmentKind::ReEnrolment { renewed: Some(Box::new(shown.clone())), former: None },
        ..asked(world, "op-ka").0
    }
}

// Who lost an answer asks again within a day; what is asked for later is a renewal like any other.
#[test]
fn a_device_whose_key_was_lost_gets_another_at_once_and_the_certificate_of_the_lost_one_is_superseded() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-ka", |parts| parts.renewal = RenewalRule::DEFAULT);
    });
    world.ledger.expect(&title(1), &dso(), None);
    let shown = world.credential("op-tls", 1, 2);
    let first = EnrolmentRequest { kind: EnrolmentKind::First, ..asked_again(&world, &shown) };
    let lost = world.authority.enrol(first).unwrap();
    world.clock.set(NOW + DAY);
    let second = world.authority.enrol(asked_again(&world, &shown)).unwrap();
    let CertificateStatus::Revoked(revocation) = world.ledger.row(lost.id()).status else { panic!() };
    assert_eq!((revocation.reason, revocation.time), (ReasonCode::Superseded, at(NOW + DAY)));
    assert_eq!(world.ledger.row(second.id()).status, CertificateStatus::Good);
    assert_eq!(world.ledger.row(&shown.id()).status, CertificateStatus::Good);
    world.clock.set(NOW + 2 * DAY + 1);
    let error = world.authority.enrol(asked_again(&world, &shown)).unwrap_err();
    assert_eq!(error.code(), "renewal.too-early", "{error}");
    assert_eq!(world.ledger.row(second.id()).status, CertificateStatus::Good);
}

// E-10: asking again is no way around the limit.
#[test]
fn e_10_who_says_that_keys_are_lost_gets_no_more_of_them_than_renewals() {
    let world = World::new();
    world.ledger.expect(&title(1), &dso(), None);
    let shown = world.credential("op-tls", 1, 2);
    let first = EnrolmentRequest { kind: EnrolmentKind::First, ..asked_again(&world, &shown) };
    world.authority.enrol(first).unwrap();
    let limit = usize::from(RenewalRule::DEFAULT.limit);
    let made = (0..10).take_while(|_| world.authority.enrol(asked_again(&world, &shown)).is_ok()).count();
    assert_eq!(made, limit);
    let error = world.authority.enrol(asked_again(&world, &shown)).unwrap_err();
    assert_eq!(error.code(), "renewal.limit", "{error}");
}

// A station supersedes what it was given itself, and not what the device was given.
#[test]
fn nobody_else_than_who_was_given_a_key_says_that_it_was_lost() {
    let world = World::new();
    world.ledger.expect(&title(1), &dso(), None);
    let shown = world.credential("op-tls", 1, 2);
    let first = EnrolmentRequest { kind: EnrolmentKind::First, ..asked_again(&world, &shown) };
    let given = world.authority.enrol(first).unwrap();
    let station = Actor { tenant: dso(), identity: Identity::RegistrationAuthority(world.station()) };
    let kind = EnrolmentKind::ReEnrolment { renewed: None, former: None };
    let by_station =
        || EnrolmentRequest { actor: station.clone(), kind: kind.clone(), ..asked(&world, "op-ka").0 };
    let second = world.authority.enrol(by_station()).unwrap();
    assert_eq!(world.ledger.row(given.id()).status, CertificateStatus::Good);
    world.authority.enrol(by_station()).unwrap();
    assert!(matches!(world.ledger.row(second.id()).status, CertificateStatus::Revoked(_)));
}
