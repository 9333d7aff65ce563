//! Hold and release: which step may follow which, who may ask for it, and what a certificate on hold is good for.
//!
//! RFC 5280 §5.3.1; RFC 9483 §4.2, §5.3.2.

use ca_core::actor::{Actor, Identity, Presented, RegistrationAuthority};
use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::profile::CrlProfile;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CertificateStatus, Revocation, StatusKind};
use ca_core::request::{EnrolmentRequest, ReleaseRequest, RevocationRequest};
use ca_core::revocation::RevokeError;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, HOUR, NOW, at};
use crate::doubles::ledger::revocation;
use crate::scenarios::{by_operational_certificate, renewal, token_holder};
use crate::world::{World, dso, operator, tenant};

const HOLD: ReasonCode = ReasonCode::CertificateHold;

/// A world with one certificate, issued an hour ago.
fn issued() -> (World, CertificateId) {
    let world = World::new();
    let id = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap().id().clone();
    world.ledger.forget_events();
    world.clock.set(NOW + HOUR);
    (world, id)
}

fn held() -> (World, CertificateId) {
    let (world, id) = issued();
    change(&world, &operator(), &id, Some(HOLD)).unwrap();
    world.ledger.forget_events();
    world.clock.set(NOW + DAY);
    (world, id)
}

/// Revokes for a reason, or releases.
fn change(
    world: &World,
    actor: &Actor,
    id: &CertificateId,
    reason: Option<ReasonCode>,
) -> Result<u64, RevokeError> {
    let (actor, id) = (actor.clone(), id.clone());
    match reason {
        Some(reason) => {
            let request = RevocationRequest { actor, id, reason, invalidity_date: None };
            world.authority.revoke(request).map(|recorded| recorded.sequence)
        }
        None => world.authority.release(ReleaseRequest { actor, id }).map(|recorded| recorded.sequence),
    }
}

fn code(outcome: Result<u64, RevokeError>) -> Option<&'static str> {
    outcome.err().map(|error| error.code())
}

fn shown_by_itself(world: &World, id: &CertificateId) -> Actor {
    let certificate = Certificate::from_der(&world.ledger.row(id).certificate).unwrap();
    World::device(1, Presented { certificate, above: Vec::new(), issuer: id.issuer, anchor: id.issuer })
}

fn station(world: &World, change: impl FnOnce(&mut RegistrationAuthority)) -> Actor {
    let mut station = world.station();
    change(&mut station);
    Actor { tenant: dso(), identity: Identity::RegistrationAuthority(station) }
}

#[test]
fn every_step_that_may_follow_is_one_record_of_its_own_and_every_other_changes_nothing() {
    let superseded = Some(ReasonCode::Superseded);
    let already = Some("revoke.already");
    // What was done before, what is asked for, and why not.
    for (before, asked, refused) in [
        (vec![], Some(HOLD), None),
        (vec![], None, Some("revoke.not-on-hold")),
        (vec![Some(HOLD)], Some(HOLD), already),
        (vec![Some(HOLD)], superseded, None),
        (vec![Some(HOLD)], None, None),
        (vec![Some(HOLD), None], None, Some("revoke.not-on-hold")),
        (vec![Some(HOLD), None], Some(HOLD), None),
        (vec![Some(HOLD), None], superseded, None),
        (vec![superseded], Some(HOLD), already),
        (vec![superseded], None, already),
        (vec![Some(HOLD), superseded], Some(HOLD), already),
        (vec![Some(HOLD), superseded], Some(ReasonCode::KeyCompromise), already),
        (vec![Some(HOLD), superseded], None, already),
    ] {
        let (world, id) = issued();
        for step in &before {
            change(&world, &operator(), &id, *step).unwrap();
        }
        let status = world.ledger.row(&id).status;
        world.ledger.forget_events();
        assert_eq!(code(change(&world, &operator(), &id, asked)), refused, "{before:?}, then {asked:?}");
        let act = match (refused, asked) {
            (Some(_), _) => Act::RequestRefused,
            (None, Some(HOLD)) => Act::CertificateHeld,
            (None, Some(_)) => Act::CertificateRevoked,
            (None, None) => Act::CertificateReleased,
        };
        assert_eq!(world.ledger.acts(), [act], "{before:?}, then {asked:?}");
        if refused.is_some() {
            assert_eq!(world.ledger.row(&id).status, status, "{before:?}, then {asked:?}");
        }
    }
}

