//! What bounds the renewals of a device that asks by itself: the window, the limit, the compromised lineage, the race. And
//! that a request keeps the profile it was admitted under.

use ca_core::actor::Presented;
use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::issuance::{IssueError, IssuedCertificate};
use ca_core::profile::{RenewalRule, RenewalSpread, RenewalWindow, ValidityRule};
use ca_core::reason::ReasonCode;
use ca_core::record::CertificateStatus;
use ca_core::registration::{AdmitError, RenewalError};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, RevocationRequest};
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::validity::{UnixTime, Validity};

use crate::doubles::clock::{DAY, NOW, at};
use crate::scenarios::{by_factory_certificate, by_station, renewal};
use crate::world::{World, change_profile, dso, operator, title};

const UNSPREAD: RenewalSpread = RenewalSpread::First { seconds: 0 };

fn with_rule(rule: RenewalRule) -> World {
    World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-tls", |parts| parts.renewal = rule);
    })
}

fn refuses(world: &World, request: EnrolmentRequest, code: &str) {
    world.ledger.forget_events();
    let rows = world.ledger.statuses().len();
    world.assert_refused(world.authority.enrol(request), code, rows);
}

/// A request to replace, with the key `key`, by showing `held`.
fn by_showing(world: &World, held: &Presented, key: u16) -> EnrolmentRequest {
    EnrolmentRequest {
        kind: EnrolmentKind::ReEnrolment { renewed: Some(Box::new(held.clone())), former: None },
        actor: World::device(1, held.clone()),
        ..world.by_operator("op-tls", 1, key)
    }
}

fn presented(world: &World, issued: &IssuedCertificate) -> Presented {
    Presented {
        certificate: Certificate::from_der(issued.der()).unwrap(),
        above: Vec::new(),
        issuer: world.issuer().key(),
        anchor: world.issuer().key(),
    }
}

fn revoke(world: &World, id: &ca_core::record::CertificateId, reason: ReasonCode) {
    let request = RevocationRequest { actor: operator(), id: id.clone(), reason, invalidity_date: None };
    world.authority.revoke(request).unwrap();
}

// E-10: a certificate of 365 days is renewed in its second half unless the profile says otherwise.
#[test]
fn e_10_a_renewal_before_the_window_opens_is_refused_and_opens_to_the_second() {
    let last = |days| RenewalWindow::Last { seconds: days * DAY };
    for (window, opens) in [
        (RenewalWindow::SecondHalf, 365 * DAY / 2),
        (last(30), 335 * DAY),
        (last(365), 0),
        (RenewalWindow::AnyTime, 0),
    ] {
        let world = with_rule(RenewalRule { window, spread: UNSPREAD, ..RenewalRule::DEFAULT });
        let request = renewal(&world, "op-tls");
        if opens > 0 {
            world.clock.set(NOW + opens - 1);
            refuses(&world, request.clone(), "renewal.too-early");
        }
        world.clock.set(NOW + opens);
        assert!(world.authority.enrol(request).is_ok(), "{window:?}");
    }
}

// T-18: of a fleet that was certified in one hour, each device has its own second to renew, and is told how long until then.
#[test]
fn t_18_a_fleet_renews_spread_over_the_first_tenth_of_the_window() {
    let rule = RenewalRule { window: RenewalWindow::Last { seconds: 100 * DAY }, ..RenewalRule::DEFAULT };
    let validity = Validity::new(at(NOW), at(NOW + 365 * DAY - 1)).unwrap();
    let mut days = [0_u32; 10];
    for number in 0..10_000_u64 {
        let opens = rule.opens(&validity, &SystemTitle::new(number.to_be_bytes()));
        assert_eq!(
            opens,
            rule.opens(&validity, &SystemTitle::new(number.to_be_bytes())),
            "the same for ever"
        );
        let day = (opens.seconds() - (NOW + 265 * DAY)) / DAY;
        days[usize::try_from(day).unwrap()] += 1;
    }
    assert!(days.iter().all(|devices| (900..1_100).contains(devices)), "{days:?}");
}

