//! How long: what the profile says, to the second, inside the issuer's own period and its issuing window.

use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::profile::ValidityRule;
use ca_core::request::EnrolmentRequest;
use ca_core::suite::SecuritySuite;
use ca_core::validity::{UnixTime, Validity};

use crate::doubles::clock::{DAY, HOUR, NOW, at};
use crate::scenarios::by_process;
use crate::world::{FOUNDED, World, change_profile, with_window};

fn under(rule: ValidityRule, backdate_seconds: u32) -> World {
    World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-ds", |parts| {
            parts.validity = rule;
            parts.backdate_seconds = backdate_seconds;
        });
    })
}

/// The period of the certificate that device 1 gets when it asks for so many seconds.
fn period(world: &World, asked: Option<i64>) -> Result<Validity, &'static str> {
    let request = EnrolmentRequest { validity_seconds: asked, ..world.by_operator("op-ds", 1, 1) };
    match world.authority.enrol(request) {
        Ok(issued) => {
            let validity = Certificate::from_der(issued.der()).unwrap().validity();
            assert_eq!(world.ledger.row(issued.id()).validity, validity, "recorded as it is written");
            Ok(validity)
        }
        Err(error) => {
            let code = error.code();
            world.assert_refused(Err(error), code, FOUNDED);
            Err(code)
        }
    }
}

// P-09; RFC 5280 §4.1.2.5: both ends belong to the period, so n seconds end at second n - 1.
#[test]
fn p_09_a_certificate_for_n_seconds_is_valid_for_exactly_n_seconds() {
    for seconds in [1, 60, HOUR, 90 * DAY] {
        let validity = period(&under(ValidityRule::Fixed { seconds }, 0), None).unwrap();
        assert_eq!(validity.not_before(), at(NOW));
        assert_eq!(validity.not_after().seconds() - validity.not_before().seconds() + 1, seconds);
    }
}

// P-09: the profile alone fixes how far notBefore lies back, and it lengthens nothing that lies ahead.
#[test]
fn p_09_a_profile_may_date_back_for_slow_clocks_and_the_end_stays() {
    let validity = period(&under(ValidityRule::Fixed { seconds: HOUR }, 300), None).unwrap();
    assert_eq!(validity.not_before(), at(NOW - 300));
    assert_eq!(validity.not_after(), at(NOW + HOUR - 1));
}

#[test]
fn a_certificate_begins_no_earlier_than_its_issuer() {
    let world = under(ValidityRule::Fixed { seconds: HOUR }, 300);
    let begins = world.issuer().certificate().validity().not_before();
    world.clock.set(begins.seconds() + 10);
    assert_eq!(period(&world, None).unwrap().not_before(), begins);
}

// P-09: one second too long or too short is outside.
#[test]
fn p_09_a_choice_of_the_requester_stays_inside_the_range() {
    let range =
        || ValidityRule::Range { min_seconds: HOUR, default_seconds: 12 * HOUR, max_seconds: 24 * HOUR };
    for (asked, length) in [
        (None, Ok(12 * HOUR)),
        (Some(HOUR), Ok(HOUR)),
        (Some(24 * HOUR), Ok(24 * HOUR)),
        (Some(HOUR - 1), Err("validity.outside-profile")),
        (Some(24 * HOUR + 1), Err("validity.outside-profile")),
        (Some(0), Err("validity.outside-profile")),
        (Some(-1), Err("validity.outside-profile")),
        (Some(i64::MIN), Err("validity.outside-profile")),
        (Some(i64::MAX), Err("validity.outside-profile")),
    ] {
        let found = period(&under(range(), 0), asked);
        let found = found.map(|period| period.not_after().seconds() - period.not_before().seconds() + 1);
        assert_eq!(found, length, "{asked:?}");
    }
}

#[test]
fn p_09_where_the_profile_fixes_the_length_nobody_chooses() {
    for rule in [ValidityRule::Fixed { seconds: HOUR }, ValidityRule::NoExpiry] {
        for asked in [HOUR, 1] {
            assert_eq!(period(&under(rule.clone(), 0), Some(asked)), Err("validity.outside-profile"));
        }
    }
}

// E-24: refused, never cut.
#[test]
fn e_24_a_certificate_that_would_outlive_its_issuer_is_refused() {
    let ends = World::new().issuer().certificate().validity().not_after();
    let left = ends.seconds() - NOW + 1;
    assert_eq!(period(&under(ValidityRule::Fixed { seconds: left }, 0), None).unwrap().not_after(), ends);
    assert_eq!(
        period(&under(ValidityRule::Fixed { seconds: left + 1 }, 0), None),
        Err("validity.exceeds-issuer")
    );
    assert_eq!(period(&under(ValidityRule::NoExpiry, 0), None), Err("validity.exceeds-issuer"));
}

#[test]
fn a_length_that_leaves_the_calendar_is_refused_and_not_cut_to_its_end() {
    let rule = ValidityRule::Fixed { seconds: UnixTime::NO_EXPIRY.seconds() };
    assert_eq!(period(&under(rule, 0), None), Err("validity.outside-profile"));
}

// Check 16: the issuing window of a CA, whose last second belongs to it.
#[test]
fn nothing_is_issued_after_the_issuing_window() {
    for (moment, closed) in [(NOW, false), (NOW + HOUR, false), (NOW + HOUR + 1, true)] {
        let world = World::with(SecuritySuite::Suite1, |charter| {
            charter.issuer = with_window(&charter.issuer, at(NOW + HOUR));
        });
        world.clock.set(moment);
        let outcome = world.authority.enrol(world.by_operator("op-ds", 1, 1));
        if closed {
            assert_eq!(outcome.as_ref().unwrap_err().fault(), Fault::Ours);
            world.assert_refused(outcome, "issuer.window-closed", FOUNDED);
        } else {
            assert!(outcome.is_ok());
        }
    }
}

// RFC 6960 §4.2.2.2: status is spoken of as long as there is something to speak of.
#[test]
fn responders_are_certified_after_the_issuing_window_until_the_ca_itself_ends() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        charter.issuer = with_window(&charter.issuer, at(NOW - HOUR));
    });
    assert!(world.authority.enrol(by_process(&world)).is_ok());
    world.clock.set(world.issuer().certificate().validity().not_after().seconds() + 1);
    let error = world.authority.enrol(by_process(&world)).unwrap_err();
    assert_eq!(error.code(), "issuer.window-closed");
}

#[test]
fn a_clock_outside_the_issuers_own_period_issues_nothing() {
    let validity = World::new().issuer().certificate().validity();
    let (begins, ends) = (validity.not_before().seconds(), validity.not_after().seconds());
    for absurd in [i64::MIN, -1, 0, begins - 1, ends + 1, UnixTime::NO_EXPIRY.seconds()] {
        let world = World::with(SecuritySuite::Suite1, |charter| {
            charter.issuer = with_window(&charter.issuer, UnixTime::NO_EXPIRY);
        });
        world.clock.set(absurd);
        let error = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
        let expected = ["issuer.window-closed", "validity.outside-profile"];
        assert!(expected.contains(&error.code()), "{absurd}: {error}");
        assert_eq!(world.count(ca_core::record::CertificateStatus::Good), FOUNDED);
    }
}
