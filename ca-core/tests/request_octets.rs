//! Certification requests written by hand: good ones to begin with, each part of which a test can replace.

use ca_core::csr::CertificationRequest;
use ca_core::oid;
use ca_core::signature::EcdsaSignature;
use ca_core::system_title::SystemTitle;
use der::asn1::ObjectIdentifier;

use crate::doubles::keys::KeyPair;
use crate::octets::{BIT_STRING, SET, UTF8, name, oid as oid_der, sequence, tlv};

/// The parts of a certification request (RFC 2986 §4).
#[derive(Clone)]
pub(crate) struct RequestOctets {
    pub(crate) key: KeyPair,
    pub(crate) version: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    /// Each an Attribute; `None` leaves the field out.
    pub(crate) attributes: Option<Vec<Vec<u8>>>,
    pub(crate) algorithm: Vec<u8>,
}

impl RequestOctets {
    /// A request that names the subject with this DER and nothing else.
    pub(crate) fn new(key: &KeyPair, subject: Vec<u8>) -> Self {
        Self {
            key: key.clone(),
            version: vec![2, 1, 0],
            subject,
            public_key: key.public_key().spki_der().to_vec(),
            attributes: Some(Vec::new()),
            algorithm: sequence(&[oid_der(key.public_key().curve().signature_algorithm())]),
        }
    }

    /// A request as a device makes it: CN = system title.
    pub(crate) fn of_device(key: &KeyPair, title: &SystemTitle) -> Self {
        Self::new(key, name(&[(oid::COMMON_NAME, UTF8, title.to_string().as_bytes())]))
    }

    /// Asks for extensions, each an Extension in DER.
    pub(crate) fn asking(mut self, extensions: &[Vec<u8>]) -> Self {
        let attribute = attribute(oid::EXTENSION_REQUEST, &sequence(extensions));
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    /// Carries a challengePassword, as a request that is bound to its connection does (RFC 7030 §3.5).
    pub(crate) fn bound_to(mut self, challenge: &str) -> Self {
        let attribute = attribute(oid::CHALLENGE_PASSWORD, &tlv(UTF8, challenge.as_bytes()));
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    /// Returns what the signature covers.
    pub(crate) fn info(&self) -> Vec<u8> {
        let attributes = self.attributes.as_ref().map(|all| tlv(0xA0, &all.concat())).unwrap_or_default();
        sequence(&[self.version.clone(), self.subject.clone(), self.public_key.clone(), attributes])
    }

    /// Returns the request, signed.
    pub(crate) fn der(&self) -> Vec<u8> {
        let info = self.info();
        self.with_signature(&self.key.sign(&info, 0).to_der().unwrap())
    }

    /// Returns the request with these octets in place of the signature value.
    pub(crate) fn with_signature(&self, value: &[u8]) -> Vec<u8> {
        let bits = tlv(BIT_STRING, &[&[0], value].concat());
        sequence(&[self.info(), self.algorithm.clone(), bits])
    }

    /// Returns the request as ca-core reads it.
    pub(crate) fn read(&self) -> CertificationRequest {
        CertificationRequest::from_der(&self.der()).unwrap()
    }
}

/// Writes an Attribute with one value.
pub(crate) fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[oid_der(kind), tlv(SET, value)])
}

/// Writes a signature value whose integers are unsigned octets, as the most used DLMS library does.
pub(crate) fn unsigned_value(signature: &EcdsaSignature) -> Vec<u8> {
    let (r, s) = signature.fixed().split_at(signature.curve().field_octets());
    sequence(&[tlv(2, r), tlv(2, s)])
}
