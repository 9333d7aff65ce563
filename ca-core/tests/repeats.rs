//! "The same request again" is answered with the same octets, and nothing else is taken for the same.

use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::issuance::Delivery;
use ca_core::profile::{KeyReuse, RenewalRule, ValidityRule};
use ca_core::reason::ReasonCode;
use ca_core::record::{AfterWindow, CertificateId};
use ca_core::registration::RepeatRule;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, RevocationRequest};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, HOUR, NOW};
use crate::doubles::journal::Step;
use crate::doubles::signer::Behaviour;
use crate::octets::sequence;
use crate::profiles::id;
use crate::request_octets::RequestOctets;
use crate::scenarios::renewal;
use crate::world::{World, change_profile, dso, operator, request, title};

fn revoke(world: &World, id: &CertificateId, reason: ReasonCode) {
    let request = RevocationRequest { actor: operator(), id: id.clone(), reason, invalidity_date: None };
    world.authority.revoke(request).unwrap();
}

// E-22: the same octets from the same client inside the window give the same certificate, with one signature.
#[test]
fn e_22_the_same_request_gets_the_same_certificate_for_a_day() {
    let world = World::new();
    let asked = world.by_operator("op-ds", 1, 1);
    let first = world.authority.enrol(asked.clone()).unwrap();
    for seconds in [0, 1, DAY] {
        world.clock.set(NOW + seconds);
        let again = world.authority.enrol(asked.clone()).unwrap();
        assert_eq!((again.der(), again.id()), (first.der(), first.id()));
        assert_eq!(again.delivery(), Delivery::Repeated);
    }
    assert_eq!(world.journal.count(&Step::Sign), 1);
    assert_eq!(world.ledger.events().len(), 2, "a repetition is no act");
    world.clock.set(NOW + DAY + 1);
    let late = world.authority.enrol(asked).unwrap_err();
    assert_eq!(late.code(), "slot.taken", "after the window it is a request like any other");
}

/// A world whose offer of `op-ds` says this of repetitions.
fn after_the_window(after: AfterWindow) -> World {
    World::with(SecuritySuite::Suite1, |charter| {
        let offer = charter.offers.iter_mut().find(|offer| offer.profile.id().as_str() == "op-ds").unwrap();
        offer.repeats = RepeatRule { window_seconds: HOUR, after };
    })
}

// E-22: what becomes of a repetition outside the window is said for each offer.
#[test]
fn e_22_after_the_window_the_offer_says_what_becomes_of_a_repetition() {
    for (after, code) in [
        (AfterWindow::New, Some("slot.taken")),
        (AfterWindow::Refuse, Some("request.window-over")),
        (AfterWindow::ReturnExisting, None),
    ] {
        let world = after_the_window(after);
        let asked = world.by_operator("op-ds", 1, 1);
        let first = world.authority.enrol(asked.clone()).unwrap();
        world.clock.set(NOW + HOUR);
        assert_eq!(world.authority.enrol(asked.clone()).unwrap().id(), first.id(), "inside the window");
        world.clock.set(NOW + HOUR + 1);
        match (world.authority.enrol(asked.clone()), code) {
            (Err(error), Some(code)) => assert_eq!(error.code(), code),
            (Ok(again), None) => {
                assert_eq!((again.der(), again.delivery()), (first.der(), Delivery::Repeated));
            }
            (outcome, _) => panic!("{after:?}: {outcome:?}"),
        }
        // What was revoked is handed out by none of them, and what has expired stands in nobody's way.
        revoke(&world, first.id(), ReasonCode::CessationOfOperation);
        assert_eq!(world.authority.enrol(asked).unwrap().delivery(), Delivery::New, "{after:?}");
        assert_eq!(world.journal.count(&Step::Sign), 2);
    }
}

