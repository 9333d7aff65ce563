//! Keys that may leave their token, wrapped: by whom, for whom, and what is left behind. Seen by calls of the tests' own.

use ca_core::ports::Signer;
use ca_core::suite::Curve;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use signer_pkcs11::{
    CopyKeyError, Door, Export, KeyProtection, KeyUse, Oaep, TokenOptions, TokenSigner, TokenUri, copy_key,
    make_recipient, restore_key, seal_key, wrap_key,
};

use crate::softhsm::{Softhsm, log_in, on_softhsm, pin, pin_of};

fn wrapping_key(session: &Session) -> ObjectHandle {
    let template = [Attribute::Token(false), Attribute::Wrap(true), Attribute::ValueLen(32_u64.into())];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

fn private_key(session: &Session, label: &str) -> ObjectHandle {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.as_bytes().to_vec())];
    session.find_objects(&wanted).unwrap()[0]
}

fn generate(softhsm: &Softhsm, label: &str, export: Export) -> TokenUri {
    let signer = TokenSigner::open(&softhsm.uri("token=a"), pin()).unwrap();
    signer.generate_for(Curve::P384, label, (export, KeyUse::Signing)).unwrap();
    softhsm.uri(&format!("token=a;object={label}"))
}

// Case H-15: whoever has the PIN cannot take a key away by a wrapping key of his own, where a trusted one must.
#[test]
fn h_15_a_wrapping_key_of_the_users_own_wraps_what_any_key_may_wrap_and_nothing_else() {
    on_softhsm(|softhsm| {
        softhsm.make_token("a");
        for (label, export, refusal) in [
            ("any", Export::ByAnyWrap, None),
            ("trusted", Export::ByTrustedWrap, Some(RvError::KeyNotWrappable)),
            ("never", Export::Never, Some(RvError::KeyUnextractable)),
        ] {
            drop(generate(softhsm, label, export));
            let session = softhsm.session("a");
            log_in(&session);
            let (mine, key) = (wrapping_key(&session), private_key(&session, label));
            let wrapped = session.wrap_key(&Mechanism::AesKeyWrapPad, mine, key);
            let is = |answer| matches!(&wrapped, Err(Error::Pkcs11(said, _)) if *said == answer);
            assert!(refusal.map_or_else(|| wrapped.is_ok(), is), "{label}: {wrapped:?}");
            // In clear it is given to nobody.
            let read = session.get_attributes(key, &[AttributeType::Value]);
            assert!(!read.unwrap().iter().any(|said| matches!(said, Attribute::Value(_))), "{label}");
        }
    });
}

#[test]
fn a_key_that_may_leave_is_refused_by_signers_until_it_is_sealed() {
    on_softhsm(|softhsm| {
        softhsm.make_token("a");
        let uri = generate(softhsm, "k", Export::ByAnyWrap);
        let pin = pin();
        assert!(TokenSigner::open(&uri, pin.clone()).is_err(), "extractable");
        let (key, said) = seal_key(Door { uri: &uri, pin: &pin, officer_pin: None }).unwrap();
        assert!(said.sensitive && !said.extractable && !said.never_extractable);
        let signer = TokenSigner::open(&uri, pin).unwrap();
        let signature = signer.sign(&key.public_key.key_ref(), b"text").unwrap();
        key.public_key.verify(b"text", &signature).unwrap();
        // PKCS#11 v3.1 §4.4: it never becomes extractable again, whoever asks.
        let session = softhsm.session("a");
        let again = session.update_attributes(private_key(&session, "k"), &[Attribute::Extractable(true)]);
        assert!(again.is_err());
    });
}

#[test]
fn a_key_is_restored_by_the_recipient_and_by_nobody_else() {
    on_softhsm(|softhsm| {
        for label in ["a", "b", "c"] {
            softhsm.make_token(label);
        }
        let (pin, officer) = (pin(), pin_of("so-1234"));
        let uri = generate(softhsm, "k", Export::ByTrustedWrap);
        let (b, c) = (softhsm.uri("token=b"), softhsm.uri("token=c"));
        let (at_b, at_c) =
            (Door { uri: &b, pin: &pin, officer_pin: None }, Door { uri: &c, pin: &pin, officer_pin: None });
        let recipient = make_recipient(at_b, "recipient").unwrap();
        drop(make_recipient(at_c, "recipient").unwrap());
        assert!(matches!(make_recipient(at_b, "recipient"), Err(CopyKeyError::Taken { .. })));

        let without = Door { uri: &uri, pin: &pin, officer_pin: None };
        assert!(matches!(wrap_key(without, &recipient), Err(CopyKeyError::NeedsOfficer { .. })));
        let wrapped = wrap_key(Door { officer_pin: Some(&officer), ..without }, &recipient).unwrap();
        // SoftHSM2 has no other.
        assert_eq!((wrapped.oaep, wrapped.transport.len()), (Oaep::Sha1, 384));

        assert!(matches!(
            restore_key(at_c, &recipient, &wrapped, Export::Never),
            Err(CopyKeyError::NotTheRecipient { .. })
        ));
        for place in [0, wrapped.key.len() / 2] {
            let mut broken = wrapped.clone();
            broken.key[place] ^= 1;
            let refused = restore_key(at_b, &recipient, &broken, Export::Never);
            assert!(matches!(refused, Err(CopyKeyError::Call { .. })), "{refused:?}");
        }
        let copy = restore_key(at_b, &recipient, &wrapped, Export::Never).unwrap();
        assert_eq!(copy.public_key, wrapped.public_key);
        assert!(!copy.attributes.local && !copy.attributes.extractable);
        let signer = TokenSigner::open(&softhsm.uri("token=b;object=k"), pin.clone()).unwrap();
        let signature = signer.sign(&copy.public_key.key_ref(), b"text").unwrap();
        copy.public_key.verify(b"text", &signature).unwrap();
    });
}

#[test]
fn a_copy_leaves_nothing_behind_that_carried_it() {
    on_softhsm(|softhsm| {
        softhsm.make_token("a");
        softhsm.make_token("b");
        let uri = generate(softhsm, "k", Export::ByAnyWrap);
        let (pin, to) = (pin(), softhsm.uri("token=b"));
        let (from, to) = (
            Door { uri: &uri, pin: &pin, officer_pin: None },
            Door { uri: &to, pin: &pin, officer_pin: None },
        );
        drop(copy_key(from, to, Export::ByAnyWrap).unwrap());
        assert!(matches!(copy_key(from, to, Export::Never), Err(CopyKeyError::Taken { .. })));
        assert!(matches!(copy_key(from, from, Export::Never), Err(CopyKeyError::SameToken { .. })));
        for token in ["a", "b"] {
            let session = softhsm.session(token);
            log_in(&session);
            assert_eq!(session.find_objects(&[]).unwrap().len(), 2, "both halves of the key on {token}");
            for kind in [KeyType::AES, KeyType::RSA] {
                assert!(session.find_objects(&[Attribute::KeyType(kind)]).unwrap().is_empty());
            }
        }
        let options =
            TokenOptions { weakest_protection: KeyProtection::Extractable, ..TokenOptions::default() };
        let signers = ["a", "b"].map(|token| {
            let uri = softhsm.uri(&format!("token={token};object=k"));
            TokenSigner::open_with(&uri, pin.clone(), options).unwrap()
        });
        let keys = signers.map(|signer| signer.keys().unwrap().remove(0).key.unwrap().public_key);
        assert_eq!(keys[0], keys[1]);
    });
}
