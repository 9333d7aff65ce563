//! A certificate revocation list that was read: its number, times, entries and signature (RFC 5280 §5).
//!
//! Reading is strict DER and says nothing about trust; [`ParsedCrl::verify`] asks for the signature. Entries are read one by
//! one from wherever the octets are kept, so that a list of a million costs no more memory than one of ten. Nothing here judges
//! whether a list should be made or published.

use const_oid::ObjectIdentifier;
use der::{Decode, Encode};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlReason, IssuingDistributionPoint};
use x509_cert::time::Time;

use super::wire::{CertificateList, RevokedCertificate, TbsCertList, unix_time};
use crate::crl_entry::PlainEntry;
use crate::crl_frame::{CrlFrame, SignedFrame, Values, WalkError};
use crate::octets::{Octets, OctetsError};
use crate::oid;
use crate::public_key::{BadSignature, PublicKey};
use crate::reason::ReasonCode;
use crate::serial_number::{SerialNumber, SerialNumberError};
use crate::signature::EcdsaSignature;
use crate::suite::Curve;
use crate::to_be_signed::MessageDigest;
use crate::validity::UnixTime;

/// A signed CRL.
#[derive(Debug, Clone)]
pub struct ParsedCrl {
    tbs_octets: Octets,
    tbs: ParsedTbs,
    signature: EcdsaSignature,
}

impl ParsedCrl {
    /// Reads a DER `CertificateList` that is at hand.
    ///
    /// # Errors
    /// [`ReadCrlError`].
    pub fn from_der(der: &[u8]) -> Result<Self, ReadCrlError> {
        Self::read(&Octets::from(der.to_vec()))
    }

    /// Reads a DER `CertificateList`, its entries left where they are kept.
    ///
    /// # Errors
    /// [`ReadCrlError`].
    pub fn read(der: &Octets) -> Result<Self, ReadCrlError> {
        let frame = SignedFrame::read(der)?;
        let list = CertificateList::from_der(&frame.octets).map_err(not_der)?;
        let tbs = ParsedTbs::framed(&list.tbs_cert_list.to_der().map_err(not_der)?, frame.entries)?;
        // RFC 5280 §5.1.1.2: the two algorithm identifiers are the same.
        if curve_of(&list.signature_algorithm)? != tbs.curve {
            return Err(ReadCrlError::SignatureAlgorithm { algorithm: list.signature_algorithm.oid });
        }
        let signature = list
            .signature
            .as_bytes()
            .and_then(|value| EcdsaSignature::from_der(tbs.curve, value).ok())
            .ok_or(ReadCrlError::SignatureValue)?;
        Ok(Self { tbs_octets: frame.tbs, tbs, signature })
    }

    /// Returns what the CRL says.
    #[must_use]
    pub const fn tbs(&self) -> &ParsedTbs {
        &self.tbs
    }

    /// Returns the signature.
    #[must_use]
    pub const fn signature(&self) -> &EcdsaSignature {
        &self.signature
    }

    /// Verifies the signature over the octets as they are kept.
    ///
    /// # Errors
    /// [`VerifyCrlError`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), VerifyCrlError> {
        let digest = MessageDigest::read(key.curve(), &self.tbs_octets)?;
        Ok(key.verify_digest(&digest, &self.signature)?)
    }
}

/// What a CRL says, whoever signed it.
#[derive(Debug, Clone)]
pub struct ParsedTbs {
    curve: Curve,
    issuer: Vec<u8>,
    this_update: Time,
    next_update: Time,
    entries: Octets,
    extensions: Vec<Extension>,
}

impl ParsedTbs {
    /// Reads a DER `TBSCertList` of version 2 that has a nextUpdate.
    ///
    /// # Errors
    /// [`ReadCrlError`].
    pub fn from_der(der: &[u8]) -> Result<Self, ReadCrlError> {
        Self::read(&Octets::from(der.to_vec()))
    }

    /// Reads a DER `TBSCertList`, its entries left where they are kept.
    ///
    /// # Errors
    /// [`ReadCrlError`].
    pub fn read(der: &Octets) -> Result<Self, ReadCrlError> {
        let frame = CrlFrame::read(der)?;
        Self::framed(&frame.octets, frame.entries)
    }

