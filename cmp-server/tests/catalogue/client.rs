//! A client: messages that are right in every part, each part open to change before it is protected and sent.

use std::sync::atomic::{AtomicU64, Ordering};

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{
    CertReqMsg, CertRequest, CertTemplate, PopoSigningKey, ProofOfPossession, TemplateKey,
};
use cmp_messages::confirmation::CertStatus;
use cmp_messages::header::PkiHeader;
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::{MacAlgorithm, MacFamily, signature_algorithm};
use der::asn1::{Any, BitString, GeneralizedTime, OctetString};
use der::{Decode, Encode};
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest, Sha256};

use crate::csr::p256_spki;
use crate::octets::common_name;
use crate::pki::{NOW, key, public_key};

/// What protects a message.
#[derive(Clone)]
pub(crate) enum By {
    /// The key of this number.
    Key(u8),
    /// A shared secret.
    Secret(String, MacAlgorithm),
    /// Nothing.
    Nothing,
}

/// A message to be sent.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) header: PkiHeader,
    pub(crate) body: PkiBody,
    pub(crate) by: By,
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Message {
    /// A message by the holder of a certificate with the key of this number.
    pub(crate) fn signed(number: u8, certificate: &[u8], body: PkiBody) -> Self {
        let shown = Certificate::from_der(certificate).unwrap();
        let header = PkiHeader {
            sender: GeneralName::directory(shown.subject()).unwrap(),
            protection_alg: Some(signature_algorithm(Curve::P256)),
            sender_kid: Some(octets(&shown.subject_key_identifier().unwrap())),
            ..header()
        };
        Self { header, body, by: By::Key(number), certificates: vec![certificate.to_vec()] }
    }

    /// A message by who shares a secret.
    pub(crate) fn under_mac(reference: &str, secret: &str, body: PkiBody) -> Self {
        let algorithm = MacAlgorithm::new(MacFamily::Pbmac1, [7; 16]);
        let header = PkiHeader {
            sender: GeneralName::common_name(reference).unwrap(),
            protection_alg: Some(algorithm.identifier().unwrap()),
            sender_kid: Some(octets(reference.as_bytes())),
            ..header()
        };
        Self { header, body, by: By::Secret(secret.to_owned(), algorithm), certificates: Vec::new() }
    }

    /// The next message of the same sender, after this answer.
    pub(crate) fn after(&self, answer: &PkiMessage, body: PkiBody) -> Self {
        let header = PkiHeader {
            sender_nonce: Some(octets(&fresh())),
            recip_nonce: answer.header().sender_nonce.clone(),
            ..self.header.clone()
        };
        Self { header, body, ..self.clone() }
    }

    /// The same with another body, or another header.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut PkiHeader)) -> Self {
        change(&mut self.header);
        self
    }

    /// The message, protected.
    pub(crate) fn built(&self) -> PkiMessage {
        let message = PkiMessage::new(self.header.clone(), self.body.clone()).unwrap();
        let protection = match &self.by {
            By::Key(number) => Some(sign(*number, message.protected_part())),
            By::Secret(secret, algorithm) => Some(algorithm.mac(secret.as_bytes(), message.protected_part())),
            By::Nothing => None,
        };
        let message = message.with_certificates(self.certificates.clone());
        match protection {
            Some(protection) => message.protected(protection),
            None => message,
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.built().encode().unwrap()
    }
}

/// A header without sender and protection.
fn header() -> PkiHeader {
    PkiHeader {
        pvno: 2,
        sender: GeneralName::directory(&DistinguishedName::empty()).unwrap(),
        recipient: GeneralName::common_name("Grid Operational CA").unwrap(),
        message_time: Some(time(NOW.seconds())),
        protection_alg: None,
        sender_kid: None,
        recip_kid: None,
        transaction_id: Some(octets(&fresh())),
        sender_nonce: Some(octets(&fresh())),
        recip_nonce: None,
        free_text: None,
        general_info: None,
    }
}

pub(crate) fn octets(value: &[u8]) -> OctetString {
    OctetString::new(value).unwrap()
}

pub(crate) fn time(seconds: i64) -> GeneralizedTime {
    let since_1970 = core::time::Duration::from_secs(seconds.try_into().unwrap());
    GeneralizedTime::from_unix_duration(since_1970).unwrap()
}

/// Sixteen octets that were not there before.
pub(crate) fn fresh() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    u128::from(COUNT.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
}

/// Signs by the key of this number, DER.
pub(crate) fn sign(number: u8, message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key(number).sign(message);
    EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap().to_der().unwrap()
}

pub(crate) fn template_key(number: u8) -> TemplateKey {
    TemplateKey::from_der(&p256_spki(public_key(number).point())).unwrap()
}

/// A request for a certificate of this subject and key.
pub(crate) fn request(subject: &str, number: u8) -> CertRequest {
    let cert_template = CertTemplate {
        subject: Some(Any::from_der(&common_name(subject)).unwrap()),
        public_key: Some(template_key(number)),
        ..CertTemplate::default()
    };
    CertRequest { cert_req_id: 0, cert_template, controls: None }
}

/// A request with the proof of possession of this key.
pub(crate) fn proven(request: &CertRequest, number: u8) -> CertReqMsg {
    let signature = BitString::from_bytes(&sign(number, &request.to_der().unwrap())).unwrap();
    let proof = PopoSigningKey { input: None, algorithm: signature_algorithm(Curve::P256), signature };
    CertReqMsg::new(request, Some(ProofOfPossession::Signature(proof))).unwrap()
}

/// ir for a device and a key.
pub(crate) fn ir(subject: &str, number: u8) -> PkiBody {
    PkiBody::Ir(vec![proven(&request(subject, number), number)])
}

/// cr for a device and a key.
pub(crate) fn cr(subject: &str, number: u8) -> PkiBody {
    PkiBody::Cr(vec![proven(&request(subject, number), number)])
}

/// kur for a device and a key.
pub(crate) fn kur(subject: &str, number: u8) -> PkiBody {
    PkiBody::Kur(vec![proven(&request(subject, number), number)])
}

/// What confirms a certificate.
pub(crate) fn status(certificate: &[u8]) -> CertStatus {
    CertStatus {
        cert_hash: octets(&Sha256::digest(certificate)),
        cert_req_id: 0,
        status_info: None,
        hash_alg: None,
    }
}

/// certConf of a certificate.
pub(crate) fn cert_conf(certificate: &[u8]) -> PkiBody {
    PkiBody::CertConf(vec![status(certificate)])
}
