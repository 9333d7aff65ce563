//! Certificates written by hand, for whatever a path or a credential has to be made of.

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::validity::UnixTime;
use der::asn1::ObjectIdentifier;

use crate::doubles::clock::{DAY, NOW, at};
use crate::doubles::keys::KeyPair;
use crate::octets::{
    BIT_STRING, INTEGER, UTC_TIME, UTF8, authority, extension, key_usage, name, oid as oid_der, purposes,
    sequence, tlv,
};

/// The parts of a certificate (RFC 5280 §4.1).
#[derive(Clone)]
pub(crate) struct CertificateOctets {
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) not_before: UnixTime,
    pub(crate) not_after: UnixTime,
    pub(crate) key: KeyPair,
    /// Type, criticality, value.
    pub(crate) extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

/// Writes a name of one common name.
pub(crate) fn common_name(text: &str) -> Vec<u8> {
    name(&[(oid::COMMON_NAME, UTF8, text.as_bytes())])
}

impl CertificateOctets {
    fn new(issuer: &str, subject: &str, key: &KeyPair) -> Self {
        Self {
            serial: vec![0x40, 1, 2, 3],
            issuer: common_name(issuer),
            subject: common_name(subject),
            not_before: at(NOW - 100 * DAY),
            not_after: at(NOW + 100 * DAY),
            key: key.clone(),
            extensions: Vec::new(),
        }
    }

    /// A CA below the one named.
    pub(crate) fn authority(issuer: &str, subject: &str, key: &KeyPair) -> Self {
        Self::new(issuer, subject, key).with(oid::BASIC_CONSTRAINTS, true, authority(None)).with(
            oid::KEY_USAGE,
            true,
            key_usage(0x06),
        )
    }

    /// A TLS client.
    pub(crate) fn client(issuer: &str, subject: &str, key: &KeyPair) -> Self {
        Self::new(issuer, subject, key).with(oid::KEY_USAGE, true, key_usage(0x80)).with(
            oid::EXTENDED_KEY_USAGE,
            false,
            purposes(&[oid::CLIENT_AUTH]),
        )
    }

    /// Adds an extension, or replaces the one of this type.
    pub(crate) fn with(mut self, kind: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Self {
        self.extensions.retain(|(known, ..)| *known != kind);
        self.extensions.push((kind, critical, value));
        self
    }

    /// Leaves an extension out.
    pub(crate) fn without(mut self, kind: ObjectIdentifier) -> Self {
        self.extensions.retain(|(known, ..)| *known != kind);
        self
    }

    /// Sets the period, in seconds from the time that the tests call now.
    pub(crate) fn valid(mut self, from: i64, until: i64) -> Self {
        (self.not_before, self.not_after) = (at(NOW + from), at(NOW + until));
        self
    }

    /// Returns the octets, signed.
    pub(crate) fn der(&self, signer: &KeyPair) -> Vec<u8> {
        let algorithm = sequence(&[oid_der(signer.public_key().curve().signature_algorithm())]);
        let extensions: Vec<_> = self
            .extensions
            .iter()
            .map(|(kind, critical, value)| extension(*kind, *critical, value))
            .collect();
        let tbs = sequence(&[
            tlv(0xA0, &[INTEGER, 1, 2]),
            tlv(INTEGER, &self.serial),
            algorithm.clone(),
            self.issuer.clone(),
            sequence(&[time(self.not_before), time(self.not_after)]),
            self.subject.clone(),
            self.key.public_key().spki_der().to_vec(),
            if extensions.is_empty() { Vec::new() } else { tlv(0xA3, &sequence(&extensions)) },
        ]);
        let signature = signer.sign(&tbs, 0).to_der().unwrap();
        sequence(&[tbs, algorithm, tlv(BIT_STRING, &[&[0], signature.as_slice()].concat())])
    }

    /// Returns the certificate as ca-core reads it.
    pub(crate) fn read(&self, signer: &KeyPair) -> Certificate {
        Certificate::from_der(&self.der(signer)).unwrap()
    }
}

/// Writes a time before 2050.
fn time(time: UnixTime) -> Vec<u8> {
    let digits: String = time.to_string().chars().filter(char::is_ascii_digit).skip(2).collect();
    tlv(UTC_TIME, format!("{digits}Z").as_bytes())
}
