//! C-24: an error at every call of every port. No certificate is issued; the intent ends as what is certain of it.

use ca_core::fault::Fault;
use ca_core::record::CertificateStatus;

use crate::doubles::clock::{NOW, at};
use crate::doubles::journal::{Failing, Step};
use crate::scenarios::{self, Scenario};

/// What the ledger must say of an intent when the call at this step failed and every other did not.
fn ending(step: &Step) -> Option<CertificateStatus> {
    match step {
        // Nothing was recorded.
        Step::Fill
        | Step::StatusOf
        | Step::Certificate
        | Step::Certificates
        | Step::Device
        | Step::Token
        | Step::Transaction
        | Step::Unconfirmed
        | Step::PublicKey
        | Step::RecordIntents(_) => None,
        // The signer signed nothing.
        Step::BeginSigning(_) | Step::Sign => Some(CertificateStatus::Aborted),
        // A signature exists.
        Step::RecordIssued(_) => Some(CertificateStatus::Uncertain { since: at(NOW) }),
        Step::Settle(_)
        | Step::RecordEvent(_)
        | Step::RecordRevocation
        | Step::RecordRelease
        | Step::RecordDecision
        | Step::OpenTransaction
        | Step::RecordAnswer
        | Step::Conclude
        | Step::Due => panic!("no step of a success"),
    }
}

/// Calls `check` with every scenario and every step of its success.
fn at_every_step(check: impl Fn(Scenario, usize, &Step)) {
    for number in 0..scenarios::COUNT {
        let Scenario { world, request, .. } = scenarios::numbered(number);
        world.authority.enrol(request).unwrap();
        let steps = world.journal.steps();
        assert!(steps.len() >= 5, "{steps:?}");
        for (place, step) in steps.iter().enumerate() {
            check(scenarios::numbered(number), place, step);
        }
    }
}

#[test]
fn c_24_one_failing_call_gives_no_certificate_one_refusal_and_the_right_ending() {
    at_every_step(|Scenario { name, world, request, rows }, place, step| {
        let what = format!("{name}, failing at {step:?}");
        let (good, made) = (world.count(CertificateStatus::Good), world.signer.made());
        world.journal.start(Failing::At(place));
        let error = world.authority.enrol(request).expect_err(&what);
        assert_eq!(error.fault(), Fault::Unavailable, "{what}");
        assert_eq!(world.count(CertificateStatus::Good), good, "{what}: nothing issued");
        assert_eq!(world.count(CertificateStatus::Pending), 0, "{what}: nothing left open");
        let endings = ending(step).into_iter().count();
        assert_eq!(world.ledger.statuses().len(), rows + endings, "{what}: rows");
        if let Some(status) = ending(step) {
            assert_eq!(world.count(status), 1, "{what}: ends as {status:?}");
        }
        assert_eq!(world.ledger.refusals(), [error.code()], "{what}");
        let signed = matches!(step, Step::RecordIssued(_));
        assert_eq!(world.signer.made() > made, signed, "{what}: signatures");
    });
}

#[test]
fn what_failed_once_succeeds_when_it_is_asked_again() {
    at_every_step(|Scenario { name, world, request, .. }, place, step| {
        world.journal.start(Failing::At(place));
        world.authority.enrol(request.clone()).expect_err(name);
        world.journal.start(Failing::Never);
        let again = world.authority.enrol(request);
        assert!(again.is_ok(), "{name}, after {step:?} failed: {again:?}");
    });
}

#[test]
fn c_24_ports_that_stay_away_give_no_certificate_and_leave_the_rest_to_recovery() {
    at_every_step(|Scenario { name, world, request, .. }, place, step| {
        let what = format!("{name}, failing from {step:?} on");
        let good = world.count(CertificateStatus::Good);
        world.journal.start(Failing::From(place));
        let error = world.authority.enrol(request).expect_err(&what);
        assert_eq!((error.code(), error.fault()), ("unavailable", Fault::Unavailable), "{what}");
        assert_eq!(world.count(CertificateStatus::Good), good, "{what}: nothing issued");
        assert_eq!(world.ledger.refusals(), Vec::<String>::new(), "{what}: nothing could be recorded");
    });
}

#[test]
fn what_failed_is_told_to_the_log_and_not_to_the_requester() {
    let Scenario { world, request, .. } = scenarios::numbered(0);
    world.journal.start(Failing::At(2));
    let error = world.authority.enrol(request).unwrap_err();
    assert_eq!(error.to_string(), "the ledger is unavailable: switched off by the test");
    let [event] = world.ledger.events().try_into().unwrap();
    assert_eq!(event.reason, "unavailable");
    assert!(!event.detail.contains("switched off"), "{}", event.detail);
}
