//! A certificate as received or issued: its octets, and the fields that decisions look at (RFC 5280 §4).
//!
//! Decoding says nothing about trust: [`path`](crate::path) validates, [`lint`](crate::lint) judges conformance.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::name::HardwareModuleName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};

use crate::crowding::is_crowded;
use crate::distinguished_name::{DistinguishedName, NameError};
use crate::oid;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::serial_number::{SerialNumber, SerialNumberError};
use crate::signature::EcdsaSignature;
use crate::suite::{Curve, SecuritySuite};
use crate::system_title::SystemTitle;
use crate::validity::{UnixTime, Validity};

/// A decoded certificate with an EC key of ours and an ECDSA signature of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    serial: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    validity: Validity,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    signature: EcdsaSignature,
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// [`CertificateError`] when it is not one, or has a key, signature, name or serial number that this suite does not use.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if is_crowded(der) {
            return Err(CertificateError::Crowded);
        }
        let parsed = x509_cert::Certificate::from_der(der).map_err(not_der)?;
        let tbs = parsed.tbs_certificate();
        let curve = Curve::from_signature_algorithm(parsed.signature_algorithm().oid)
            .filter(|_| parsed.signature_algorithm().parameters.is_none())
            .ok_or_else(|| CertificateError::SignatureAlgorithm {
                algorithm: parsed.signature_algorithm().oid,
            })?;
        // RFC 5280 §4.1.1.2: the two algorithm identifiers are the same.
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(CertificateError::SignatureAlgorithm { algorithm: tbs.signature().oid });
        }
        let tbs_octets = to_be_signed(der)?;
        let raw = RawFields::read(tbs_octets)?;
        let time = |time: &x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs()).map(UnixTime::from_seconds).ok()
        };
        let validity = time(&tbs.validity().not_before)
            .zip(time(&tbs.validity().not_after))
            .and_then(|(not_before, not_after)| Validity::new(not_before, not_after))
            .ok_or(CertificateError::Validity)?;
        let extensions = tbs.extensions().cloned().unwrap_or_default();
        // RFC 5280 §4.2: a certificate has at most one instance of an extension.
        if let Some(oid) = doubled(&extensions) {
            return Err(CertificateError::DoubledExtension { oid });
        }
        Ok(Self {
            tbs: tbs_octets.to_vec(),
            serial: SerialNumber::from_octets(tbs.serial_number().as_bytes())?,
            issuer: DistinguishedName::from_der(raw.issuer)?,
            subject: DistinguishedName::from_der(raw.subject)?,
            validity,
            public_key: PublicKey::from_spki_der(raw.public_key)?,
            extensions,
            signature: parsed
                .signature()
                .as_bytes()
                .and_then(|value| EcdsaSignature::from_der(curve, value).ok())
                .ok_or(CertificateError::SignatureValue)?,
            der: der.to_vec(),
        })
    }

    /// Returns the DER octets as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the to-be-signed octets as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// Returns the serial number.
    #[must_use]
    pub const fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// Returns the issuer name.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Returns the subject name.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Returns the validity.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the security suite of its key (Green Book 9.2.3.7).
    #[must_use]
    pub const fn suite(&self) -> SecuritySuite {
        SecuritySuite::of_curve(self.public_key().curve())
    }

    /// Returns the subject public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the signature.
    #[must_use]
    pub const fn signature(&self) -> &EcdsaSignature {
        &self.signature
    }

    /// Returns the extensions in the order they stand.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Returns an extension's criticality and value, if it is present.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<(bool, &[u8])> {
        self.extensions
            .iter()
            .find(|extension| extension.extn_id == oid)
            .map(|extension| (extension.critical, extension.extn_value.as_bytes()))
    }

    fn decoded<'a, T: Decode<'a>>(&'a self, oid: ObjectIdentifier) -> Option<T> {
        self.extension(oid).and_then(|(_, value)| T::from_der(value).ok())
    }

    /// Returns keyUsage, if present and readable.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.decoded(oid::KEY_USAGE)
    }

    /// Returns the extended key usages; empty when the extension is absent or unreadable.
    #[must_use]
    pub fn extended_key_usages(&self) -> Vec<ObjectIdentifier> {
        self.decoded::<ExtendedKeyUsage>(oid::EXTENDED_KEY_USAGE).map(|usage| usage.0).unwrap_or_default()
    }

    /// Returns basicConstraints, if present and readable.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.decoded(oid::BASIC_CONSTRAINTS)
    }

    /// Returns the subject key identifier's octets.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        self.decoded::<SubjectKeyIdentifier>(oid::SUBJECT_KEY_IDENTIFIER).map(|ski| ski.0.as_bytes().to_vec())
    }

    /// Returns the authority key identifier's octets.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<Vec<u8>> {
        self.decoded::<AuthorityKeyIdentifier>(oid::AUTHORITY_KEY_IDENTIFIER)
            .and_then(|aki| aki.key_identifier)
            .map(|identifier| identifier.as_bytes().to_vec())
    }

    /// Returns the subject alternative names; empty when the extension is absent or unreadable.
    #[must_use]
    pub fn alternative_names(&self) -> Vec<GeneralName> {
        self.decoded::<SubjectAltName>(oid::SUBJECT_ALT_NAME).map(|names| names.0).unwrap_or_default()
    }

    /// Returns the system title that the subject, or with an empty subject the hardwareModuleName, gives.
    #[must_use]
    pub fn system_title(&self) -> Option<SystemTitle> {
        self.subject.system_title().or_else(|| {
            let names = self.alternative_names();
            match (self.subject.is_empty(), names.as_slice()) {
                (true, [GeneralName::OtherName(name)]) if name.type_id == oid::HARDWARE_MODULE_NAME => {
                    let module: HardwareModuleName = name.value.decode_as().ok()?;
                    Some(SystemTitle::new(module.hw_serial_num.as_bytes().try_into().ok()?))
                }
                _ => None,
            }
        })
    }
}

