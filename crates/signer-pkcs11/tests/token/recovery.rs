//! What happens to a token while it is in use: logouts, changed PINs, keys that go, storage that goes and comes back.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::Session;
use cryptoki::types::AuthPin;
use signer_pkcs11::{DestroyKeyError, TokenOptions, TokenSigner};

use crate::cases::{serves, until};
use crate::softhsm::{self, Softhsm, log_in, on_softhsm, pin};

/// A token with one key, a signer on it that has signed once, and a session beside the signer.
fn token_in_use(softhsm: &Softhsm) -> (TokenSigner, PublicKey, Session) {
    softhsm.make_token("t");
    let signer = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
    let key = signer.generate(Curve::P256, "k").unwrap();
    sign(&signer, &key);
    (signer, key, softhsm.session("t"))
}

fn sign(signer: &TokenSigner, key: &PublicKey) {
    let signature = signer.sign(&key.key_ref(), b"message").unwrap();
    key.verify(b"message", &signature).unwrap();
}

fn refusal(signer: &TokenSigner, key: &PublicKey) -> String {
    let refusal = signer.sign(&key.key_ref(), b"message").unwrap_err();
    assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
    refusal.to_string()
}

// Case H-02: a logout by another session of the process ends every login and voids every handle.
#[test]
fn signs_after_another_session_logged_out() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        for _ in 0..3 {
            session.logout().unwrap();
            sign(&signer, &key);
            sign(&signer, &key);
        }
    });
}

// Case H-02: the login is back, but all handles are others than before.
#[test]
fn signs_after_another_session_logged_out_and_in_again() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        let other = signer.generate(Curve::P384, "other").unwrap();
        session.logout().unwrap();
        log_in(&session);
        sign(&signer, &key);
        sign(&signer, &other);
    });
}

#[test]
fn lists_finds_and_makes_keys_after_another_session_logged_out() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        session.logout().unwrap();
        assert_eq!(signer.keys().unwrap().len(), 1);
        session.logout().unwrap();
        let made = signer.generate(Curve::P384, "made after a logout").unwrap();
        sign(&signer, &made);
        let another = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
        session.logout().unwrap();
        another.public_key(&key.key_ref()).unwrap();
        sign(&another, &made);
    });
}

// Case H-05: after one refusal the PIN is not offered again, even if it would be right by then.
#[test]
fn tries_a_pin_that_is_no_longer_right_only_once() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        let (old, new) = (AuthPin::from(softhsm::PIN), AuthPin::from("another-pin"));
        session.set_pin(&old, &new).unwrap();
        session.logout().unwrap();
        let first = refusal(&signer, &key);
        assert!(first.contains("C_Login answered CKR_PIN_INCORRECT"), "{first}");
        session.set_pin(&new, &old).unwrap();
        let second = refusal(&signer, &key);
        assert!(second.contains("not tried again"), "{second}");
        log_in(&session);
        sign(&signer, &key);
    });
}

#[test]
fn says_that_a_key_is_not_found_when_it_was_destroyed() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        let id = Attribute::Id(key.key_ref().octets().to_vec());
        for object in session.find_objects(&[id]).unwrap() {
            session.destroy_object(object).unwrap();
        }
        let refusal = signer.sign(&key.key_ref(), b"message").unwrap_err();
        assert!(
            matches!(refusal, SignError::KeyNotFound { key: missing } if missing == key.key_ref()),
            "{refusal:?}"
        );
    });
}

// the power went between the two halves of a destruction; the same command is given again.
#[test]
fn destroys_the_half_that_a_destruction_left_which_was_cut_short() {
    for half in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        on_softhsm(|softhsm| {
            let (_signer, key, session) = token_in_use(softhsm);
            let id = Attribute::Id(key.key_ref().octets().to_vec());
            let gone = session.find_objects(&[id.clone(), Attribute::Class(half)]).unwrap();
            session.destroy_object(gone[0]).unwrap();
            let signer = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
            signer.destroy(&key.key_ref()).unwrap();
            assert_eq!(session.find_objects(&[id]).unwrap(), []);
            let again = signer.destroy(&key.key_ref()).unwrap_err();
            assert!(matches!(again, DestroyKeyError::NotThere { .. }), "{again:?}");
        });
    }
}

