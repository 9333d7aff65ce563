//! The cases of the catalogue that are of a token and its module (H-01 to H-15), each by its name, on SoftHSM2 behind the
//! module that fails as planned.

use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signing::{IntegerLength, SignFailure, sign_verified};
use ca_core::suite::Curve;
use pkcs11_faults::{Deed, Plan};
use signer_pkcs11::{TokenEvent, TokenOptions, TokenSigner, TokenState, TokenUri};

use crate::softhsm::{PIN, Softhsm, find_module, log_in, on_softhsm, pin, pin_of};

const DEVICE_ERROR: u64 = 0x30;
const KEY_HANDLE_INVALID: u64 = 0x60;
const SESSION_CLOSED: u64 = 0xB0;
const SESSION_HANDLE_INVALID: u64 = 0xB3;
const USER_ALREADY_LOGGED_IN: u64 = 0x100;
const USER_NOT_LOGGED_IN: u64 = 0x101;
const USER_PIN_NOT_INITIALIZED: u64 = 0x102;

/// Short rests, and calls that are given up while the test looks on.
pub(crate) fn options() -> TokenOptions {
    TokenOptions {
        longest_queue: Duration::from_secs(60),
        longest_call: Duration::from_secs(2),
        shortest_rest: Duration::from_millis(20),
        longest_rest: Duration::from_millis(200),
        ..TokenOptions::default()
    }
}

/// Puts a plan into force.
fn plan(softhsm: &Softhsm, plan: Plan) {
    plan.write(&softhsm.path("plan")).unwrap();
}

fn calls(softhsm: &Softhsm, function: &str) -> usize {
    pkcs11_faults::calls(&softhsm.path("plan"), function).unwrap()
}

/// The token through the module that fails as planned.
pub(crate) fn uri(token: &str) -> TokenUri {
    let module = pkcs11_faults::file_of_module().unwrap();
    TokenUri::parse(&format!("pkcs11:token={token}?module-path={}", module.display())).unwrap()
}

/// A token with one key, and a signer on it that has signed.
fn token_in_use(softhsm: &Softhsm, options: TokenOptions) -> (TokenSigner, PublicKey) {
    softhsm.make_token("t");
    plan(softhsm, Plan::new());
    let signer = TokenSigner::attend(&uri("t"), pin(), options).unwrap();
    let key = signer.generate(Curve::P256, "k").unwrap();
    sign(&signer, &key).unwrap();
    (signer, key)
}

pub(crate) fn sign(signer: &dyn Signer, key: &PublicKey) -> Result<(), SignError> {
    let signature = signer.sign(&key.key_ref(), b"message")?;
    key.verify(b"message", &signature).unwrap();
    Ok(())
}

/// Waits until something is so. What it waits for comes from another thread; the runner ends a test that waits for ever.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::park_timeout(Duration::from_millis(2));
    }
}

pub(crate) fn serves(signer: &TokenSigner) -> bool {
    signer.state() == TokenState::Serving
}

/// Gathers what an observer is told.
fn events(signer: &TokenSigner) -> Arc<Mutex<Vec<TokenEvent>>> {
    let told = Arc::<Mutex<Vec<TokenEvent>>>::default();
    let theirs = Arc::clone(&told);
    signer.observe(Arc::new(move |event| theirs.lock().unwrap().push(event.clone())));
    told
}

#[test]
fn h_01_a_device_error_while_signing_opens_the_breaker_with_one_event_until_a_signature_is_good() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        let told = events(&signer);
        plan(softhsm, Plan::new().always("C_Sign", Deed::AnswerAfter(DEVICE_ERROR)));
        let first = sign(&signer, &key).unwrap_err();
        assert!(matches!(first, SignError::OutcomeUnknown { .. }), "{first:?}");
        let second = sign(&signer, &key).unwrap_err();
        assert!(second.again_in().is_some(), "{second:?}");
        assert!(second.to_string().contains("C_Sign answered CKR_DEVICE_ERROR"), "{second}");
        // Three probes fail; who asks meanwhile is not handed on to the token.
        until(|| calls(softhsm, "C_Sign") >= 4);
        assert!(!serves(&signer));
        plan(softhsm, Plan::new());
        until(|| serves(&signer));
        sign(&signer, &key).unwrap();
        until(|| told.lock().unwrap().len() >= 2);
        let told = told.lock().unwrap();
        let [TokenEvent::Failed { cause, .. }, TokenEvent::Recovered { .. }] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(cause.contains("CKR_DEVICE_ERROR"), "{cause}");
    });
}

