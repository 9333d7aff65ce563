//! Case H-08: the process with the module ends, and the authority does not.

use e2e::patience::eventually;
use pkcs11_faults::{Deed, Plan};

use crate::house::{House, Keeping};
use crate::load::Told;

impl House {
    /// Looks at the authority without its signer, and starts that again.
    fn start_again(&self, told: &Told) {
        eventually("the authority says that it is not ready", || (!self.ready()).then_some(()));
        let before = told.put_off();
        eventually("some are put off", || (told.put_off() > before).then_some(()));
        drop(self.rehearsal.operator(&["ca", "list"]).ok());
        self.start_signer();
        eventually("the authority says that it is ready", || self.ready().then_some(()));
    }
}

fn survives(on_token: bool) {
    let mut house = House::new(on_token);
    let number = house.rehearsal.process_number();
    assert!(!House::mapped(number).contains("libsofthsm2"), "the authority maps no module");
    assert_eq!(House::mapped(house.signer_number()).contains("libsofthsm2"), on_token);
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    house.under_load(|told| {
        house.kill_signer();
        house.start_again(told);
    });
    assert_eq!(house.rehearsal.process_number(), number, "it is the same process");
    house.check();
}

#[test]
fn h_08_the_authority_outlives_a_signer_with_a_token_that_is_killed_under_load() {
    survives(true);
}

#[test]
fn h_08_the_same_with_keys_in_files() {
    survives(false);
}

/// The module ends the signer in the middle of `C_Sign`: the authority can never know whether that was signed.
#[test]
fn h_08_a_module_that_crashes_while_it_signs_leaves_an_uncertain_intent_that_is_never_signed_again() {
    let mut house = House::prepared(Keeping::WithSigner(&["online"]));
    // Nothing but certificates is signed meanwhile, so that the call that crashes is for one.
    house.rehearsal.configure("unsigned.toml", |text| {
        let lines =
            text.lines().filter(|line| !line.starts_with("checkpoint_key") && !line.starts_with("origin"));
        lines.map(|line| format!("{line}\n")).collect()
    });
    house.start();
    let before = house.rehearsal.audited();
    let uncertain = house.under_load(|told| {
        house.tokens().plan(&Plan::new().once("C_Sign", Deed::Abort));
        house.await_end_of_signer();
        assert_eq!(house.tokens().calls("C_Sign"), 1, "the call was made");
        house.tokens().plan(&Plan::new());
        house.start_again(told);
    });
    assert!(uncertain >= 1, "the request in flight was for a certificate");
    let told = house.recorded("intent-uncertain", before);
    assert!(!told.is_empty(), "the intent in flight is uncertain");
    // One event when the signer went, one when it was back.
    let turns = ["signer-failed", "signer-recovered"].map(|act| house.recorded(act, before));
    assert!(turns.iter().all(|told| told.len() == 1 && told[0].starts_with("the signer")), "{turns:?}");
    house.check();
}
