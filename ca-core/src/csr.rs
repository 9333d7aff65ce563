//! Certification requests, PKCS#10 (RFC 2986), and what they prove.
//!
//! Decoding is strict, with the two leniencies of the house and one of the field, each of which is reported: r and s read
//! as unsigned, and the attributes field left out. (The third, base64 in one line, is a matter of the front end.)
//! Nothing in a request decides anything: it states a key and proves its possession.

mod keyless;
mod template_request;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, SetOfVec};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierRef;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;

use crate::certificate::Certificate;
use crate::crowding::is_crowded;
use crate::distinguished_name::{DistinguishedName, NameError};
use crate::oid;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::signature::{EcdsaSignature, IntegerForm};
use crate::suite::Curve;
pub use keyless::{KeyDelivery, KeyRequest};
pub use template_request::{TemplateProof, TemplateRequest};

/// ```text
/// CertificationRequest ::= SEQUENCE {
///     certificationRequestInfo CertificationRequestInfo,
///     signatureAlgorithm       AlgorithmIdentifier,
///     signature                BIT STRING }
/// ```
#[derive(Sequence)]
struct WireRequest<'a> {
    info: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// ```text
/// CertificationRequestInfo ::= SEQUENCE {
///     version       INTEGER { v1(0) },
///     subject       Name,
///     subjectPKInfo SubjectPublicKeyInfo,
///     attributes    [0] IMPLICIT SET OF Attribute }
/// ```
#[derive(Sequence)]
struct WireInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    attributes: Option<SetOfVec<Attribute>>,
}

/// A decoded certification request. Possession of the key is not yet proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificationRequest {
    der: Vec<u8>,
    info: Vec<u8>,
    public_key: PublicKey,
    content: RequestContent,
    signature: EcdsaSignature,
    leniencies: Vec<Leniency>,
}

/// What a certification request asks for, whatever its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContent {
    subject: DistinguishedName,
    requested: Vec<Extension>,
    challenge_password: Option<String>,
    new_names: Option<NewNames>,
}

impl RequestContent {
    /// Takes what a request that is no PKCS#10 asks for: a subject, and at most 16 extensions, none of them twice.
    ///
    /// # Errors
    /// [`CsrError`].
    pub fn of(subject: DistinguishedName, requested: Vec<Extension>) -> Result<Self, CsrError> {
        check_extensions(&requested)?;
        Ok(Self { subject, requested, challenge_password: None, new_names: None })
    }

    fn read(subject: &AnyRef<'_>, attributes: &[&Attribute]) -> Result<Self, CsrError> {
        let Attributes { requested, challenge_password, new_names } = read_attributes(attributes)?;
        let subject = DistinguishedName::from_der(&subject.to_der().map_err(not_der)?)?;
        Ok(Self { subject, requested, challenge_password, new_names })
    }

    /// Returns the subject that the requester wrote.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Returns the extensions asked for, at most 16.
    #[must_use]
    pub fn requested_extensions(&self) -> &[Extension] {
        &self.requested
    }

    /// Returns the value of the subjectAltName extension asked for.
    #[must_use]
    pub fn alternative_names(&self) -> Option<&[u8]> {
        self.requested
            .iter()
            .find(|extension| extension.extn_id == oid::SUBJECT_ALT_NAME)
            .map(|extension| extension.extn_value.as_bytes())
    }

    /// Returns the challengePassword attribute.
    #[must_use]
    pub fn challenge_password(&self) -> Option<&str> {
        self.challenge_password.as_deref()
    }

    /// Returns the names that are wanted in the place of those the requester has (RFC 6402 §2.8).
    #[must_use]
    pub const fn new_names(&self) -> Option<&NewNames> {
        self.new_names.as_ref()
    }
}

/// The names that a requester wants in the place of those it has (RFC 6402 §2.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNames {
    /// The subject; empty where the attribute has none.
    pub subject: DistinguishedName,
    /// The value of the subjectAltName extension, DER; no extension where the attribute has none.
    pub alternative_names: Option<Vec<u8>>,
}

