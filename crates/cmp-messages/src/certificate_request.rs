//! Certificate requests of CRMF (RFC 4211 §3 – §6), as ir, cr, kur and rr carry them (RFC 9810 §5.2.1, §5.3.1).

use const_oid::ObjectIdentifier;
use der::asn1::{Any, BitString, Int, Null};
use der::{Choice, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;
use x509_cert::time::Time;

/// id-regCtrl-oldCertID (RFC 4211 §6.5).
pub const OLD_CERT_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.5.1.5");
/// id-regCtrl-algId (RFC 9810 §5.3.19.16).
pub const ALG_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.5.1.11");

/// ```text
/// CertReqMsg ::= SEQUENCE {
///     certReq CertRequest,
///     popo    ProofOfPossession OPTIONAL,
///     regInfo SEQUENCE SIZE(1..MAX) OF AttributeTypeAndValue OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertReqMsg {
    /// The `CertRequest`, whole: its octets are what a proof of possession signs (RFC 4211 §4.1).
    cert_req: Any,
    /// What shows that the requester holds the key.
    #[asn1(optional = "true")]
    pub popo: Option<ProofOfPossession>,
    /// More about the request.
    #[asn1(optional = "true")]
    pub reg_info: Option<Vec<AttributeTypeAndValue>>,
}

impl CertReqMsg {
    /// Puts a request and its proof together.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn new(request: &CertRequest, popo: Option<ProofOfPossession>) -> der::Result<Self> {
        Ok(Self { cert_req: Any::encode_from(request)?, popo, reg_info: None })
    }

    /// Reads the request.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn request(&self) -> der::Result<CertRequest> {
        self.cert_req.decode_as()
    }

    /// Returns the octets of the request that a proof of possession signs: its DER, as it came.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn request_octets(&self) -> der::Result<Vec<u8>> {
        self.cert_req.to_der()
    }
}

/// ```text
/// CertRequest ::= SEQUENCE { certReqId INTEGER, certTemplate CertTemplate, controls Controls OPTIONAL }
/// Controls    ::= SEQUENCE SIZE(1..MAX) OF AttributeTypeAndValue
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertRequest {
    /// The number of the request in its message.
    pub cert_req_id: i64,
    /// What the certificate should say.
    pub cert_template: CertTemplate,
    /// What governs the processing of the request.
    #[asn1(optional = "true")]
    pub controls: Option<Vec<AttributeTypeAndValue>>,
}

/// ```text
/// CertTemplate ::= SEQUENCE {
///     version      [0] Version              OPTIONAL,
///     serialNumber [1] INTEGER              OPTIONAL,
///     signingAlg   [2] AlgorithmIdentifier  OPTIONAL,
///     issuer       [3] Name                 OPTIONAL,
///     validity     [4] OptionalValidity     OPTIONAL,
///     subject      [5] Name                 OPTIONAL,
///     publicKey    [6] SubjectPublicKeyInfo OPTIONAL,
///     issuerUID    [7] UniqueIdentifier     OPTIONAL,
///     subjectUID   [8] UniqueIdentifier     OPTIONAL,
///     extensions   [9] Extensions           OPTIONAL }
/// ```
///
/// IMPLICIT tags, but for the names, which are a CHOICE.
#[derive(Debug, Clone, PartialEq, Eq, Default, Sequence)]
pub struct CertTemplate {
    /// The version of the certificate.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub version: Option<u8>,
    /// Its serial number: to be left out of a request, and in a revocation which certificate is meant.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub serial_number: Option<Int>,
    /// To be left out.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub signing_alg: Option<AlgorithmIdentifierOwned>,
    /// The issuer's name, DER.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub issuer: Option<Any>,
    /// The period.
    #[asn1(context_specific = "4", tag_mode = "IMPLICIT", optional = "true")]
    pub validity: Option<OptionalValidity>,
    /// The subject's name, DER.
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    pub subject: Option<Any>,
    /// The key.
    #[asn1(context_specific = "6", tag_mode = "IMPLICIT", optional = "true")]
    pub public_key: Option<TemplateKey>,
    /// Deprecated.
    #[asn1(context_specific = "7", tag_mode = "IMPLICIT", optional = "true")]
    pub issuer_uid: Option<BitString>,
    /// Deprecated.
    #[asn1(context_specific = "8", tag_mode = "IMPLICIT", optional = "true")]
    pub subject_uid: Option<BitString>,
    /// The extensions.
    #[asn1(context_specific = "9", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// ```text
/// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
/// ```
///
/// With a key of no octets where the key is to be made by the other side (RFC 9483 §4.1.6).
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct TemplateKey {
    /// What kind of key.
    pub algorithm: AlgorithmIdentifierOwned,
    /// The key.
    pub subject_public_key: BitString,
}

/// ```text
/// OptionalValidity ::= SEQUENCE { notBefore [0] Time OPTIONAL, notAfter [1] Time OPTIONAL }
/// ```
///
/// EXPLICIT tags: `Time` is a CHOICE.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct OptionalValidity {
    /// From when.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub not_before: Option<Time>,
    /// Until when.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub not_after: Option<Time>,
}

/// ```text
/// AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY DEFINED BY type }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct AttributeTypeAndValue {
    /// Which.
    pub kind: ObjectIdentifier,
    /// What.
    pub value: Any,
}

/// ```text
/// ProofOfPossession ::= CHOICE {
///     raVerified      [0] NULL,
///     signature       [1] POPOSigningKey,
///     keyEncipherment [2] POPOPrivKey,
///     keyAgreement    [3] POPOPrivKey }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Choice)]
pub enum ProofOfPossession {
    /// A registration authority says that it has seen a proof.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    RaVerified(Null),
    /// The key has signed.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Signature(PopoSigningKey),
    /// The key will decrypt; not looked into.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    KeyEncipherment(Any),
    /// The key will agree; not looked into.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    KeyAgreement(Any),
}

/// ```text
/// POPOSigningKey ::= SEQUENCE {
///     poposkInput [0] POPOSigningKeyInput OPTIONAL,
///     algorithmIdentifier AlgorithmIdentifier,
///     signature           BIT STRING }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PopoSigningKey {
    /// What is signed in the place of the request, where that lacks a name or a key; not looked into.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub input: Option<PopoSigningKeyInput>,
    /// How it is signed.
    pub algorithm: AlgorithmIdentifierOwned,
    /// The signature.
    pub signature: BitString,
}

/// ```text
/// POPOSigningKeyInput ::= SEQUENCE { authInfo CHOICE { … }, publicKey SubjectPublicKeyInfo }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PopoSigningKeyInput {
    /// Who says so.
    pub auth_info: Any,
    /// The key.
    pub public_key: Any,
}

/// ```text
/// CertId ::= SEQUENCE { issuer GeneralName, serialNumber INTEGER }
/// ```
///
/// The value of the control oldCertID (RFC 4211 §6.5).
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertId {
    /// Who issued it.
    pub issuer: crate::name::GeneralName,
    /// Its serial number.
    pub serial_number: Int,
}
