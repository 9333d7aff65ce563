//! Several tokens as one signer: which one signs, and which one signs instead.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use der::Encode;
use der::asn1::OctetStringRef;
use p256::elliptic_curve::sec1::ToSec1Point;
use pkcs11_faults::{Deed, Plan};
use signer_pkcs11::{TokenOptions, TokenSet, TokenSigner};

use crate::cases::{serves, sign, until, uri};
use crate::softhsm::{Softhsm, log_in, on_softhsm, pin};

/// Rests that outlast the test, so that a token that failed stays away.
fn options() -> TokenOptions {
    TokenOptions {
        shortest_rest: Duration::from_secs(3600),
        longest_rest: Duration::from_secs(3600),
        ..TokenOptions::default()
    }
}

/// Puts a key onto a token, as a restored backup would be.
fn put(softhsm: &Softhsm, token: &str, id: u8) -> PublicKey {
    let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let point = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
    let session = softhsm.session(token);
    log_in(&session);
    let common = [
        Attribute::Token(true),
        Attribute::KeyType(KeyType::EC),
        Attribute::EcParams(Curve::P256.oid().to_der().unwrap()),
        Attribute::Id(vec![id]),
        Attribute::Label(format!("on {token}").into_bytes()),
    ];
    let wrapped = OctetStringRef::new(&point).unwrap().to_der().unwrap();
    let mut public = vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::EcPoint(wrapped)];
    public.extend(common.clone());
    let mut private = vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Value(secret.to_bytes().to_vec()),
    ];
    private.extend(common);
    session.create_object(&public).unwrap();
    session.create_object(&private).unwrap();
    PublicKey::from_point(Curve::P256, &point).unwrap()
}

/// Two tokens with the same key under other names, behind the module that fails as planned.
fn twins(softhsm: &Softhsm, options: TokenOptions) -> (TokenSet, [Arc<TokenSigner>; 2], PublicKey) {
    Plan::new().write(&softhsm.path("plan")).unwrap();
    for token in ["a", "b"] {
        softhsm.make_token(token);
    }
    // A signer has to have the module started before a session of the test's own can be opened.
    let started = ["a", "b"].map(|token| TokenSigner::open(&uri(token), pin()).unwrap());
    drop(started);
    let keys = [put(softhsm, "a", 1), put(softhsm, "b", 2)];
    assert_eq!(keys[0], keys[1]);
    let tokens = ["a", "b"].map(|token| Arc::new(TokenSigner::attend(&uri(token), pin(), options).unwrap()));
    let [key, _] = keys;
    (TokenSet::new(tokens.to_vec()), tokens, key)
}

fn calls(softhsm: &Softhsm, function: &str) -> usize {
    pkcs11_faults::calls(&softhsm.path("plan"), function).unwrap()
}

#[test]
fn each_key_is_signed_with_on_the_token_that_holds_it() {
    on_softhsm(|softhsm| {
        Plan::new().write(&softhsm.path("plan")).unwrap();
        for token in ["a", "b"] {
            softhsm.make_token(token);
        }
        let tokens = ["a", "b"].map(|token| Arc::new(TokenSigner::open(&uri(token), pin()).unwrap()));
        let curves = [Curve::P256, Curve::P384];
        let made: Vec<PublicKey> =
            tokens.iter().zip(curves).map(|(token, curve)| token.generate(curve, "k").unwrap()).collect();
        let set = TokenSet::new(tokens.to_vec());
        for key in &made {
            assert_eq!(set.public_key(&key.key_ref()).unwrap(), *key);
            sign(&set, key).unwrap();
        }
        let nobody = PublicKey::from_point(
            Curve::P256,
            p256::SecretKey::from_slice(&[9; 32]).unwrap().public_key().to_sec1_point(false).as_bytes(),
        );
        let missing = set.sign(&nobody.unwrap().key_ref(), b"message").unwrap_err();
        assert!(matches!(missing, SignError::KeyNotFound { .. }), "{missing:?}");
    });
}

#[test]
fn the_token_with_the_fewest_calls_in_flight_signs() {
    on_softhsm(|softhsm| {
        let (set, _tokens, key) = twins(softhsm, options());
        Plan::new().between("C_Sign", 1, 2, Deed::Hang).write(&softhsm.path("plan")).unwrap();
        thread::scope(|scope| {
            let first = scope.spawn(|| sign(&set, &key));
            until(|| calls(softhsm, "C_Sign") == 1);
            let second = scope.spawn(|| sign(&set, &key));
            until(|| calls(softhsm, "C_Sign") == 2);
            let busy: Vec<usize> = set.in_flight().collect();
            assert_eq!(busy, [1, 1]);
            Plan::new().write(&softhsm.path("plan")).unwrap();
            first.join().unwrap().unwrap();
            second.join().unwrap().unwrap();
        });
    });
}

#[test]
fn another_token_signs_only_where_the_first_has_certainly_not_signed() {
    on_softhsm(|softhsm| {
        let (set, tokens, key) = twins(softhsm, options());
        // Before C_Sign, twice, since one token tries once more by itself.
        Plan::new().between("C_SignInit", 1, 2, Deed::Answer(0x30)).write(&softhsm.path("plan")).unwrap();
        sign(&set, &key).unwrap();
        assert_eq!(calls(softhsm, "C_Sign"), 1);
        assert_eq!(tokens.iter().filter(|token| serves(token)).count(), 1);
        sign(&set, &key).unwrap();
        drop((set, tokens));

        let tokens =
            ["a", "b"].map(|token| Arc::new(TokenSigner::attend(&uri(token), pin(), options()).unwrap()));
        let set = TokenSet::new(tokens.to_vec());
        Plan::new().once("C_Sign", Deed::AnswerAfter(0x30)).write(&softhsm.path("plan")).unwrap();
        let refusal = sign(&set, &key).unwrap_err();
        assert!(matches!(refusal, SignError::OutcomeUnknown { .. }), "{refusal:?}");
        assert_eq!(calls(softhsm, "C_Sign"), 1, "nobody signs a second time");
        // The other token serves from now on.
        sign(&set, &key).unwrap();
    });
}

#[test]
fn a_token_that_is_pulled_out_is_not_missed_while_its_twin_is_there() {
    on_softhsm(|softhsm| {
        let short = TokenOptions { shortest_rest: Duration::from_millis(20), ..TokenOptions::default() };
        let (set, tokens, key) = twins(softhsm, short);
        for label in ["a", "b"] {
            Plan::new().gone(label).write(&softhsm.path("plan")).unwrap();
            for _ in 0..8 {
                sign(&set, &key).unwrap();
            }
            Plan::new().write(&softhsm.path("plan")).unwrap();
            until(|| tokens.iter().all(|token| serves(token)));
        }
    });
}