/// ```text
/// ChangeSubjectName ::= SEQUENCE { subject Name OPTIONAL, subjectAlt SubjectAltName OPTIONAL }
/// ```
///
/// Both are sequences, told apart by what is in them: SETs in a name, context-specific tags in alternative names.
#[derive(Sequence)]
struct WireNewNames<'a> {
    first: AnyRef<'a>,
    second: Option<AnyRef<'a>>,
}

/// A deviation from RFC 2986 that was met and read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// r or s was written as unsigned octets.
    UnsignedIntegers,
    /// The attributes field was left out.
    AttributesAbsent,
}

impl CertificationRequest {
    /// Reads a DER certification request, of at most 16,384 octets.
    ///
    /// # Errors
    /// [`CsrError`].
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > 16_384 {
            return Err(CsrError::TooLong { octets: der.len() });
        }
        if is_crowded(der) {
            return Err(CsrError::Crowded);
        }
        let wire = WireRequest::from_der(der).map_err(not_der)?;
        let info_der =
            crate::certificate::to_be_signed(der).map_err(|_| CsrError::NotDer { position: None })?.to_vec();
        let info: WireInfo<'_> = wire.info.decode_as().map_err(not_der)?;
        if info.version != 0 {
            return Err(CsrError::Version { version: info.version });
        }
        let public_key = PublicKey::from_spki_der(&info.public_key.to_der().map_err(not_der)?)?;
        let signature_octets = wire.signature.as_bytes().ok_or(CsrError::SignatureValue)?;
        check_algorithm(&wire.algorithm, public_key.curve())?;
        let (signature, form) = EcdsaSignature::from_der_or_unsigned(public_key.curve(), signature_octets)
            .map_err(|_| CsrError::SignatureValue)?;
        let mut leniencies = Vec::new();
        if form == IntegerForm::UnsignedOctets {
            leniencies.push(Leniency::UnsignedIntegers);
        }
        if info.attributes.is_none() {
            leniencies.push(Leniency::AttributesAbsent);
        }
        let attributes: Vec<&Attribute> = info.attributes.iter().flat_map(SetOfVec::iter).collect();
        let content = RequestContent::read(&info.subject, &attributes)?;
        // The decoder sorts what DER wants sorted (X.690 §11.6): whatever it changed was not DER.
        if info.to_der().map_err(not_der)? != info_der {
            return Err(CsrError::NotDer { position: None });
        }
        Ok(Self { der: der.to_vec(), info: info_der, public_key, content, signature, leniencies })
    }

    /// Returns the octets as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the SHA-256 of the octets as received.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Returns what is asked for.
    #[must_use]
    pub const fn content(&self) -> &RequestContent {
        &self.content
    }

    /// Returns the subject that the requester wrote.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        self.content.subject()
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the extensions asked for, at most 16.
    #[must_use]
    pub fn requested_extensions(&self) -> &[Extension] {
        self.content.requested_extensions()
    }

    /// Returns the challengePassword attribute.
    #[must_use]
    pub fn challenge_password(&self) -> Option<&str> {
        self.content.challenge_password()
    }

    /// Returns the names that are wanted in the place of those the requester has (RFC 6402 §2.8).
    #[must_use]
    pub const fn new_names(&self) -> Option<&NewNames> {
        self.content.new_names()
    }

    /// Returns the deviations that were met.
    #[must_use]
    pub fn leniencies(&self) -> &[Leniency] {
        &self.leniencies
    }

    /// Proves that the requester holds the private key: verifies the request's own signature over the octets received.
    ///
    /// A key-agreement key signs here once and never again (RFC 7030 §4.2.1).
    ///
    /// # Errors
    /// [`NotPossessed`] when the signature does not verify.
    pub fn prove_possession(&self) -> Result<ProofOfPossession, NotPossessed> {
        // RFC 2986 §4.2: the signature covers the DER octets of certificationRequestInfo, here exactly as received.
        self.public_key.verify(&self.info, &self.signature).map_err(|_| NotPossessed)?;
        Ok(ProofOfPossession { _private: () })
    }
}

