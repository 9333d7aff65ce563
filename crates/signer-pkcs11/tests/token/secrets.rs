//! Secrets of devices wrapped anew: by the vectors of RFC 3394 and RFC 5649, and by keys whose values the tests know.

use std::num::NonZeroUsize;

use ca_core::record::{SecretKind, WrappedSecret};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use signer_pkcs11::{
    DoomedKey, Door, KeyTransfer, NewKeys, RewrapError, Role, SecretKeyError, SecretVault, make_storage_key,
    wrapping_keys,
};

use crate::softhsm::{Softhsm, log_in, on_softhsm, pin};

/// RFC 3394 §4.3 and §4.6.
const KEK_256: &str = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const KEY_128: &str = "00112233445566778899AABBCCDDEEFF";
const KEY_128_WRAPPED: &str = "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7";
const KEY_256_WRAPPED: &str =
    "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21";
/// RFC 5649 §6.
const KEK_192: &str = "5840DF6E29B02AF1AB493B705BF16EA1AE8338F4DCC176A8";
const OCTETS_20_WRAPPED: &str = "138BDEAA9B8FA7FC61F97742E72248EE5AE6AE5360D1AE6A5F54F373FA543B6A";
const OCTETS_7_WRAPPED: &str = "AFBEB0F07DFBF5419200F2CCB50BB24F";

fn octets(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn secret(kind: SecretKind, wrapped_by: &str, digits: &str) -> WrappedSecret {
    WrappedSecret { kind, wrapped_by: wrapped_by.to_owned(), octets: octets(digits) }
}

/// A wrapping key of a known value, as the product keeps its own.
fn known(session: &Session, label: &str, value: &str, other: &[Attribute]) -> ObjectHandle {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Value(octets(value)),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
    ];
    let ours = [
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
    ];
    let replaced = |ours: &Attribute| other.iter().any(|one| one.attribute_type() == ours.attribute_type());
    template.extend(ours.into_iter().filter(|one| !replaced(one)));
    template.extend_from_slice(other);
    session.create_object(&template).unwrap()
}

/// A token `a`, with its vault, and a session of the test's own beside it.
fn with_vault(softhsm: &Softhsm, test: impl FnOnce(&SecretVault, &Session)) {
    softhsm.make_token("a");
    let (uri, pin) = (softhsm.uri("token=a"), pin());
    let vault = SecretVault::open(Door { uri: &uri, pin: &pin, officer_pin: None }).unwrap();
    // The login is the process's.
    let session = softhsm.session("a");
    test(&vault, &session);
}

/// How many secret keys there are in sessions, those with which the vault tries the token among them: one for each session of it.
fn in_sessions(session: &Session) -> usize {
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(false)];
    session.find_objects(&wanted).unwrap().len()
}

#[test]
fn the_vectors_of_rfc_3394_unwrap_and_wrap() {
    on_softhsm(|softhsm| {
        with_vault(softhsm, |vault, session| {
            known(session, "rfc", KEK_256, &[]);
            known(session, "other", KEY_128, &[]);
            for wrapped in [KEY_128_WRAPPED, KEY_256_WRAPPED] {
                let there = secret(SecretKind::Guek, "rfc", wrapped);
                // RFC 3394 is deterministic: under the same key it is the vector again.
                assert_eq!(vault.rewrap(&there, "rfc").unwrap(), there);
                let under_other = vault.rewrap(&there, "other").unwrap();
                assert_eq!(under_other.wrapped_by, "other");
                assert_ne!(under_other.octets, there.octets);
                assert_eq!(vault.rewrap(&under_other, "rfc").unwrap(), there, "and back");
            }
            assert_eq!(in_sessions(session), 4, "nothing is left but the probes");
        });
    });
}

// SoftHSM2 2.6 fills what is wrapped by RFC 5649 up to a multiple of 8 octets: the vectors unwrap, and would be other passwords.
#[test]
fn the_vectors_of_rfc_5649_unwrap_and_a_token_that_would_change_them_is_found_out() {
    on_softhsm(|softhsm| {
        with_vault(softhsm, |vault, session| {
            let rfc = known(session, "rfc", KEK_192, &[]);
            for wrapped in [OCTETS_7_WRAPPED, OCTETS_20_WRAPPED] {
                let refused = vault.rewrap(&secret(SecretKind::Lls, "rfc", wrapped), "rfc").unwrap_err();
                assert_eq!(refused.code(), "secret.length-lost", "{refused}");
            }
            // That it is so is seen without our code: what comes back is not the vector.
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::Token(false),
                Attribute::Extractable(true),
            ];
            let seven = session
                .unwrap_key(&Mechanism::AesKeyWrapPad, rfc, &octets(OCTETS_7_WRAPPED), &template)
                .unwrap();
            let again = session.wrap_key(&Mechanism::AesKeyWrapPad, rfc, seven).unwrap();
            assert_ne!(again, octets(OCTETS_7_WRAPPED));
            // A password whose length is a multiple of 8 stays what it is.
            let eight = WrappedSecret { octets: again, ..secret(SecretKind::Lls, "rfc", "") };
            assert_eq!(vault.rewrap(&eight, "rfc").unwrap(), eight);
            session.destroy_object(seven).unwrap();
            assert_eq!(in_sessions(session), 4);
        });
    });
}

