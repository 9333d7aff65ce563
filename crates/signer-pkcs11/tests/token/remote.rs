//! Tokens behind a server: SoftHSM2 behind `p11-kit server`, used through `p11-kit-client.so`, as the client of a network HSM is.
//!
//! The client connects once, when it is begun, and answers `CKR_DEVICE_ERROR` to everything once the server has gone.

use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use signer_pkcs11::{TokenOptions, TokenSigner, TokenUri};

use crate::cases::{options, serves, sign, until};
use crate::softhsm::{Softhsm, find, find_module, on_softhsm, on_softhsm_for, pin};

crate::signer_contract::signer_contract!(crate::remote::with_remote_signer);

/// A server, and whatever it has started, for as long as this lives.
struct Server(Child);

impl Server {
    fn start(softhsm: &Softhsm, label: &str) -> Self {
        let socket = softhsm.path("p11-kit");
        drop(std::fs::remove_file(&socket));
        let server = Command::new("p11-kit")
            .args(["server", "--foreground", "--provider"])
            .arg(find_module())
            .arg("--name")
            .arg(&socket)
            .arg(format!("pkcs11:token={label}"))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("p11-kit is not installed: run tests/run, which installs what the tests need");
        until(|| std::os::unix::net::UnixStream::connect(&socket).is_ok());
        Self(server)
    }
}

impl Drop for Server {
    /// It has a process for each of its clients.
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
        assert!(killed.success());
        self.0.wait().unwrap();
    }
}

fn client() -> PathBuf {
    find("p11-kit-client.so")
        .expect("p11-kit-client.so is not installed: run tests/run, which installs what the tests need")
}

fn uri(label: &str) -> TokenUri {
    TokenUri::parse(&format!("pkcs11:token={label}?module-path={}", client().display())).unwrap()
}

/// Hands a check a signer on a token behind a server, opened anew after the key was made.
fn with_remote_signer<F: FnOnce(&dyn Signer, &PublicKey)>(curve: Curve, check: F) {
    on_softhsm_for::<F>(|softhsm| {
        softhsm.make_token("far");
        let _server = Server::start(softhsm, "far");
        let key = TokenSigner::open(&uri("far"), pin()).unwrap().generate(curve, "contract").unwrap();
        check(&TokenSigner::open(&uri("far"), pin()).unwrap(), &key);
    });
}

// Case H-03: the server of a network HSM is started anew, and nobody starts us anew.
#[test]
fn h_03_a_server_that_is_killed_under_load_and_started_again_serves_again() {
    on_softhsm(|softhsm| {
        softhsm.make_token("far");
        let mut server = Server::start(softhsm, "far");
        // The client of p11-kit 0.24 has all calls go one after the other over one connection; where that breaks while several wait
        // for it in `pthread_cond_wait`, some are never woken, and no module is begun anew while threads hang in it. One session,
        // and none waits there.
        let one_session = TokenOptions { sessions: NonZeroUsize::MIN, ..options() };
        let signer = TokenSigner::attend(&uri("far"), pin(), one_session).unwrap();
        let key = signer.generate(Curve::P256, "k").unwrap();
        for _ in 0..3 {
            let (signed, next_signed) = mpsc::channel();
            thread::scope(|scope| {
                for _ in 0..4 {
                    let (signed, signer, key) = (signed.clone(), &signer, &key);
                    scope.spawn(move || {
                        let refusal = loop {
                            match sign(signer, key) {
                                Ok(()) => signed.send(()).unwrap(),
                                Err(refusal) => break refusal,
                            }
                        };
                        assert!(
                            matches!(
                                refusal,
                                SignError::OutcomeUnknown { .. } | SignError::Unavailable { .. }
                            ),
                            "{refusal:?}"
                        );
                    });
                }
                drop(signed);
                assert_eq!(next_signed.iter().take(20).count(), 20);
                drop(server);
            });
            until(|| !serves(&signer));
            let refusal = sign(&signer, &key).unwrap_err();
            assert!(refusal.again_in().is_some(), "{refusal:?}");
            server = Server::start(softhsm, "far");
            until(|| serves(&signer));
            sign(&signer, &key).unwrap();
        }
        drop(server);
    });
}

#[test]
fn h_04_a_server_that_is_not_there_at_the_start_serves_once_it_is() {
    on_softhsm(|softhsm| {
        softhsm.make_token("far");
        let signer = TokenSigner::attend(&uri("far"), pin(), options()).unwrap();
        assert!(!serves(&signer));
        let server = Server::start(softhsm, "far");
        until(|| serves(&signer));
        let key = signer.generate(Curve::P256, "k").unwrap();
        sign(&signer, &key).unwrap();
        drop(server);
    });
}

// The module is shared: it begins anew once both signers have let go of their sessions, and both serve again.
#[test]
fn h_03_two_signers_of_one_module_both_serve_again() {
    on_softhsm(|softhsm| {
        softhsm.make_token("far");
        let server = Server::start(softhsm, "far");
        let signers = [(); 2].map(|()| TokenSigner::attend(&uri("far"), pin(), options()).unwrap());
        let key = signers[0].generate(Curve::P256, "k").unwrap();
        signers.iter().for_each(|signer| sign(signer, &key).unwrap());
        drop(server);
        signers.iter().for_each(|signer| drop(sign(signer, &key).unwrap_err()));
        let server = Server::start(softhsm, "far");
        signers.iter().for_each(|signer| until(|| serves(signer)));
        signers.iter().for_each(|signer| sign(signer, &key).unwrap());
        drop(server);
    });
}
