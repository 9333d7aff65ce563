//! The signer on a TPM 2.0 behind a resource manager: several sessions, many keys, and a TPM whose power goes under load.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ca_core::ports::{SignError, Signer};
use ca_core::suite::Curve;
use signer_pkcs11::{TokenSigner, TokenUri};

use crate::again;
use crate::board::Board;
use crate::cases::{options, serves, sign, until};
use crate::softhsm::{PIN, find, pin};

fn uri() -> TokenUri {
    let module = find("libtpm2_pkcs11.so").or_else(|| find("libtpm2_pkcs11.so.1"));
    let module =
        module.expect("tpm2-pkcs11 is not installed: run tests/run, which installs what the tests need");
    TokenUri::parse(&format!("pkcs11:token=gateway?module-path={}", module.display())).unwrap()
}

/// Runs a test with a board. To be called with a closure of the test itself: its type tells the name of the test.
fn on_board<F: FnOnce(&mut Board)>(test: F) {
    let Some(directory) = again::directory() else {
        let directory = tempfile::tempdir().unwrap();
        let environment = Board::environment(directory.path());
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        again::run::<F>(directory.path(), &environment);
        return;
    };
    let mut board = Board::start(&directory);
    board.make_token(uri().module_path(), "gateway", PIN);
    test(&mut board);
}

#[test]
fn behind_a_resource_manager_there_is_room_for_many_keys_and_sessions() {
    on_board(|_| {
        let signer = TokenSigner::open(&uri(), pin()).unwrap();
        let keys: Vec<_> =
            (0..8).map(|number| signer.generate(Curve::P256, &format!("key {number}")).unwrap()).collect();
        thread::scope(|scope| {
            for key in keys.iter().chain(&keys) {
                let signer = &signer;
                scope.spawn(move || (0..4).for_each(|_| sign(signer, key).unwrap()));
            }
        });
    });
}

/// Has eight threads ask a token on the board for signatures while something happens to it; `more` waits until it signs.
fn under_load(happens: impl FnOnce(&TokenSigner, &dyn Fn())) {
    let signer = TokenSigner::attend(&uri(), pin(), options()).unwrap();
    let key = signer.generate(Curve::P256, "sub-ca").unwrap();
    let (over, signed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let more = || {
        let before = signed.load(Ordering::SeqCst);
        until(|| signed.load(Ordering::SeqCst) > before + 16);
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    match signer.sign(&key.key_ref(), b"message") {
                        Ok(signature) => {
                            key.verify(b"message", &signature).unwrap();
                            signed.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(SignError::Unavailable { .. } | SignError::OutcomeUnknown { .. }) => {
                            thread::park_timeout(Duration::from_millis(2));
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        more();
        happens(&signer, &more);
        over.store(true, Ordering::SeqCst);
    });
}

/// A board that goes and comes back, twice.
fn comes_back(board: &mut Board, goes: impl Fn(&mut Board), returns: impl Fn(&mut Board)) {
    under_load(|signer, more| {
        for _ in 0..2 {
            goes(board);
            until(|| !serves(signer));
            returns(board);
            until(|| serves(signer));
            more();
        }
    });
}

#[test]
fn h_01_a_tpm_whose_power_goes_under_load_signs_again_without_a_restart_of_ours() {
    on_board(|board| comes_back(board, Board::power_off, Board::power_on));
}

#[test]
fn h_01_a_tpm_and_its_resource_manager_that_go_under_load_are_found_again() {
    on_board(|board| {
        let goes = |board: &mut Board| {
            board.power_off();
            board.kill_manager();
        };
        let returns = |board: &mut Board| {
            board.power_on();
            board.manage();
        };
        comes_back(board, goes, returns);
    });
}

#[test]
fn h_01_a_resource_manager_that_is_killed_under_load_and_started_again_is_found() {
    on_board(|board| comes_back(board, Board::kill_manager, Board::manage));
}

/// Ends the lock with which the TPM defends itself against guessing.
fn unlock() {
    let mut tool = Command::new("tpm2_dictionarylockout");
    // This process has the environment of the board.
    let said = tool.arg("--clear-lockout").env("TPM2TOOLS_TCTI", "tabrmd:bus_type=session").output();
    let said = said.expect("tpm2-tools is not installed: run tests/run, which installs what the tests need");
    assert!(said.status.success(), "{said:?}");
}

/// Each time that the power of a TPM goes counts as if somebody had guessed; after three it is locked, for 1,000 seconds here.
#[test]
fn h_05_a_tpm_that_locked_itself_since_its_power_went_too_often_is_waited_for() {
    on_board(|board| {
        under_load(|signer, more| {
            let is_locked = || signer.standing().cause.contains("C_Login answered CKR_PIN_LOCKED");
            for _ in 0..3 {
                board.power_off();
                until(|| !serves(signer));
                board.power_on();
                until(|| serves(signer) || is_locked());
                if is_locked() {
                    break;
                }
                more();
            }
            assert!(is_locked() && !serves(signer), "{:?}", signer.standing());
            unlock();
            until(|| serves(signer));
            more();
        });
    });
}
