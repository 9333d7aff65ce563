//! OCSP requests as a relying party writes them, and the first octets of an answer (RFC 6960 §4.1, §4.2; RFC 9654).

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::serial_number::SerialNumber;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Null, OctetString};
use der::{Encode, Sequence, Tag, TagNumber};
use sha1::{Digest, Sha1};

/// The octets of a nonce, as RFC 9654 recommends.
pub(crate) const NONCE_OCTETS: usize = 32;

#[derive(Sequence)]
struct AlgorithmIdentifier {
    algorithm: ObjectIdentifier,
    parameters: Null,
}

#[derive(Sequence)]
struct CertId {
    hash_algorithm: AlgorithmIdentifier,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial_number: Any,
}

#[derive(Sequence)]
struct Extension {
    id: ObjectIdentifier,
    value: OctetString,
}

/// `OCSPRequest` for one certificate, with or without a nonce, unsigned.
pub(crate) fn request(
    issuer: &Certificate,
    serial: &SerialNumber,
    nonce: Option<&[u8]>,
) -> der::Result<Vec<u8>> {
    let id = CertId {
        hash_algorithm: AlgorithmIdentifier { algorithm: oid::SHA_1, parameters: Null },
        issuer_name_hash: OctetString::new(Sha1::digest(issuer.subject().der()).to_vec())?,
        issuer_key_hash: OctetString::new(issuer.public_key().key_ref().octets().to_vec())?,
        serial_number: Any::new(Tag::Integer, serial.octets())?,
    };
    // OCSPRequest { TBSRequest { requestList { Request { reqCert } }, [2] { Extension } } }
    let mut tbs = sequence(sequence(id.to_der()?)?)?;
    if let Some(nonce) = nonce {
        let value = OctetString::new(OctetString::new(nonce)?.to_der()?)?;
        let extension = Extension { id: oid::OCSP_NONCE, value };
        let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(2) };
        tbs.extend(Any::new(tag, sequence(extension.to_der()?)?)?.to_der()?);
    }
    sequence(sequence(tbs)?)
}

fn sequence(inner: Vec<u8>) -> der::Result<Vec<u8>> {
    Any::new(Tag::Sequence, inner)?.to_der()
}

/// Tells whether an `OCSPResponse` says successful(0).
pub(crate) fn is_successful(response: &[u8]) -> bool {
    // SEQUENCE of 256 to 65,535 octets, then ENUMERATED 0.
    matches!(response, [0x30, 0x82, _, _, 0x0A, 0x01, 0x00, ..])
}