// E-22 and KP8 for renewals: the answer was lost, the same octets are posted again.
#[test]
fn e_22_a_renewal_posted_again_gets_the_same_certificate_although_it_is_too_early_for_another() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-ds", |parts| parts.renewal = RenewalRule::DEFAULT);
    });
    let asked = renewal(&world, "op-ds");
    world.clock.set(NOW + 200 * DAY);
    let first = world.authority.enrol(asked.clone()).unwrap();
    for seconds in [0, DAY] {
        world.clock.set(NOW + 200 * DAY + seconds);
        let again = world.authority.enrol(asked.clone()).unwrap();
        assert_eq!((again.der(), again.delivery()), (first.der(), Delivery::Repeated));
    }
    world.clock.set(NOW + 201 * DAY + 1);
    assert_eq!(world.authority.enrol(asked).unwrap_err().code(), "renewal.too-early");
}

// RFC 7030 §3.5: a request that is bound to its connection has another challengePassword and another signature each time.
#[test]
fn e_22_a_request_bound_to_its_connection_is_the_same_when_it_asks_the_same_for_the_same_key() {
    let world = World::new();
    let bound = |key: u16, challenge: &str| {
        let octets = RequestOctets::of_device(&world.key(key), &title(1)).bound_to(challenge);
        request(operator(), "op-ds", Subject::device(title(1)), octets.read())
    };
    let first = world.authority.enrol(bound(1, "Zmlyc3Q=")).unwrap();
    let again = world.authority.enrol(bound(1, "c2Vjb25k")).unwrap();
    assert_eq!((again.der(), again.delivery()), (first.der(), Delivery::Repeated));
    assert_eq!(world.authority.enrol(bound(2, "c2Vjb25k")).unwrap_err().code(), "slot.taken", "another key");
    let unbound = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
    assert_eq!(unbound.code(), "slot.taken", "the same key in a request that is not bound");
    assert_eq!(world.journal.count(&Step::Sign), 1);
}

// A repetition proves possession of the key like any request.
#[test]
fn a_bound_request_whose_signature_is_wrong_gets_nothing_again() {
    let world = World::new();
    let octets = RequestOctets::of_device(&world.key(1), &title(1)).bound_to("Zmlyc3Q=");
    let good = request(operator(), "op-ds", Subject::device(title(1)), octets.read());
    world.authority.enrol(good.clone()).unwrap();
    let forged = octets.with_signature(&world.key(2).sign(&octets.info(), 1).to_der().unwrap());
    let csr = CertificationRequest::from_der(&forged).unwrap();
    let forged = EnrolmentRequest { evidence: Evidence::Request(Box::new(csr)), ..good };
    assert_eq!(world.authority.enrol(forged).unwrap_err().code(), "pop.invalid");
}

#[test]
fn the_same_octets_asked_for_in_another_way_are_another_request() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-ds", |parts| {
            parts.validity =
                ValidityRule::Range { min_seconds: HOUR, default_seconds: DAY, max_seconds: 9 * DAY };
            parts.key_reuse = KeyReuse::Allowed;
        });
    });
    let asked = world.by_operator("op-ds", 1, 1);
    let first = world.authority.enrol(asked.clone()).unwrap();
    let other_person = Actor { tenant: dso(), identity: Identity::Operator { name: "bob".to_owned() } };
    let again = EnrolmentKind::ReEnrolment { renewed: None, former: None };
    let code = |request| world.authority.enrol(request).unwrap_err().code();
    assert_eq!(code(EnrolmentRequest { actor: other_person, ..asked.clone() }), "slot.taken");
    assert_eq!(code(EnrolmentRequest { validity_seconds: Some(DAY), ..asked.clone() }), "slot.taken");
    assert_eq!(code(EnrolmentRequest { profile: id("op-ka"), ..asked.clone() }), "key.certified-elsewhere");
    let renewed = world.authority.enrol(EnrolmentRequest { kind: again, ..asked.clone() }).unwrap();
    assert_eq!(renewed.delivery(), Delivery::New);
    assert_ne!(renewed.id(), first.id());
    assert_eq!(world.authority.enrol(asked).unwrap().id(), first.id(), "and each keeps its own answer");
}

