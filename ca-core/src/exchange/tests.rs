//! The two messages, told end to end: made, read back, altered in every octet, stale, exchanged for others.

use der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use super::*;
use crate::certificate::Certificate;
use crate::distinguished_name::DistinguishedName;
use crate::fault::Fault;
use crate::key_ref::KeyRef;
use crate::ocsp::doubles::{
    CertificateParts, DAY, MemorySigner, NOW, at, authority, authority_key_identifier, extension, key_usage,
    serial, subject_key_identifier,
};
use crate::oid;
use crate::ports::{Entropy, Signer, Unavailable};
use crate::profile::ProfileId;
use crate::public_key::PublicKey;
use crate::signing::assemble;
use crate::validity::UnixTime;

const SUB: u8 = 1;
const ROOT: u8 = 2;
const EXCHANGE: u8 = 3;
const STRANGER: u8 = 4;

const ROOT_NAME: &str = "O=Example Utility,CN=Root CA";
const SUB_NAME: &str = "O=Example Utility,CN=Sub-CA 1";

/// Counts upwards, so that no two draws are the same.
struct Counter(std::sync::atomic::AtomicU8);

impl Entropy for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        octets.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        Ok(())
    }
}

/// The keys of both ends.
struct World {
    signer: MemorySigner,
    entropy: Counter,
    keys: [PublicKey; 4],
}

impl World {
    fn new() -> Self {
        let mut signer = MemorySigner::default();
        let keys = [SUB, ROOT, EXCHANGE, STRANGER].map(|number| signer.add(number));
        Self { signer, entropy: Counter(1.into()), keys }
    }

    fn key(&self, number: u8) -> &PublicKey {
        &self.keys[usize::from(number) - 1]
    }

    fn request_parts(&self) -> RequestParts {
        let subject = name(SUB_NAME);
        let key = self.key(SUB).key_ref();
        RequestParts {
            nonce: ExchangeNonce::draw(&self.entropy).unwrap(),
            created: at(NOW),
            profile: ProfileId::parse("sub-operational-s1").unwrap(),
            csr: certification_request(&subject, &key, &self.signer).unwrap(),
            subject,
        }
    }

    fn request(&self) -> SubordinateRequest {
        SubordinateRequest::draft(self.request_parts()).unwrap().sign(&self.signer).unwrap()
    }

    fn response_parts(&self, request: &SubordinateRequest) -> ResponseParts {
        ResponseParts {
            nonce: *request.nonce(),
            request_digest: request.digest(),
            created: at(NOW + DAY),
            exchange_key: self.key(EXCHANGE).clone(),
            certificate: subordinate(SUB, ROOT),
            root: root(),
            crl: None,
        }
    }

    fn sign(&self, parts: ResponseParts) -> SubordinateResponse {
        SubordinateResponse::draft(parts).unwrap().sign(&self.signer).unwrap()
    }

    fn verify(&self, parts: ResponseParts, request: &SubordinateRequest) -> Result<(), ResponseError> {
        self.verify_at(parts, request, at(NOW + DAY))
    }

    fn verify_at(
        &self,
        parts: ResponseParts,
        request: &SubordinateRequest,
        now: UnixTime,
    ) -> Result<(), ResponseError> {
        let exchange_key = &self.key(EXCHANGE).fingerprint();
        let read = SubordinateResponse::from_der(self.sign(parts).der())?;
        read.verify(&ExpectedResponse { request, exchange_key, now }).map(|_| ())
    }
}

fn name(text: &str) -> DistinguishedName {
    let parts: Vec<_> = text
        .split(',')
        .map(|part| match part.split_once('=').unwrap() {
            ("O", value) => (oid::ORGANIZATION_NAME, value),
            ("CN", value) => (oid::COMMON_NAME, value),
            other => panic!("{other:?}"),
        })
        .collect();
    DistinguishedName::from_attributes(&parts).unwrap()
}

fn root() -> Certificate {
    authority(ROOT_NAME, ROOT, ROOT, NOW + 9_000 * DAY)
}

fn subordinate(key: u8, issuer_key: u8) -> Certificate {
    authority(SUB_NAME, key, issuer_key, NOW + 1_000 * DAY)
}

/// A copy of a message for each of its octets, in which that octet has one bit the other way.
fn altered(der: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..der.len()).map(|place| {
        let mut copy = der.to_vec();
        copy[place] ^= 1 << (place % 8);
        copy
    })
}

/// A message with this body, signed by this key.
fn signed_by(world: &World, key: u8, body: &[u8]) -> Vec<u8> {
    assemble(body, &world.signer.sign(&world.key(key).key_ref(), body).unwrap()).unwrap()
}

#[test]
fn a_request_is_read_back_from_its_octets_and_from_its_text() {
    let world = World::new();
    let request = world.request();
    let text = request.to_text().unwrap();
    assert!(text.contains("CN=Sub-CA 1,O=Example Utility"), "{text}");
    for read in [SubordinateRequest::from_der(request.der()), SubordinateRequest::from_text(&text)] {
        let read = read.unwrap();
        assert_eq!((read.der(), read.digest()), (request.der(), request.digest()));
        assert_eq!((read.nonce(), read.created()), (request.nonce(), at(NOW)));
        assert_eq!((read.subject(), read.profile().as_str()), (&name(SUB_NAME), "sub-operational-s1"));
        assert_eq!(read.csr().public_key(), world.key(SUB));
    }
}