#[test]
fn h_02_what_was_lost_before_signing_is_found_again_and_the_token_signs_once() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        let answers = [USER_NOT_LOGGED_IN, KEY_HANDLE_INVALID, SESSION_HANDLE_INVALID, SESSION_CLOSED]
            .map(Deed::Answer);
        for deed in answers.into_iter().chain([Deed::Logout, Deed::Restart]) {
            plan(softhsm, Plan::new().once("C_SignInit", deed));
            sign(&signer, &key).unwrap();
            assert_eq!(calls(softhsm, "C_Sign"), 1, "{deed:?}");
            assert!(serves(&signer));
        }
    });
}

#[test]
fn h_03_a_call_that_hangs_is_given_up_and_only_one_that_signs_leaves_the_outcome_unknown() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        plan(softhsm, Plan::new());
        let key = TokenSigner::open(&uri("t"), pin()).unwrap().generate(Curve::P256, "k").unwrap();
        for (function, deed, unknown) in [
            ("C_OpenSession", Deed::Hang, false),
            ("C_Login", Deed::Hang, false),
            ("C_FindObjectsInit", Deed::Hang, false),
            // Before C_Sign, but in one call of the library with it: the careful answer.
            ("C_SignInit", Deed::Hang, true),
            ("C_Sign", Deed::Hang, true),
            ("C_Sign", Deed::HangAfter, true),
        ] {
            let signer = TokenSigner::attend(&uri("t"), pin(), options()).unwrap();
            sign(&signer, &key).unwrap();
            // The login ends, so that the next signature needs another one, a session and its key.
            softhsm.session("t").logout().unwrap();
            plan(softhsm, Plan::new().always(function, deed));
            let refusal = sign(&signer, &key).unwrap_err();
            assert_eq!(
                matches!(refusal, SignError::OutcomeUnknown { .. }),
                unknown,
                "{function}: {refusal:?}"
            );
            assert!(refusal.to_string().contains("did not come back"), "{function}: {refusal}");
            assert!(!serves(&signer));
            // The thread that hangs still does; others look for the token, and serve.
            plan(softhsm, Plan::new());
            until(|| serves(&signer));
            sign(&signer, &key).unwrap();
        }
    });
}

#[test]
fn h_03_a_call_that_hangs_keeps_no_other_waiting_for_ever() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        plan(softhsm, Plan::new().once("C_Sign", Deed::Hang));
        thread::scope(|scope| {
            let hanging = scope.spawn(|| sign(&signer, &key).unwrap_err());
            until(|| calls(softhsm, "C_Sign") >= 1);
            for _ in 0..20 {
                sign(&signer, &key).unwrap();
            }
            assert!(matches!(hanging.join().unwrap(), SignError::OutcomeUnknown { .. }));
        });
        until(|| serves(&signer));
        sign(&signer, &key).unwrap();
    });
}

#[test]
fn h_04_a_token_that_is_missing_at_start_serves_once_it_is_there() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        drop(signer);
        plan(softhsm, Plan::new().gone("t"));
        let signer = TokenSigner::attend(&uri("t"), pin(), options()).unwrap();
        assert!(!serves(&signer));
        assert_eq!(signer.token().label, "t", "as the URI says it");
        let told = events(&signer);
        assert!(matches!(told.lock().unwrap().as_slice(), [TokenEvent::Failed { .. }]));
        let refusal = sign(&signer, &key).unwrap_err();
        assert!(refusal.again_in().is_some(), "{refusal:?}");
        assert!(refusal.to_string().contains("no token is token=t"), "{refusal}");
        plan(softhsm, Plan::new());
        until(|| serves(&signer));
        sign(&signer, &key).unwrap();
        assert_ne!(signer.token().serial, "", "as it says itself");
    });
}