    /// Reads what stands around the entries.
    fn framed(frame: &[u8], entries: Option<Octets>) -> Result<Self, ReadCrlError> {
        let list = TbsCertList::from_der(frame).map_err(not_der)?;
        // RFC 5280 §5.1.2.1: a CRL with extensions, which every one has to have, is of version 2.
        if list.version != Some(1) {
            return Err(ReadCrlError::Version);
        }
        // RFC 5280 §5.1.2.6: with nothing revoked the list is absent, never empty.
        if entries.as_ref().is_some_and(|entries| entries.length() == 0) {
            return Err(ReadCrlError::EmptyList);
        }
        let extensions = list.crl_extensions.unwrap_or_default();
        let oids = || extensions.iter().map(|extension| extension.extn_id);
        if let Some((_, oid)) =
            oids().enumerate().find(|(at, oid)| oids().take(*at).any(|earlier| earlier == *oid))
        {
            return Err(ReadCrlError::DoubledExtension { oid });
        }
        Ok(Self {
            curve: curve_of(&list.signature)?,
            issuer: list.issuer.to_der().map_err(not_der)?,
            this_update: list.this_update,
            // RFC 5280 §5.1.2.5: conforming issuers always include nextUpdate.
            next_update: list.next_update.ok_or(ReadCrlError::NoNextUpdate)?,
            entries: entries.unwrap_or_else(|| Octets::from(Vec::new())),
            extensions,
        })
    }

    /// Returns the curve that the signature algorithm belongs to.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// Returns the DER octets of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// Returns thisUpdate as it is written.
    #[must_use]
    pub const fn this_update(&self) -> Time {
        self.this_update
    }

    /// Returns nextUpdate as it is written.
    #[must_use]
    pub const fn next_update(&self) -> Time {
        self.next_update
    }

    /// Returns the period for which the CRL speaks: thisUpdate and nextUpdate.
    ///
    /// # Errors
    /// [`ReadCrlError::NotDer`] for a time that cannot be counted in seconds.
    pub fn period(&self) -> Result<(UnixTime, UnixTime), ReadCrlError> {
        let seconds = |time| unix_time(time).map_err(not_der);
        Ok((seconds(self.this_update)?, seconds(self.next_update)?))
    }

    /// Returns the extensions in the order they stand.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Returns an extension's value, if it is present.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions
            .iter()
            .find(|extension| extension.extn_id == oid)
            .map(|extension| extension.extn_value.as_bytes())
    }

    /// Returns the CRL number (RFC 5280 §5.2.3).
    ///
    /// # Errors
    /// [`ReadCrlError::NoNumber`] when there is none, or one of more than 64 bits, which we never write.
    pub fn number(&self) -> Result<u64, ReadCrlError> {
        self.extension(oid::CRL_NUMBER)
            .and_then(|value| u64::from_der(value).ok())
            .ok_or(ReadCrlError::NoNumber)
    }

    /// Returns the number of the complete CRL that this is a delta to; `None` for a complete one (RFC 5280 §5.2.4).
    #[must_use]
    pub fn base(&self) -> Option<u64> {
        self.extension(oid::DELTA_CRL_INDICATOR).and_then(|value| u64::from_der(value).ok())
    }

    /// Tells whether it says that it is a delta CRL, be it readable or not.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.extension(oid::DELTA_CRL_INDICATOR).is_some()
    }

    /// Returns the place that the CRL says it belongs to, if it names one (RFC 5280 §5.2.5).
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let point =
            IssuingDistributionPoint::from_der(self.extension(oid::ISSUING_DISTRIBUTION_POINT)?).ok()?;
        match point.distribution_point? {
            DistributionPointName::FullName(names) => names.into_iter().find_map(|name| {
                if let GeneralName::UniformResourceIdentifier(uri) = name {
                    Some(uri.to_string())
                } else {
                    None
                }
            }),
            DistributionPointName::NameRelativeToCRLIssuer(_) => None,
        }
    }

    /// Returns the octets of the authority key identifier (RFC 5280 §5.2.1), if it is present and readable.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<Vec<u8>> {
        self.extension(oid::AUTHORITY_KEY_IDENTIFIER)
            .and_then(|value| AuthorityKeyIdentifier::from_der(value).ok()?.key_identifier)
            .map(|identifier| identifier.as_bytes().to_vec())
    }

    /// Reads the entries one after the other, in the order they stand. After an unreadable one there are no more.
    #[must_use]
    pub fn entries(&self) -> ParsedEntries {
        ParsedEntries { rest: Some(Values::of(self.entries.clone())) }
    }
}

/// The entries of a CRL that are still to be read.
#[derive(Debug, Clone)]
pub struct ParsedEntries {
    rest: Option<Values>,
}