// RFC 7468 §2: text before the encapsulation boundary is allowed; here nothing may stand after the message.
#[test]
fn the_lines_for_readers_are_not_read_and_nothing_may_follow() {
    let world = World::new();
    let text = world.request().to_text().unwrap();
    let block = text.split_at(text.find("-----BEGIN").unwrap()).1.to_owned();
    let lying = format!("Subject: somebody else\n\n{}", block.replace('\n', "\r\n"));
    assert_eq!(SubordinateRequest::from_text(&lying).unwrap().subject(), &name(SUB_NAME));
    let wanted = MessageKind::SubordinateRequest;
    for text in [
        format!("{block}more"),
        format!("{block}{block}"),
        block.replace("REQUEST", "RESPONSE"),
        String::new(),
    ] {
        assert_eq!(
            SubordinateRequest::from_text(&text).unwrap_err(),
            MessageError::NotText { wanted }.into()
        );
    }
}

#[test]
fn r_08_a_request_altered_in_any_octet_is_refused() {
    let world = World::new();
    let request = world.request();
    for (place, copy) in altered(request.der()).enumerate() {
        assert!(SubordinateRequest::from_der(&copy).is_err(), "octet {place}");
    }
}

#[test]
fn r_08_a_response_altered_in_any_octet_is_refused() {
    let world = World::new();
    let response = world.sign(world.response_parts(&world.request()));
    for (place, copy) in altered(response.der()).enumerate() {
        assert!(SubordinateResponse::from_der(&copy).is_err(), "octet {place}");
    }
}

#[test]
fn a_request_signed_by_another_key_than_it_asks_for_is_refused() {
    let world = World::new();
    let request = world.request();
    let body = crate::certificate::to_be_signed(request.der()).unwrap();
    assert!(SubordinateRequest::from_der(&signed_by(&world, SUB, body)).is_ok());
    let error = SubordinateRequest::from_der(&signed_by(&world, STRANGER, body)).unwrap_err();
    assert_eq!((error.code(), error.fault()), ("exchange.signature", Fault::Requester));
}

#[test]
fn messages_are_fresh_for_fourteen_days_and_a_day_ahead() {
    let world = World::new();
    let request = world.request();
    let fresh = |seconds| request.check_fresh(at(NOW + seconds)).map_err(|error| error.code());
    assert_eq!(fresh(FRESH_SECONDS), Ok(()));
    assert_eq!(fresh(FRESH_SECONDS + 1), Err("exchange.stale"));
    assert_eq!(fresh(-AHEAD_SECONDS), Ok(()));
    assert_eq!(fresh(-AHEAD_SECONDS - 1), Err("exchange.future"));
    let parts = world.response_parts(&request);
    let created = parts.created;
    let verify = |seconds| world.verify_at(parts.clone(), &request, created.plus_seconds(seconds));
    assert_eq!(verify(FRESH_SECONDS), Ok(()));
    assert_eq!(verify(FRESH_SECONDS + 1).map_err(|error| error.code()), Err("exchange.stale"));
}

#[test]
fn a_response_brings_certificate_and_root_to_the_request_it_answers() {
    let world = World::new();
    let request = world.request();
    let response = world.sign(world.response_parts(&request));
    let read = SubordinateResponse::from_text(&response.to_text().unwrap()).unwrap();
    let exchange_key = &world.key(EXCHANGE).fingerprint();
    let expected = ExpectedResponse { request: &request, exchange_key, now: at(NOW + DAY) };
    let accepted = read.verify(&expected).unwrap();
    assert_eq!(accepted, AcceptedResponse { certificate: subordinate(SUB, ROOT), root: root(), crl: None });
}

#[test]
fn r_09_a_response_to_another_request_is_refused() {
    let world = World::new();
    let (first, second) = (world.request(), world.request());
    let nonce = *first.nonce();
    let parts = world.response_parts(&first);
    assert_eq!(world.verify(parts.clone(), &second), Err(ResponseError::AnotherRequest { nonce }));
    let same_nonce = ResponseParts { request_digest: [0; 32], ..parts };
    assert_eq!(world.verify(same_nonce, &first), Err(ResponseError::AnotherRequest { nonce }));
}

#[test]
fn a_response_by_an_unknown_ceremony_is_refused() {
    let world = World::new();
    let request = world.request();
    let exchange_key = world.key(STRANGER).clone();
    let found = exchange_key.fingerprint();
    let parts = ResponseParts { exchange_key, ..world.response_parts(&request) };
    assert_eq!(world.verify(parts, &request), Err(ResponseError::UnknownExchangeKey { found }));
}