/// Evidence that the requester holds the private key of its request; comes from [`CertificationRequest::prove_possession`],
/// from a template's, from a root's own signature on itself, from our own signer, or from having made the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofOfPossession {
    _private: (),
}

impl ProofOfPossession {
    /// The key is in our own signer: it answered with this public key.
    pub(crate) const fn held_by_own_signer() -> Self {
        Self { _private: () }
    }

    /// The key was made here: this program had it before anybody else.
    pub(crate) const fn made_here() -> Self {
        Self { _private: () }
    }

    /// A root has signed its own certificate.
    pub(crate) fn shown_by(root: &Certificate) -> Result<Self, NotPossessed> {
        let own = root.issuer() == root.subject() && root.signature().curve() == root.public_key().curve();
        let verified = own && root.public_key().verify(root.tbs(), root.signature()).is_ok();
        verified.then_some(Self { _private: () }).ok_or(NotPossessed)
    }
}

/// The request's signature does not verify under its public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request's signature does not prove possession of its key")]
pub struct NotPossessed;

fn check_algorithm(algorithm: &AlgorithmIdentifierRef<'_>, curve: Curve) -> Result<(), CsrError> {
    // The hash is tied to the curve: ecdsa-with-SHA256 on P-256, ecdsa-with-SHA384 on P-384.
    if algorithm.oid != curve.signature_algorithm() || algorithm.parameters.is_some() {
        return Err(CsrError::SignatureAlgorithm { algorithm: algorithm.oid, curve });
    }
    Ok(())
}

/// unstructuredName (RFC 2985 §5.4.3): carried by some tools, ignored.
const UNSTRUCTURED_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.2");

/// What the attributes say.
struct Attributes {
    requested: Vec<Extension>,
    challenge_password: Option<String>,
    new_names: Option<NewNames>,
}

fn read_attributes(attributes: &[&Attribute]) -> Result<Attributes, CsrError> {
    let mut requested = None;
    let mut challenge_password = None;
    let mut new_names = None;
    let mut unstructured = None;
    for attribute in attributes {
        let [value] = attribute.values.as_slice() else {
            return Err(CsrError::Attribute { attribute: attribute.oid });
        };
        let once = match attribute.oid {
            oid::EXTENSION_REQUEST => requested.replace(read_extensions(value)?).is_none(),
            oid::CHALLENGE_PASSWORD => challenge_password.replace(read_text(value, attribute.oid)?).is_none(),
            oid::CHANGE_SUBJECT_NAME => new_names.replace(read_new_names(value)?).is_none(),
            UNSTRUCTURED_NAME => unstructured.replace(()).is_none(),
            other => return Err(CsrError::Attribute { attribute: other }),
        };
        if !once {
            return Err(CsrError::DoubledAttribute { attribute: attribute.oid });
        }
    }
    Ok(Attributes { requested: requested.unwrap_or_default(), challenge_password, new_names })
}

/// RFC 6402 §2.8: at least one of the two is there; what is not there is empty, or left out, in the new certificate.
fn read_new_names(value: &der::Any) -> Result<NewNames, CsrError> {
    let malformed = CsrError::Attribute { attribute: oid::CHANGE_SUBJECT_NAME };
    let wire: WireNewNames<'_> = value.decode_as().map_err(|_| malformed)?;
    let octets = |part: &AnyRef<'_>| part.to_der().map_err(not_der);
    let (subject, names) = match (is_name(&wire.first), wire.second) {
        (true, Some(second)) if !is_name(&second) => (Some(wire.first), Some(second)),
        (true, None) => (Some(wire.first), None),
        (false, None) => (None, Some(wire.first)),
        (_, Some(_)) => return Err(malformed),
    };
    let subject = match subject {
        Some(subject) => DistinguishedName::from_der(&octets(&subject)?)?,
        None => DistinguishedName::empty(),
    };
    Ok(NewNames { subject, alternative_names: names.as_ref().map(octets).transpose()? })
}