#[test]
fn a_request_that_names_nobody_is_not_the_same_for_another_device() {
    let world = World::new();
    let unnamed = RequestOctets::new(&world.key(1), sequence(&[])).read();
    let ask = |number| {
        world.authority.enrol(request(operator(), "op-ds", Subject::device(title(number)), unnamed.clone()))
    };
    let first = ask(1).unwrap();
    assert_eq!(ask(2).unwrap_err().code(), "key.certified-elsewhere");
    assert_eq!(ask(1).unwrap().id(), first.id());
}

// KP4 to KP7: what was not issued is no answer; the retry gets a serial number of its own.
#[test]
fn what_ended_without_a_certificate_is_asked_for_afresh() {
    for failure in [Behaviour::Unavailable, Behaviour::OutcomeUnknown, Behaviour::Damaged] {
        let world = World::new();
        world.signer.then(&[failure]);
        let asked = world.by_operator("op-ds", 1, 1);
        world.authority.enrol(asked.clone()).unwrap_err();
        assert_eq!(world.authority.enrol(asked).unwrap().delivery(), Delivery::New, "{failure:?}");
    }
}

#[test]
fn a_certificate_that_was_revoked_is_not_handed_out_again() {
    let world = World::new();
    let asked = world.by_operator("op-ds", 1, 1);
    let first = world.authority.enrol(asked.clone()).unwrap();
    revoke(&world, first.id(), ReasonCode::CessationOfOperation);
    world.ledger.forget_events();
    let error = world.authority.enrol(asked).unwrap_err();
    assert_eq!((error.code(), error.fault()), ("request.repeated", Fault::Conflict));
    assert_eq!(world.ledger.refusals(), ["request.repeated"]);
    let fresh = RequestOctets::of_device(&world.key(1), &title(1));
    let fresh = fresh.with_signature(&world.key(1).sign(&fresh.info(), 1).to_der().unwrap());
    let fresh = CertificationRequest::from_der(&fresh).unwrap();
    let issued =
        world.authority.enrol(request(operator(), "op-ds", Subject::device(title(1)), fresh)).unwrap();
    assert_eq!(issued.delivery(), Delivery::New, "a new request is free to ask");
}

// P-11: a key reported compromised is never certified again.
#[test]
fn p_11_a_compromised_key_is_never_certified_again() {
    let world = World::new();
    let first = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    revoke(&world, first.id(), ReasonCode::KeyCompromise);
    world.clock.set(NOW + 2 * DAY);
    assert_eq!(world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err().code(), "key.blocked");
    assert!(world.authority.enrol(world.by_operator("op-ds", 1, 2)).is_ok());
}

// P-11; Green Book 9.2.6.4: a key serves one device and one purpose.
#[test]
fn p_11_another_devices_key_and_a_key_of_another_purpose_are_refused() {
    let world = World::new();
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    for request in [world.by_operator("op-ds", 2, 1), world.by_operator("op-ka", 1, 1)] {
        let error = world.authority.enrol(request).unwrap_err();
        assert_eq!((error.code(), error.fault()), ("key.certified-elsewhere", Fault::Conflict));
    }
}

// Green Book 9.2.6.6.4: one certificate at a time for one device and one purpose.
#[test]
fn a_device_has_one_certificate_for_one_purpose_until_it_is_revoked_or_expired() {
    let world = World::new();
    let first = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    let second = |key| world.authority.enrol(world.by_operator("op-ds", 1, key));
    assert_eq!(second(2).unwrap_err().code(), "slot.taken");
    assert!(world.authority.enrol(world.by_operator("op-ka", 1, 3)).is_ok(), "another purpose");
    world.clock.set(NOW + 365 * DAY - 1);
    assert_eq!(second(2).unwrap_err().code(), "slot.taken", "its last second");
    world.clock.set(NOW + 365 * DAY);
    let next = second(2).unwrap();
    revoke(&world, next.id(), ReasonCode::Superseded);
    assert!(second(4).is_ok());
    assert_ne!(first.id(), next.id());
}
