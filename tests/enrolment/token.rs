//! Enrolment by a one-time token over HTTP Basic. RFC 7030 §3.2.3.

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Answer, Shown, certificate_of, enrol, field};
use e2e::rehearsal::Rehearsal;

use crate::refused::refused;

/// A meter without factory certificates.
const BARE: &str = "4D504B01000000D1";

/// A meter that the token is not for.
const OTHER: &str = "4D504B01000000D2";

fn rehearsed() -> Rehearsal {
    let rehearsal = Rehearsal::start(1);
    rehearsal.expect_devices("dso", &[BARE, OTHER]);
    rehearsal
}

#[test]
fn a_token_enrols_its_device_once() {
    let rehearsal = rehearsed();
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    let token: Shown = rehearsal.token(BARE, "meter-op-tls-s1").into();
    let credential = meter.enrol("meter-op-tls", &token);
    assert_eq!(field(&credential.certificate, "-subject"), format!("CN={BARE}"));
    refused(&rehearsal, BARE, (409, "slot.taken"), || meter.try_enrol("meter-op-tls", &token));
    // Also when the place is free again.
    rehearsal.revoke(&credential.serial(), "superseded");
    refused(&rehearsal, BARE, (403, "token.spent"), || meter.try_enrol("meter-op-tls", &token));
}

#[test]
fn a_wrong_password_is_refused_and_asked_for_again() {
    let rehearsal = rehearsed();
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    let (user, _) = rehearsal.token(BARE, "meter-op-tls-s1");
    let wrong = Shown::Password { user, password: "AAAAAAAAAAAAAAAAAAAAAA".to_owned() };
    refused(&rehearsal, BARE, (401, "authn.password"), || {
        let answer = meter.try_enrol("meter-op-tls", &wrong);
        assert_eq!(answer.field("WWW-Authenticate"), Some("Basic realm=\"est\""));
        answer
    });
}

// Case E-01.
#[test]
fn e_01_without_credentials_a_request_is_refused_and_they_are_asked_for() {
    let rehearsal = rehearsed();
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    refused(&rehearsal, BARE, (401, "authn.none"), || {
        let answer = meter.try_enrol("meter-op-tls", &Shown::Nothing);
        assert_eq!(answer.field("WWW-Authenticate"), Some("Basic realm=\"est\""));
        answer
    });
}

// Case E-29.
#[test]
fn e_29_a_token_is_refused_for_another_device_and_stays_good_for_its_own() {
    let rehearsal = rehearsed();
    let token: Shown = rehearsal.token(BARE, "meter-op-tls-s1").into();
    let other = Meter::new(&rehearsal, OTHER, Suite::One);
    refused(&rehearsal, OTHER, (403, "subject.other"), || other.try_enrol("meter-op-tls", &token));
    drop(Meter::new(&rehearsal, BARE, Suite::One).enrol("meter-op-tls", &token));
}

#[test]
fn a_token_is_refused_under_another_profile() {
    let rehearsal = rehearsed();
    let token: Shown = rehearsal.token(BARE, "meter-op-tls-s1").into();
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    refused(&rehearsal, BARE, (403, "profile.other"), || meter.try_enrol("meter-op-ds", &token));
}

#[test]
fn a_token_does_not_make_up_for_a_device_that_is_not_expected() {
    let rehearsal = Rehearsal::start(1);
    let token: Shown = rehearsal.token(BARE, "meter-op-tls-s1").into();
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    refused(&rehearsal, BARE, (403, "device.not-expected"), || meter.try_enrol("meter-op-tls", &token));
}

// Case E-30.
#[test]
fn e_30_of_many_who_use_a_token_at_the_same_time_one_gets_a_certificate() {
    let rehearsal = Rehearsal::for_a_crowd();
    rehearsal.expect_devices("dso", &[BARE, OTHER]);
    let meter = Meter::new(&rehearsal, BARE, Suite::One);
    let token: Shown = rehearsal.token(BARE, "meter-op-tls-s1").into();
    let requests: Vec<Vec<u8>> = (0..100).map(|_| meter.ask().request).collect();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = |request| enrol(&rehearsal, "meter-op-tls-s1", request, &token);
        let asking: Vec<_> = requests.iter().map(|request| scope.spawn(move || ask(request))).collect();
        asking.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let (lucky, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 200);
    let [one] = lucky.as_slice() else { panic!("{} certificates for one token", lucky.len()) };
    for answer in refused {
        // Whoever comes while the one certificate is being signed finds the slot or the token taken.
        assert!([403, 409].contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
    let serial = e2e::peer::serial(&certificate_of(&rehearsal, one));
    assert_eq!(meter.on_record(), [(serial, "good".to_owned())]);
}
