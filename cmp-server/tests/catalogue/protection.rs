//! Protection and who stands behind it: C-04, C-05, C-06, C-21, C-22, C-31 and C-32.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use cmp_messages::body::PkiBody;
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::{MacAlgorithm, MacFamily};
use cmp_messages::status::PkiFailureInfo;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Null};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;

use crate::client::{By, Message, cert_conf, cr, fresh, ir, kur, octets, time};
use crate::octets::{oid as oid_octets, sequence, tlv};
use crate::pki::{Wish, key, meter_factory_ds};
use crate::world::{DEVICE, OTHER, PATH, Setting, World, certificate};

fn algorithm(text: &str) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(text), parameters: None }
}

// RFC 9483 §3.5: an algorithm that is not supported is badAlg.
#[tokio::test]
async fn c_04_unknown_and_weak_algorithms_of_signatures_are_refused() {
    let world = World::new();
    let bad = (PkiFailureInfo::BadAlg, "protection.algorithm");
    // ECDSA with SHA-1, with SHA-224 and with SHA-512, RSA with SHA-256, Ed25519, and nothing known.
    for text in [
        "1.2.840.10045.4.1",
        "1.2.840.10045.4.3.1",
        "1.2.840.10045.4.3.4",
        "1.2.840.113549.1.1.11",
        "1.3.101.112",
        "1.2.3",
    ] {
        let message = world.cr().with(|header| header.protection_alg = Some(algorithm(text)));
        world.refuses(&message, bad).await;
    }
    let message = world.cr().with(|header| {
        header.protection_alg.as_mut().unwrap().parameters = Some(Any::encode_from(&Null).unwrap());
    });
    world.refuses(&message, bad).await;
}

// A client on its way from suite 1 to suite 2 may know one hash for both keys; a signature over the other hash is none.
#[tokio::test]
async fn c_04_the_longer_hash_of_the_next_suite_is_taken_if_it_is_what_was_signed() {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    use sha2::{Digest as _, Sha384};

    let world = World::new();
    let longer = |header: &mut PkiHeader| header.protection_alg = Some(algorithm("1.2.840.10045.4.3.3"));
    let message = world.cr().with(longer);
    world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "protection.signature")).await;
    let built = message.built();
    let By::Key(number) = message.by else { panic!("it is signed") };
    let digest = Sha384::digest(built.protected_part());
    let signature: p256::ecdsa::Signature = key(number).sign_prehash(&digest).unwrap();
    let der = protected_by(&message, signature.to_der().as_bytes());
    certificate(&PkiMessage::decode(&world.exchange(PATH, der).await).unwrap());
}

#[tokio::test]
async fn c_04_unknown_and_weak_algorithms_of_macs_are_refused() {
    let world = World::new();
    // HMAC without a derivation, KMAC, PBMAC1 and PasswordBasedMac without parameters.
    for text in
        ["1.2.840.113549.2.9", "2.16.840.1.101.3.4.2.19", "1.2.840.113549.1.5.14", "1.2.840.113533.7.66.13"]
    {
        let message = world.ir().with(|header| header.protection_alg = Some(algorithm(text)));
        let answer = world.refuses(&message, (PkiFailureInfo::BadAlg, "protection.algorithm")).await;
        assert!(
            answer.protection().is_none(),
            "RFC 9483 §3.6.4: whoever has no certificate verifies nothing"
        );
    }
    assert_eq!(world.secrets.asked(), 0);
}

/// The octets of a message whose protection is another one.
fn protected_by(message: &Message, protection: &[u8]) -> Vec<u8> {
    message.built().protected(protection.to_vec()).encode().unwrap()
}

fn flipped(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    *octets.last_mut().unwrap() ^= 1;
    octets
}

// RFC 9483 §3.5: a protection that does not verify is badMessageCheck.
#[tokio::test]
async fn c_05_a_changed_protection_or_message_is_refused() {
    let world = World::new();
    let bad = PkiFailureInfo::BadMessageCheck;
    for (message, code) in [(world.cr(), "protection.signature"), (world.ir(), "protection.secret")] {
        let right = message.built().protection().unwrap().to_vec();
        for protection in [flipped(&right), right[..right.len() - 1].to_vec(), Vec::new()] {
            world.refuses_octets(PATH, protected_by(&message, &protection), (bad, code)).await;
        }
        let other = Message { body: cr(OTHER, 41), ..message.clone() };
        world.refuses_octets(PATH, protected_by(&other, &right), (bad, code)).await;
        let later = message.clone().with(|header| header.sender_nonce = Some(octets(&fresh())));
        world.refuses_octets(PATH, protected_by(&later, &right), (bad, code)).await;
        // As it was it is granted.
        let other = World::new();
        other.token("reference", "secret", DEVICE);
        certificate(&other.ask(&message).await);
    }
}

