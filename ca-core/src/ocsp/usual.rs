//! The requests that clients write when they want an answer out of a cache: one certificate, no nonce, no extension, and so
//! the same octets from everybody. Whoever prepares answers ahead prepares them for these.

use der::asn1::AnyRef;
use der::{Encode, Tag};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierRef;

use crate::issuer::Issuer;
use crate::oid;
use crate::serial_number::SerialNumber;

/// Returns the DER octets of a request for one certificate in each form in use, all of them below 128 octets of content.
///
/// # Errors
/// None that a serial number of at most 20 octets could bring about.
pub fn usual_requests(issuer: &Issuer, serial: &SerialNumber) -> der::Result<[Vec<u8>; 3]> {
    let (name, key) = (issuer.name().der(), issuer.certificate().public_key().point());
    let sha1 = (Sha1::digest(name), Sha1::digest(key));
    let sha256 = (Sha256::digest(name), Sha256::digest(key));
    Ok([
        // RFC 5019 §2.1.1: SHA-1, as most programs send it, with NULL as parameters.
        request(oid::SHA_1, Some(AnyRef::NULL), (&sha1.0, &sha1.1), serial)?,
        // RFC 9919 §3.1.1: SHA-256, without parameters as RFC 5754 §2 has it generated, and with NULL as OpenSSL writes it.
        request(oid::SHA_256, None, (&sha256.0, &sha256.1), serial)?,
        request(oid::SHA_256, Some(AnyRef::NULL), (&sha256.0, &sha256.1), serial)?,
    ])
}

/// `OCSPRequest { TBSRequest { requestList { Request { reqCert } } } }`
fn request(
    hash: const_oid::ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    (name, key): (&[u8], &[u8]),
    serial: &SerialNumber,
) -> der::Result<Vec<u8>> {
    let cert_id = [
        AlgorithmIdentifierRef { oid: hash, parameters }.to_der()?,
        AnyRef::new(Tag::OctetString, name)?.to_der()?,
        AnyRef::new(Tag::OctetString, key)?.to_der()?,
        AnyRef::new(Tag::Integer, serial.octets())?.to_der()?,
    ];
    // reqCert, Request, requestList, TBSRequest, OCSPRequest: each a SEQUENCE of the one before.
    (0..5).try_fold(cert_id.concat(), |inner, _| AnyRef::new(Tag::Sequence, &inner)?.to_der())
}