impl ParsedEntries {
    /// Returns what is read of the next entry.
    fn next_by<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, ReadCrlError>,
    ) -> Option<Result<T, ReadCrlError>> {
        let values = self.rest.as_mut()?;
        let entry = match values.next_value() {
            Ok(None) => return None,
            Ok(Some(octets)) => read(octets),
            Err(error) => Err(error.into()),
        };
        if entry.is_err() {
            self.rest = None;
        }
        Some(entry)
    }

    /// Returns of the next entry what the next CRL must know of it.
    pub(super) fn next_listed(&mut self) -> Option<Result<Listed, ReadCrlError>> {
        self.next_by(Listed::from_der)
    }
}

impl Iterator for ParsedEntries {
    type Item = Result<ParsedEntry, ReadCrlError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_by(ParsedEntry::from_der)
    }
}

/// Which certificate an entry revokes, and whether it may leave again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) serial: SerialNumber,
    pub(super) is_on_hold: bool,
}

impl Listed {
    fn from_der(octets: &[u8]) -> Result<Self, ReadCrlError> {
        if let Some(PlainEntry { serial, reason, .. }) = PlainEntry::read(octets) {
            let is_on_hold = reason == Some(ReasonCode::CertificateHold.number());
            return Ok(Self { serial: SerialNumber::from_octets(serial)?, is_on_hold });
        }
        let entry = ParsedEntry::from_der(octets)?;
        Ok(Self { is_on_hold: entry.is_on_hold(), serial: entry.serial })
    }
}

/// One entry of a CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedEntry {
    /// The serial number of the revoked certificate.
    pub serial: SerialNumber,
    /// When it was revoked, as it is written.
    pub revocation_date: Time,
    /// Its extensions; `None` when the field is absent.
    pub extensions: Option<Vec<Extension>>,
}

impl ParsedEntry {
    /// Tells whether its reason is certificateHold, so that it may leave again.
    #[must_use]
    pub fn is_on_hold(&self) -> bool {
        let extensions = self.extensions.iter().flatten();
        extensions.filter(|extension| extension.extn_id == oid::CRL_REASON).any(|extension| {
            CrlReason::from_der(extension.extn_value.as_bytes()) == Ok(CrlReason::CertificateHold)
        })
    }

    fn from_der(octets: &[u8]) -> Result<Self, ReadCrlError> {
        let entry = RevokedCertificate::from_der(octets).map_err(not_der)?;
        Ok(Self {
            serial: SerialNumber::from_octets(entry.user_certificate.value())?,
            revocation_date: entry.revocation_date,
            extensions: entry.crl_entry_extensions,
        })
    }
}

fn curve_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Curve, ReadCrlError> {
    // RFC 5758 §3.2: the parameters of ecdsa-with-SHA256 and -SHA384 are absent.
    Curve::from_signature_algorithm(algorithm.oid)
        .filter(|_| algorithm.parameters.is_none())
        .ok_or(ReadCrlError::SignatureAlgorithm { algorithm: algorithm.oid })
}

fn not_der(cause: der::Error) -> ReadCrlError {
    ReadCrlError::NotDer { position: cause.position().map(u32::from) }
}

impl From<WalkError> for ReadCrlError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::NotDer { position } => Self::NotDer { position: u32::try_from(position).ok() },
            WalkError::Octets(error) => Self::Octets(error),
        }
    }
}

/// Why the signature of a CRL does not stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCrlError {
    /// It was not made by this key over these octets.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    /// The octets cannot be read now.
    #[error(transparent)]
    Octets(#[from] OctetsError),
}

/// Why octets are not a CRL that we work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadCrlError {
    /// Not DER of a CRL.
    #[error("the CRL is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// Not of version 2.
    #[error("the CRL is not of version 2")]
    Version,
    /// The signature algorithm is not ecdsa-with-SHA256 or -SHA384, or differs inside and outside.
    #[error("the CRL's signature algorithm {algorithm} is not one of ours")]
    SignatureAlgorithm {
        /// Which it is.
        algorithm: ObjectIdentifier,
    },
    /// The signature value is malformed.
    #[error("the CRL's signature value is malformed")]
    SignatureValue,
    /// revokedCertificates is there and empty.
    #[error("the CRL has an empty list where none should be")]
    EmptyList,
    /// nextUpdate is absent.
    #[error("the CRL has no nextUpdate")]
    NoNextUpdate,
    /// The CRL number is absent or has more than 64 bits.
    #[error("the CRL has no CRL number of at most 64 bits")]
    NoNumber,
    /// An extension appears twice.
    #[error("the CRL has the extension {oid} twice")]
    DoubledExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An entry has an unusable serial number.
    #[error("an entry of the CRL is unusable: {0}")]
    Serial(#[from] SerialNumberError),
    /// The octets cannot be read now.
    #[error(transparent)]
    Octets(#[from] OctetsError),
}