// RFC 5280 §5.3.1: a certificate on hold is considered revoked, so that it was so all the time when it is made final.
#[test]
fn a_hold_made_final_has_the_new_reason_and_the_time_of_the_hold() {
    let (world, id) = held();
    let hold = revocation(world.ledger.row(&id).status).unwrap();
    assert_eq!((hold.time, hold.reason), (at(NOW + HOUR), HOLD));
    assert_eq!(world.ledger.row(&id).status.kind(), Some(StatusKind::OnHold));
    let reason = ReasonCode::KeyCompromise;
    let date = Some(at(NOW));
    let request = RevocationRequest { actor: operator(), id: id.clone(), reason, invalidity_date: date };
    let recorded = world.authority.revoke(request).unwrap();
    let expected = Revocation { time: at(NOW + HOUR), reason, invalidity_date: date };
    assert_eq!(recorded.revocation, expected);
    assert_eq!(revocation(world.ledger.row(&id).status), Some(expected));
    let [event] = world.ledger.events().try_into().unwrap();
    assert_eq!(
        (event.time, event.reason.as_str()),
        (at(NOW + DAY), "keyCompromise"),
        "the record tells when"
    );
}

#[test]
fn what_was_said_of_the_key_when_it_was_put_on_hold_is_not_forgotten() {
    let hold = Revocation { time: at(NOW), reason: HOLD, invalidity_date: Some(at(NOW - DAY)) };
    let plain = Revocation { time: at(NOW + 9), reason: ReasonCode::Superseded, invalidity_date: None };
    assert_eq!(plain.following(Some(hold)).unwrap().invalidity_date, Some(at(NOW - DAY)));
}

#[test]
fn a_released_certificate_is_good_and_the_record_names_it() {
    let (world, id) = held();
    let request = ReleaseRequest { actor: operator(), id: id.clone() };
    let released = world.authority.release(request).unwrap();
    assert_eq!((released.time, released.hold.time), (at(NOW + DAY), at(NOW + HOUR)));
    assert_eq!(world.ledger.row(&id).status, CertificateStatus::Good);
    let [event] = world.ledger.events().try_into().unwrap();
    assert_eq!((event.act, event.time, event.reason.as_str()), (Act::CertificateReleased, at(NOW + DAY), ""));
    assert_eq!((event.issuer, event.serial), (Some(id.issuer), Some(id.serial)));
    assert_eq!(event.detail, "4D504B0000000001");
}

// RFC 9483 §4.2: a device may put its own certificate on hold. Nothing that it signs then releases it, or makes it final: whoever
// took the device has its key.
#[test]
fn a_device_puts_itself_on_hold_and_does_not_come_back_by_itself() {
    let (world, id) = issued();
    let device = shown_by_itself(&world, &id);
    assert_eq!(code(change(&world, &device, &id, None)), Some("revoke.not-entitled"), "while it is good");
    change(&world, &device, &id, Some(HOLD)).unwrap();
    assert_eq!(code(change(&world, &device, &id, None)), Some("revoke.not-entitled"));
    assert_eq!(code(change(&world, &device, &id, Some(ReasonCode::Superseded))), Some("revoke.already"));
    assert_eq!(world.ledger.row(&id).status.kind(), Some(StatusKind::OnHold));
}

