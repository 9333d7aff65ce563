//! `/fullcmc`: E-25. RFC 7030 §4.3, RFC 5272. Messages are signed, and responses are checked, by OpenSSL.

use axum::http::Request;
use axum::http::request::Builder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use tempfile::TempDir;

use crate::csr::Csr;
use crate::octets::{oid, sequence, set_of, tlv};
use crate::pki::key;
use crate::server_keys::openssl;
use crate::world::{Answer, DEVICE, OTHER, Setting, World, enrol, secured, tls};

const PKI_DATA: &str = "1.3.6.1.5.5.7.12.2";
const IDENTIFICATION: &str = "1.3.6.1.5.5.7.7.2";
const TRANSACTION_ID: &str = "1.3.6.1.5.5.7.7.5";
const SENDER_NONCE: &str = "1.3.6.1.5.5.7.7.6";
const RECIPIENT_NONCE: &str = "1.3.6.1.5.5.7.7.7";
const STATUS_INFO: &str = "1.3.6.1.5.5.7.7.25";
const REVOKE: &str = "1.3.6.1.5.5.7.7.17";

fn world() -> World {
    World::with(Setting { full_cmc: true, ..Setting::default() })
}

fn post() -> Builder {
    Request::post("/.well-known/est/meter-ds/fullcmc")
        .header("content-type", "application/pkcs7-mime; smime-type=CMC-request")
}

fn number(value: u8) -> Vec<u8> {
    tlv(0x02, &[value])
}

fn control(body_part: u8, kind: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[number(body_part), oid(kind), set_of(value)])
}

fn request(body_part: u8, csr: &Csr) -> Vec<u8> {
    tlv(0xA0, &[number(body_part), csr.der()].concat())
}

fn data(controls: &[Vec<u8>], requests: &[Vec<u8>]) -> Vec<u8> {
    sequence(&[sequence(controls), sequence(requests), sequence(&[]), sequence(&[])])
}

/// A message about one certificate, with a transaction and a nonce.
fn good(csr: &Csr) -> Vec<u8> {
    let controls = [
        control(1, TRANSACTION_ID, &tlv(0x02, &[0x12, 0x34])),
        control(2, SENDER_NONCE, &tlv(0x04, b"a nonce")),
        control(3, IDENTIFICATION, &tlv(0x0C, b"Station 1")),
    ];
    data(&controls, &[request(4, csr)])
}

/// Who signs: a certificate and the number of its key, in files for OpenSSL.
struct Signatory(TempDir);

impl Signatory {
    fn new(certificate: &[u8], number: u8) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("signer.der"), certificate).unwrap();
        let secret = p256::SecretKey::from_slice(&key(number).to_bytes()).unwrap();
        std::fs::write(place.path().join("key.pem"), secret.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        openssl(place.path(), &["x509", "-inform", "DER", "-in", "signer.der", "-out", "signer.pem"]);
        Self(place)
    }

    fn sign_with(&self, content: &[u8], kind: &str, more: &[&str]) -> Vec<u8> {
        std::fs::write(self.0.path().join("content"), content).unwrap();
        let arguments = [
            "cms",
            "-sign",
            "-binary",
            "-nodetach",
            "-outform",
            "DER",
            "-in",
            "content",
            "-signer",
            "signer.pem",
            "-inkey",
            "key.pem",
            "-econtent_type",
            kind,
        ];
        openssl(self.0.path(), &[&arguments[..], more].concat())
    }

    fn sign(&self, content: &[u8]) -> Vec<u8> {
        self.sign_with(content, PKI_DATA, &[])
    }
}

async fn ask(world: &World, content: &[u8]) -> Answer {
    let station = world.station("Station 1", 50);
    let message = Signatory::new(&station, 50).sign(content);
    world.send(post(), secured(vec![station]), STANDARD.encode(message)).await
}