#[test]
fn an_altered_octet_a_wrong_length_and_a_clear_key_are_refused_and_told_apart() {
    on_softhsm(|softhsm| {
        with_vault(softhsm, |vault, session| {
            known(session, "rfc", KEK_256, &[]);
            let code = |secret: &WrappedSecret, to| vault.rewrap(secret, to).unwrap_err().code();
            let whole = secret(SecretKind::Kek, "rfc", KEY_128_WRAPPED);
            for place in 0..whole.octets.len() {
                let mut altered = whole.clone();
                altered.octets[place] ^= 1;
                assert_eq!(code(&altered, "rfc"), "secret.not-unwrapped", "octet {place}");
            }
            let of = |octets: &[u8]| WrappedSecret { octets: octets.to_vec(), ..whole.clone() };
            assert_eq!(code(&of(&whole.octets[..23]), "rfc"), "secret.length");
            assert_eq!(code(&of(&octets(KEY_128)), "rfc"), "secret.in-clear");
            assert_eq!(
                code(&secret(SecretKind::Kek, "nobody", KEY_128_WRAPPED), "rfc"),
                "secret.unknown-key"
            );
            assert_eq!(code(&whole, "nobody"), "secret.unknown-key");
            // As another kind than it was wrapped as, it is another mechanism's.
            let as_password = WrappedSecret { kind: SecretKind::Hls, ..whole.clone() };
            assert_eq!(code(&as_password, "rfc"), "secret.not-unwrapped");
            assert_eq!(in_sessions(session), 4);
            assert_eq!(vault.rewrap(&whole, "rfc").unwrap(), whole, "the vault goes on");
        });
    });
}

// A wrapping key that decrypts gives every secret to whoever has the PIN; one that leaves takes them along.
#[test]
fn keys_that_would_give_secrets_away_are_not_used() {
    on_softhsm(|softhsm| {
        with_vault(softhsm, |vault, session| {
            known(session, "rfc", KEK_256, &[]);
            let there = secret(SecretKind::Gak, "rfc", KEY_128_WRAPPED);
            for (label, fault) in [
                ("decrypts", Attribute::Decrypt(true)),
                ("encrypts", Attribute::Encrypt(true)),
                ("leaves", Attribute::Extractable(true)),
                ("readable", Attribute::Sensitive(false)),
            ] {
                known(session, label, KEY_128, &[fault]);
                for role in [Role::Wraps, Role::Unwraps] {
                    let refused = vault.look_for(label, role).unwrap_err();
                    assert_eq!(refused.code(), "secret.unfit-key", "{label}");
                }
                assert_eq!(vault.rewrap(&there, label).unwrap_err().code(), "secret.unfit-key");
            }
            for _ in 0..2 {
                known(session, "twice", KEY_128, &[]);
            }
            let refused = vault.rewrap(&there, "twice").unwrap_err();
            assert!(matches!(refused, RewrapError::AmbiguousKey { count: 2, .. }), "{refused}");
        });
    });
}

#[test]
fn many_are_wrapped_anew_in_several_sessions_and_answered_in_order() {
    on_softhsm(|softhsm| {
        softhsm.make_token("a");
        let (uri, pin) = (softhsm.uri("token=a"), pin());
        let door = Door { uri: &uri, pin: &pin, officer_pin: None };
        let vault = SecretVault::open_with(door, NonZeroUsize::new(3).unwrap()).unwrap();
        let session = softhsm.session("a");
        known(&session, "rfc", KEK_256, &[]);
        known(&session, "to", KEY_128, &[]);
        let mut list: Vec<_> = (0..100)
            .map(|number| {
                let wrapped = if number % 2 == 0 { KEY_128_WRAPPED } else { KEY_256_WRAPPED };
                secret(SecretKind::Guek, "rfc", wrapped)
            })
            .collect();
        list[57].octets[3] ^= 0x80;
        let answers = vault.rewrap_all(&list, "to");
        assert_eq!(answers.len(), 100);
        let alone = [0, 1].map(|at| vault.rewrap(&list[at], "to").unwrap());
        for (number, answer) in answers.iter().enumerate() {
            match answer {
                Ok(done) => assert_eq!(*done, alone[number % 2], "{number}"),
                Err(refused) => assert_eq!((number, refused.code()), (57, "secret.not-unwrapped")),
            }
        }
        assert!(answers[57].is_err());
        assert!(vault.rewrap_all(&[], "to").is_empty());

        // The token goes: nothing is called altered for that, and the rest is not asked.
        softhsm.restart_module();
        let answers = vault.rewrap_all(&list, "to");
        assert_eq!(answers.len(), 100);
        assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(RewrapError::is_of_the_token)));
        let asked = answers.iter().filter(|answer| matches!(answer, Err(RewrapError::Token(_)))).count();
        assert_eq!(asked, 3, "one in each session");
    });
}