#[test]
fn operators_and_stations_within_their_scope_release_and_nobody_else() {
    let (world, id) = held();
    let by = |identity| Actor { tenant: dso(), identity };
    let nobody = Identity::Unauthenticated { peer: "192.0.2.1:1".to_owned() };
    let other_device = World::device(1, world.credential("op-tls", 1, 9));
    for actor in [
        other_device,
        token_holder(),
        by(nobody),
        by(Identity::Process { name: "publisher" }),
        Actor { tenant: tenant("other"), ..operator() },
        station(&world, |station| station.profiles.clear()),
        station(&world, |station| station.title_prefix = b"XYZ".to_vec()),
    ] {
        assert_eq!(code(change(&world, &actor, &id, None)), Some("revoke.not-entitled"), "{actor}");
    }
    assert!(change(&world, &station(&world, |_| {}), &id, None).is_ok());
    assert!(change(&world, &operator(), &id, Some(HOLD)).is_ok());
    assert!(change(&world, &operator(), &id, None).is_ok());
}

#[test]
fn a_station_whose_own_certificate_is_on_hold_releases_nothing() {
    let (world, id) = held();
    let own = world.credential("op-tls", 1, 9);
    let station = station(&world, |station| station.certificate = own.clone());
    change(&world, &operator(), &own.id(), Some(HOLD)).unwrap();
    assert_eq!(code(change(&world, &station, &id, None)), Some("revoke.not-entitled"));
}

// What may not exist cannot be given back.
#[test]
fn only_what_is_issued_is_put_on_hold_or_released() {
    for (status, expected) in [
        (CertificateStatus::Uncertain { since: at(NOW) }, "revoke.not-issued"),
        (CertificateStatus::Pending, "revoke.being-issued"),
        (CertificateStatus::Aborted, "revoke.not-issued"),
        (CertificateStatus::NeverIssued, "revoke.not-issued"),
    ] {
        let (world, id) = issued();
        world.ledger.set_status(&id, status);
        for asked in [Some(HOLD), None] {
            assert_eq!(code(change(&world, &operator(), &id, asked)), Some(expected), "{status:?}");
        }
    }
}

// L-15: hold, only if the profile allows it. CRLs that were signed ahead would go on listing what has been released.
#[test]
fn l_15_a_ca_whose_crls_are_signed_ahead_puts_nothing_on_hold() {
    for (profile, refused) in [
        (CrlProfile::new(DAY, HOUR).unwrap(), None),
        (CrlProfile::offline(DAY, HOUR).unwrap(), Some("revoke.hold")),
        (CrlProfile::last(), Some("revoke.hold")),
    ] {
        let world = World::with(SecuritySuite::Suite1, |charter| charter.crl_profile = profile);
        let id = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap().id().clone();
        assert_eq!(code(change(&world, &operator(), &id, Some(HOLD))), refused);
    }
}

fn refuses(world: &World, request: EnrolmentRequest, code: &str) {
    world.ledger.forget_events();
    let rows = world.ledger.statuses().len();
    world.assert_refused(world.authority.enrol(request), code, rows);
}

#[test]
fn a_certificate_on_hold_authenticates_nobody_and_renews_nothing_until_it_is_released() {
    for make in [by_operational_certificate, |world: &World| renewal(world, "op-ds")] {
        let world = World::new();
        let request = make(&world);
        let shown = request.actor.identity.presented().unwrap().id();
        change(&world, &operator(), &shown, Some(HOLD)).unwrap();
        refuses(&world, request.clone(), "authn.revoked");
        assert!(world.authority.check_shown(&request.actor).is_err());
        change(&world, &operator(), &shown, None).unwrap();
        assert!(world.authority.check_shown(&request.actor).is_ok());
        assert!(world.authority.enrol(request).is_ok());
    }
}

#[test]
fn a_place_whose_certificate_is_on_hold_takes_no_other() {
    let (world, id) = held();
    world.ledger.expect(&crate::world::title(1), &dso(), None);
    let station = EnrolmentRequest { actor: station(&world, |_| {}), ..world.by_operator("op-ds", 1, 5) };
    let renewed = EnrolmentRequest {
        kind: ca_core::request::EnrolmentKind::ReEnrolment { renewed: None, former: None },
        ..station.clone()
    };
    for request in [world.by_operator("op-ds", 1, 5), station, renewed.clone()] {
        refuses(&world, request, "slot.taken");
    }
    change(&world, &operator(), &id, None).unwrap();
    assert!(world.authority.enrol(renewed).is_ok());
}