#[test]
fn h_04_a_token_that_is_pulled_out_under_load_and_plugged_in_again_serves_again() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        for _ in 0..3 {
            let (signed, next_signed) = mpsc::channel();
            thread::scope(|scope| {
                for _ in 0..4 {
                    let (signed, signer, key) = (signed.clone(), &signer, &key);
                    // Until the token is gone; then every answer is one of the two that tell the truth.
                    scope.spawn(move || {
                        while sign(signer, key).is_ok() {
                            signed.send(()).unwrap();
                        }
                    });
                }
                drop(signed);
                assert_eq!(next_signed.iter().take(20).count(), 20);
                plan(softhsm, Plan::new().gone("t"));
            });
            until(|| !serves(&signer));
            plan(softhsm, Plan::new());
            until(|| serves(&signer));
            sign(&signer, &key).unwrap();
        }
    });
}

#[test]
fn h_05_a_wrong_pin_is_tried_once_at_start_and_once_when_it_was_changed_while_the_token_was_away() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        drop(signer);
        plan(softhsm, Plan::new());
        let refusal = TokenSigner::attend(&uri("t"), pin_of("wrong-pin"), options()).unwrap_err();
        assert!(refusal.to_string().contains("refuses the PIN"), "{refusal}");
        assert_eq!(calls(softhsm, "C_Login"), 1);

        let signer = TokenSigner::attend(&uri("t"), pin(), options()).unwrap();
        plan(softhsm, Plan::new().gone("t"));
        sign(&signer, &key).unwrap_err();
        let session = softhsm.session("t");
        log_in(&session);
        session.set_pin(&PIN.into(), &"another-pin".into()).unwrap();
        session.logout().unwrap();
        plan(softhsm, Plan::new());
        until(|| signer.state() == TokenState::Stopped);
        for _ in 0..3 {
            let refusal = sign(&signer, &key).unwrap_err();
            assert!(refusal.to_string().contains("not tried again"), "{refusal}");
        }
        assert_eq!(calls(softhsm, "C_Login"), 1);
    });
}

/// What SoftHSM2 says where another program was writing the token when it read it, until it is begun anew: no PIN was refused.
#[test]
fn h_05_that_a_token_has_no_pin_is_no_refusal_and_the_module_is_begun_anew() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        drop(signer);
        plan(softhsm, Plan::new().once("C_Login", Deed::Answer(USER_PIN_NOT_INITIALIZED)));
        let signer = TokenSigner::open_with(&uri("t"), pin(), options()).unwrap();
        sign(&signer, &key).unwrap();
        assert_eq!(["C_Login", "C_Finalize"].map(|function| calls(softhsm, function)), [2, 1]);

        let logged_out = Deed::Answer(USER_NOT_LOGGED_IN);
        let without = Deed::Answer(USER_PIN_NOT_INITIALIZED);
        plan(softhsm, Plan::new().once("C_SignInit", logged_out).between("C_Login", 1, 2, without));
        let refusal = sign(&signer, &key).unwrap_err();
        assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("the token has no user PIN"), "{refusal}");
        until(|| serves(&signer));
        sign(&signer, &key).unwrap();
    });
}

#[test]
fn h_05_a_token_whose_pin_is_set_by_another_program_later_is_waited_for() {
    on_softhsm(|softhsm| {
        let tool = |arguments: &[&str]| {
            let mut tool = Command::new("pkcs11-tool");
            let said = tool.arg("--module").arg(find_module()).args(arguments).output().unwrap();
            assert!(said.status.success(), "{said:?}");
        };
        plan(softhsm, Plan::new());
        tool(&["--init-token", "--slot-index", "0", "--label", "t", "--so-pin", "so-1234"]);
        let signer = TokenSigner::attend(&uri("t"), pin(), options()).unwrap();
        assert!(!serves(&signer));
        assert!(signer.standing().cause.contains("no user PIN"), "{}", signer.standing().cause);
        let officer = ["--token-label", "t", "--login", "--login-type", "so", "--so-pin", "so-1234"];
        tool(&[&officer[..], &["--init-pin", "--new-pin", PIN]].concat());
        until(|| serves(&signer));
        let key = signer.generate(Curve::P256, "k").unwrap();
        sign(&signer, &key).unwrap();
    });
}

#[test]
fn h_06_a_corrupted_signature_never_leaves_the_signing_step() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        plan(softhsm, Plan::new().once("C_Sign", Deed::Flip));
        let failure = sign_verified(&signer, &key.key_ref(), &key, b"tbs", IntegerLength::Any).unwrap_err();
        assert!(matches!(failure, SignFailure::DoesNotVerify { .. }), "{failure:?}");
        sign_verified(&signer, &key.key_ref(), &key, b"tbs", IntegerLength::Any).unwrap();
    });
}

