//! What a device asks through a registration authority: the bounds of both hold, and the request is the device's (RFC 7030 §3.7).

use ca_core::actor::{Actor, Identity, RegistrationAuthority};
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::profile::{RenewalRule, RenewalWindow};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation};
use ca_core::registration::Door;
use ca_core::request::EnrolmentRequest;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;

use crate::doubles::clock::{DAY, NOW, at};
use crate::profiles;
use crate::scenarios::{by_factory_certificate, by_operational_certificate, renewal};
use crate::world::{FOUNDED, World, change_profile, dso, operator, title};

/// The front end: the station of the world, allowed to forward, and changed.
fn front_end(world: &World, change: impl FnOnce(&mut RegistrationAuthority)) -> Actor {
    let mut station = RegistrationAuthority { forwards: true, ..world.station() };
    change(&mut station);
    Actor { tenant: dso(), identity: Identity::RegistrationAuthority(station) }
}

/// The request of a device, by way of a front end.
fn through(mut request: EnrolmentRequest, front_end: &Actor) -> EnrolmentRequest {
    let Identity::Device(device) = &mut request.actor.identity else { panic!("a device asks") };
    device.forwarded_by = Some(Box::new(front_end.clone()));
    request
}

fn code(outcome: Result<IssuedCertificate, IssueError>) -> &'static str {
    match outcome {
        Ok(_) => "issued",
        Err(error) => error.code(),
    }
}

/// The answer to a device that asks by its factory certificate through this front end.
fn told(make: impl FnOnce(&World) -> Actor) -> &'static str {
    let world = World::new();
    let request = through(by_factory_certificate(&world, "op-ds", 1), &make(&world));
    let outcome = world.authority.enrol(request);
    if outcome.is_err() {
        assert_eq!(world.ledger.statuses().len(), FOUNDED);
        assert_eq!(world.ledger.refusals().len(), 1);
    }
    code(outcome)
}

#[test]
fn a_front_end_forwards_within_its_bounds_and_only_if_it_may() {
    assert_eq!(told(|world| front_end(world, |_| {})), "issued");
    assert_eq!(told(|world| front_end(world, |station| station.forwards = false)), "ra.forwards");
    assert_eq!(told(|world| front_end(world, |station| station.profiles.clear())), "ra.scope");
    assert_eq!(told(|world| front_end(world, |station| station.title_prefix = b"X".to_vec())), "ra.scope");
    let foreign = TenantId::parse("foreign").unwrap();
    assert_eq!(told(|world| Actor { tenant: foreign, ..front_end(world, |_| {}) }), "tenant.foreign");
    // Whatever else there is speaks for no device.
    assert_eq!(told(|_| operator()), "ra.forwards");
    assert_eq!(told(|world| World::device(2, world.station().certificate)), "ra.forwards");
}

#[test]
fn a_front_end_whose_certificate_is_revoked_forwards_nothing() {
    let world = World::new();
    let shown = world.credential("op-tls", 9, 90);
    let front = front_end(&world, |station| station.certificate = shown.clone());
    let revocation = Revocation { time: at(NOW), reason: ReasonCode::Superseded, invalidity_date: None };
    let request = through(by_factory_certificate(&world, "op-ds", 1), &front);
    world.ledger.set_status(&shown.id(), CertificateStatus::Revoked(revocation));
    assert_eq!(code(world.authority.enrol(request.clone())), "authn.revoked");
    world.ledger.set_status(&shown.id(), CertificateStatus::Good);
    assert_eq!(code(world.authority.enrol(request)), "issued");
}

// The door is the device's: a front end gets nothing in its own name where that of registration authorities is closed.
#[test]
fn the_doors_are_those_of_the_device() {
    for (doors, by_device, by_itself) in [
        (vec![Door::OperationalCertificate], "issued", "authn.door"),
        (vec![Door::RegistrationAuthority], "authn.door", "issued"),
    ] {
        let world = World::new();
        let (request, front) = (by_operational_certificate(&world), front_end(&world, |_| {}));
        let authority = world.reopened(|charter| {
            let offers = charter.offers.iter_mut();
            offers
                .filter(|offer| *offer.profile.id() == profiles::id("op-ds"))
                .for_each(|offer| offer.doors.clone_from(&doors));
        });
        assert_eq!(code(authority.enrol(through(request.clone(), &front))), by_device);
        let itself = EnrolmentRequest { actor: front, ..world.by_operator("op-ds", 1, 7) };
        let world = World::new();
        world.ledger.expect(&title(1), &dso(), None);
        let authority = world.reopened(|charter| {
            charter.offers.iter_mut().for_each(|offer| offer.doors.clone_from(&doors));
        });
        assert_eq!(code(authority.enrol(itself)), by_itself);
    }
}

// E-10: a station vouches for what it asks; what it forwards is the device's own wish.
#[test]
fn e_10_the_renewal_window_binds_a_device_that_asks_through_a_front_end() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        let window = RenewalWindow::Last { seconds: DAY };
        change_profile(charter, "op-tls", |parts| {
            parts.renewal = RenewalRule { window, ..RenewalRule::DEFAULT }
        });
    });
    let request = through(renewal(&world, "op-tls"), &front_end(&world, |_| {}));
    assert_eq!(code(world.authority.enrol(request)), "renewal.too-early");
}

// ADR 14: the same request again, whichever way it comes.
#[test]
fn the_same_request_through_another_front_end_or_none_gets_the_same_certificate() {
    let world = World::new();
    let request = by_factory_certificate(&world, "op-ds", 1);
    let [one, two] = ["one", "two"].map(|name| front_end(&world, |station| station.name = name.to_owned()));
    let first = world.authority.enrol(through(request.clone(), &one)).unwrap();
    let record = world.ledger.events().last().unwrap().actor.clone();
    assert!(record.starts_with("device:") && record.ends_with(" by ra:one"), "{record}");
    for again in [through(request.clone(), &one), through(request.clone(), &two), request] {
        let again = world.authority.enrol(again).unwrap();
        assert_eq!((again.delivery(), again.der()), (Delivery::Repeated, first.der()));
    }
}