/// The content of a response whose signature OpenSSL verified, and the certificates beside the signer's.
fn verified(world: &World, answer: &Answer) -> (Vec<u8>, Vec<Vec<u8>>) {
    assert_eq!(answer.field("content-type"), "application/pkcs7-mime; smime-type=CMC-response");
    assert_eq!(answer.field("content-transfer-encoding"), "base64");
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    std::fs::write(at("response.der"), STANDARD.decode(answer.body.replace('\n', "")).unwrap()).unwrap();
    std::fs::write(at("ca.der"), world.pki.infrastructure.certificate().der()).unwrap();
    openssl(place.path(), &["x509", "-inform", "DER", "-in", "ca.der", "-out", "ca.pem"]);
    let content = openssl(
        place.path(),
        &[
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-binary",
            "-in",
            "response.der",
            "-CAfile",
            "ca.pem",
            "-partial_chain",
            "-purpose",
            "any",
            "-no_check_time",
            "-certsout",
            "certificates.pem",
        ],
    );
    let printed =
        openssl(place.path(), &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "response.der"]);
    assert!(String::from_utf8_lossy(&printed).contains("1.3.6.1.5.5.7.12.3"), "id-cct-PKIResponse");
    let all = std::fs::read_to_string(at("certificates.pem")).unwrap();
    let certificates = all.split("-----BEGIN CERTIFICATE-----").skip(1).map(|pem| {
        let text = pem.split("-----END").next().unwrap().replace('\n', "");
        STANDARD.decode(text).unwrap()
    });
    (
        content,
        certificates.filter(|der| Certificate::from_der(der).unwrap().system_title().is_some()).collect(),
    )
}

fn status(number_of_control: u8, status: u8, body_part: u8) -> Vec<u8> {
    let info = sequence(&[number(status), sequence(&[number(body_part)])]);
    control(number_of_control, STATUS_INFO, &info)
}

fn holds(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// A refused message: status, reason, body part and failInfo, told by a response that verifies; one record, nothing issued.
async fn refuses(world: &World, answer: Answer, (http, code, body_part, fail_info): (u16, &str, u8, u8)) {
    assert_eq!(answer.status.as_u16(), http, "{code}: {}", answer.body);
    let (content, certificates) = verified(world, &answer);
    assert!(certificates.is_empty(), "{code}");
    let failed = [number(2), sequence(&[number(body_part)])].concat();
    assert!(holds(&content, &failed), "{code}: {content:02x?}");
    assert!(holds(&content, format!("({code})").as_bytes()), "{code}: {}", String::from_utf8_lossy(&content));
    assert!(holds(&content, &[b')', 0x02, 0x01, fail_info]), "{code}: {content:02x?}");
    let events = world.memory.events();
    let last = events.last().unwrap();
    assert_eq!((last.act, last.reason.as_str()), (Act::RequestRefused, code));
    assert!(!events.iter().any(|event| event.act == Act::IntentRecorded), "{code}");
}

// RFC 7030 §4.3: an optional operation answers 404 where it is not offered.
#[tokio::test]
async fn e_25_switched_off_there_is_no_such_operation() {
    let world = World::new();
    let shown = secured(vec![world.station("Station 1", 50)]);
    world.refuses(post(), shown, "MAA=", (404, "operation.unknown")).await;
}

// RFC 7030 §4.3.2; RFC 5272 §6.1.1, §6.6: success, transaction and nonce, octet for octet.
#[tokio::test]
async fn e_25_a_message_of_a_registration_authority_is_answered_with_certificate_transaction_and_nonce() {
    let world = world();
    let answer = ask(&world, &good(&Csr::new(DEVICE, 40))).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let (content, certificates) = verified(&world, &answer);
    let expected = sequence(&[
        sequence(&[
            status(1, 0, 4),
            control(2, TRANSACTION_ID, &tlv(0x02, &[0x12, 0x34])),
            control(3, RECIPIENT_NONCE, &tlv(0x04, b"a nonce")),
        ]),
        sequence(&[]),
        sequence(&[]),
    ]);
    assert_eq!(content, expected);
    let [certificate] = &certificates[..] else { panic!("{}", certificates.len()) };
    assert_eq!(Certificate::from_der(certificate).unwrap().system_title().unwrap().to_string(), DEVICE);
}

#[tokio::test]
async fn e_25_a_device_signs_with_the_certificate_that_it_shows() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let message = Signatory::new(&factory, 30).sign_with(&good(&Csr::new(DEVICE, 40)), PKI_DATA, &["-keyid"]);
    let answer = world.send(post(), secured(vec![factory]), STANDARD.encode(message)).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(verified(&world, &answer).1.len(), 1);
}

// RFC 7030 §3.5: popFailed where the link between the request and the connection is missing or wrong.
#[tokio::test]
async fn e_12_a_request_that_is_not_linked_to_its_connection_is_told_pop_failed() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let content = good(&Csr::new(DEVICE, 40).with_challenge("AAAA"));
    let message = Signatory::new(&factory, 30).sign(&content);
    let answer = world.send(post(), secured(vec![factory]), STANDARD.encode(message)).await;
    refuses(&world, answer, (403, "binding.mismatch", 4, 9)).await;
}