/// Tells a name from alternative names: it is empty, or begins with a SET. Alternative names are never empty.
fn is_name(sequence: &AnyRef<'_>) -> bool {
    const SET: u8 = 0x31;
    sequence.value().first().is_none_or(|tag| *tag == SET)
}

fn read_extensions(value: &der::Any) -> Result<Vec<Extension>, CsrError> {
    let malformed = CsrError::Attribute { attribute: oid::EXTENSION_REQUEST };
    let extensions: Vec<Extension> = value.decode_as().map_err(|_| malformed)?;
    if extensions.is_empty() {
        return Err(malformed);
    }
    // X.690 §11.5: critical FALSE, the default, is left out.
    if extensions.to_der().ok() != value.to_der().ok() {
        return Err(malformed);
    }
    check_extensions(&extensions)?;
    Ok(extensions)
}

fn check_extensions(extensions: &[Extension]) -> Result<(), CsrError> {
    if extensions.len() > 16 {
        return Err(CsrError::Attribute { attribute: oid::EXTENSION_REQUEST });
    }
    for (at, extension) in extensions.iter().enumerate() {
        if extensions.iter().skip(at + 1).any(|other| other.extn_id == extension.extn_id) {
            return Err(CsrError::DoubledExtension { extension: extension.extn_id });
        }
    }
    Ok(())
}

fn read_text(value: &der::Any, attribute: ObjectIdentifier) -> Result<String, CsrError> {
    use der::{Tag, Tagged};
    let text = matches!(value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String)
        .then(|| core::str::from_utf8(value.value()).ok())
        .flatten()
        .filter(|text| text.len() <= 255);
    text.map(str::to_owned).ok_or(CsrError::Attribute { attribute })
}

fn not_der(cause: der::Error) -> CsrError {
    CsrError::NotDer { position: cause.position().map(u32::from) }
}

/// Why octets are not a certification request that we work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Longer than 16,384 octets.
    #[error("the certification request has {octets} octets, more than 16384")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// More elements than certification requests have, or deeper ones.
    #[error("the certification request has more elements than any of its length, or deeper ones")]
    Crowded,
    /// Not DER of a certification request.
    #[error("the certification request is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// The version is not v1(0).
    #[error("the certification request has version {version}, not 0")]
    Version {
        /// Which.
        version: u8,
    },
    /// The signature algorithm is not the one that goes with the key.
    #[error("the signature algorithm {algorithm} does not go with a {curve} key")]
    SignatureAlgorithm {
        /// Which it is.
        algorithm: ObjectIdentifier,
        /// The curve of the key.
        curve: Curve,
    },
    /// The signature value is malformed.
    #[error("the certification request's signature value is malformed")]
    SignatureValue,
    /// An attribute is unknown, malformed, or does not have exactly one value.
    #[error("the attribute {attribute} of the certification request is not one we accept")]
    Attribute {
        /// Which.
        attribute: ObjectIdentifier,
    },
    /// An attribute appears twice.
    #[error("the attribute {attribute} appears twice in the certification request")]
    DoubledAttribute {
        /// Which.
        attribute: ObjectIdentifier,
    },
    /// A requested extension appears twice.
    #[error("the extension {extension} is asked for twice")]
    DoubledExtension {
        /// Which.
        extension: ObjectIdentifier,
    },
    /// The subject is unusable.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key is unusable.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

impl CsrError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "csr.too-long",
            Self::Crowded => "csr.crowded",
            Self::NotDer { .. } => "csr.not-der",
            Self::Version { .. } => "csr.version",
            Self::SignatureAlgorithm { .. } => "csr.algorithm",
            Self::SignatureValue => "csr.signature",
            Self::Attribute { .. } | Self::DoubledAttribute { .. } => "csr.attribute",
            Self::DoubledExtension { .. } => "csr.extension",
            Self::Name(_) => "csr.subject",
            Self::Key(_) => "key.unacceptable",
        }
    }
}