#[tokio::test]
async fn c_05_half_a_protection_is_none() {
    let world = World::new();
    let none = (PkiFailureInfo::BadMessageCheck, "protection.none");
    for message in [world.cr(), world.ir()] {
        let named = Message { by: By::Nothing, ..message.clone() };
        world.refuses_octets(PATH, named.der(), none).await;
        let nameless = message.clone().with(|header| header.protection_alg = None);
        assert!(nameless.built().protection().is_some());
        world.refuses_octets(PATH, nameless.der(), none).await;
    }
}

// RFC 9483 §3.5: all messages that ask for anything MUST be protected.
#[tokio::test]
async fn c_06_without_protection_nothing_is_done() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let none = (PkiFailureInfo::BadMessageCheck, "protection.none");
    let genm = PkiBody::Genm(vec![InfoTypeAndValue::empty(cmp_messages::general::CA_CERTS)]);
    for body in [
        ir(DEVICE, 41),
        cr(DEVICE, 41),
        kur(DEVICE, 41),
        PkiBody::P10cr(Any::from_der(&crate::csr::Csr::new(DEVICE, 41).der()).unwrap()),
        crate::revocation::rr(&world, &enrolled),
        cert_conf(&enrolled),
        PkiBody::PollReq(vec![cmp_messages::polling::PollReq { cert_req_id: 0 }]),
        PkiBody::Nested(vec![Any::from_der(&world.cr().der()).unwrap()]),
        genm,
    ] {
        let message = Message { by: By::Nothing, ..Message::signed(40, &enrolled, body) };
        world.refuses(&message.with(|header| header.protection_alg = None), none).await;
    }
}

/// A MAC of this family with these parameters.
fn mac_algorithm(family: MacFamily, salt: &[u8], iterations: u64) -> AlgorithmIdentifierOwned {
    let count = der::asn1::Uint::new(&iterations.to_be_bytes()).unwrap().to_der().unwrap();
    let null = [0x05, 0x00].to_vec();
    let hmac = sequence(&[oid_octets("1.2.840.113549.2.9"), null]);
    let der = match family {
        MacFamily::PasswordBasedMac => sequence(&[
            oid_octets("1.2.840.113533.7.66.13"),
            sequence(&[tlv(0x04, salt), sequence(&[oid_octets("2.16.840.1.101.3.4.2.1")]), count, hmac]),
        ]),
        MacFamily::Pbmac1 => {
            let length = [0x02, 0x01, 0x20].to_vec();
            let derivation = sequence(&[tlv(0x04, salt), count, length, hmac.clone()]);
            let derivation = sequence(&[oid_octets("1.2.840.113549.1.5.12"), derivation]);
            sequence(&[oid_octets("1.2.840.113549.1.5.14"), sequence(&[derivation, hmac])])
        }
    };
    AlgorithmIdentifierOwned::from_der(&der).unwrap()
}

// RFC 9481 §6.1: what a stranger makes us compute is bounded, and a salt of fewer than 8 octets (RFC 4211 §4.4) is none.
#[tokio::test]
async fn c_21_iterations_and_salts_out_of_bounds_are_refused_before_anything_is_computed() {
    let world = World::new();
    for family in [MacFamily::PasswordBasedMac, MacFamily::Pbmac1] {
        for (salt, iterations) in [
            (&[7; 16][..], 1 << 31),
            (&[7; 16], u64::MAX),
            (&[7; 16], 100_001),
            (&[7; 16], 99),
            (&[7; 16], 0),
            (&[7; 7], 10_000),
            (&[], 10_000),
            (&[7; 65], 10_000),
        ] {
            let algorithm = mac_algorithm(family, salt, iterations);
            let message = world.ir().with(|header| header.protection_alg = Some(algorithm));
            world.refuses(&message, (PkiFailureInfo::BadAlg, "protection.algorithm")).await;
        }
        assert_eq!(world.secrets.asked(), 0, "without a secret there is nothing to compute a MAC with");
    }
    for family in [MacFamily::PasswordBasedMac, MacFamily::Pbmac1] {
        for iterations in [100, 100_000] {
            let world = World::new();
            let identifier = mac_algorithm(family, &[7; 8], iterations);
            let algorithm = MacAlgorithm::read(&identifier).unwrap();
            let mut message = world.ir().with(|header| header.protection_alg = Some(identifier));
            message.by = By::Secret("secret".to_owned(), algorithm);
            certificate(&world.ask(&message).await);
        }
    }
}

