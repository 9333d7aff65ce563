//! OCSP requests made by hand, and the little of a response that tests here look at.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ca_core::issuer::Issuer;
use ca_core::serial_number::SerialNumber;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};

const SHA1_ALGORITHM: &[u8] = &[0x30, 9, 6, 5, 0x2B, 0x0E, 3, 2, 0x1A, 5, 0];
const SHA256_ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
const NONCE: &[u8] = &[0x30, 15, 6, 9, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2, 4, 2];

fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let mut der = vec![tag];
    match content.len() {
        short @ 0..128 => der.push(u8::try_from(short).unwrap()),
        medium @ 128..256 => der.extend_from_slice(&[0x81, u8::try_from(medium).unwrap()]),
        long => {
            der.push(0x82);
            der.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    der.extend_from_slice(&content);
    der
}

/// Which hash function certificates are named with.
#[derive(Clone, Copy)]
pub enum Hash {
    Sha1,
    Sha256,
}

pub fn cert_id(issuer: &Issuer, serial: &SerialNumber, hash: Hash) -> Vec<u8> {
    let (algorithm, function): (&[u8], &'static Algorithm) = match hash {
        Hash::Sha1 => (SHA1_ALGORITHM, &SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha256 => (SHA256_ALGORITHM, &SHA256),
    };
    let name = digest(function, issuer.name().der());
    let key = digest(function, issuer.certificate().public_key().point());
    tlv(0x30, &[algorithm, &tlv(4, &[name.as_ref()]), &tlv(4, &[key.as_ref()]), &tlv(2, &[serial.octets()])])
}

/// A request for these certificates without a nonce.
pub fn request(cert_ids: &[Vec<u8>]) -> Vec<u8> {
    with_extensions(cert_ids, &[])
}

/// A request for one certificate by SHA-1, as most clients make it.
pub fn request_for(issuer: &Issuer, serial: &SerialNumber) -> Vec<u8> {
    request(&[cert_id(issuer, serial, Hash::Sha1)])
}

/// The same with a nonce of four octets.
pub fn request_with_nonce(issuer: &Issuer, serial: &SerialNumber) -> Vec<u8> {
    let nonce = tlv(0x30, &[&NONCE[2..13], &tlv(4, &[&tlv(4, &[b"once"])])]);
    with_extensions(&[cert_id(issuer, serial, Hash::Sha1)], &tlv(0xA2, &[&tlv(0x30, &[&nonce])]))
}

fn with_extensions(cert_ids: &[Vec<u8>], extensions: &[u8]) -> Vec<u8> {
    let list: Vec<u8> = cert_ids.iter().flat_map(|cert_id| tlv(0x30, &[cert_id])).collect();
    tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&list]), extensions])])
}

/// The tags of the statuses in a response: 0x80 good, 0xA1 revoked, 0x82 unknown.
pub fn statuses(response: &[u8]) -> Vec<u8> {
    let outer = elements(content(response));
    assert_eq!(outer[0], [0x0A, 1, 0], "successful");
    let bytes = elements(content(content(outer[1])));
    let basic = elements(content(content(bytes[1])));
    let responses = elements(content(basic[0]))[2];
    elements(content(responses)).into_iter().map(|single| elements(content(single))[1][0]).collect()
}

fn content(der: &[u8]) -> &[u8] {
    AnyRef::from_der(der).unwrap().value()
}

fn elements(content: &[u8]) -> Vec<&[u8]> {
    let mut reader = SliceReader::new(content).unwrap();
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes().unwrap());
    }
    elements
}
