//! Faults that a healthy token never shows: a module between the signer and SoftHSM2 answers them on demand.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use signer_pkcs11::{GenerateKeyError, OpenTokenError, TokenOptions, TokenSigner, TokenUri, UseTokenError};

use crate::softhsm::{Softhsm, on_softhsm, pin, pin_of};

const DEVICE_ERROR: u64 = 0x30;
const DEVICE_REMOVED: u64 = 0x32;
const KEY_HANDLE_INVALID: u64 = 0x60;
const SESSION_HANDLE_INVALID: u64 = 0xB3;
const USER_NOT_LOGGED_IN: u64 = 0x101;
const USER_PIN_FINAL_TRY: u64 = 0x2_0000;
const USER_PIN_LOCKED: u64 = 0x4_0000;

/// For as long as a test lasts.
const ALWAYS: u32 = 1_000_000;

/// The module that makes faults, in front of SoftHSM2 with one token.
struct FaultyModule<'a> {
    softhsm: &'a Softhsm,
    uri: TokenUri,
}

impl<'a> FaultyModule<'a> {
    fn new(softhsm: &'a Softhsm) -> Self {
        softhsm.make_token("t");
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/token/faulty_module.c");
        let module = softhsm.path("faulty_module.so");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-O1", "-o"])
            .args([&module, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("the C compiler cc, which links Rust programs too");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let uri = TokenUri::parse(&format!("pkcs11:token=t?module-path={}", module.display())).unwrap();
        Self { softhsm, uri }
    }

    /// Opens the token for somebody who, once it failed, leaves it alone until the test has ended.
    fn open(&self) -> Result<TokenSigner, OpenTokenError> {
        let rest = Duration::from_secs(3600);
        let options = TokenOptions { shortest_rest: rest, longest_rest: rest, ..TokenOptions::default() };
        TokenSigner::open_with(&self.uri, pin(), options)
    }

    /// A signer with one key that has signed once.
    fn signer(&self) -> (TokenSigner, PublicKey) {
        let signer = self.open().unwrap();
        let key = signer.generate(Curve::P256, "k").unwrap();
        sign(&signer, &key).unwrap();
        (signer, key)
    }

    /// Forgets the calls and the faults until now and orders others: what, which number, how often.
    fn order(&self, faults: &[(&str, u64, u32)]) {
        let mut lines = String::new();
        for (what, number, times) in faults {
            writeln!(lines, "{what} {number} {times}").unwrap();
        }
        fs::write(self.softhsm.path("faults"), lines).unwrap();
        fs::write(self.softhsm.path("calls"), "").unwrap();
    }

    /// Counts the calls of a function since faults were ordered.
    fn calls(&self, function: &str) -> usize {
        let calls = fs::read_to_string(self.softhsm.path("calls")).unwrap();
        calls.lines().filter(|call| *call == function).count()
    }
}

fn sign(signer: &TokenSigner, key: &PublicKey) -> Result<(), SignError> {
    let signature = signer.sign(&key.key_ref(), b"message")?;
    key.verify(b"message", &signature).unwrap();
    Ok(())
}

fn sign_with_eight_threads(signer: &TokenSigner, key: &PublicKey) {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| sign(signer, key).unwrap()));
        }
    });
}

// Case H-01, rule R7: a device error while signing leaves the outcome unknown, and nothing is signed a second time.
#[test]
fn calls_the_outcome_unknown_when_sign_itself_fails_and_does_not_sign_again() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        drop(signer);
        for answer in [DEVICE_ERROR, DEVICE_REMOVED, 0x8000_0001] {
            let signer = module.open().unwrap();
            module.order(&[("C_Sign", answer, 1)]);
            let refusal = sign(&signer, &key).unwrap_err();
            assert!(matches!(refusal, SignError::OutcomeUnknown { .. }), "{refusal:?}");
            assert!(refusal.to_string().contains("C_Sign answered "), "{refusal}");
            assert_eq!(module.calls("C_Sign"), 1);
        }
    });
}

// Case H-02: what proves that nothing was signed is tried again, once, and then it is an error.
#[test]
fn tries_once_more_when_the_login_or_a_handle_is_lost() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        drop(signer);
        for answer in
            [USER_NOT_LOGGED_IN, KEY_HANDLE_INVALID, SESSION_HANDLE_INVALID, DEVICE_REMOVED, DEVICE_ERROR]
        {
            let signer = module.open().unwrap();
            module.order(&[("C_SignInit", answer, 1)]);
            sign(&signer, &key).unwrap();
            assert_eq!(module.calls("C_SignInit"), 2);
            assert_eq!(module.calls("C_Sign"), 1);
            module.order(&[("C_SignInit", answer, 2)]);
            let refusal = sign(&signer, &key).unwrap_err();
            assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
            assert!(refusal.to_string().contains("C_SignInit answered CKR_"), "{refusal}");
            assert_eq!(module.calls("C_SignInit"), 2);
            assert_eq!(module.calls("C_Sign"), 0);
        }
    });
}

#[test]
fn recovers_when_the_master_session_is_lost_too() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        module.order(&[("C_SignInit", SESSION_HANDLE_INVALID, 1), ("C_Login", SESSION_HANDLE_INVALID, 1)]);
        sign(&signer, &key).unwrap();
        module.order(&[("C_SignInit", SESSION_HANDLE_INVALID, 1), ("C_Login", DEVICE_ERROR, 2)]);
        let refusal = sign(&signer, &key).unwrap_err();
        assert!(refusal.to_string().contains("C_Login answered CKR_DEVICE_ERROR"), "{refusal}");
        drop(signer);
        sign(&module.open().unwrap(), &key).unwrap();
    });
}

