//! `/serverkeygen`: E-19. RFC 7030 §4.4. What is delivered is opened by OpenSSL.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::ports::StatusSource as _;
use ca_core::profile::ProfileParts;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateQuery, CertificateStatus};
use ca_core::suite::SecuritySuite;
use est_server::config::{Label, LabelFault, LabelParts, ServerKeys};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};

use server_kit::listener::PeerConnection;

use crate::csr::{Csr, spki};
use crate::octets::{attribute, oid, sequence, tlv};
use crate::pki::{key, meter_op_ka, profile_id};
use crate::world::{Answer, DEVICE, OTHER, Setting, World, enrol_at, password, secured, tls};

const PATH: &str = "/.well-known/est/meter-ka/serverkeygen";
const KEY_TO_ENCRYPT_TO: &str = "1.2.840.113549.1.9.16.2.54";
const SECRET_KEY: &str = "1.2.840.113549.1.9.16.2.37";
const CAPABILITIES: &str = "1.2.840.113549.1.9.15";
const AES_128_WRAP: &str = "2.16.840.1.101.3.4.1.5";
const AES_256_WRAP: &str = "2.16.840.1.101.3.4.1.45";

fn world(server_keys: ServerKeys) -> World {
    World::with(Setting { server_keys, ..Setting::default() })
}

/// The octets of the parts of an answer, with their types; checks what every part must have.
fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let kind = answer.field("content-type");
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").unwrap();
    assert_eq!(answer.field("content-transfer-encoding"), "", "RFC 2045 §6.4: not of a multipart");
    let pieces: Vec<&str> = answer.body.split(&format!("--{boundary}")).collect();
    assert_eq!((pieces[0], *pieces.last().unwrap()), ("", "--\r\n"));
    pieces[1..pieces.len() - 1]
        .iter()
        .map(|piece| {
            let (head, text) = piece.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("\r\nContent-Transfer-Encoding: base64"), "{head}");
            let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
            assert!(text.len() >= 256, "libest takes no less");
            (kind.to_owned(), STANDARD.decode(text.replace(['\r', '\n'], "")).unwrap())
        })
        .collect()
}

fn certificate_of(certs_only: &[u8]) -> Certificate {
    use der::{Decode, Encode};
    let content = cms::content_info::ContentInfo::from_der(certs_only).unwrap();
    let signed: cms::signed_data::SignedData = content.content.decode_as().unwrap();
    let all = signed.certificates.unwrap();
    let [cms::cert::CertificateChoices::Certificate(one)] = all.0.as_slice() else { panic!() };
    Certificate::from_der(&one.to_der().unwrap()).unwrap()
}

/// The key and certificate of an answer in clear, which belong together.
fn in_clear(answer: &Answer) -> (Vec<u8>, Certificate) {
    let all = parts(answer);
    let [(of_key, key), (of_certificate, certs_only)] = &all[..] else { panic!() };
    assert_eq!(of_key, "application/pkcs8");
    assert_eq!(of_certificate, "application/pkcs7-mime; smime-type=certs-only");
    let certificate = certificate_of(certs_only);
    let secret = p256::SecretKey::from_pkcs8_der(key).unwrap();
    assert_eq!(secret.public_key().to_sec1_bytes().as_ref(), certificate.public_key().point());
    (key.clone(), certificate)
}

fn asking_for_encryption(identifier: &[u8], wraps: &[&str]) -> Csr {
    let wraps: Vec<Vec<u8>> = wraps.iter().map(|wrap| sequence(&[oid(wrap)])).collect();
    Csr::new(DEVICE, 40)
        .with_attribute(attribute(CAPABILITIES, &sequence(&wraps)))
        .with_attribute(attribute(KEY_TO_ENCRYPT_TO, &tlv(0x04, identifier)))
}

async fn ask(world: &World, csr: &Csr) -> Answer {
    let shown = secured(vec![world.station("Station 1", 50)]);
    world.send(enrol_at(PATH), shown, csr.body()).await
}

async fn refused(world: &World, csr: &Csr, expected: (u16, &str)) {
    let shown = secured(vec![world.station("Station 1", 50)]);
    world.refuses(enrol_at(PATH), shown, csr.body(), expected).await;
}