#[test]
fn a_storage_key_stays_on_its_token_wraps_and_unwraps_and_is_destroyed_by_its_label() {
    on_softhsm(|softhsm| {
        softhsm.make_token("a");
        let (uri, pin) = (softhsm.uri("token=a"), pin());
        let door = Door { uri: &uri, pin: &pin, officer_pin: None };
        let (token, key) = make_storage_key(door, "storage").unwrap();
        assert_eq!(token.label, "a");
        assert!(key.is_kept() && key.uses.wrap && key.uses.unwrap && key.attributes.never_extractable);
        assert!(matches!(make_storage_key(door, "storage"), Err(SecretKeyError::Taken { .. })));
        assert!(matches!(make_storage_key(door, ""), Err(SecretKeyError::NoLabel)));
        assert_eq!(wrapping_keys(door).unwrap().1, [key]);

        let session = softhsm.session("a");
        log_in(&session);
        let handle = session.find_objects(&[Attribute::Label(b"storage".to_vec())]).unwrap()[0];
        let read = session.get_attributes(handle, &[AttributeType::Value]);
        assert!(!read.unwrap().iter().any(|said| matches!(said, Attribute::Value(_))));
        assert!(session.encrypt(&Mechanism::AesEcb, handle, &[0; 16]).is_err());
        assert!(session.decrypt(&Mechanism::AesEcb, handle, &[0; 16]).is_err());
        session.logout().unwrap();
        drop(session);

        DoomedKey::find(door, "storage").unwrap().destroy().unwrap();
        assert!(matches!(DoomedKey::find(door, "storage"), Err(SecretKeyError::NotThere { .. })));
    });
}

#[test]
fn new_keys_are_wrapped_for_the_device_and_for_the_store_and_are_the_same_keys() {
    on_softhsm(|softhsm| {
        with_vault(softhsm, |vault, session| {
            // The device's KEK is the key of the vector, and is under the storage key.
            known(session, "storage", KEK_256, &[]);
            known(session, "device", KEY_128, &[]);
            let kek = secret(SecretKind::Kek, "storage", KEY_128_WRAPPED);
            let kinds = [SecretKind::Kek, SecretKind::Gbek, SecretKind::Guek, SecretKind::Gak];
            let wanted = NewKeys { kinds: &kinds, length: None, storage: "storage" };
            let made: Vec<KeyTransfer> = vault.key_transfer(&kek, &wanted).unwrap();
            let ids: Vec<_> = made.iter().map(|one| (one.key_id, one.pending.kind)).collect();
            let order =
                [(2, SecretKind::Gak), (0, SecretKind::Guek), (1, SecretKind::Gbek), (3, SecretKind::Kek)];
            assert_eq!(ids, order);
            for one in &made {
                assert_eq!(one.wrapped_key.len(), 24);
                // What is under the KEK of the device is what is under the storage key.
                let for_device = WrappedSecret {
                    kind: one.pending.kind,
                    wrapped_by: "device".to_owned(),
                    octets: one.wrapped_key.clone(),
                };
                assert_eq!(vault.rewrap(&for_device, "storage").unwrap(), one.pending);
            }
            let mut blobs: Vec<_> = made.iter().map(|one| &one.pending.octets).collect();
            blobs.sort();
            blobs.dedup();
            assert_eq!(blobs.len(), 4, "four different keys");
            assert_eq!(in_sessions(session), 4);

            let refused = |kek: &WrappedSecret, kinds: &[SecretKind]| {
                let wanted = NewKeys { kinds, length: None, storage: "storage" };
                vault.key_transfer(kek, &wanted).unwrap_err().code()
            };
            let guek = WrappedSecret { kind: SecretKind::Guek, ..kek.clone() };
            assert_eq!(refused(&guek, &kinds), "secret.not-a-kek");
            assert_eq!(refused(&kek, &[SecretKind::Lls]), "secret.not-a-key");
            let mut altered = kek;
            altered.octets[0] ^= 1;
            assert_eq!(refused(&altered, &kinds), "secret.not-unwrapped");
            assert_eq!(in_sessions(session), 4);
        });
    });
}