#[test]
fn h_07_a_good_signature_by_another_key_never_leaves_the_signing_step() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        let other = signer.generate(Curve::P256, "other").unwrap();
        plan(softhsm, Plan::new().once("C_SignInit", Deed::OtherKey));
        let signature = signer.sign(&key.key_ref(), b"tbs").unwrap();
        other.verify(b"tbs", &signature).expect("it is a good one, or this tests nothing");
        plan(softhsm, Plan::new().once("C_SignInit", Deed::OtherKey));
        let failure = sign_verified(&signer, &key.key_ref(), &key, b"tbs", IntegerLength::Any).unwrap_err();
        assert!(matches!(failure, SignFailure::DoesNotVerify { .. }), "{failure:?}");
    });
}

#[test]
fn h_09_who_finds_no_session_in_time_is_refused_and_nothing_is_asked_of_the_token() {
    on_softhsm(|softhsm| {
        let slow = TokenOptions {
            sessions: NonZeroUsize::MIN,
            longest_queue: Duration::from_millis(500),
            longest_call: Duration::from_secs(600),
            ..options()
        };
        let (signer, key) = token_in_use(softhsm, slow);
        plan(softhsm, Plan::new().once("C_Sign", Deed::Hang));
        thread::scope(|scope| {
            let first = scope.spawn(|| sign(&signer, &key));
            until(|| calls(softhsm, "C_Sign") == 1);
            let refusal = sign(&signer, &key).unwrap_err();
            assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
            assert!(refusal.to_string().contains("no session of the token became free"), "{refusal}");
            assert_eq!(calls(softhsm, "C_SignInit"), 1);
            assert!(serves(&signer), "to be slow is no fault");
            plan(softhsm, Plan::new());
            first.join().unwrap().unwrap();
        });
        sign(&signer, &key).unwrap();
    });
}

#[test]
fn h_11_slots_may_be_renumbered_while_the_token_is_in_use() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        for shift in [7, 1_000, 0] {
            plan(softhsm, Plan::new().renumbered(shift).once("C_SignInit", Deed::Restart));
            sign(&signer, &key).unwrap();
            // A second session has to be opened, in the slot of the moment.
            assert_eq!(signer.keys().unwrap().len(), 1);
        }
    });
}

#[test]
fn h_13_a_user_who_is_logged_in_already_is_logged_in() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        plan(softhsm, Plan::new().always("C_Login", Deed::AnswerAfter(USER_ALREADY_LOGGED_IN)));
        let another = TokenSigner::open(&uri("t"), pin()).unwrap();
        sign(&another, &key).unwrap();
        drop((signer, another));
        // None of this process is logged in by now: the answer comes of the login that the module makes all the same.
        sign(&TokenSigner::open(&uri("t"), pin()).unwrap(), &key).unwrap();
    });
}

#[test]
fn h_14_more_requests_than_sessions_wait_their_turn() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        drop(signer);
        plan(softhsm, Plan::new().sessions(3));
        let signer = TokenSigner::attend(&uri("t"), pin(), options()).unwrap();
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| (0..4).for_each(|_| sign(&signer, &key).unwrap()));
            }
        });
        assert!(serves(&signer));
    });
}

#[test]
fn every_error_at_every_call_is_told_truthfully_and_survived() {
    on_softhsm(|softhsm| {
        let (signer, key) = token_in_use(softhsm, options());
        let functions =
            ["C_GetSessionInfo", "C_Login", "C_FindObjectsInit", "C_OpenSession", "C_SignInit", "C_Sign"];
        // General error, arguments bad, device memory, removed, session closed, token not present, vendor's own.
        for code in [0x5, 0x7, 0x31, 0x32, 0xB0, 0xE0, 0x8000_0001] {
            for function in functions {
                plan(
                    softhsm,
                    Plan::new().always(function, Deed::Answer(code)).once("C_SignInit", Deed::Logout),
                );
                match sign(&signer, &key) {
                    Ok(()) | Err(SignError::Unavailable { .. }) => {}
                    Err(SignError::OutcomeUnknown { .. }) if function == "C_Sign" => {}
                    Err(other) => panic!("{function} {code:#x}: {other:?}"),
                }
                plan(softhsm, Plan::new());
                until(|| serves(&signer) && sign(&signer, &key).is_ok());
            }
        }
    });
}