#[test]
fn a_response_signed_by_the_root_key_itself_is_refused() {
    let world = World::new();
    let request = world.request();
    let exchange_key = world.key(ROOT).clone();
    let pinned = exchange_key.fingerprint();
    let response = world.sign(ResponseParts { exchange_key, ..world.response_parts(&request) });
    let expected = ExpectedResponse { request: &request, exchange_key: &pinned, now: at(NOW + DAY) };
    assert_eq!(response.verify(&expected).unwrap_err(), ResponseError::NotARoot);
}

#[test]
fn r_11_a_certificate_that_is_not_what_was_asked_for_is_refused() {
    let world = World::new();
    let request = world.request();
    let verdict = |certificate| {
        let parts = ResponseParts { certificate, ..world.response_parts(&request) };
        world.verify(parts, &request).unwrap_err()
    };
    assert_eq!(verdict(subordinate(STRANGER, ROOT)), ResponseError::AnotherKey);
    assert_eq!(verdict(subordinate(SUB, STRANGER)), ResponseError::NotIssuedByRoot);
    let other_name = authority("O=Example Utility,CN=Sub-CA 2", SUB, ROOT, NOW + DAY);
    assert_eq!(verdict(other_name), ResponseError::AnotherSubject);
    assert_eq!(verdict(authority(SUB_NAME, SUB, ROOT, NOW + 9_001 * DAY)), ResponseError::NotAuthority);
    let end_entity = CertificateParts {
        issuer: ROOT_NAME,
        subject: SUB_NAME,
        issuer_key: ROOT,
        subject_key: SUB,
        serial: serial(5),
        validity: (NOW, NOW + DAY),
        extensions: vec![
            key_usage(KeyUsages::DigitalSignature),
            subject_key_identifier(SUB),
            authority_key_identifier(ROOT),
        ],
    };
    assert_eq!(verdict(end_entity.certificate()), ResponseError::NotAuthority);
}

#[test]
fn a_root_that_is_not_self_signed_is_refused() {
    let world = World::new();
    let request = world.request();
    let verdict = |root| {
        let parts = ResponseParts { root, ..world.response_parts(&request) };
        world.verify(parts, &request).unwrap_err()
    };
    let cross = CertificateParts {
        issuer: ROOT_NAME,
        subject: ROOT_NAME,
        issuer_key: STRANGER,
        subject_key: ROOT,
        serial: serial(6),
        validity: (NOW, NOW + 9_000 * DAY),
        extensions: vec![
            extension(
                oid::BASIC_CONSTRAINTS,
                true,
                &BasicConstraints { ca: true, path_len_constraint: Some(1) },
            ),
            key_usage(KeyUsages::KeyCertSign),
        ],
    };
    assert_eq!(verdict(cross.certificate()), ResponseError::NotARoot);
    assert_eq!(verdict(subordinate(SUB, ROOT)), ResponseError::NotARoot);
}

#[test]
fn a_crl_that_is_not_of_the_root_is_refused() {
    let world = World::new();
    let request = world.request();
    let parts = ResponseParts { crl: Some(vec![0x30, 0]), ..world.response_parts(&request) };
    assert!(matches!(world.verify(parts, &request), Err(ResponseError::CrlUnreadable { .. })));
}

#[test]
fn one_message_is_never_taken_for_the_other() {
    let world = World::new();
    let request = world.request();
    let response = world.sign(world.response_parts(&request));
    assert!(SubordinateResponse::from_der(request.der()).is_err());
    assert!(SubordinateRequest::from_der(response.der()).is_err());
    let body = crate::certificate::to_be_signed(request.der()).unwrap();
    let mut renamed = body.to_vec();
    let kind = renamed.iter().position(|octet| *octet == 0x0A).unwrap() + 2;
    renamed[kind] = 1;
    let error = SubordinateRequest::from_der(&signed_by(&world, SUB, &renamed)).unwrap_err();
    let (found, wanted) = (MessageKind::SubordinateResponse, MessageKind::SubordinateRequest);
    assert_eq!(error, MessageError::OtherKind { found, wanted }.into());
}

#[test]
fn a_later_version_is_refused_by_its_number() {
    let world = World::new();
    let request = world.request();
    let mut body = crate::certificate::to_be_signed(request.der()).unwrap().to_vec();
    let version = body.iter().position(|octet| *octet == 0x0A).unwrap() + 5;
    assert_eq!(body[version], 1);
    body[version] = 2;
    let error = SubordinateRequest::from_der(&signed_by(&world, SUB, &body)).unwrap_err();
    assert_eq!(error, MessageError::Version { version: 2 }.into());
}

// RFC 2986 §4.1: the attributes field is there, though empty.
#[test]
fn the_certification_request_is_pkcs_10_with_empty_attributes() {
    let world = World::new();
    let request = world.request_parts().csr;
    assert_eq!(request.leniencies(), []);
    request.prove_possession().unwrap();
    let parsed = x509_cert::request::CertReq::from_der(request.der()).unwrap();
    assert!(parsed.info.attributes.is_empty());
    assert_eq!(parsed.to_der().unwrap(), request.der());
    let key: KeyRef = world.key(SUB).key_ref();
    assert_eq!(request.public_key().key_ref(), key);
}

#[test]
fn nonces_are_drawn_anew() {
    let world = World::new();
    assert_ne!(world.request().nonce(), world.request().nonce());
}
