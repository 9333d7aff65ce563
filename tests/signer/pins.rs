//! Case H-05: a token that comes back refuses the PIN.

use e2e::patience::eventually;
use pkcs11_faults::{Deed, Plan};

use crate::house::{House, Keeping};
use crate::load::title;

const PIN_INCORRECT: u64 = 0xA0;

fn is_offered_the_pin_once(keeping: Keeping) {
    let mut house = House::prepared(keeping);
    house.start();
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    house.rehearsal.expect_devices("dso", &[&title(0)]);
    house.tokens().plan(&Plan::new().gone("online"));
    eventually("requests are put off", || (house.ask(&title(0)).status == 503).then_some(()));

    house.tokens().plan(&Plan::new().always("C_Login", Deed::Answer(PIN_INCORRECT)));
    let stopped = "pki_token_state{token=\"online\",state=\"stopped\"} 1\n";
    eventually("it is not asked any more", || house.page("metrics").contains(stopped).then_some(()));
    let why = "the token online refused the PIN, which is not tried again";
    eventually("health says why", || house.page("health").contains(why).then_some(()));
    assert!(!house.ready());
    let log = if house.has_signer() { house.signer_log() } else { house.rehearsal.log() };
    assert!(
        log.contains(
            "the token refuses the PIN, which is not tried again: C_Login answered CKR_PIN_INCORRECT"
        )
    );
    for _ in 0..4 {
        let answer = house.ask(&title(0));
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.field("Retry-After").is_some());
    }
    assert_eq!(house.tokens().calls("C_Login"), 1, "whoever asks costs no try");
    // Also where the PIN would be right by now: somebody has to look.
    house.tokens().plan(&Plan::new());
    assert_eq!(house.ask(&title(0)).status, 503);
    assert_eq!(house.tokens().calls("C_Login"), 0);

    // The token is not locked: the program is started anew, and serves.
    house.rehearsal.stop();
    if house.has_signer() {
        house.stop_signer();
    }
    house.start();
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    assert_eq!(house.ask(&title(0)).status, 200);
    house.check();
}

#[test]
fn h_05_a_token_of_the_authority_that_comes_back_and_refuses_the_pin_is_offered_it_once() {
    is_offered_the_pin_once(Keeping::WithAuthority(&["online"]));
}

#[test]
fn h_05_the_same_with_the_token_behind_a_signer() {
    is_offered_the_pin_once(Keeping::WithSigner(&["online"]));
}
