//! Case H-03: a call to the token does not come back.

use std::time::{Duration, Instant};

use e2e::patience::eventually;
use e2e::peer::{certificate_of, path};
use pkcs11_faults::{Deed, Plan};

use crate::house::{House, Keeping};
use crate::load::title;

/// Calls are given up soon, so that what a test waits for comes soon.
const SHORT_CALLS: &str =
    "token = { longest_rest_seconds = 2, longest_call_seconds = 2, longest_queue_seconds = 2 }";

/// What a request may take at most while calls hang: to wait for a thread, and for a call. The rest is for a machine at work.
const DEADLINE: Duration = Duration::from_secs(2 + 2 + 16);

/// A meter that had a certificate before, and one that asks while calls hang.
const OTHER: usize = 90;
const ASKS: usize = 91;

#[expect(clippy::disallowed_methods, reason = "an answer that is promised within a time is timed")]
fn outlives_a_token_that_hangs(keeping: Keeping) {
    let mut house = House::prepared_with(keeping, SHORT_CALLS);
    house.start();
    let number = house.rehearsal.process_number();
    house.rehearsal.expect_devices("dso", &[&title(OTHER), &title(ASKS)]);
    let answer = house.ask(&title(OTHER));
    let certificate = path(&certificate_of(&house.rehearsal, &answer));
    assert!(house.ocsp_of(&certificate).contains(": good"));
    let before = house.rehearsal.audited();
    house.under_load(|told| {
        house.tokens().plan(&Plan::new().always("C_Sign", Deed::Hang));
        let asked = Instant::now();
        let answer = house.ask(&title(ASKS));
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.field("Retry-After").is_some());
        assert!(asked.elapsed() < DEADLINE, "{:?}", asked.elapsed());
        // Whoever asks for no signature is answered while calls hang.
        assert!(!house.ready());
        let health = house.page("health");
        assert!(health.contains("did not come back within 2s"), "{health}");
        drop(house.rehearsal.operator(&["ca", "list"]).ok());
        assert!(house.ocsp_of(&certificate).contains(": good"), "answered before, and answered still");
        eventually("calls that hang are counted", || {
            let metrics = house.page("metrics");
            let line = metrics
                .lines()
                .find_map(|line| line.strip_prefix("pki_token_calls_hanging{token=\"online\"} "));
            line.is_some_and(|count| count != "0").then_some(())
        });
        let put_off = told.put_off();
        eventually("some are put off", || (told.put_off() > put_off + 4).then_some(()));

        house.tokens().plan(&Plan::new());
        eventually("the authority says that it is ready", || house.ready().then_some(()));
    });
    assert_eq!(house.rehearsal.process_number(), number, "it is the same process");
    let turns = ["signer-failed", "signer-recovered"].map(|act| house.recorded(act, before).len());
    assert_eq!(turns, [1, 1]);
    eventually("what hung has come back", || {
        house.page("metrics").contains("pki_token_calls_hanging{token=\"online\"} 0\n").then_some(())
    });
    house.check();
}

#[test]
fn h_03_a_token_of_the_authority_that_hangs_keeps_nobody_and_serves_when_it_comes_back() {
    outlives_a_token_that_hangs(Keeping::WithAuthority(&["online"]));
}

#[test]
fn h_03_the_same_with_the_token_behind_a_signer() {
    outlives_a_token_that_hangs(Keeping::WithSigner(&["online"]));
}