// Case H-14: more threads than sessions.
#[test]
fn serves_eight_threads_with_one_session() {
    on_softhsm(|softhsm| {
        let (_signer, key, _session) = token_in_use(softhsm);
        let options = TokenOptions { sessions: NonZeroUsize::MIN, ..TokenOptions::default() };
        let signer = TokenSigner::open_with(&softhsm.uri("token=t"), pin(), options).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|_| sign(&signer, &key)));
            }
        });
    });
}

// Case H-02: whatever the moment of the logout, a signature is right or certainly not made, and no thread is stuck.
#[test]
fn outlives_logouts_while_four_threads_sign() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        let (ended, (signed, next_signed)) = (AtomicBool::new(false), mpsc::channel());
        let sign_until_the_end = |signed: mpsc::Sender<()>| {
            while !ended.load(Ordering::SeqCst) {
                match signer.sign(&key.key_ref(), b"message") {
                    Ok(signature) => {
                        key.verify(b"message", &signature).unwrap();
                        signed.send(()).unwrap();
                    }
                    // Two logouts met one call.
                    Err(SignError::Unavailable { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                let signed = signed.clone();
                scope.spawn(|| sign_until_the_end(signed));
            }
            drop(signed);
            // Ends early when all threads have panicked; then the scope does, too.
            for () in next_signed.iter().take(100) {
                // Answers that no one is logged in when the signer has not been back yet.
                drop(session.logout());
            }
            ended.store(true, Ordering::SeqCst);
        });
        // When two logouts met one call, the token rests.
        until(|| serves(&signer));
        sign(&signer, &key);
    });
}

// Case H-01: a token whose storage is gone signs nothing, and the message says which function found out.
#[test]
fn signs_nothing_when_the_storage_of_the_token_is_gone() {
    on_softhsm(|softhsm| {
        let (signer, key, session) = token_in_use(softhsm);
        fs::rename(softhsm.tokens(), softhsm.path("away")).unwrap();
        session.logout().unwrap();
        for _ in 0..3 {
            let said = refusal(&signer, &key);
            assert!(said.contains("C_GetTokenInfo answered CKR_GENERAL_ERROR"), "{said}");
        }
    });
}

// Case H-02: a restart of what is behind the module voids all sessions, handles and logins at once.
#[test]
fn signs_after_the_module_was_started_anew() {
    on_softhsm(|softhsm| {
        let (signer, key, _) = token_in_use(softhsm);
        for _ in 0..3 {
            softhsm.restart_module();
            sign(&signer, &key);
            softhsm.restart_module();
            assert_eq!(signer.keys().unwrap().len(), 1);
        }
    });
}

// Cases H-04 and H-11: a token that is pulled out is missed by name; plugged in again, in another slot, it serves.
#[test]
fn signs_again_when_the_token_is_back_in_another_slot() {
    on_softhsm(|softhsm| {
        let (signer, key, _) = token_in_use(softhsm);
        let (there, away) = (softhsm.tokens(), softhsm.path("away"));
        fs::rename(&there, &away).unwrap();
        fs::create_dir(&there).unwrap();
        softhsm.restart_module();
        for _ in 0..3 {
            let said = refusal(&signer, &key);
            assert!(said.contains("no token is token=t; tokens there: none"), "{said}");
        }
        fs::remove_dir(&there).unwrap();
        fs::rename(&away, &there).unwrap();
        softhsm.make_token("another");
        softhsm.restart_module();
        until(|| serves(&signer));
        sign(&signer, &key);
    });
}