// E-22: nothing secret is in it, and the same request is the same request.
#[tokio::test]
async fn e_22_a_message_that_comes_again_gets_the_same_certificate() {
    let world = world();
    let content = good(&Csr::new(DEVICE, 40));
    let (_, first) = verified(&world, &ask(&world, &content).await);
    let (_, second) = verified(&world, &ask(&world, &content).await);
    assert_eq!(first, second);
}

// RFC 7030 §4.2.2: a device that holds a certificate for another key gets its successor.
#[tokio::test]
async fn e_25_a_message_about_another_key_renews_and_comes_again_too() {
    let world = world();
    verified(&world, &ask(&world, &good(&Csr::new(DEVICE, 40))).await);
    let content = good(&Csr::new(DEVICE, 41));
    let (_, first) = verified(&world, &ask(&world, &content).await);
    let (_, second) = verified(&world, &ask(&world, &content).await);
    assert_eq!((first.len(), &first), (1, &second));
}

// RFC 5272 §3.2: each body part has its own answer.
#[tokio::test]
async fn e_25_several_requests_are_each_answered_by_their_number() {
    let world = world();
    let requests = [
        request(4, &Csr::new(DEVICE, 40)),
        request(5, &Csr::new("58585800000000FF", 41)),
        request(6, &Csr::new(OTHER, 42)),
    ];
    let answer = ask(&world, &data(&[], &requests)).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let (content, certificates) = verified(&world, &answer);
    assert_eq!(certificates.len(), 2);
    assert!(holds(&content, &status(1, 0, 4)) && holds(&content, &status(3, 0, 6)));
    assert!(holds(&content, &[number(2), sequence(&[number(5)])].concat()), "the second failed");
    assert!(holds(&content, b"(ra.scope)"));
}

// RFC 7030 §4.3.2: a refusal is of class 4xx and carries a CMC response.
#[tokio::test]
async fn e_25_what_is_asked_is_judged_as_by_simpleenroll() {
    let outside = good(&Csr::new("58585800000000FF", 40));
    let csr = Csr::new(DEVICE, 40);
    let not_possessed = tlv(0xA0, &[number(4), csr.der_of(&csr.info(), b"other octets")].concat());
    let malformed = tlv(0xA0, &[number(4), sequence(&[])].concat());
    for (content, expected) in [
        (outside, (403, "ra.scope", 4, 7)),
        (data(&[], &[not_possessed]), (400, "pop.invalid", 4, 9)),
        (data(&[], &[malformed]), (400, "csr.not-der", 4, 2)),
    ] {
        let world = world();
        let answer = ask(&world, &content).await;
        refuses(&world, answer, expected).await;
    }
}

// RFC 5272 §3.2: a control that is not known ends the processing.
#[tokio::test]
async fn e_25_messages_that_are_damaged_or_ask_for_more_are_refused() {
    let csr = || request(4, &Csr::new(DEVICE, 40));
    let nonce = |part| control(part, SENDER_NONCE, &tlv(0x04, b"a nonce"));
    let empty = || sequence(&[]);
    let many: Vec<Vec<u8>> = (1..=17).map(|part| request(part, &Csr::new(DEVICE, 40))).collect();
    for (content, expected) in [
        (data(&[control(9, REVOKE, &empty())], &[csr()]), (400, "cmc.control", 9, 2)),
        (data(&[nonce(1), nonce(2)], &[csr()]), (400, "cmc.control", 0, 2)),
        (data(&[control(1, SENDER_NONCE, &tlv(0x0C, b"x"))], &[csr()]), (400, "cmc.control", 0, 2)),
        (data(&[control(1, SENDER_NONCE, &tlv(0x04, &[0; 65]))], &[csr()]), (400, "cmc.control", 0, 2)),
        (data(&[control(1, TRANSACTION_ID, &tlv(0x04, b"x"))], &[csr()]), (400, "cmc.control", 0, 2)),
        (data(&[nonce(4)], &[csr()]), (400, "cmc.body-part", 0, 2)),
        (data(&[nonce(0)], &[csr()]), (400, "cmc.body-part", 0, 2)),
        (data(&[], &[]), (400, "cmc.requests", 0, 2)),
        (data(&[], &many), (400, "cmc.requests", 0, 2)),
        (data(&[], &[tlv(0xA1, &[])]), (400, "cmc.not-der", 0, 2)),
        (
            sequence(&[empty(), sequence(&[csr()]), sequence(&[empty()]), empty()]),
            (400, "cmc.not-supported", 0, 2),
        ),
        (
            sequence(&[empty(), sequence(&[csr()]), empty(), sequence(&[empty()])]),
            (400, "cmc.not-supported", 0, 2),
        ),
        ([good(&Csr::new(DEVICE, 40)), vec![0]].concat(), (400, "cmc.not-der", 0, 2)),
        (empty(), (400, "cmc.not-der", 0, 2)),
        (Vec::new(), (400, "cmc.not-der", 0, 2)),
    ] {
        let world = world();
        let answer = ask(&world, &content).await;
        refuses(&world, answer, expected).await;
    }
}

