//! Certification requests, good ones and others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Signer as _;

use crate::octets::{attribute, common_name, oid, sequence, tlv};
use crate::pki::key;

/// The parts of a request, each as DER and open to damage.
#[derive(Clone)]
pub(crate) struct Csr {
    pub(crate) version: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) attributes: Vec<Vec<u8>>,
    pub(crate) algorithm: Vec<u8>,
    key: p256::ecdsa::SigningKey,
}

impl Csr {
    /// A good request for this subject, by the key whose private key is this small number.
    pub(crate) fn new(subject: &str, number: u8) -> Self {
        let key = key(number);
        Self {
            version: vec![0x02, 0x01, 0x00],
            subject: common_name(subject),
            spki: p256_spki(key.verifying_key().to_sec1_point(false).as_bytes()),
            attributes: Vec::new(),
            algorithm: sequence(&[oid("1.2.840.10045.4.3.2")]),
            key,
        }
    }

    pub(crate) fn with_attribute(mut self, attribute: Vec<u8>) -> Self {
        self.attributes.push(attribute);
        self
    }

    pub(crate) fn with_extensions(self, extensions: &[Vec<u8>]) -> Self {
        self.with_attribute(crate::octets::extension_request(extensions))
    }

    pub(crate) fn with_challenge(self, text: &str) -> Self {
        self.with_attribute(attribute("1.2.840.113549.1.9.7", &tlv(0x0C, text.as_bytes())))
    }

    pub(crate) fn info(&self) -> Vec<u8> {
        let attributes = tlv(0xA0, &self.attributes.concat());
        sequence(&[self.version.clone(), self.subject.clone(), self.spki.clone(), attributes])
    }

    /// Signs the info and encodes the whole.
    pub(crate) fn der(&self) -> Vec<u8> {
        self.der_of(&self.info(), &self.info())
    }

    /// Encodes one info with a signature over another.
    pub(crate) fn der_of(&self, info: &[u8], signed: &[u8]) -> Vec<u8> {
        let signature: p256::ecdsa::Signature = self.key.sign(signed);
        self.der_with(info, signature.to_der().as_bytes())
    }

    /// Encodes an info with this signature value.
    pub(crate) fn der_with(&self, info: &[u8], signature: &[u8]) -> Vec<u8> {
        let signature = tlv(0x03, &[&[0], signature].concat());
        sequence(&[info.to_vec(), self.algorithm.clone(), signature])
    }

    /// The body of a request.
    pub(crate) fn body(&self) -> String {
        STANDARD.encode(self.der())
    }
}

/// Writes a SubjectPublicKeyInfo on P-256.
pub(crate) fn p256_spki(point: &[u8]) -> Vec<u8> {
    spki(&sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]), point)
}

/// Writes a SubjectPublicKeyInfo.
pub(crate) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[algorithm.to_vec(), tlv(0x03, &[&[0], key].concat())])
}
