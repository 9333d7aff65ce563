//! The ownership swap: a device comes by its manufacturer's certificate, is claimed for its owner, and from then on the
//! factory certificate opens no door any more, but for a time of grace.

use ca_core::actor::{Identity, Origin};
use ca_core::audit::Act;
use ca_core::fault::Fault;
use ca_core::record::{DeviceAct, DeviceState};
use ca_core::registration::Door;
use ca_core::request::{EnrolmentKind, EnrolmentRequest};

use crate::doubles::clock::{NOW, at};
use crate::doubles::signer::Behaviour;
use crate::scenarios::{by_factory_certificate, by_station};
use crate::world::{FOUNDED, GRACE, World, dso, leave_open, maker, tenant, title};

#[test]
fn an_expected_device_gets_its_certificate_and_its_factory_certificate_is_superseded() {
    let world = World::new();
    let request = by_factory_certificate(&world, "op-ds", 1);
    let shown = request.actor.identity.presented().unwrap().certificate.public_key().fingerprint();
    let issued = world.authority.enrol(request).unwrap();
    let device = world.ledger.known(&title(1));
    assert_eq!((device.state, device.claimed_by), (DeviceState::Operational, Some(shown)));
    assert_eq!(device.factory_superseded_at.unwrap().seconds(), NOW);
    let acts = [Act::IntentRecorded, Act::DeviceClaimed, Act::CertificateIssued, Act::FactorySuperseded];
    assert_eq!(world.ledger.acts(), acts);
    let slot = world.ledger.row(issued.id()).slot.unwrap();
    assert_eq!((slot.tenant, slot.title), (dso(), title(1)), "it belongs to the owner, not to the maker");
}

#[test]
fn a_device_that_nobody_expects_here_is_refused_with_one_answer() {
    type Listing = fn(&World);
    let listings: [(&str, Listing); 4] = [
        ("on no list", |_| {}),
        ("on another owner's list", |world| world.ledger.expect(&title(1), &tenant("other"), None)),
        ("bought from another maker", |world| {
            world.ledger.expect(&title(1), &dso(), Some(&tenant("other-maker")));
        }),
        ("on the list of its own maker", |world| world.ledger.expect(&title(1), &maker(), None)),
    ];
    for (name, list) in listings {
        let world = World::new();
        list(&world);
        let actor = world.factory_device(1, 50, &maker());
        let outcome = world.authority.enrol(EnrolmentRequest { actor, ..world.by_operator("op-ds", 1, 1) });
        assert_eq!(outcome.as_ref().unwrap_err().fault(), Fault::Requester, "{name}");
        world.assert_refused(outcome, "device.not-expected", FOUNDED);
    }
}

#[test]
fn a_device_expected_of_any_maker_comes_with_any_trusted_certificate() {
    let world = World::new();
    world.ledger.expect(&title(1), &dso(), None);
    let actor = world.factory_device(1, 50, &tenant("any-maker"));
    assert!(world.authority.enrol(EnrolmentRequest { actor, ..world.by_operator("op-ds", 1, 1) }).is_ok());
}

#[test]
fn a_maker_speaks_for_its_own_devices_only() {
    let world = World::new();
    let mut request = by_factory_certificate(&world, "op-ds", 1);
    request.actor.tenant = tenant("other-maker");
    world.assert_refused(world.authority.enrol(request), "tenant.foreign", FOUNDED);
}

#[test]
fn the_same_factory_key_serves_further_purposes_until_the_time_of_grace_is_over() {
    let world = World::new();
    world.authority.enrol(by_factory_certificate(&world, "op-ds", 1)).unwrap();
    let actor = world.factory_device(1, 50, &maker());
    let ask = |profile, key| {
        world.authority.enrol(EnrolmentRequest { actor: actor.clone(), ..world.by_operator(profile, 1, key) })
    };
    world.clock.set(NOW + GRACE - 1);
    assert!(ask("op-ka", 2).is_ok(), "its last second");
    world.clock.set(NOW + GRACE);
    let error = ask("op-tls", 3).unwrap_err();
    assert_eq!((error.code(), error.fault()), ("factory.superseded", Fault::Requester));
    assert_eq!(world.ledger.refusals(), ["factory.superseded"]);
}

#[test]
fn without_a_time_of_grace_the_first_operational_certificate_closes_the_door() {
    let world = World::new();
    let request = by_factory_certificate(&world, "op-ds", 1);
    let authority = world.reopened(|charter| {
        let doors = [Door::FactoryCertificate { grace_seconds: 0, expired_seconds: 0 }];
        leave_open(charter, "op-ds", &doors);
        leave_open(charter, "op-ka", &doors);
    });
    let further = EnrolmentRequest { actor: request.actor.clone(), ..world.by_operator("op-ka", 1, 2) };
    assert!(authority.enrol(request).is_ok());
    assert_eq!(authority.enrol(further).unwrap_err().code(), "factory.superseded");
}

// E-03: several offers of one profile open all their doors: the end of a certificate is judged at each of them.
#[test]
fn e_03_a_door_that_waives_no_expiry_does_not_shut_the_next_one_that_does() {
    let world = World::new();
    let request = |seconds: i64| {
        let mut request = by_factory_certificate(&world, "op-ds", 1);
        let Identity::Device(device) = &mut request.actor.identity else { panic!("a device") };
        device.origin = Origin::Factory { manufacturer: maker(), expired_at: Some(at(NOW - seconds)) };
        request
    };
    let authority = world.reopened(|charter| {
        let door = |expired_seconds| Door::FactoryCertificate { grace_seconds: 0, expired_seconds };
        leave_open(charter, "op-ds", &[door(0), door(10)]);
    });
    assert_eq!(authority.enrol(request(11)).unwrap_err().code(), "authn.expired");
    assert!(authority.enrol(request(10)).is_ok());
}