// GHSA-8qv2-5vq6-g2g7: certificates that a stranger sends along are bounded in number, and so are the signatures verified.
#[tokio::test]
async fn c_22_no_more_than_sixteen_certificates_are_looked_at_beside_the_senders() {
    let world = World::new();
    let mut message = world.cr();
    let own = message.certificates[0].clone();
    let others = |count: usize| std::iter::repeat_n(world.pki.root.certificate().der().to_vec(), count);
    message.certificates = [own.clone()].into_iter().chain(others(17)).collect();
    world.refuses(&message, (PkiFailureInfo::BadDataFormat, "message.not-der")).await;
    // Ten thousand empty ones fit into a message.
    let many: Vec<Vec<u8>> = [own.clone()].into_iter().chain((0..10_000).map(|_| vec![0x30, 0x00])).collect();
    message.certificates = many;
    world.refuses(&message, (PkiFailureInfo::BadDataFormat, "message.not-der")).await;
    message.certificates = [own].into_iter().chain(others(16)).collect();
    certificate(&world.ask(&message).await);
}

// RFC 9483 §3.5: sender and senderKID are those of the certificate that protects the message.
#[tokio::test]
async fn c_31_the_sender_is_the_subject_of_the_protecting_certificate() {
    let world = World::new();
    let named = |text: &str| {
        GeneralName::directory(&DistinguishedName::from_attributes(&[(oid::COMMON_NAME, text)]).unwrap())
            .unwrap()
    };
    let null_dn = GeneralName::directory(&DistinguishedName::empty()).unwrap();
    let no_directory = GeneralName::from_der(&[0x82, 0x01, b'x']).unwrap();
    for sender in [named(OTHER), null_dn, no_directory] {
        let message = world.cr().with(|header| header.sender = sender);
        world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "header.sender")).await;
    }
    for key in [&b"other"[..], b""] {
        let message = world.cr().with(|header| header.sender_kid = Some(octets(key)));
        world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "header.sender-kid")).await;
    }
    certificate(&world.ask(&world.cr().with(|header| header.sender_kid = None)).await);
}

// The certificate that comes along first, or that senderKID names, is believed only as far as its key has signed.
#[tokio::test]
async fn c_31_somebody_elses_certificate_proves_nothing() {
    let world = World::new();
    let mut message = Message::signed(30, &world.factory(OTHER, 31), cr(OTHER, 41));
    world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "protection.signature")).await;
    message.certificates.push(world.factory(DEVICE, 30));
    world.refuses(&message, (PkiFailureInfo::BadMessageCheck, "protection.signature")).await;
    message.certificates.clear();
    world.refuses(&message, (PkiFailureInfo::SignerNotTrusted, "authn.none")).await;
}

#[tokio::test]
async fn who_leads_to_no_anchor_is_not_trusted() {
    let world = World::new();
    let subject =
        ca_core::subject::Subject::device(ca_core::system_title::SystemTitle::parse(DEVICE).unwrap());
    let stranger = world.pki.ending.certify(&Wish::new(meter_factory_ds(), subject, 30));
    let message = Message::signed(30, &stranger, cr(DEVICE, 40));
    world.refuses(&message, (PkiFailureInfo::SignerNotTrusted, "authn.no-path")).await;
}

/// What an answer says beside what must differ: nonce and time of the server.
fn comparable(answer: &PkiMessage) -> Vec<u8> {
    let mut header = answer.header().clone();
    assert!(header.sender_nonce.take().is_some());
    PkiMessage::new(header, answer.body().clone()).unwrap().encode().unwrap()
}

// C-32: an unknown reference, a known one with a wrong secret, and one that is neither look the same in every octet.
#[tokio::test]
async fn c_32_an_unknown_reference_and_a_wrong_mac_get_the_same_answer() {
    let world = World::new();
    world.token("reference", "secret", DEVICE);
    let refused = (PkiFailureInfo::BadMessageCheck, "protection.secret");
    for family in [MacFamily::PasswordBasedMac, MacFamily::Pbmac1] {
        let algorithm = MacAlgorithm::new(family, [7; 16]);
        let mut seen = Vec::new();
        for (reference, secret) in [("reference", "guess"), ("unknown", "secret"), ("", "secret")] {
            let mut message = Message::under_mac("reference", secret, ir(DEVICE, 40)).with(|header| {
                header.sender_kid = Some(octets(reference.as_bytes()));
                header.protection_alg = Some(algorithm.identifier().unwrap());
                header.transaction_id = Some(octets(&[1; 16]));
                header.sender_nonce = Some(octets(&[2; 16]));
            });
            message.by = By::Secret(secret.to_owned(), algorithm.clone());
            let asked = world.secrets.asked();
            let signed = world.messages_signed();
            seen.push(comparable(&world.refuses(&message, refused).await));
            assert_eq!(world.secrets.asked(), asked + 1, "both are looked up once");
            assert_eq!(world.messages_signed(), signed, "and neither answer is signed");
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:02X?}");
    }
}

