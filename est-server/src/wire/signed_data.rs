//! CMS `SignedData`: with content and one signer of ours, or as others wrote it (RFC 5652 §5).
//!
//! Certificates go in and come out octet for octet. Who signs, and whether a signature holds, is not decided here.

use ca_core::certificate::Certificate;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use cms::cert::IssuerAndSerialNumber;
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
/// Of the cms crate's type only certificates and CRLs differ: there they are decoded, here they stay octets.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct SignedData {
    /// The version.
    pub version: CmsVersion,
    /// The digests that signers used.
    pub digest_algorithms: DigestAlgorithmIdentifiers,
    /// The content.
    pub encap_content_info: EncapsulatedContentInfo,
    /// The certificates.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub certificates: Option<SetOfVec<Any>>,
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

    /// Puts the signature in, and the signer's certificate with those given.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn signed(
        self,
        signer: &Certificate,
        signature: &EcdsaSignature,
        others: &[&[u8]],
    ) -> der::Result<SignedData> {
        let certificate = x509_cert::Certificate::from_der(signer.der())?;
        let tbs = certificate.tbs_certificate();
        let signer_info = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: tbs.issuer().clone(),
                serial_number: tbs.serial_number().clone(),
            }),
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
            certificates: Some(SetOfVec::try_from(certificates)?),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer_info])?),
        })
    }
}

/// The digest that goes with keys of a curve.
#[must_use]
pub fn digest(curve: Curve, octets: &[u8]) -> Vec<u8> {
    match curve {
        Curve::P256 => Sha256::digest(octets).to_vec(),
        Curve::P384 => Sha384::digest(octets).to_vec(),
    }
}

/// The name of the digest that goes with keys of a curve.
#[must_use]
pub const fn digest_algorithm(curve: Curve) -> AlgorithmIdentifierOwned {
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
