//! Keys that are made here: C-27. RFC 9483 §4.1.6. What is delivered is opened, and its signature verified, by OpenSSL.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::profile::{Approval, ExtendedKeyUsageRule, Hierarchy, ProfileParts, SubjectRule};
use ca_core::record::Verdict;
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{
    CertReqMsg, CertRequest, CertTemplate, ProofOfPossession, TemplateKey,
};
use cmp_messages::certificate_response::CertRepMessage;
use cmp_messages::header::CMP_2021;
use cmp_messages::message::PkiMessage;
use cmp_messages::status::PkiFailureInfo;
use cmp_server::config::{KeyGenerationAuthority, Label, LabelFault, MessageSignerFault};
use cms::enveloped_data::{EnvelopedData, RecipientInfo};
use cms_messages::PasswordWrap;
use cms_messages::key_package::one_key;
use der::asn1::{Any, BitString, Null, OctetString};
use der::{Decode, Encode, Sequence};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use spki::AlgorithmIdentifierOwned;

use crate::client::{Message, cert_conf, template_key};
use crate::doubles::journal::{Failing, Step};
use crate::octets::{common_name, tlv};
use crate::pki::{MemorySigner, NOW, Wish, cmp_signer, key, named, profile_id, station};
use crate::polling::{decide, poll};
use crate::world::{DEVICE, Setting, World, certificate};

const PATH: &str = "/.well-known/cmp/p/meter-ka";
/// A secret that is as strong as a key on P-256.
const SECRET: &str = "A-secret-of-32-letters-and-so-on";

fn world(wrap: PasswordWrap) -> World {
    World::with(&Setting { central_keys: Some(wrap), ..Setting::default() })
}

/// A request without a key, or with one of no octets.
fn request(preference: Option<AlgorithmIdentifierOwned>) -> CertRequest {
    let public_key = preference
        .map(|algorithm| TemplateKey { algorithm, subject_public_key: BitString::from_bytes(&[]).unwrap() });
    let subject = Some(Any::from_der(&common_name(DEVICE)).unwrap());
    let cert_template = CertTemplate { subject, public_key, ..CertTemplate::default() };
    CertRequest { cert_req_id: 0, cert_template, controls: None }
}

fn asking() -> Vec<CertReqMsg> {
    vec![CertReqMsg::new(&request(None), None).unwrap()]
}

fn meter_factory_tls() -> ProfileParts {
    let purposes = vec![ca_core::oid::CLIENT_AUTH];
    ProfileParts {
        subject: SubjectRule::SystemTitle,
        hierarchy: Hierarchy::Factory,
        extended_key_usage: Some(ExtendedKeyUsageRule { purposes, critical: false }),
        ..station()
    }
}

/// A message by the factory certificate of the device, which has the key 30 and the usages of TLS.
fn signed(world: &World, body: PkiBody) -> Message {
    let subject = Subject::device(SystemTitle::parse(DEVICE).unwrap());
    let shown = world.pki.manufacturer.certify(&Wish::new(meter_factory_tls(), subject, 30));
    Message::signed(30, &shown, body).with(|header| header.pvno = CMP_2021)
}

fn under_mac(world: &World, secret: &str) -> Message {
    world.token_for("reference", secret, DEVICE, &profile_id("meter-op-ka"));
    Message::under_mac("reference", secret, PkiBody::Ir(asking())).with(|header| header.pvno = CMP_2021)
}

/// The `EnvelopedData` in an answer.
#[track_caller]
fn envelope(answer: &PkiMessage) -> Vec<u8> {
    let (PkiBody::Ip(message) | PkiBody::Cp(message) | PkiBody::Kup(message)) = answer.body() else {
        panic!("{:?}", answer.body())
    };
    let CertRepMessage { response, .. } = message;
    let pair = response[0].certified_key_pair.as_ref().unwrap();
    pair.private_key.as_ref().unwrap().enveloped().unwrap().unwrap()
}

fn openssl(place: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").current_dir(place).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A `ContentInfo` around content of a type in the arc of PKCS#7.
fn content_info(kind: u8, content: &[u8]) -> Vec<u8> {
    let kind = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, kind];
    tlv(0x30, &[&kind[..], &tlv(0xA0, content)].concat())
}

/// Decrypts an envelope by OpenSSL, verifies the signature in it by OpenSSL, and returns the key, which fits the certificate.
fn opened(world: &World, envelope: &[u8], by: &[&str], certificate: &[u8]) -> p256::SecretKey {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("envelope.der"), content_info(3, envelope)).unwrap();
    let own = p256::SecretKey::from_bytes(&key(30).to_bytes()).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    std::fs::write(place.path().join("key.pem"), own.as_bytes()).unwrap();
    let decrypt = ["cms", "-decrypt", "-inform", "DER", "-binary", "-in", "envelope.der"];
    let signed = openssl(place.path(), &[&decrypt[..], by].concat());
    key_in(world, &signed, certificate)
}

