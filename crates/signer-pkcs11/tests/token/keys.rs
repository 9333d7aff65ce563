//! Keys on tokens: made here, made by others, ambiguous, missing, or not protected.

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::Encode;
use signer_pkcs11::{
    GenerateKeyError, KeyProtection, OpenTokenError, TokenOptions, TokenSigner, Unusable, UseTokenError,
};

use crate::softhsm::{Softhsm, on_softhsm, pin};

const TOKEN: &str = "token=t";

/// A key pair as another program might make it: these attributes, and the least that is needed beside them.
fn foreign_key(session: &Session, curve: Curve, more: &[Attribute]) -> (ObjectHandle, ObjectHandle) {
    let mut public = vec![Attribute::Token(true), Attribute::EcParams(curve.oid().to_der().unwrap())];
    let mut private = vec![Attribute::Token(true), Attribute::Private(true)];
    if !more.iter().any(|attribute| matches!(attribute, Attribute::Sensitive(_))) {
        private.extend([Attribute::Sensitive(true), Attribute::Extractable(false)]);
    }
    for attribute in more {
        private.push(attribute.clone());
        if matches!(attribute, Attribute::Id(_) | Attribute::Label(_)) {
            public.push(attribute.clone());
        }
    }
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap()
}

fn id(octet: u8) -> Attribute {
    Attribute::Id(vec![octet])
}

fn label(text: &str) -> Attribute {
    Attribute::Label(text.as_bytes().to_vec())
}

/// A token, a signer on it, and a logged-in session beside the signer.
fn token_in_use(softhsm: &Softhsm) -> (TokenSigner, Session) {
    softhsm.make_token("t");
    let signer = TokenSigner::open(&softhsm.uri(TOKEN), pin()).unwrap();
    (signer, softhsm.session("t"))
}

fn only_key(signer: &TokenSigner) -> PublicKey {
    let [object] = <[_; 1]>::try_from(signer.keys().unwrap()).unwrap();
    object.key.unwrap().public_key
}

#[test]
fn makes_keys_that_stay_on_the_token_and_are_named_by_their_reference() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        for curve in [Curve::P256, Curve::P384] {
            let key = signer.generate(curve, &format!("key on {curve}")).unwrap();
            assert_eq!(key.curve(), curve);
            for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
                let id = Attribute::Id(key.key_ref().octets().to_vec());
                let found = session.find_objects(&[Attribute::Class(class), id]).unwrap();
                assert_eq!(found.len(), 1);
                let said = session.get_attributes(found[0], &[AttributeType::Label]).unwrap();
                assert_eq!(said, [label(&format!("key on {curve}"))]);
            }
            let id = Attribute::Id(key.key_ref().octets().to_vec());
            let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), id]).unwrap()[0];
            let said = session
                .get_attributes(
                    private,
                    &[
                        AttributeType::Sensitive,
                        AttributeType::AlwaysSensitive,
                        AttributeType::Extractable,
                        AttributeType::NeverExtractable,
                        AttributeType::Value,
                    ],
                )
                .unwrap();
            assert_eq!(
                said,
                [
                    Attribute::Sensitive(true),
                    Attribute::AlwaysSensitive(true),
                    Attribute::Extractable(false),
                    Attribute::NeverExtractable(true),
                ],
                "and no CKA_VALUE"
            );
        }
    });
}

#[test]
fn lists_the_keys_it_made() {
    on_softhsm(|softhsm| {
        let (signer, _) = token_in_use(softhsm);
        assert!(signer.keys().unwrap().is_empty());
        let made =
            [signer.generate(Curve::P256, "one").unwrap(), signer.generate(Curve::P384, "two").unwrap()];
        let again = TokenSigner::open(&softhsm.uri(TOKEN), pin()).unwrap();
        for signer in [signer, again] {
            let mut listed = signer.keys().unwrap();
            listed.sort_by(|a, b| a.label.cmp(&b.label));
            assert_eq!(listed.len(), 2);
            for (object, (key, label)) in listed.iter().zip(made.iter().zip(["one", "two"])) {
                assert_eq!(object.label, label);
                assert_eq!(object.id, key.key_ref().octets());
                let listed = object.key.as_ref().unwrap();
                assert_eq!(listed.public_key, *key);
                assert_eq!(listed.protection, KeyProtection::NonExtractable);
            }
        }
    });
}

