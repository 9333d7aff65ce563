//! What every adapter of the `Signer` port must do, on both curves; compiled into the tests of each adapter.
//!
//! Not a test by itself: an adapter's test file includes this one with `#[path]` and calls `signer_contract!` with a
//! function that makes a signer with one key on the curve asked for and hands both to a check. Signatures are judged by
//! ca-core, by p256 or p384, and by the `openssl` program: none of them is the code that signed.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::thread;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::to_be_signed::{MessageDigest, ToBeSigned};

/// One octet string that fits a hash block, one that does not, and none at all.
const MESSAGES: [&[u8]; 3] = [b"", b"to be signed", &[0xA5; 1000]];

/// Makes the tests. `$with_signer` is a function `fn(Curve, impl FnOnce(&dyn Signer, &PublicKey))`.
macro_rules! signer_contract {
    ($with_signer:path) => {
        $crate::signer_contract::signer_contract!(curve p256, ca_core::suite::Curve::P256, $with_signer);
        $crate::signer_contract::signer_contract!(curve p384, ca_core::suite::Curve::P384, $with_signer);
    };
    (curve $curve_name:ident, $curve:expr, $with_signer:path) => {
        mod $curve_name {
            $crate::signer_contract::signer_contract!(tests $curve, $with_signer;
                answers_with_the_public_key_that_generation_answered
                makes_signatures_that_ca_core_verifies
                makes_signatures_that_the_rustcrypto_curves_verify
                makes_signatures_that_openssl_verifies
                signs_what_is_read_as_what_is_at_hand
                refuses_what_was_read_for_another_curve
                makes_a_new_signature_at_each_call
                refuses_a_key_that_it_does_not_hold
                signs_for_eight_threads_at_once
            );
        }
    };
    (tests $curve:expr, $with_signer:path; $($check:ident)+) => {
        $(
            #[test]
            fn $check() {
                // A closure of this very test: its type has the test's name, which one adapter needs.
                $with_signer($curve, |signer, key| $crate::signer_contract::$check(signer, key));
            }
        )+
    };
}
pub(crate) use signer_contract;

pub(crate) fn answers_with_the_public_key_that_generation_answered(signer: &dyn Signer, key: &PublicKey) {
    assert_eq!(signer.public_key(&key.key_ref()).unwrap(), *key);
}

pub(crate) fn makes_signatures_that_ca_core_verifies(signer: &dyn Signer, key: &PublicKey) {
    for message in MESSAGES {
        let signature = sign(signer, key, message);
        assert_eq!(signature.curve(), key.curve());
        key.verify(message, &signature).unwrap();
        key.verify(b"another message", &signature).unwrap_err();
    }
}

pub(crate) fn makes_signatures_that_the_rustcrypto_curves_verify(signer: &dyn Signer, key: &PublicKey) {
    for message in MESSAGES {
        let signature = sign(signer, key, message);
        // RFC 5758 §3.2: the hash is SHA-256 with P-256 and SHA-384 with P-384, as these verifiers take it.
        match key.curve() {
            Curve::P256 => {
                use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
                let verifying_key = VerifyingKey::from_sec1_bytes(key.point()).unwrap();
                let signature = Signature::from_slice(signature.fixed()).unwrap();
                verifying_key.verify(message, &signature).unwrap();
            }
            Curve::P384 => {
                use p384::ecdsa::{Signature, VerifyingKey, signature::Verifier};
                let verifying_key = VerifyingKey::from_sec1_bytes(key.point()).unwrap();
                let signature = Signature::from_slice(signature.fixed()).unwrap();
                verifying_key.verify(message, &signature).unwrap();
            }
        }
    }
}

pub(crate) fn makes_signatures_that_openssl_verifies(signer: &dyn Signer, key: &PublicKey) {
    let directory = tempfile::tempdir().unwrap();
    for message in MESSAGES {
        let signature = sign(signer, key, message);
        assert!(openssl_verifies(directory.path(), key, message, &signature));
        assert!(!openssl_verifies(directory.path(), key, b"another message", &signature));
    }
}