#[test]
fn another_key_does_not_claim_what_is_claimed_even_before_the_first_certificate() {
    for certificate_fails in [false, true] {
        let world = World::new();
        if certificate_fails {
            world.signer.then(&[Behaviour::Unavailable]);
        }
        drop(world.authority.enrol(by_factory_certificate(&world, "op-ds", 1)));
        let state = if certificate_fails { DeviceState::Claimed } else { DeviceState::Operational };
        assert_eq!(world.ledger.known(&title(1)).state, state);
        let actor = world.factory_device(1, 51, &maker());
        let error = world
            .authority
            .enrol(EnrolmentRequest { actor, ..world.by_operator("op-ka", 1, 2) })
            .unwrap_err();
        assert_eq!((error.code(), error.fault()), ("device.claimed", Fault::Requester));
    }
}

#[test]
fn two_claims_in_one_batch_are_one_claim() {
    let world = World::new();
    let first = by_factory_certificate(&world, "op-ds", 1);
    let actor = world.factory_device(1, 51, &maker());
    let second = EnrolmentRequest { actor, ..world.by_operator("op-ka", 1, 2) };
    let codes: Vec<_> = world
        .authority
        .enrol_batch(vec![first, second])
        .into_iter()
        .map(|answer| answer.map_or_else(|error| error.code(), |_| "issued"))
        .collect();
    assert_eq!(codes, ["issued", "device.claimed"]);
}

#[test]
fn a_factory_certificate_renews_nothing() {
    let world = World::new();
    let request = by_factory_certificate(&world, "op-ds", 1);
    let kind = EnrolmentKind::ReEnrolment { renewed: None, former: None };
    world.assert_refused(world.authority.enrol(EnrolmentRequest { kind, ..request }), "authn.door", FOUNDED);
}

/// The factory certificate opens doors to devices that are expected, whatever hierarchy the profile belongs to.
#[test]
fn a_factory_certificate_opens_no_profile_to_a_device_that_is_not_expected() {
    for profile in ["op-ds", "hhu-ds", "factory-ds"] {
        let world = World::new();
        let actor = world.factory_device(1, 50, &maker());
        let outcome = world.authority.enrol(EnrolmentRequest { actor, ..world.by_operator(profile, 1, 1) });
        world.assert_refused(outcome, "device.not-expected", FOUNDED);
        world.ledger.forget_events();
        world.authority.enrol(by_factory_certificate(&world, profile, 1)).unwrap();
        assert!(world.ledger.known(&title(1)).claimed_by.is_some(), "{profile}: claimed");
    }
}

#[test]
fn other_doors_make_no_claim() {
    let world = World::new();
    world.authority.enrol(by_station(&world)).unwrap();
    let device = world.ledger.known(&title(1));
    assert_eq!(device.claimed_by, None);
    assert_eq!(device.state, DeviceState::Operational, "it has an operational certificate all the same");
}

#[test]
fn an_operator_need_not_have_a_device_on_the_list() {
    let world = World::new();
    assert!(world.authority.enrol(world.by_operator("op-ds", 77, 1)).is_ok());
}

#[test]
fn an_identity_of_the_owner_is_no_factory_certificate() {
    let world = World::new();
    let mut request = by_factory_certificate(&world, "op-ds", 1);
    let Identity::Device(device) = &mut request.actor.identity else { panic!() };
    device.origin = Origin::Operational;
    request.actor.tenant = dso();
    let authority = world.reopened(|charter| {
        leave_open(
            charter,
            "op-ds",
            &[Door::FactoryCertificate { grace_seconds: GRACE, expired_seconds: 0 }],
        );
    });
    world.assert_refused(authority.enrol(request.clone()), "authn.door", FOUNDED);
    // And at the door for operational certificates it is not on record.
    world.ledger.forget_events();
    world.assert_refused(world.authority.enrol(request), "authn.unknown", FOUNDED);
}

#[test]
fn a_device_out_of_service_gets_nothing_through_any_door_and_goes_on_when_it_is_resumed() {
    let world = World::new();
    let station = by_station(&world).actor;
    let request = by_factory_certificate(&world, "op-ds", 1);
    let by_hand = |profile, key| world.by_operator(profile, 1, key);
    let forwarded = EnrolmentRequest { actor: station, ..by_hand("op-ka", 6) };
    let doors = || [request.clone(), forwarded.clone(), by_hand("op-tls", 7)];
    for (act, code) in [(DeviceAct::Suspend, "device.suspended"), (DeviceAct::Retire, "device.retired")] {
        world.ledger.move_device(&title(1), act);
        for (place, request) in doors().into_iter().enumerate() {
            let error = world.authority.enrol(request).unwrap_err();
            assert_eq!((error.code(), error.fault()), (code, Fault::Requester), "door {place}");
        }
        if act == DeviceAct::Suspend {
            world.ledger.move_device(&title(1), DeviceAct::Resume);
            assert!(world.authority.enrol(request.clone()).is_ok());
        }
    }
}

#[test]
fn a_device_that_is_at_its_makers_still_is_expected_by_nobody() {
    let world = World::new();
    let request = by_factory_certificate(&world, "op-ds", 1);
    for state in [DeviceState::Manufactured, DeviceState::Shipped] {
        world.ledger.stand(&title(1), state);
        assert_eq!(world.authority.enrol(request.clone()).unwrap_err().code(), "device.not-expected");
    }
}
