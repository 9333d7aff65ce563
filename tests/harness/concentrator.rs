//! A concentrator that brings the requests of many meters in one nested message (RFC 9483 §5.2.2.2).
//!
//! It is a registration authority: it signs each message, and the meters' keys have signed their requests.

use std::path::Path;

use ca_core::certificate::Certificate;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{
    CertReqMsg, CertRequest, CertTemplate, PopoSigningKey, ProofOfPossession, TemplateKey,
};
use cmp_messages::certificate_response::CertRepMessage;
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::signature_algorithm;
use der::asn1::{Any, BitString, OctetString};
use der::{Decode, Encode};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};

/// A registration authority with its certificate and key on P-256.
pub struct Concentrator {
    certificate: Certificate,
    key: SigningKey,
}

impl std::fmt::Debug for Concentrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Concentrator").finish_non_exhaustive()
    }
}

impl Concentrator {
    /// Reads a certificate, DER, and its key, PEM.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn new(certificate: &[u8], key: &Path) -> Self {
        let pem = std::fs::read_to_string(key).expect("its key");
        Self {
            certificate: Certificate::from_der(certificate).expect("its certificate"),
            key: SigningKey::from_pkcs8_pem(&pem).expect("a key on P-256"),
        }
    }

    /// Makes a nested message of one request for each of these system titles, with a new key each.
    ///
    /// # Panics
    /// When something cannot be encoded.
    #[must_use]
    pub fn batch(&self, titles: &[String]) -> Vec<u8> {
        let all = titles.iter().map(|title| Any::from_der(&self.request(title)).expect("a message"));
        self.message(PkiBody::Nested(all.collect()), Vec::new())
    }

    /// Makes one request, cr, for a new key.
    fn request(&self, title: &str) -> Vec<u8> {
        let key = SigningKey::generate();
        let spki = key.verifying_key().to_public_key_der().expect("a key").as_bytes().to_vec();
        let name = ca_core::system_title::SystemTitle::parse(title).expect("a system title");
        let subject = ca_core::distinguished_name::DistinguishedName::of_device(&name).expect("a name");
        let template = CertTemplate {
            subject: Some(Any::from_der(subject.der()).expect("a name")),
            public_key: Some(TemplateKey::from_der(&spki).expect("a key")),
            ..CertTemplate::default()
        };
        let request = CertRequest { cert_req_id: 0, cert_template: template, controls: None };
        let signature: DerSignature = key.sign(&request.to_der().expect("it is encoded"));
        let proof = ProofOfPossession::Signature(PopoSigningKey {
            input: None,
            algorithm: signature_algorithm(ca_core::suite::Curve::P256),
            signature: BitString::from_bytes(signature.as_bytes()).expect("octets"),
        });
        let message = CertReqMsg::new(&request, Some(proof)).expect("it is encoded");
        let implicit = InfoTypeAndValue::implicit_confirm().expect("it is encoded");
        self.message(PkiBody::Cr(vec![message]), vec![implicit])
    }

    fn message(&self, body: PkiBody, general_info: Vec<InfoTypeAndValue>) -> Vec<u8> {
        let octets = |octets: &[u8]| OctetString::new(octets).expect("octets");
        let random = || SigningKey::generate().to_bytes()[..16].to_vec();
        let header = PkiHeader {
            pvno: 2,
            sender: GeneralName::directory(self.certificate.subject()).expect("a name"),
            recipient: GeneralName::directory(self.certificate.issuer()).expect("a name"),
            message_time: None,
            protection_alg: Some(signature_algorithm(ca_core::suite::Curve::P256)),
            sender_kid: self.certificate.subject_key_identifier().map(|key| octets(&key)),
            recip_kid: None,
            transaction_id: Some(octets(&random())),
            sender_nonce: Some(octets(&random())),
            recip_nonce: None,
            free_text: None,
            general_info: (!general_info.is_empty()).then_some(general_info),
        };
        let message = PkiMessage::new(header, body).expect("it is encoded");
        let signature: DerSignature = self.key.sign(message.protected_part());
        let message = message.protected(signature.as_bytes().to_vec());
        message.with_certificates(vec![self.certificate.der().to_vec()]).encode().expect("it is encoded")
    }
}

/// What became of each request of a batch, in the order of the answer: the subject of the certificate, or what was said.
///
/// # Panics
/// When the octets are no nested message of responses to cr.
#[must_use]
#[track_caller]
pub fn answers(nested: &[u8]) -> Vec<Result<String, String>> {
    let message = PkiMessage::decode(nested).expect("a message");
    let PkiBody::Nested(messages) = message.body() else { panic!("{:?}", message.body()) };
    messages.iter().map(|one| answer(&one.to_der().expect("octets"))).collect()
}

fn answer(der: &[u8]) -> Result<String, String> {
    use cmp_messages::certificate_response::CertOrEncCert;
    let message = PkiMessage::decode(der).expect("a message");
    match message.body() {
        PkiBody::Cp(CertRepMessage { response, .. }) => {
            let one = response.first().expect("one response");
            match one.certified_key_pair.as_ref().map(|pair| &pair.cert_or_enc_cert) {
                Some(CertOrEncCert::Certificate(certificate)) => {
                    let certificate = Certificate::from_der(&certificate.to_der().expect("octets"));
                    Ok(certificate.expect("a certificate").subject().to_string())
                }
                Some(CertOrEncCert::Encrypted(_)) | None => {
                    Err(one.status.status_string.clone().unwrap_or_default().join("; "))
                }
            }
        }
        PkiBody::Error(content) => {
            Err(content.pki_status_info.status_string.clone().unwrap_or_default().join("; "))
        }
        other => panic!("{other:?}"),
    }
}