// RFC 7030 §4.4.2: two parts, the key and what simpleenroll answers.
#[tokio::test]
async fn e_19_a_factory_certificate_gets_a_key_and_its_certificate_inside_tls() {
    let world = world(ServerKeys::InTls);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let answer = world.send(enrol_at(PATH), shown, Csr::new(DEVICE, 40).body()).await;
    let (_, certificate) = in_clear(&answer);
    assert_eq!(certificate.system_title().unwrap().to_string(), DEVICE);
    assert_ne!(certificate.public_key().point(), key(40).verifying_key().to_sec1_point(false).as_bytes());
    assert!(certificate.key_usage().unwrap().key_agreement());
}

// RFC 7030 §4.4.1: key and signature of the request are ignored, be they of another kind or wrong.
#[tokio::test]
async fn e_19_key_and_signature_of_the_request_are_ignored() {
    let world = world(ServerKeys::InTls);
    let mut rsa = Csr::new(DEVICE, 40);
    rsa.spki = spki(&sequence(&[oid("1.2.840.113549.1.1.1"), vec![0x05, 0x00]]), &[0x30, 0x00]);
    rsa.algorithm = sequence(&[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]]);
    in_clear(&ask(&world, &rsa).await);
    let csr = Csr::new(DEVICE, 40);
    let wrong = STANDARD.encode(csr.der_with(&csr.info(), &[0; 8]));
    let shown = secured(vec![world.station("Station 1", 50)]);
    in_clear(&world.send(enrol_at(PATH), shown, wrong).await);
}

// E-19: never logged, never stored.
#[tokio::test]
async fn e_19_the_private_key_is_in_no_row_and_no_record_and_the_record_says_who_made_it() {
    let world = world(ServerKeys::InTls);
    let (key, _) = in_clear(&ask(&world, &Csr::new(DEVICE, 40)).await);
    let secret = p256::SecretKey::from_pkcs8_der(&key).unwrap().to_bytes();
    let rows = world.memory.certificates(&CertificateQuery::default()).unwrap();
    let events = world.memory.events();
    let kept = format!("{rows:?}{events:?}");
    let (decimal, hexadecimal) = (format!("{:?}", secret.as_slice()), hexadecimal(&secret));
    assert!(!kept.contains(decimal.trim_matches(['[', ']'])) && !kept.contains(&hexadecimal));
    assert!(events.iter().any(|event| event.detail.contains("the server made the key")), "{events:?}");
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

// A key that is kept nowhere cannot be given again.
#[tokio::test]
async fn e_22_the_same_request_for_a_key_gets_another_key_and_another_certificate() {
    let world = world(ServerKeys::InTls);
    let csr = Csr::new(DEVICE, 40);
    let (first_key, first) = in_clear(&ask(&world, &csr).await);
    let (second_key, second) = in_clear(&ask(&world, &csr).await);
    assert_ne!(first_key, second_key);
    assert_ne!(first.serial(), second.serial());
}

/// The status of a certificate.
fn status(world: &World, certificate: &Certificate) -> CertificateStatus {
    let rows = world.memory.certificates(&CertificateQuery::default()).unwrap();
    rows.into_iter().find(|row| row.id.serial == *certificate.serial()).unwrap().status
}

// Nobody has the key of an answer that was lost: its certificate is superseded by whoever was given it, and by nobody else.
#[tokio::test]
async fn e_22_the_certificate_of_a_lost_key_is_superseded_when_the_requester_asks_again() {
    let world = world(ServerKeys::InTls);
    let csr = Csr::new(DEVICE, 40);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let (_, given) = in_clear(&world.send(enrol_at(PATH), shown, csr.body()).await);
    let (_, first) = in_clear(&ask(&world, &csr).await);
    assert_eq!(status(&world, &given), CertificateStatus::Good);
    let (_, second) = in_clear(&ask(&world, &csr).await);
    let CertificateStatus::Revoked(revocation) = status(&world, &first) else { panic!() };
    assert_eq!(revocation.reason, ReasonCode::Superseded);
    assert_eq!(status(&world, &second), CertificateStatus::Good);
    assert_eq!(status(&world, &given), CertificateStatus::Good, "the device's affair, not the station's");
}

#[tokio::test]
async fn e_19_a_factory_certificate_does_not_get_a_second_key_for_the_same_purpose() {
    let world = world(ServerKeys::InTls);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    in_clear(&world.send(enrol_at(PATH), shown(), Csr::new(DEVICE, 40).body()).await);
    let again = Csr::new(DEVICE, 40).body();
    world.refuses(enrol_at(PATH), shown(), again, (409, "slot.taken")).await;
}

// RFC 7030 §4.4.1: in all other respects it is a request like any other.
#[tokio::test]
async fn e_19_subject_scope_and_credentials_are_checked_as_for_any_request() {
    let world = world(ServerKeys::InTls);
    let body = || Csr::new(OTHER, 40).body();
    let device = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol_at(PATH), device, body(), (403, "subject.other")).await;
    refused(&world, &Csr::new("58585800000000FF", 40), (403, "ra.scope")).await;
    world.refuses(enrol_at(PATH), tls(), body(), (401, "authn.none")).await;
    world.token("secret", OTHER, "meter-op-ds");
    let other_profile = password(enrol_at(PATH), OTHER, "secret");
    world.refuses(other_profile, tls(), body(), (403, "profile.other")).await;
    let bound = Csr::new(DEVICE, 40).with_challenge("AAAA").body();
    let device = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol_at(PATH), device, bound, (403, "binding.mismatch")).await;
}