#[test]
fn refuses_to_make_a_second_key_of_the_same_label_or_without_one() {
    on_softhsm(|softhsm| {
        let (signer, _) = token_in_use(softhsm);
        let key = signer.generate(Curve::P256, "ca").unwrap();
        let refusal = signer.generate(Curve::P384, "ca").unwrap_err();
        assert!(matches!(refusal, GenerateKeyError::LabelTaken { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains(&key.key_ref().to_string()), "{refusal}");
        assert!(matches!(signer.generate(Curve::P256, ""), Err(GenerateKeyError::NoLabel)));
        assert_eq!(only_key(&signer), key);
    });
}

#[test]
fn serves_one_key_alone_when_the_uri_names_it() {
    on_softhsm(|softhsm| {
        let (signer, _) = token_in_use(softhsm);
        let named = signer.generate(Curve::P256, "ca key").unwrap();
        let other = signer.generate(Curve::P256, "other").unwrap();
        let id: String = named.key_ref().octets().iter().map(|octet| format!("%{octet:02x}")).collect();
        for wanted in [
            "object=ca%20key".to_owned(),
            format!("id={id}"),
            format!("object=ca%20key;id={id};type=private"),
        ] {
            let signer = TokenSigner::open(&softhsm.uri(&format!("{TOKEN};{wanted}")), pin()).unwrap();
            assert_eq!(only_key(&signer), named);
            named.verify(b"message", &signer.sign(&named.key_ref(), b"message").unwrap()).unwrap();
            let refusal = signer.sign(&other.key_ref(), b"message").unwrap_err();
            assert!(matches!(refusal, SignError::KeyNotFound { .. }), "{refusal:?}");
            assert!(matches!(signer.generate(Curve::P256, "new"), Err(GenerateKeyError::UriNamesAKey)));
        }
    });
}

#[test]
fn says_which_keys_are_there_when_the_named_one_is_not() {
    on_softhsm(|softhsm| {
        let (signer, _) = token_in_use(softhsm);
        let key = signer.generate(Curve::P384, "sub-ca").unwrap();
        for wanted in ["object=root", "id=%01", "object=sub-ca;id=%01"] {
            let refusal = TokenSigner::open(&softhsm.uri(&format!("{TOKEN};{wanted}")), pin()).unwrap_err();
            assert!(matches!(refusal, OpenTokenError::NoSuchKey { .. }), "{refusal:?}");
            let said = refusal.to_string();
            assert!(said.contains(wanted), "{said}");
            let there = format!("\"sub-ca\" (id {}, P-384)", key.key_ref());
            assert!(said.contains(&there), "{said}");
        }
    });
}

// Case H-10.
#[test]
fn h_10_refuses_a_uri_that_two_keys_match() {
    on_softhsm(|softhsm| {
        let (_signer, session) = token_in_use(softhsm);
        foreign_key(&session, Curve::P256, &[id(1), label("ca")]);
        foreign_key(&session, Curve::P256, &[id(2), label("ca")]);
        let refusal = TokenSigner::open(&softhsm.uri(&format!("{TOKEN};object=ca")), pin()).unwrap_err();
        let OpenTokenError::AmbiguousKey { there, .. } = &refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(there.len(), 2);
        assert!(
            refusal.to_string().contains("(id 01") && refusal.to_string().contains("(id 02"),
            "{refusal}"
        );
        TokenSigner::open(&softhsm.uri(&format!("{TOKEN};object=ca;id=%02")), pin()).unwrap();
    });
}

// Case H-10.
#[test]
fn h_10_refuses_to_sign_when_two_private_keys_have_the_id_of_the_key() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        foreign_key(&session, Curve::P256, &[id(1), label("one")]);
        let key = only_key(&signer);
        let (public, private) = foreign_key(&session, Curve::P256, &[id(2), label("two")]);
        session.destroy_object(public).unwrap();
        session.update_attributes(private, &[id(1)]).unwrap();
        let refusal = signer.sign(&key.key_ref(), b"message").unwrap_err();
        assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("2 private keys on the token have the id 01"), "{refusal}");
    });
}

#[test]
fn signs_with_keys_that_another_program_made_meanwhile() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        let (public, _) = foreign_key(&session, Curve::P384, &[id(0xA5), label("foreign")]);
        let said = session.get_attributes(public, &[AttributeType::EcPoint]).unwrap();
        let [Attribute::EcPoint(wrapped)] = said.as_slice() else {
            panic!("{said:?}");
        };
        let key = PublicKey::from_point(Curve::P384, &wrapped[2..]).unwrap();
        assert_eq!(signer.public_key(&key.key_ref()).unwrap(), key);
        key.verify(b"message", &signer.sign(&key.key_ref(), b"message").unwrap()).unwrap();
    });
}