async fn sends(world: &World, shown: Vec<u8>, message: &[u8], expected: (u16, &str, u8, u8)) {
    let answer = world.send(post(), secured(vec![shown]), STANDARD.encode(message)).await;
    refuses(world, answer, expected).await;
}

// RFC 5272 §3.2.1: nothing is believed of a message whose signature is not that of its sender.
#[tokio::test]
async fn e_25_the_signature_is_the_senders_and_covers_what_was_sent() {
    let world = world();
    let (station, other) = (world.station("Station 1", 50), world.station("Station 2", 51));
    let content = good(&Csr::new(DEVICE, 40));
    let signer = Signatory::new(&station, 50);
    sends(&world, station.clone(), &Signatory::new(&other, 51).sign(&content), (403, "cmc.signer", 0, 1))
        .await;
    let mut altered = signer.sign(&content);
    let place = altered.windows(7).position(|window| window == b"a nonce").unwrap();
    altered[place] ^= 1;
    sends(&world, station.clone(), &altered, (403, "cmc.signature", 0, 1)).await;
    let mut resigned = signer.sign(&content);
    *resigned.last_mut().unwrap() ^= 1;
    sends(&world, station.clone(), &resigned, (403, "cmc.signature", 0, 1)).await;
    let unattributed = signer.sign_with(&content, PKI_DATA, &["-noattr"]);
    sends(&world, station.clone(), &unattributed, (400, "cmc.signatures", 0, 2)).await;
    let other_digest = signer.sign_with(&content, PKI_DATA, &["-md", "sha512"]);
    sends(&world, station.clone(), &other_digest, (400, "cmc.signatures", 0, 2)).await;
    let mail = signer.sign_with(&content, "1.2.840.113549.1.7.1", &[]);
    sends(&world, station.clone(), &mail, (400, "cmc.not-der", 0, 2)).await;
    sends(&world, station.clone(), b"0\x03\x02\x01\x00", (400, "cmc.not-der", 0, 2)).await;
    let twice = [&signer.sign(&content)[..], &[0]].concat();
    sends(&world, station, &twice, (400, "cmc.not-der", 0, 2)).await;
}

// RFC 7030 §3.3.2: who asks is known before anything is read.
#[tokio::test]
async fn e_25_without_credentials_or_with_another_media_type_nothing_is_read() {
    let world = world();
    world.refuses(post(), tls(), "MAA=", (401, "authn.none")).await;
    let shown = secured(vec![world.station("Station 1", 50)]);
    world.refuses(enrol("fullcmc"), shown, "MAA=", (415, "body.media-type")).await;
}

// Whatever octet is changed or cut off, nothing panics, and no other message is read as this one.
#[test]
fn e_25_a_message_with_any_octet_changed_is_another_or_none() {
    use est_server::wire::cmc::{PkiData, open};
    let content =
        data(&[control(2, SENDER_NONCE, &tlv(0x04, b"a nonce"))], &[request(4, &Csr::new(DEVICE, 40))]);
    let before = PkiData::from_der(&content).unwrap();
    for place in 0..content.len() {
        for value in [0x00, 0x7F, 0xFF, content[place] ^ 1, content[place] ^ 0x20] {
            let mut damaged = content.clone();
            damaged[place] = value;
            drop(open(&damaged));
            let number_of_control = place == 10;
            let read_as_before = PkiData::from_der(&damaged).is_ok_and(|read| read == before);
            assert!(!read_as_before || damaged == content || number_of_control, "octet {place}");
        }
        assert!(PkiData::from_der(&content[..place]).is_err());
    }
}
