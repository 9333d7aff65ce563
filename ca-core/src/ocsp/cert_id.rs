//! `CertID`: how a requester names a certificate, by hashes of its issuer's name and key and by its serial number
//! (RFC 6960 §4.1.1).
//!
//! Answered with the octets it came in, so that whatever hash was asked with is answered with. Knows no status.

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Sequence, Tag, Tagged};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierRef;

use super::malformed::DecodeRequestError;
use crate::issuer::Issuer;
use crate::oid;
use crate::serial_number::{SerialNumber, SerialNumberError};

/// ```text
/// CertID ::= SEQUENCE {
///     hashAlgorithm  AlgorithmIdentifier,
///     issuerNameHash OCTET STRING, -- Hash of issuer's DN
///     issuerKeyHash  OCTET STRING, -- Hash of issuer's public key
///     serialNumber   CertificateSerialNumber }
/// ```
#[derive(Sequence)]
struct WireCertId<'a> {
    hash_algorithm: AlgorithmIdentifierRef<'a>,
    issuer_name_hash: &'a OctetStringRef,
    issuer_key_hash: &'a OctetStringRef,
    serial_number: AnyRef<'a>,
}

/// A hash function that certificates are named with. Neither protects anything here: a collision finds the wrong issuer, and
/// the answer names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertIdHash {
    /// 20 octets; what RFC 5019 clients send.
    Sha1,
    /// 32 octets; what RFC 9919 clients send.
    Sha256,
}

/// The name of a certificate in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertId {
    der: Vec<u8>,
    hash: CertIdHash,
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial: Option<SerialNumber>,
}

impl CertId {
    /// Reads a DER `CertID`.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, DecodeRequestError> {
        let wire = WireCertId::from_der(der)?;
        Ok(Self {
            hash: CertIdHash::of(&wire.hash_algorithm)?,
            issuer_name_hash: wire.issuer_name_hash.as_bytes().to_vec(),
            issuer_key_hash: wire.issuer_key_hash.as_bytes().to_vec(),
            serial: serial(wire.serial_number)?,
            der: der.to_vec(),
        })
    }

    /// Returns the DER octets as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the serial number, unless it is one that no certificate has: zero, negative or longer than 20 octets.
    #[must_use]
    pub const fn serial(&self) -> Option<&SerialNumber> {
        self.serial.as_ref()
    }
}

fn serial(any: AnyRef<'_>) -> Result<Option<SerialNumber>, DecodeRequestError> {
    any.tag().assert_eq(Tag::Integer)?;
    match SerialNumber::from_octets(any.value()) {
        Ok(serial) => Ok(Some(serial)),
        // An INTEGER, though no serial number of a certificate: there is no such certificate.
        Err(SerialNumberError::TooLong { .. } | SerialNumberError::NotPositive) => Ok(None),
        // X.690 §8.3: at least one octet, and none that could be left out.
        Err(
            SerialNumberError::Empty
            | SerialNumberError::NotMinimal
            | SerialNumberError::NotHexadecimal
            | SerialNumberError::DayOutOfRange { .. },
        ) => Err(DecodeRequestError::NotDer { position: None }),
    }
}

impl CertIdHash {
    fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, DecodeRequestError> {
        let plain = algorithm.parameters.is_none_or(AnyRef::is_null);
        match algorithm.oid {
            oid::SHA_1 if plain => Ok(Self::Sha1),
            oid::SHA_256 if plain => Ok(Self::Sha256),
            algorithm => Err(DecodeRequestError::HashAlgorithm { algorithm }),
        }
    }
}

/// The hashes that name one issuer, by either hash function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerHashes {
    sha1: ([u8; 20], [u8; 20]),
    sha256: ([u8; 32], [u8; 32]),
}

impl IssuerHashes {
    /// Computes the hashes of an issuer's name and key.
    #[must_use]
    pub fn of(issuer: &Issuer) -> Self {
        // RFC 6960 §4.1.1: over the DER of the name, and over the key's BIT STRING without tag, length and unused bits.
        let (name, key) = (issuer.name().der(), issuer.certificate().public_key().point());
        Self {
            sha1: (Sha1::digest(name).into(), Sha1::digest(key).into()),
            sha256: (Sha256::digest(name).into(), Sha256::digest(key).into()),
        }
    }

    /// Tells whether a certificate is said to be of this issuer.
    #[must_use]
    pub fn name(&self, certificate: &CertId) -> bool {
        let (name, key): (&[u8], &[u8]) = match certificate.hash {
            CertIdHash::Sha1 => (&self.sha1.0, &self.sha1.1),
            CertIdHash::Sha256 => (&self.sha256.0, &self.sha256.1),
        };
        certificate.issuer_name_hash == name && certificate.issuer_key_hash == key
    }
}