// RFC 7030 §4.4.1.1, §4.4.1.2: what cannot be encrypted as wished ends the request.
#[tokio::test]
async fn e_19_a_key_that_cannot_be_delivered_as_wished_is_not_made() {
    let world = world(ServerKeys::Encrypted);
    refused(&world, &Csr::new(DEVICE, 40), (400, "delivery.not-encrypted")).await;
    let secret = Csr::new(DEVICE, 40).with_attribute(attribute(SECRET_KEY, &tlv(0x04, b"key 1")));
    refused(&world, &secret, (400, "delivery.shared-key")).await;
    let unknown = asking_for_encryption(&[7; 20], &[AES_256_WRAP]);
    refused(&world, &unknown, (400, "delivery.unknown-key")).await;
    let old = asking_for_encryption(&[7; 20], &["1.2.840.113549.1.9.16.3.6"]);
    refused(&world, &old, (400, "delivery.algorithms")).await;
    let attribute_of =
        |value: &[u8]| Csr::new(DEVICE, 40).with_attribute(attribute(KEY_TO_ENCRYPT_TO, value));
    refused(&world, &attribute_of(&tlv(0x0C, b"text")), (400, "csr.attribute")).await;
    let doubled =
        attribute_of(&tlv(0x04, b"1")).with_attribute(attribute(KEY_TO_ENCRYPT_TO, &tlv(0x04, b"2")));
    refused(&world, &doubled, (400, "csr.attribute")).await;
}

// RFC 7030 §4.4.1.2: only to a key of the very device, and only to one that agrees on keys.
#[tokio::test]
async fn e_19_a_key_is_encrypted_to_no_other_device_and_to_no_signature_key() {
    let world = world(ServerKeys::Encrypted);
    let signs = Certificate::from_der(&world.enrolled(DEVICE, 30, 41).await).unwrap();
    let identifier = signs.subject_key_identifier().unwrap();
    let unknown = (400, "delivery.unknown-key");
    refused(&world, &asking_for_encryption(&identifier, &[]), unknown).await;
    let others = agreement_certificate(&world, OTHER, 42).await;
    let identifier = others.subject_key_identifier().unwrap();
    refused(&world, &asking_for_encryption(&identifier, &[]), unknown).await;
}

/// Lets the station enrol a device for key agreement, with a key that the device has.
async fn agreement_certificate(world: &World, title: &str, number: u8) -> Certificate {
    let shown = secured(vec![world.station("Station 1", 50)]);
    let request = enrol_at("/.well-known/est/meter-ka/simpleenroll");
    let answer = world.send(request, shown, Csr::new(title, number).body()).await;
    Certificate::from_der(&answer.certificate()).unwrap()
}

#[tokio::test]
async fn requests_for_a_certificate_alone_do_not_ask_for_the_delivery_of_keys() {
    let world = World::new();
    world.refuses_csr(&asking_for_encryption(&[7; 20], &[AES_256_WRAP]), (400, "csr.attribute")).await;
}

