//! The signer on a TPM 2.0, through tpm2-pkcs11: the contract of the port, and what is peculiar to this module.

use std::thread;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signing::{IntegerLength, sign_verified};
use ca_core::suite::Curve;
use signer_pkcs11::{
    DestroyKeyError, FindTokenError, GenerateKeyError, KeyProtection, OpenTokenError, TokenSigner,
    TokenState, TokenUri, UseTokenError,
};

use crate::cases::sign;
use crate::softhsm::{pin, pin_of};
use crate::swtpm::{TOKEN, Tpm, on_tpm, on_tpm_for};

crate::signer_contract::signer_contract!(crate::tpm::with_tpm_signer);

/// Hands a check a signer on a TPM of its own, opened anew after the key was made.
fn with_tpm_signer<F: FnOnce(&dyn Signer, &PublicKey)>(curve: Curve, check: F) {
    on_tpm_for::<F>(|tpm| {
        let key = TokenSigner::open(&tpm.uri(""), pin()).unwrap().generate(curve, "contract").unwrap();
        check(&TokenSigner::open(&tpm.uri(""), pin()).unwrap(), &key);
    });
}

fn token_in_use(tpm: &Tpm) -> (TokenSigner, PublicKey) {
    let signer = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
    let key = signer.generate(Curve::P256, "sub-ca").unwrap();
    (signer, key)
}

#[test]
fn a_key_that_was_made_there_has_never_been_elsewhere_and_is_the_one_of_its_certificate() {
    on_tpm(|tpm| {
        for curve in [Curve::P256, Curve::P384] {
            let signer = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
            let key = signer.generate(curve, &format!("{curve}")).unwrap();
            let objects = signer.keys().unwrap();
            let found =
                objects.iter().find_map(|object| object.key.as_ref().ok().filter(|it| it.public_key == key));
            let found = found.unwrap();
            assert_eq!(found.protection, KeyProtection::NonExtractable);
            assert_eq!(found.id, key.key_ref().octets());
            let said = signer.attributes(found).unwrap();
            assert!(
                said.sensitive && said.always_sensitive && said.never_extractable && said.local,
                "{said:?}"
            );
            assert!(!said.extractable);
        }
    });
}

// Case H-06: what leaves the signing step was verified, on this token as on any.
#[test]
fn h_06_what_it_signs_is_verified_after_every_call() {
    on_tpm(|tpm| {
        let (signer, key) = token_in_use(tpm);
        for _ in 0..20 {
            sign_verified(&signer, &key.key_ref(), &key, b"tbs", IntegerLength::Any).unwrap();
        }
    });
}

// Case H-10: all tokens of a TPM have one serial number; the label tells them apart, and what is there is listed.
#[test]
fn h_10_a_token_is_named_by_its_label_and_a_missing_one_is_answered_with_those_there() {
    on_tpm(|tpm| {
        let (signer, key) = token_in_use(tpm);
        assert_eq!(
            (signer.token().label.as_str(), signer.token().serial.as_str()),
            (TOKEN, "0000000000000000")
        );
        let other = tpm.uri("").to_string().replace(TOKEN, "other");
        let refusal = TokenSigner::open(&TokenUri::parse(&other).unwrap(), pin()).unwrap_err();
        let OpenTokenError::Token(UseTokenError::Token(FindTokenError::NotFound { there, .. })) = &refusal
        else {
            panic!("{refusal:?}");
        };
        assert_eq!(there.len(), 1);
        assert!(refusal.to_string().contains("\"gateway\" (serial 0000000000000000"), "{refusal}");
        let refusal = TokenSigner::open(&tpm.uri(";object=root"), pin()).unwrap_err();
        assert!(matches!(refusal, OpenTokenError::NoSuchKey { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains(&format!("\"sub-ca\" (id {}", key.key_ref())), "{refusal}");
        let named = TokenSigner::open(&tpm.uri(";object=sub-ca"), pin()).unwrap();
        sign(&named, &key).unwrap();
        assert!(matches!(signer.generate(Curve::P256, "sub-ca"), Err(GenerateKeyError::LabelTaken { .. })));
    });
}

// Case H-05.
#[test]
fn h_05_a_wrong_pin_is_tried_once_and_the_right_one_still_opens() {
    on_tpm(|tpm| {
        let refusal = TokenSigner::open(&tpm.uri(""), pin_of("wrong-pin")).unwrap_err();
        assert!(matches!(refusal, OpenTokenError::Token(UseTokenError::PinRefused(_))), "{refusal:?}");
        let (signer, key) = token_in_use(tpm);
        sign(&signer, &key).unwrap();
    });
}

// Cases H-13, H-14: many requesters, few sessions, opened by many threads at once; and two signers in one process.
#[test]
fn h_14_many_requesters_share_the_sessions_of_a_chip_that_does_one_thing_at_a_time() {
    on_tpm(|tpm| {
        let (first, key) = token_in_use(tpm);
        let second = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
        thread::scope(|scope| {
            for signer in [&first, &second] {
                for _ in 0..32 {
                    let key = &key;
                    scope.spawn(move || (0..4).for_each(|_| sign(signer, key).unwrap()));
                }
            }
        });
        assert_eq!(first.state(), TokenState::Serving);
        drop(first);
        // Sessions of the one signer were closed: the login of the other stays.
        sign(&second, &key).unwrap();
    });
}

#[test]
fn a_key_that_was_destroyed_is_gone_and_the_others_are_not() {
    on_tpm(|tpm| {
        let (signer, kept) = token_in_use(tpm);
        // Where there is no resource manager, a key that was made takes two of three places until the login ends, and one that
        // is destroyed after it was used keeps its place: tpm2-pkcs11 forgets to have it taken away.
        drop(signer);
        let signer = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
        let doomed = signer.generate(Curve::P384, "doomed").unwrap();
        drop(signer);
        let signer = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
        signer.destroy(&doomed.key_ref()).unwrap();
        let refusal = sign(&signer, &doomed).unwrap_err();
        assert!(matches!(refusal, SignError::KeyNotFound { .. }), "{refusal:?}");
        let refusal = signer.destroy(&doomed.key_ref()).unwrap_err();
        assert!(matches!(refusal, DestroyKeyError::NotThere { .. }), "{refusal:?}");
        sign(&signer, &kept).unwrap();
    });
}

#[test]
fn a_chip_without_resource_manager_says_which_call_it_had_no_room_for() {
    on_tpm(|tpm| {
        let (signer, first) = token_in_use(tpm);
        let mut keys = vec![first];
        let refusal = loop {
            assert!(keys.len() < 8, "it has room for eight keys, and this tests nothing");
            match signer.generate(Curve::P256, &format!("{}", keys.len())) {
                Ok(key) => keys.push(key),
                Err(refusal) => break refusal.to_string(),
            }
        };
        assert!(refusal.contains("C_GenerateKeyPair answered CKR_GENERAL_ERROR"), "{refusal}");
        drop(signer);
        // Once the login has ended there is room, for the keys that were made too.
        let again = TokenSigner::open(&tpm.uri(""), pin()).unwrap();
        sign(&again, &keys[0]).unwrap();
    });
}
