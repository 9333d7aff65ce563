//! `SignedData`: with content and one signer of ours, or as others wrote it (RFC 5652 §5).
//!
//! Certificates go in and come out octet for octet. Who signs, and whether the signer may, is not decided here.

use ca_core::certificate::Certificate;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use cms::content_info::CmsVersion;
use cms::signed_data::{
    DigestAlgorithmIdentifiers, EncapsulatedContentInfo, SignerIdentifier, SignerInfo, SignerInfos,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256, Sha384};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use crate::enveloped::named_by_issuer;

/// ```text
/// SignedData ::= SEQUENCE {
///     version          CMSVersion,
///     digestAlgorithms DigestAlgorithmIdentifiers,
///     encapContentInfo EncapsulatedContentInfo,
///     certificates     [0] IMPLICIT CertificateSet OPTIONAL,
///     crls             [1] IMPLICIT RevocationInfoChoices OPTIONAL,
///     signerInfos      SignerInfos }
/// ```
///
/// Of the cms crate's type only certificates and CRLs differ: there they are decoded, here they stay octets, and certificates
/// stay where they stand.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct SignedData {
    /// The version.
    pub version: CmsVersion,
    /// The digests that signers used.
    pub digest_algorithms: DigestAlgorithmIdentifiers,
    /// The content.
    pub encap_content_info: EncapsulatedContentInfo,
    /// The certificates: a SET, in DER in the order of their octets, and with RFC 9483 §4.1.6 the signer's first.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub certificates: Option<Vec<Any>>,
    /// The CRLs.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub crls: Option<SetOfVec<Any>>,
    /// The signers.
    pub signer_infos: SignerInfos,
}

/// ```text
/// ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT ANY DEFINED BY contentType }
/// ```
#[derive(Sequence)]
struct ContentInfo {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: Any,
}

impl SignedData {
    /// Puts the certificates in the order that DER wants of a SET (X.690 §11.6).
    ///
    /// # Errors
    /// What the DER codec says, and of one that is there twice.
    pub fn in_der_order(mut self) -> der::Result<Self> {
        let sorted = self.certificates.map(SetOfVec::try_from).transpose()?;
        self.certificates = sorted.map(SetOfVec::into_vec);
        Ok(self)
    }

    /// Encodes it as a `ContentInfo`, DER.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn to_content_info(&self) -> der::Result<Vec<u8>> {
        ContentInfo { content_type: rfc5911::ID_SIGNED_DATA, content: Any::encode_from(self)? }.to_der()
    }

    /// Reads a `ContentInfo` that holds a `SignedData`, DER.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn from_content_info(der: &[u8]) -> der::Result<Self> {
        let outer = ContentInfo::from_der(der)?;
        if outer.content_type != rfc5911::ID_SIGNED_DATA {
            return Err(der::Tag::ObjectIdentifier.value_error().into());
        }
        outer.content.decode_as()
    }

    /// Returns the octets of the content, where it is of this type.
    #[must_use]
    pub fn content(&self, content_type: ObjectIdentifier) -> Option<OctetString> {
        let content = &self.encap_content_info;
        content.econtent.as_ref().filter(|_| content.econtent_type == content_type)?.decode_as().ok()
    }

    /// Returns the certificates that can be read.
    pub fn readable_certificates(&self) -> impl Iterator<Item = Certificate> {
        let all = self.certificates.iter().flatten();
        all.filter_map(|one| one.to_der().ok().and_then(|der| Certificate::from_der(&der).ok()))
    }

    /// Tells whether a certificate is the one that the one signer names.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        let [signer] = self.signer_infos.0.as_slice() else { return false };
        match &signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                named_by_issuer(certificate).is_ok_and(|name| name == *named)
            }
            SignerIdentifier::SubjectKeyIdentifier(identifier) => {
                certificate.subject_key_identifier().as_deref() == Some(identifier.0.as_bytes())
            }
        }
    }

    /// Verifies the one signature with the key of a certificate, over content of a type by way of its attributes.
    ///
    /// # Errors
    /// [`VerifySignedError`].
    pub fn verify(
        &self,
        certificate: &Certificate,
        content_type: ObjectIdentifier,
    ) -> Result<(), VerifySignedError> {
        let [signer] = self.signer_infos.0.as_slice() else { return Err(VerifySignedError::Signatures) };
        if !self.names(certificate) {
            return Err(VerifySignedError::OtherSigner);
        }
        let key = certificate.public_key();
        let of_curve = signer.signature_algorithm.oid == key.curve().signature_algorithm()
            && signer.digest_alg.oid == digest_algorithm(key.curve()).oid;
        let attributes =
            signer.signed_attrs.as_ref().filter(|_| of_curve).ok_or(VerifySignedError::Signatures)?;
        let content = self.content(content_type).ok_or(VerifySignedError::BadSignature)?;
        let value = |kind| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == kind);
            match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
                (Some([value]), None) => value.to_der().ok(),
                _ => None,
            }
        };
        let covered = content_type.to_der().is_ok_and(|kind| value(rfc5911::ID_CONTENT_TYPE) == Some(kind));
        let digest = OctetString::new(digest(key.curve(), content.as_bytes())).and_then(|one| one.to_der());
        let intact = digest.is_ok_and(|digest| value(rfc5911::ID_MESSAGE_DIGEST) == Some(digest));
        let signature = EcdsaSignature::from_der(key.curve(), signer.signature.as_bytes());
        let (octets, signature) = match (attributes.to_der(), signature) {
            (Ok(octets), Ok(signature)) if covered && intact => (octets, signature),
            _ => return Err(VerifySignedError::BadSignature),
        };
        key.verify(&octets, &signature).map_err(|_| VerifySignedError::BadSignature)
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifySignedError {
    /// It is signed by nobody or by several, or in a way that is not supported.
    #[error("there is not exactly one signature, of the kind that is supported")]
    Signatures,
    /// It names another certificate.
    #[error("the signature names another certificate")]
    OtherSigner,
    /// The signature is wrong, or over something else.
    #[error("the signature does not verify")]
    BadSignature,
}