#[test]
fn tells_why_a_key_cannot_be_used() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        foreign_key(&session, Curve::P256, &[label("a: no id")]);
        let (public, _) = foreign_key(&session, Curve::P256, &[id(2), label("b: no public key")]);
        session.destroy_object(public).unwrap();
        let (_, private) = foreign_key(&session, Curve::P256, &[id(3), label("c: two public keys")]);
        session.destroy_object(private).unwrap();
        foreign_key(&session, Curve::P256, &[id(3), label("c: two public keys")]);
        let secp256k1 = Attribute::EcParams(vec![6, 5, 0x2B, 0x81, 4, 0, 10]);
        session
            .generate_key_pair(
                &Mechanism::EccKeyPairGen,
                &[Attribute::Token(true), secp256k1, id(4)],
                &[Attribute::Token(true), id(4), label("d: curve")],
            )
            .unwrap();
        let mut objects = signer.keys().unwrap();
        objects.sort_by(|a, b| a.label.cmp(&b.label));
        let reasons: Vec<_> = objects.iter().map(|object| object.key.clone().unwrap_err()).collect();
        assert_eq!(
            reasons,
            [Unusable::NoId, Unusable::NoPublicKey, Unusable::SeveralPublicKeys, Unusable::NotOurCurve]
        );
        let refusal = TokenSigner::open(&softhsm.uri(&format!("{TOKEN};id=%02")), pin()).unwrap_err();
        assert!(matches!(refusal, OpenTokenError::UnusableKey { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("no public key object has its CKA_ID"), "{refusal}");
    });
}

// Case H-15.
#[test]
fn h_15_refuses_keys_that_can_leave_the_token_unless_they_are_allowed() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        let weak = [
            [Attribute::Sensitive(true), Attribute::Extractable(true)],
            [Attribute::Sensitive(false), Attribute::Extractable(false)],
        ];
        for (octet, [sensitive, extractable]) in (1..).zip(weak) {
            let text = format!("weak {octet}");
            foreign_key(&session, Curve::P256, &[id(octet), label(&text), sensitive, extractable]);
            let wanted = softhsm.uri(&format!("{TOKEN};id=%0{octet}"));
            let refusal = TokenSigner::open(&wanted, pin()).unwrap_err();
            assert!(
                matches!(refusal, OpenTokenError::Token(UseTokenError::ExtractableKey { .. })),
                "{refusal:?}"
            );
            let options =
                TokenOptions { weakest_protection: KeyProtection::Extractable, ..TokenOptions::default() };
            let allowing = TokenSigner::open_with(&wanted, pin(), options).unwrap();
            let key = only_key(&allowing);
            key.verify(b"message", &allowing.sign(&key.key_ref(), b"message").unwrap()).unwrap();
            for refusal in [
                signer.sign(&key.key_ref(), b"message").unwrap_err(),
                signer.public_key(&key.key_ref()).unwrap_err(),
            ] {
                assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
                assert!(refusal.to_string().contains("extractable or not sensitive"), "{refusal}");
            }
        }
    });
}

#[test]
fn names_the_function_that_refused_to_sign() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        foreign_key(&session, Curve::P256, &[id(1), label("k"), Attribute::Sign(false)]);
        let key = only_key(&signer).key_ref();
        let refusal = signer.sign(&key, b"message").unwrap_err();
        assert!(matches!(refusal, SignError::Unavailable { .. }), "{refusal:?}");
        assert!(
            refusal.to_string().contains("C_SignInit answered CKR_KEY_FUNCTION_NOT_PERMITTED"),
            "{refusal}"
        );
    });
}

/// What a power cut leaves of a key that was being made: halves, without a `CKA_ID`.
#[test]
fn r_21_the_remains_of_a_label_are_destroyed_and_nothing_else() {
    on_softhsm(|softhsm| {
        let (signer, session) = token_in_use(softhsm);
        let kept = signer.generate(Curve::P256, "kept").unwrap();
        let made = signer.generate(Curve::P384, "lost").unwrap();
        foreign_key(&session, Curve::P256, &[label("lost")]);
        let (public, _) = foreign_key(&session, Curve::P256, &[label("half")]);
        session.destroy_object(public).unwrap();
        assert!(!signer.is_free("lost").unwrap() && !signer.is_free("half").unwrap());
        let gone = signer.destroy_labelled("lost").unwrap();
        assert!(gone.len() == 2 && gone.contains(&made), "{gone:?}");
        assert_eq!(signer.destroy_labelled("half").unwrap(), []);
        assert_eq!(signer.destroy_labelled("never").unwrap(), []);
        assert!(signer.is_free("lost").unwrap() && signer.is_free("half").unwrap());
        assert!(signer.sign(&made.key_ref(), b"octets").is_err());
        signer.sign(&kept.key_ref(), b"octets").unwrap();
    });
}