/// Verifies a `SignedData` by OpenSSL and returns the key in it, which fits the certificate.
fn key_in(world: &World, signed: &[u8], certificate: &[u8]) -> p256::SecretKey {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("signed.der"), content_info(2, signed)).unwrap();
    let root = world.pki.root.certificate().der();
    let root = der::pem::encode_string("CERTIFICATE", LineEnding::LF, root).unwrap();
    std::fs::write(place.path().join("root.pem"), root).unwrap();
    let at = NOW.seconds().to_string();
    let verify = ["cms", "-verify", "-inform", "DER", "-binary", "-in", "signed.der", "-CAfile", "root.pem"];
    let how = ["-purpose", "any", "-attime", &at, "-signer", "signer.pem"];
    let package = openssl(place.path(), &[&verify[..], &how].concat());
    // The signer that OpenSSL found has id-kp-cmKGA.
    let signer = openssl(place.path(), &["x509", "-in", "signer.pem", "-noout", "-ext", "extendedKeyUsage"]);
    assert!(String::from_utf8_lossy(&signer).contains("Key Generation Authority"), "{signer:?}");
    let pkcs8 = one_key(&package).unwrap();
    // RFC 9483 §4.1.6: OneAsymmetricKey has version 1 and the public key.
    assert_eq!(pkcs8[3..6], *b"\x02\x01\x01".as_slice(), "v2");
    let secret = p256::SecretKey::from_pkcs8_der(&pkcs8).unwrap();
    let certificate = Certificate::from_der(certificate).unwrap();
    let point = secret.public_key().to_sec1_bytes();
    assert_eq!(point.as_ref(), certificate.public_key().point());
    assert!(pkcs8.windows(point.len()).any(|window| window == point.as_ref()));
    secret
}

// RFC 9483 §4.1.6, §4.1.6.2: sealed to the certificate that protects the request.
#[tokio::test]
async fn c_27_a_device_gets_a_key_that_is_sealed_to_its_certificate_and_openssl_opens_it() {
    let world = world(PasswordWrap::AesWrap);
    let request = signed(&world, PkiBody::Ir(asking()));
    let answer = world.ask_at(PATH, &request).await;
    let issued = certificate(&answer);
    drop(opened(&world, &envelope(&answer), &["-inkey", "key.pem"], &issued));
    let confirmed = world.ask_at(PATH, &request.after(&answer, cert_conf(&issued))).await;
    assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)));

    let data = EnvelopedData::from_der(&envelope(&answer)).unwrap();
    let [RecipientInfo::Kari(recipient)] = data.recip_infos.0.as_slice() else { panic!() };
    // RFC 9483 §4.1.6: version 2; §4.1.6.2: version 3, and ukm.
    assert_eq!(
        (data.version, recipient.version),
        (cms::content_info::CmsVersion::V2, cms::content_info::CmsVersion::V3)
    );
    assert!(recipient.ukm.is_some());
}

// RFC 9483 §4.1.6: the preference of the device is that of the profile.
#[tokio::test]
async fn c_27_a_preference_that_the_profile_fulfils_is_taken_and_another_is_refused() {
    let world = world(PasswordWrap::AesWrap);
    let wish = |algorithm| PkiBody::Cr(vec![CertReqMsg::new(&request(Some(algorithm)), None).unwrap()]);
    let p256 = template_key(40).algorithm;
    let p384 = AlgorithmIdentifierOwned {
        parameters: Some(Any::encode_from(&Curve::P384.oid()).unwrap()),
        ..p256.clone()
    };
    let rsa = AlgorithmIdentifierOwned {
        oid: const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
        parameters: Some(Any::encode_from(&Null).unwrap()),
    };
    for other in [p384, rsa] {
        world.refuses_at(PATH, &signed(&world, wish(other)), (PkiFailureInfo::BadAlg, "key.kind")).await;
    }
    let answer = world.ask_at(PATH, &signed(&world, wish(p256))).await;
    drop(opened(&world, &envelope(&answer), &["-inkey", "key.pem"], &certificate(&answer)));
}

// RFC 9483 §4.1.6.3, in the form that OpenSSL knows.
#[tokio::test]
async fn c_27_who_shares_a_secret_gets_a_key_that_openssl_opens_by_it() {
    let world = world(PasswordWrap::PwriKek);
    let answer = world.ask_at(PATH, &under_mac(&world, SECRET)).await;
    drop(opened(&world, &envelope(&answer), &["-pwri_password", SECRET], &certificate(&answer)));
}