// T-18: the place in the spread binds to the second.
#[test]
fn t_18_a_device_is_told_when_its_own_place_in_the_spread_comes() {
    let rule = RenewalRule {
        window: RenewalWindow::Last { seconds: 100 * DAY },
        spread: RenewalSpread::First { seconds: 50 * DAY },
        ..RenewalRule::DEFAULT
    };
    let world = with_rule(rule);
    let request = renewal(&world, "op-tls");
    world.clock.set(NOW + 265 * DAY);
    let Err(IssueError::NotAdmitted(AdmitError::NotRenewed(RenewalError::TooEarly { wait_seconds, .. }))) =
        world.authority.enrol(request.clone())
    else {
        panic!("the window is open, the device's place in it has not come");
    };
    assert!((1..50 * DAY).contains(&wait_seconds), "{wait_seconds}");
    world.clock.set(NOW + 265 * DAY + wait_seconds - 1);
    refuses(&world, request.clone(), "renewal.too-early");
    world.clock.set(NOW + 265 * DAY + wait_seconds);
    assert!(world.authority.enrol(request).is_ok());
}

// E-10: the successor starts a window of its own, whichever certificate of the lineage is shown.
#[test]
fn e_10_the_old_certificate_renews_nothing_once_it_is_replaced() {
    let world = with_rule(RenewalRule::DEFAULT);
    let request = renewal(&world, "op-tls");
    let stolen = request.actor.identity.presented().unwrap().clone();
    world.clock.set(NOW + 200 * DAY);
    world.authority.enrol(request).unwrap();
    for key in 4..8 {
        refuses(&world, by_showing(&world, &stolen, key), "renewal.too-early");
    }
}

// E-10: where the profile lets devices renew at any time, the number of renewals is what bounds them.
#[test]
fn e_10_endless_renewals_end_at_the_limit_and_go_on_when_a_length_of_validity_has_passed() {
    let world = with_rule(RenewalRule { window: RenewalWindow::AnyTime, limit: 3, ..RenewalRule::DEFAULT });
    let mut held = renewal(&world, "op-tls").actor.identity.presented().unwrap().clone();
    for key in 3..6_u16 {
        world.clock.set(NOW + i64::from(key) * DAY);
        held = presented(&world, &world.authority.enrol(by_showing(&world, &held, key)).unwrap());
    }
    world.clock.set(NOW + 360 * DAY);
    refuses(&world, by_showing(&world, &held, 9), "renewal.limit");
    // The renewal of the third day is then no longer counted.
    world.clock.set(NOW + 368 * DAY);
    assert!(world.authority.enrol(by_showing(&world, &held, 9)).is_ok());
}

// E-10: what was made with a stolen key and found out does not start again from the certificate before.
#[test]
fn e_10_after_a_compromise_no_older_certificate_renews() {
    for (reason, code) in
        [(ReasonCode::KeyCompromise, Some("renewal.compromised")), (ReasonCode::Superseded, None)]
    {
        let world = World::new();
        let request = renewal(&world, "op-tls");
        let stolen = request.actor.identity.presented().unwrap().clone();
        let made = world.authority.enrol(request).unwrap();
        revoke(&world, made.id(), reason);
        let again = by_showing(&world, &stolen, 4);
        match code {
            Some(code) => refuses(&world, again, code),
            None => assert!(world.authority.enrol(again).is_ok()),
        }
    }
}

// E-10: the key that was reported is blocked for every certificate to come.
#[test]
fn e_10_a_key_reported_compromised_is_never_certified_again() {
    let world = World::new();
    let request = renewal(&world, "op-tls");
    let made = world.authority.enrol(request).unwrap();
    revoke(&world, made.id(), ReasonCode::KeyCompromise);
    refuses(&world, by_station_with(&world, 3), "key.blocked");
}

fn by_station_with(world: &World, key: u16) -> EnrolmentRequest {
    EnrolmentRequest {
        actor: by_station(world).actor,
        kind: EnrolmentKind::ReEnrolment { renewed: None, former: None },
        ..world.by_operator("op-tls", 1, key)
    }
}