pub(crate) fn signs_what_is_read_as_what_is_at_hand(signer: &dyn Signer, key: &PublicKey) {
    let directory = tempfile::tempdir().unwrap();
    let message = vec![0x5A; 200_000];
    let tbs = ToBeSigned::read(key.curve(), Octets::from(message.clone())).unwrap();
    let signature = signer.sign_read(&key.key_ref(), &tbs).unwrap();
    key.verify(&message, &signature).unwrap();
    key.verify_digest(tbs.digest(), &signature).unwrap();
    key.verify_digest(tbs.digest(), &sign(signer, key, &message)).unwrap();
    key.verify_digest(&MessageDigest::of(key.curve(), b"another message"), &signature).unwrap_err();
    assert!(openssl_verifies(directory.path(), key, &message, &signature));
}

pub(crate) fn refuses_what_was_read_for_another_curve(signer: &dyn Signer, key: &PublicKey) {
    let other = match key.curve() {
        Curve::P256 => Curve::P384,
        Curve::P384 => Curve::P256,
    };
    let tbs = ToBeSigned::read(other, Octets::from(b"to be signed".to_vec())).unwrap();
    let refusal = signer.sign_read(&key.key_ref(), &tbs).unwrap_err();
    assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
}

pub(crate) fn makes_a_new_signature_at_each_call(signer: &dyn Signer, key: &PublicKey) {
    let first = sign(signer, key, b"the same octets");
    let second = sign(signer, key, b"the same octets");
    assert_ne!(first, second);
    let field = key.curve().field_octets();
    assert_ne!(first.fixed()[..field], second.fixed()[..field], "an equal r is an equal nonce");
}

pub(crate) fn refuses_a_key_that_it_does_not_hold(signer: &dyn Signer, key: &PublicKey) {
    let mut octets = *key.key_ref().octets();
    octets[19] ^= 1;
    let stranger = KeyRef::new(octets);
    let refusal = signer.sign(&stranger, b"to be signed").unwrap_err();
    assert!(matches!(refusal, SignError::KeyNotFound { key } if key == stranger), "{refusal:?}");
    let refusal = signer.public_key(&stranger).unwrap_err();
    assert!(matches!(refusal, SignError::KeyNotFound { key } if key == stranger), "{refusal:?}");
}

pub(crate) fn signs_for_eight_threads_at_once(signer: &dyn Signer, key: &PublicKey) {
    let signatures: Vec<EcdsaSignature> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                scope.spawn(move || -> Vec<EcdsaSignature> {
                    (0..50)
                        .map(|turn| {
                            let message = format!("thread {thread}, turn {turn}");
                            let signature = sign(signer, key, message.as_bytes());
                            key.verify(message.as_bytes(), &signature).unwrap();
                            signature
                        })
                        .collect()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let field = key.curve().field_octets();
    let nonces: HashSet<&[u8]> = signatures.iter().map(|signature| &signature.fixed()[..field]).collect();
    assert_eq!(nonces.len(), 8 * 50, "no nonce comes twice, in whatever thread");
}

fn sign(signer: &dyn Signer, key: &PublicKey, message: &[u8]) -> EcdsaSignature {
    signer.sign(&key.key_ref(), message).unwrap()
}

/// Asks `openssl dgst -verify`, with the DER form that certificates carry.
fn openssl_verifies(directory: &Path, key: &PublicKey, message: &[u8], signature: &EcdsaSignature) -> bool {
    let file = |name: &str, octets: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, octets).unwrap();
        path
    };
    let digest = match key.curve() {
        Curve::P256 => "-sha256",
        Curve::P384 => "-sha384",
    };
    let output = Command::new("openssl")
        .args(["dgst", digest, "-keyform", "DER", "-verify"])
        .arg(file("public_key.der", key.spki_der()))
        .arg("-signature")
        .arg(file("signature.der", &signature.to_der().unwrap()))
        .arg(file("message", message))
        .output()
        .expect("the openssl program; tests/run installs what the tests need");
    let answer = String::from_utf8_lossy(&output.stdout);
    let verified = output.status.success();
    assert_eq!(verified, answer.contains("Verified OK"), "{output:?}");
    assert!(verified || answer.contains("Verification failure"), "{output:?}");
    verified
}