/// PBKDF2-params (RFC 8018 App. A.2).
#[derive(Sequence)]
struct Derivation {
    salt: OctetString,
    iterations: u32,
    length: u16,
    prf: AlgorithmIdentifierOwned,
}

// RFC 9483 §4.1.6.3: PBKDF2 and AES key wrap, which OpenSSL knows one by one.
#[tokio::test]
async fn c_27_who_shares_a_secret_gets_a_key_by_pbkdf2_and_aes_key_wrap() {
    let world = world(PasswordWrap::AesWrap);
    let request = under_mac(&world, SECRET);
    let answer = world.ask_at(PATH, &request).await;
    let data = EnvelopedData::from_der(&envelope(&answer)).unwrap();
    let [RecipientInfo::Pwri(recipient)] = data.recip_infos.0.as_slice() else { panic!() };
    // RFC 9483 §4.1.6, §4.1.6.3: version 0 of both.
    assert_eq!(
        (data.version, recipient.version),
        (cms::content_info::CmsVersion::V0, cms::content_info::CmsVersion::V0)
    );
    assert_eq!(recipient.key_enc_alg.oid.to_string(), "2.16.840.1.101.3.4.1.45");
    let derivation = recipient.key_derivation_alg.as_ref().unwrap().parameters.as_ref().unwrap();
    let Derivation { salt, iterations, length, prf } = derivation.decode_as().unwrap();
    assert_eq!((length, prf.oid.to_string().as_str()), (32, "1.2.840.113549.2.9"));
    // RFC 9481 §4.4: the salt is another than that of the MAC.
    assert!(
        !answer.header().protection_alg.to_der().unwrap().windows(16).any(|window| window == salt.as_bytes())
    );
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, octets: &[u8]| std::fs::write(place.path().join(name), octets).unwrap();
    file("wrapped", recipient.enc_key.as_bytes());
    file("content", data.encrypted_content.encrypted_content.as_ref().unwrap().as_bytes());
    let (salt, rounds) = (format!("hexsalt:{}", hex(salt.as_bytes())), format!("iter:{iterations}"));
    let (pass, options) = (format!("pass:{SECRET}"), ["-kdfopt", "digest:SHA256", "-kdfopt"]);
    let kdf = ["kdf", "-binary", "-keylen", "32", "-kdfopt", &pass, "-kdfopt", &salt];
    let kek = openssl(place.path(), &[&kdf[..], &options, &[&rounds, "PBKDF2"]].concat());
    let unwrap =
        ["enc", "-d", "-id-aes256-wrap", "-in", "wrapped", "-iv", "a6a6a6a6a6a6a6a6", "-K", &hex(&kek)];
    let content_key = openssl(place.path(), &unwrap);
    let iv: OctetString =
        data.encrypted_content.content_enc_alg.parameters.as_ref().unwrap().decode_as().unwrap();
    let (content_key, iv) = (hex(&content_key), hex(iv.as_bytes()));
    let signed = openssl(
        place.path(),
        &["enc", "-d", "-aes-256-cbc", "-in", "content", "-K", &content_key, "-iv", &iv],
    );
    drop(key_in(&world, &signed, &certificate(&answer)));
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[tokio::test]
async fn c_27_a_key_is_not_made_for_a_request_under_which_it_could_not_travel() {
    let world = world(PasswordWrap::AesWrap);
    let cr = || signed(&world, PkiBody::Cr(asking()));
    // RFC 9483 §4.1.6: CMP v3 MUST be indicated already for the initial request.
    let old = cr().with(|header| header.pvno = 2);
    world.refuses_at(PATH, &old, (PkiFailureInfo::UnsupportedVersion, "key.version")).await;
    // RFC 9483 §4.1.1: popo MUST be absent.
    let proven = CertReqMsg::new(&request(None), Some(ProofOfPossession::RaVerified(Null))).unwrap();
    let proven = signed(&world, PkiBody::Cr(vec![proven]));
    world.refuses_at(PATH, &proven, (PkiFailureInfo::BadPop, "key.proof")).await;
    // RFC 9483 §4.1.6.2: the protection certificate MUST allow for keyAgreement.
    let signature_only = Message::signed(30, &world.factory(DEVICE, 30), PkiBody::Cr(asking()));
    let signature_only = signature_only.with(|header| header.pvno = CMP_2021);
    let refused = (PkiFailureInfo::BadRequest, "delivery.no-key-agreement");
    world.refuses_at(PATH, &signature_only, refused).await;
    // RFC 9483 §5.2.3: nobody but the device itself is given its key.
    let by_station = world.by_station(PkiBody::Cr(asking())).with(|header| header.pvno = CMP_2021);
    world.refuses_at(PATH, &by_station, (PkiFailureInfo::NotAuthorized, "key.not-own")).await;
    // RFC 9483 §4.1.6.3: the secret is as strong as the key.
    let short = under_mac(&world, "twenty-letters-of-it");
    world.refuses_at(PATH, &short, (PkiFailureInfo::BadAlg, "delivery.too-weak")).await;
}

// ADR 28: the answer on record holds the key as it was sent, sealed; the same message again gets the same octets.
#[tokio::test]
async fn c_27_the_same_request_again_gets_the_same_answer_and_the_key_is_nowhere_in_clear() {
    let world = world(PasswordWrap::AesWrap);
    let request = signed(&world, PkiBody::Cr(asking())).der();
    let first = world.exchange(PATH, request.clone()).await;
    assert!(world.exchange(PATH, request).await == first);
    assert_eq!((world.rows(), world.signed()), (1, 1));
    let answer = PkiMessage::decode(&first).unwrap();
    let secret = opened(&world, &envelope(&answer), &["-inkey", "key.pem"], &certificate(&answer)).to_bytes();
    let events = world.ledger.events();
    let kept = format!("{:?}{events:?}", world.row(&certificate(&answer)));
    assert!(
        !kept.contains(&hex(&secret))
            && !kept.contains(format!("{:?}", secret.as_slice()).trim_matches(['[', ']']))
    );
    assert!(!first.windows(32).any(|window| window == secret.as_slice()));
    assert!(events.iter().any(|event| event.detail.contains("the server made the key")), "{events:?}");
}

// RFC 9483 §4.4: a key is made when the request is approved, and sealed to who polls.
#[tokio::test]
async fn c_27_what_waits_for_people_gets_its_key_when_it_is_approved() {
    let central_keys = Some(PasswordWrap::AesWrap);
    let world = World::with(&Setting { approval: Approval::One, central_keys, ..Setting::default() });
    let request = signed(&world, PkiBody::Cr(asking()));
    let answer = world.ask_at(PATH, &request).await;
    decide(&world, Verdict::Approve);
    let poll = request.after(&answer, poll());
    let answer = PkiMessage::decode(&world.exchange(PATH, poll.der()).await).unwrap();
    drop(opened(&world, &envelope(&answer), &["-inkey", "key.pem"], &certificate(&answer)));
}

// ADR 25: the certificate whose key was lost in a crash is not handed out, and ends at its deadline.
#[tokio::test]
async fn c_27_a_key_that_was_lost_before_the_answer_was_kept_ends_with_its_certificate() {
    let (twin, world) = (world(PasswordWrap::AesWrap), world(PasswordWrap::AesWrap));
    twin.fail(Failing::Never);
    drop(twin.exchange(PATH, signed(&twin, PkiBody::Cr(asking())).der()).await);
    let kept = twin.journal.steps().iter().position(|step| *step == Step::RecordAnswer).unwrap();
    let request = signed(&world, PkiBody::Cr(asking()));
    world.fail(Failing::At(kept));
    drop(world.exchange(PATH, request.der()).await);
    world.fail(Failing::Never);
    world.refuses_at(PATH, &request, (PkiFailureInfo::CertRevoked, "request.repeated")).await;
    assert_eq!(world.good(), 1);
    world.pass(301);
    assert_eq!(world.restarted().lapse(10).unwrap().revoked, 1);
}

// A key that two parties had speaks for nobody; and who signs keys was appointed to that and nothing else.
#[test]
fn c_27_keys_for_signatures_are_not_made_and_not_everybody_signs_keys() {
    let world = world(PasswordWrap::AesWrap);
    let faults = Label::new(world.label_with_central_keys("meter-op-ds")).unwrap_err();
    assert_eq!(faults, [LabelFault::CentralKeys { profile: profile_id("meter-op-ds") }]);
    assert!(Label::new(world.label_with_central_keys("meter-op-ka")).is_ok());
    let der = world.pki.infrastructure.certify(&Wish::new(cmp_signer(), named("Grid Messages"), 61));
    let (certificate, signer) =
        (Certificate::from_der(&der).unwrap(), Arc::new(MemorySigner::holding(&[61])));
    let appointed = KeyGenerationAuthority::new(certificate, Vec::new(), signer, PasswordWrap::AesWrap);
    assert_eq!(appointed.err(), Some(MessageSignerFault::KeyGenerationUsage));
}