fn doubled(extensions: &[Extension]) -> Option<ObjectIdentifier> {
    let mut seen = Vec::with_capacity(extensions.len());
    extensions.iter().map(|extension| extension.extn_id).find(|oid| {
        let known = seen.contains(oid);
        seen.push(*oid);
        known
    })
}

/// The fields that must be kept as received: decoding and encoding again may sort a SET and so change a name.
struct RawFields<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key: &'a [u8],
}

impl<'a> RawFields<'a> {
    fn read(tbs: &'a [u8]) -> Result<Self, CertificateError> {
        let outer = AnyRef::from_der(tbs).map_err(not_der)?;
        let mut reader = SliceReader::new(outer.value()).map_err(not_der)?;
        let mut next = || reader.tlv_bytes().map_err(not_der);
        // version [0] is always there: versions 1 and 2 have no extensions and are of no use here.
        let [_version, _serial_number, _signature] = [next()?, next()?, next()?];
        let issuer = next()?;
        let _validity = next()?;
        Ok(Self { issuer, subject: next()?, public_key: next()? })
    }
}

/// Returns the first element of a SIGNED structure exactly as it stands: what the signature covers.
///
/// # Errors
/// [`CertificateError::NotDer`] when the outer SEQUENCE or its first element cannot be read.
pub fn to_be_signed(der: &[u8]) -> Result<&[u8], CertificateError> {
    let outer = AnyRef::from_der(der).map_err(not_der)?;
    let mut reader = SliceReader::new(outer.value()).map_err(not_der)?;
    reader.tlv_bytes().map_err(not_der)
}

fn not_der(cause: der::Error) -> CertificateError {
    CertificateError::NotDer { position: cause.position().map(u32::from) }
}

/// Why octets are not a certificate that we work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// More elements than certificates have, or deeper ones.
    #[error("the certificate has more elements than any of its length, or deeper ones")]
    Crowded,
    /// Not DER of a certificate.
    #[error("the certificate is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// The signature algorithm is not ecdsa-with-SHA256 or -SHA384, or differs inside and outside.
    #[error("the certificate's signature algorithm {algorithm} is not one of ours")]
    SignatureAlgorithm {
        /// Which it is.
        algorithm: ObjectIdentifier,
    },
    /// The signature value is malformed.
    #[error("the certificate's signature value is malformed")]
    SignatureValue,
    /// notAfter lies before notBefore.
    #[error("the certificate ends before it begins")]
    Validity,
    /// An extension appears twice.
    #[error("the certificate has the extension {oid} twice")]
    DoubledExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The serial number is unusable.
    #[error(transparent)]
    Serial(#[from] SerialNumberError),
    /// A name is unusable.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key is unusable.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}