// RFC 7030 §4.4.2, RFC 5958 §4: EnvelopedData of SignedData of a key package, to the device's key-agreement key.
#[tokio::test]
async fn e_19_openssl_opens_the_envelope_checks_the_signature_and_reads_the_key() {
    for (wrap, cipher) in [(AES_128_WRAP, "aes-128-cbc"), (AES_256_WRAP, "aes-256-cbc")] {
        let world = world(ServerKeys::Encrypted);
        let known = agreement_certificate(&world, DEVICE, 42).await;
        let identifier = known.subject_key_identifier().unwrap();
        let answer = ask(&world, &asking_for_encryption(&identifier, &[wrap])).await;
        let all = parts(&answer);
        let [(of_key, enveloped), (_, certs_only)] = &all[..] else { panic!() };
        assert_eq!(of_key, "application/pkcs7-mime; smime-type=server-generated-key");
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::write(at("enveloped.der"), enveloped).unwrap();
        let agreement = p256::SecretKey::from_slice(&key(42).to_bytes()).unwrap();
        std::fs::write(at("key.pem"), agreement.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        let printed =
            openssl(place.path(), &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "enveloped.der"]);
        assert!(String::from_utf8_lossy(&printed).contains(cipher), "the requester's choice");
        let signed = openssl(
            place.path(),
            &["cms", "-decrypt", "-inform", "DER", "-binary", "-in", "enveloped.der", "-inkey", "key.pem"],
        );
        let content_info = sequence(&[oid("1.2.840.113549.1.7.2"), tlv(0xA0, &signed)]);
        std::fs::write(at("signed.der"), content_info).unwrap();
        std::fs::write(at("ca.der"), world.pki.infrastructure.certificate().der()).unwrap();
        openssl(place.path(), &["x509", "-inform", "DER", "-in", "ca.der", "-out", "ca.pem"]);
        let package = openssl(
            place.path(),
            &[
                "cms",
                "-verify",
                "-inform",
                "DER",
                "-binary",
                "-in",
                "signed.der",
                "-CAfile",
                "ca.pem",
                "-partial_chain",
                "-purpose",
                "any",
                "-no_check_time",
            ],
        );
        // RFC 5958 §2: a SEQUENCE of keys, here of one.
        let key_octets = &package[if package[1] < 0x80 { 2 } else { 3 }..];
        std::fs::write(at("made.der"), key_octets).unwrap();
        let public = openssl(
            place.path(),
            &["pkey", "-inform", "DER", "-in", "made.der", "-pubout", "-outform", "DER"],
        );
        assert_eq!(public, certificate_of(certs_only).public_key().spki_der());
        let clear = p256::SecretKey::from_pkcs8_der(key_octets).unwrap().to_bytes();
        assert!(!answer.body.contains(&STANDARD.encode(clear)));
        assert!(!enveloped.windows(32).any(|window| window == clear.as_slice()));
    }
}

pub(crate) fn openssl(place: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .current_dir(place)
        .args(arguments)
        .output()
        .expect("openssl is not installed: run tests/run, which installs what the tests need");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

// A signature by a key that somebody else made proves nothing.
#[test]
fn keys_for_signatures_are_not_made_and_encryption_needs_a_signer() {
    let world = World::new();
    let with = |parts: LabelParts| Label::new(parts).unwrap_err();
    let signatures = LabelParts { server_keys: ServerKeys::InTls, ..world.label_parts.clone() };
    assert!(matches!(with(signatures)[..], [LabelFault::KeyNotMadeHere { .. }]));
    let unsigned = LabelParts {
        profile: profile_id("meter-op-ka"),
        server_keys: ServerKeys::Encrypted,
        ..world.label_parts
    };
    assert_eq!(with(unsigned), [LabelFault::NoMessageSigner]);
}

// RFC 7030 §4.4: what protects the key is as strong as it is. A P-384 key is worth 192 bits.
#[tokio::test]
async fn e_19_a_key_does_not_travel_under_a_cipher_weaker_than_itself() {
    let too_weak = (400, "delivery.too-weak");
    // The authority of these tests is on P-256: what is not too weak is refused by it, and only then.
    let strong_enough = (400, "key.curve");
    let suite_2 = ProfileParts { suite: SecuritySuite::Suite2, ..meter_op_ka() };
    let meter_ka = |parts: ProfileParts| Setting {
        meter_ka: parts,
        server_keys: ServerKeys::InTls,
        ..Setting::default()
    };
    let world = World::with(meter_ka(suite_2));
    let under = |cipher_bits| PeerConnection { cipher_bits, ..secured(vec![world.station("Station 1", 50)]) };
    let body = || Csr::new(DEVICE, 40).body();
    for (bits, expected) in [(None, too_weak), (Some(128), too_weak), (Some(256), strong_enough)] {
        world.refuses(enrol_at(PATH), under(bits), body(), expected).await;
    }

    let world = World::with(meter_ka(meter_op_ka()));
    let shown = PeerConnection { cipher_bits: Some(128), ..secured(vec![world.station("Station 1", 50)]) };
    in_clear(&world.send(enrol_at(PATH), shown, body()).await);
    let plain = PeerConnection { cipher_bits: None, ..secured(vec![world.station("Station 1", 50)]) };
    world.refuses(enrol_at(PATH), plain, body(), too_weak).await;
}