/// How a signer is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerName {
    /// By issuer and serial number of its certificate.
    IssuerAndSerialNumber,
    /// By its subject key identifier.
    KeyIdentifier,
}

/// Content that is about to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    curve: Curve,
    content_type: ObjectIdentifier,
    content: Vec<u8>,
    attributes: SetOfVec<Attribute>,
}

impl Draft {
    /// Prepares content of a type for a signer's key on this curve.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn new(curve: Curve, content_type: ObjectIdentifier, content: Vec<u8>) -> der::Result<Self> {
        // RFC 5652 §5.3: content that is not id-data is signed by way of its type and digest.
        let digest = OctetString::new(digest(curve, &content))?;
        let attributes = SetOfVec::try_from(vec![
            attribute(rfc5911::ID_CONTENT_TYPE, Any::encode_from(&content_type)?)?,
            attribute(rfc5911::ID_MESSAGE_DIGEST, Any::encode_from(&digest)?)?,
        ])?;
        Ok(Self { curve, content_type, content, attributes })
    }

    /// Returns the octets to be signed (RFC 5652 §5.4): the attributes, as a SET.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn to_be_signed(&self) -> der::Result<Vec<u8>> {
        self.attributes.to_der()
    }

    /// Puts the signature in, and the signer's certificate before those given.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn signed(
        self,
        (signer, name): (&Certificate, SignerName),
        signature: &EcdsaSignature,
        others: &[&[u8]],
    ) -> der::Result<SignedData> {
        let (version, sid) = signer_name(signer, name)?;
        let signer_info = SignerInfo {
            version,
            sid,
            digest_alg: digest_algorithm(self.curve),
            signed_attrs: Some(self.attributes),
            signature_algorithm: algorithm(self.curve.signature_algorithm()),
            signature: OctetString::new(signature.to_der()?)?,
            unsigned_attrs: None,
        };
        let mut certificates = vec![Any::from_der(signer.der())?];
        for other in others.iter().filter(|other| **other != signer.der()) {
            certificates.push(Any::from_der(other)?);
        }
        Ok(SignedData {
            // RFC 5652 §5.1: version 3 when the content is not id-data.
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from(vec![digest_algorithm(self.curve)])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: self.content_type,
                econtent: Some(Any::encode_from(&OctetString::new(self.content)?)?),
            },
            certificates: Some(certificates),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer_info])?),
        })
    }
}

/// RFC 5652 §5.3: version 1 goes with issuer and serial number, version 3 with a key identifier.
fn signer_name(signer: &Certificate, name: SignerName) -> der::Result<(CmsVersion, SignerIdentifier)> {
    match (name, signer.subject_key_identifier()) {
        (SignerName::KeyIdentifier, Some(identifier)) => {
            let identifier = SubjectKeyIdentifier(OctetString::new(identifier)?);
            Ok((CmsVersion::V3, SignerIdentifier::SubjectKeyIdentifier(identifier)))
        }
        (SignerName::KeyIdentifier, None) | (SignerName::IssuerAndSerialNumber, _) => {
            Ok((CmsVersion::V1, SignerIdentifier::IssuerAndSerialNumber(named_by_issuer(signer)?)))
        }
    }
}

/// The digest that goes with keys of a curve.
fn digest(curve: Curve, octets: &[u8]) -> Vec<u8> {
    match curve {
        Curve::P256 => Sha256::digest(octets).to_vec(),
        Curve::P384 => Sha384::digest(octets).to_vec(),
    }
}

/// The name of the digest that goes with keys of a curve.
const fn digest_algorithm(curve: Curve) -> AlgorithmIdentifierOwned {
    algorithm(match curve {
        Curve::P256 => rfc5912::ID_SHA_256,
        Curve::P384 => rfc5912::ID_SHA_384,
    })
}

const fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn attribute(kind: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute { oid: kind, values: SetOfVec::try_from(vec![value])? })
}