// E-10: of many renewals of one certificate that come at once, each with a key of its own, one is answered.
#[test]
fn e_10_of_renewals_at_once_one_replaces_the_certificate() {
    let world = World::new();
    let held = renewal(&world, "op-tls").actor.identity.presented().unwrap().clone();
    world.clock.set(NOW + DAY);
    let requests: Vec<_> = (10..26).map(|key| by_showing(&world, &held, key)).collect();
    let answers = world.authority.enrol_batch(requests);
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(IssueError::code)).collect();
    assert_eq!(codes.iter().filter(|code| code.is_ok()).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| code.is_ok() || *code == Err("renewal.overtaken")), "{codes:?}");
}

// E-10 binds whoever shows a certificate. Whoever vouches for a device is not bound, nor is the swap a renewal.
#[test]
fn e_10_a_station_an_operator_and_the_swap_are_not_bound_by_the_window() {
    let never = RenewalRule { window: RenewalWindow::Last { seconds: 1 }, limit: 1, spread: UNSPREAD };
    let world = with_rule(never);
    assert!(world.authority.enrol(by_factory_certificate(&world, "op-tls", 60)).is_ok());
    for key in 61..64 {
        assert!(world.authority.enrol(by_station_with(&world, key)).is_ok());
    }
    let by_operator = EnrolmentRequest {
        kind: EnrolmentKind::ReEnrolment { renewed: None, former: None },
        ..world.by_operator("op-tls", 1, 64)
    };
    assert!(world.authority.enrol(by_operator).is_ok());
}

#[test]
fn a_certificate_without_end_is_not_renewed_by_its_own_key_unless_the_profile_says_when() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-tls", |parts| {
            parts.validity = ValidityRule::Fixed { seconds: 3_000 * DAY };
            parts.renewal = RenewalRule::DEFAULT;
        });
    });
    let request = renewal(&world, "op-tls");
    let id = request.actor.identity.presented().unwrap().id();
    world.ledger.change(&id, |row| {
        let end = UnixTime::NO_EXPIRY;
        row.validity = Validity::new(row.validity.not_before(), end).unwrap();
    });
    world.clock.set(NOW + 900 * DAY);
    refuses(&world, request, "renewal.too-early");
}

// P-19: the profile is edited, and the program started anew with it, between the admission of a request and its certificate.
#[test]
fn p_19_a_request_keeps_the_version_of_the_profile_that_it_was_admitted_under() {
    let world = World::new();
    world.ledger.expect(&title(1), &dso(), None);
    let edited = world.reopened(|charter| {
        change_profile(charter, "op-ds", |parts| {
            parts.version = 4;
            parts.validity = ValidityRule::Fixed { seconds: 10 * DAY };
        });
    });
    let (before, after) = std::thread::scope(|scope| {
        // The first request stands before its signature until the second, under the edited profile, is answered.
        let gate = world.signer.gate();
        let first = scope.spawn(|| world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap());
        gate.reached();
        let second = edited.enrol(world.by_operator("op-ds", 2, 2)).unwrap();
        gate.open();
        (first.join().unwrap(), second)
    });
    for (issued, version, days) in [(before, 3, 365), (after, 4, 10)] {
        let row = world.ledger.row(issued.id());
        assert_eq!((row.profile_version, row.status), (version, CertificateStatus::Good));
        let validity = row.validity;
        assert_eq!(validity.not_after().seconds() - validity.not_before().seconds() + 1, days * DAY);
        let said = format!("under op-ds version {version}");
        for act in [Act::IntentRecorded, Act::CertificateIssued] {
            let events = world.ledger.events();
            let of = |event: &&ca_core::audit::AuditEvent| {
                event.act == act && event.serial.as_ref() == Some(&issued.id().serial)
            };
            assert!(events.iter().find(of).unwrap().detail.contains(&said), "{act:?}");
        }
    }
}