// Case H-05.
#[test]
fn tries_a_wrong_pin_exactly_once() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        module.order(&[]);
        TokenSigner::open(&module.uri, pin_of("wrong-pin")).unwrap_err();
        assert_eq!(module.calls("C_Login"), 1);
    });
}

// Case H-05: a restart loop with a wrong PIN must not use the last try.
#[test]
fn does_not_log_in_when_one_try_is_left_or_none() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        module.order(&[("token-flags", USER_PIN_FINAL_TRY, ALWAYS)]);
        let refusal = module.open().unwrap_err();
        assert!(matches!(refusal, OpenTokenError::Token(UseTokenError::PinFinalTry { .. })), "{refusal:?}");
        assert_eq!(module.calls("C_Login"), 0);
        module.order(&[("token-flags", USER_PIN_LOCKED, ALWAYS)]);
        let refusal = module.open().unwrap_err();
        assert!(matches!(refusal, OpenTokenError::Token(UseTokenError::PinLocked { .. })), "{refusal:?}");
        assert_eq!(module.calls("C_Login"), 0);
    });
}

// Case H-14: a token with fewer sessions than wanted serves all threads all the same.
#[test]
fn makes_do_with_the_sessions_that_the_token_has() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        drop(signer);
        module.order(&[("max-sessions", 3, ALWAYS)]);
        let signer = module.open().unwrap();
        sign_with_eight_threads(&signer, &key);
    });
}

#[test]
fn says_that_the_token_has_no_session_left() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        drop(signer);
        module.order(&[("max-sessions", 1, ALWAYS)]);
        let refusal = module.open().unwrap_err();
        assert!(refusal.to_string().contains("C_OpenSession answered CKR_SESSION_COUNT"), "{refusal}");
        module.order(&[("max-sessions", 2, ALWAYS)]);
        sign(&module.open().unwrap(), &key).unwrap();
    });
}

#[test]
fn opens_no_more_sessions_than_it_may_or_than_the_token_tells() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (_, key) = module.signer();
        for (told, allowed) in [(0, 3), (4, 8)] {
            module.order(&[("told-sessions", told, ALWAYS)]);
            let options =
                TokenOptions { sessions: NonZeroUsize::new(allowed).unwrap(), ..TokenOptions::default() };
            let signer = TokenSigner::open_with(&module.uri, pin(), options).unwrap();
            sign_with_eight_threads(&signer, &key);
            assert!(module.calls("C_OpenSession") <= 1 + 3, "one keeps the login, three work");
        }
    });
}

// Case H-02: sessions that rested while the login or the module went are not used, whatever their handles mean by now.
#[test]
fn uses_no_session_of_an_earlier_login() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let (signer, key) = module.signer();
        let rest_with_several_sessions = || {
            module.order(&[]);
            // One of them rests already, so one more means two.
            while module.calls("C_OpenSession") == 0 {
                sign_with_eight_threads(&signer, &key);
            }
        };
        rest_with_several_sessions();
        softhsm.session("t").logout().unwrap();
        module.order(&[]);
        sign(&signer, &key).unwrap();
        assert_eq!(module.calls("C_SignInit"), 2);

        rest_with_several_sessions();
        softhsm.restart_module();
        sign(&signer, &key).unwrap();
        module.order(&[]);
        sign_with_eight_threads(&signer, &key);
        assert_eq!(module.calls("C_SignInit"), 8 * 20, "no call met a session that is no more");
    });
}

#[test]
fn makes_no_second_key_when_making_one_fails() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let signer = module.open().unwrap();
        module.order(&[("C_GenerateKeyPair", DEVICE_ERROR, 1)]);
        let refusal = signer.generate(Curve::P384, "k").unwrap_err();
        assert!(refusal.to_string().contains("C_GenerateKeyPair answered CKR_DEVICE_ERROR"), "{refusal}");
        assert_eq!(module.calls("C_GenerateKeyPair"), 1);
        drop(signer);
        let signer = module.open().unwrap();
        module.order(&[("C_GenerateKeyPair", USER_NOT_LOGGED_IN, 1)]);
        signer.generate(Curve::P384, "k").unwrap();
        assert_eq!(module.calls("C_GenerateKeyPair"), 2);
    });
}

#[test]
fn takes_a_key_away_again_that_cannot_be_named() {
    on_softhsm(|softhsm| {
        let module = FaultyModule::new(softhsm);
        let signer = module.open().unwrap();
        module.order(&[("C_SetAttributeValue", USER_NOT_LOGGED_IN, 1)]);
        let refusal = signer.generate(Curve::P256, "k").unwrap_err();
        assert!(matches!(refusal, GenerateKeyError::Token(UseTokenError::Call(_))), "{refusal:?}");
        assert!(refusal.to_string().contains("C_SetAttributeValue"), "{refusal}");
        assert_eq!(module.calls("C_GenerateKeyPair"), 1);
        assert_eq!(signer.keys().unwrap(), []);
        signer.generate(Curve::P256, "k").unwrap();
    });
}