#[tokio::test]
async fn where_nobody_shares_a_secret_no_mac_is_looked_at() {
    let world = World::with(&Setting { has_secrets: false, ..Setting::default() });
    world.refuses(&world.ir(), (PkiFailureInfo::WrongIntegrity, "protection.mac")).await;
}

// RFC 9483 §3.3: after the first message certificates may be left out; RFC 9483 §3.5: then senderKID says which it was.
#[tokio::test]
async fn later_messages_need_not_carry_the_certificate_again() {
    let world = World::new();
    let request = world.cr();
    let (answer, issued) = world.unconfirmed(&request).await;
    let confirmation = Message { certificates: Vec::new(), ..request.after(&answer, cert_conf(&issued)) };
    let forged = Message { by: By::Key(31), ..confirmation.clone() };
    world.refuses(&forged, (PkiFailureInfo::BadMessageCheck, "protection.signature")).await;
    let nameless = confirmation.clone().with(|header| header.sender_kid = None);
    world.refuses(&nameless, (PkiFailureInfo::SignerNotTrusted, "authn.none")).await;
    assert!(matches!(world.ask(&confirmation).await.body(), PkiBody::PkiConf(_)));
}

#[tokio::test]
async fn a_secret_opens_only_until_its_token_expires_and_for_its_device() {
    let world = World::new();
    let message = world.ir();
    let other = Message::under_mac("reference", "secret", ir(OTHER, 41));
    world.refuses(&other, (PkiFailureInfo::NotAuthorized, "subject.other")).await;
    world.pass(3_601);
    let message = message.with(|header| header.message_time = None);
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "authn.secret-over")).await;
}

/// Whether an answer is under a MAC of the same kind, with a salt of its own; `refuses` has verified it with the same secret.
fn is_under_mac_of_its_own(message: &Message, answer: &PkiMessage) -> bool {
    let (By::Secret(_, asked), Some(answered)) = (&message.by, &answer.header().protection_alg) else {
        return false;
    };
    let asked = asked.identifier().unwrap();
    answer.protection().is_some() && answered.oid == asked.oid && *answered != asked
}

// RFC 9483 §3.6.4: an error message is protected where it is clear what its recipient can verify: after a right MAC always, whatever
// is wrong beside it. C-32: after one that is not right never, and then nothing tells which it was.
#[tokio::test]
async fn an_error_after_a_right_mac_is_under_one_and_after_a_wrong_one_never() {
    use PkiFailureInfo as Failure;
    let world = World::new();
    let right = world.ir();
    let with = |change: fn(&mut PkiHeader)| right.clone().with(change);
    let body = |body| Message { body, ..right.clone() };
    let profile = |header: &mut PkiHeader| {
        header.general_info = Some(vec![InfoTypeAndValue::cert_profile("other").unwrap()]);
    };
    let over = with(|header| header.message_time = None);
    for (message, expected) in [
        (with(|header| header.pvno = 1), (Failure::UnsupportedVersion, "header.version")),
        (with(|header| header.message_time = Some(time(0))), (Failure::BadTime, "header.time")),
        (with(|header| header.sender_nonce = None), (Failure::BadSenderNonce, "header.sender-nonce")),
        (
            with(|header| header.recip_nonce = Some(octets(&fresh()))),
            (Failure::BadRecipientNonce, "header.recipient-nonce"),
        ),
        (with(profile), (Failure::NotAuthorized, "profile.disagree")),
        (body(kur(DEVICE, 40)), (Failure::WrongIntegrity, "protection.mac")),
        (body(ir(OTHER, 40)), (Failure::NotAuthorized, "subject.other")),
        (over, (Failure::NotAuthorized, "authn.secret-over")),
    ] {
        if expected.1 == "authn.secret-over" {
            world.pass(3_601);
        }
        let answer = world.refuses(&message, expected).await;
        assert!(is_under_mac_of_its_own(&message, &answer), "{expected:?}");
        let By::Secret(_, algorithm) = &message.by else { panic!("a MAC") };
        let guessed = Message { by: By::Secret("guess".to_owned(), algorithm.clone()), ..message.clone() };
        let stranger = guessed.clone().with(|header| header.sender_kid = Some(octets(b"unknown")));
        let mut answers = Vec::new();
        for message in [guessed, stranger] {
            let asked = world.secrets.asked();
            let answer = PkiMessage::decode(&world.exchange(PATH, message.der()).await).unwrap();
            assert!(
                answer.protection().is_none() && answer.header().protection_alg.is_none(),
                "{expected:?}"
            );
            assert_eq!(world.secrets.asked(), asked + 1, "both are looked up once");
            answers.push(comparable(&answer));
        }
        assert_eq!(answers[0], answers[1], "{expected:?}");
    }
}
