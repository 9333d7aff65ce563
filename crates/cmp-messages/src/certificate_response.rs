//! Certificate responses: ip, cp and kup (RFC 9810 §5.3.4). Certificates stay octets.

use der::asn1::{Any, OctetString};
use der::{Choice, Sequence};

use crate::status::PkiStatusInfo;

/// ```text
/// CertRepMessage ::= SEQUENCE {
///     caPubs   [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate OPTIONAL,
///     response     SEQUENCE OF CertResponse }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertRepMessage {
    /// Certificates that the requester may take for trust anchors.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub ca_pubs: Option<Vec<Any>>,
    /// One answer for each request.
    pub response: Vec<CertResponse>,
}

/// ```text
/// CertResponse ::= SEQUENCE {
///     certReqId        INTEGER,
///     status           PKIStatusInfo,
///     certifiedKeyPair CertifiedKeyPair OPTIONAL,
///     rspInfo          OCTET STRING     OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertResponse {
    /// The number of the request; -1 where it was PKCS#10.
    pub cert_req_id: i64,
    /// What became of it.
    pub status: PkiStatusInfo,
    /// The certificate.
    #[asn1(optional = "true")]
    pub certified_key_pair: Option<CertifiedKeyPair>,
    /// Not used.
    #[asn1(optional = "true")]
    pub rsp_info: Option<OctetString>,
}

/// ```text
/// CertifiedKeyPair ::= SEQUENCE {
///     certOrEncCert       CertOrEncCert,
///     privateKey      [0] EncryptedKey       OPTIONAL,
///     publicationInfo [1] PKIPublicationInfo OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertifiedKeyPair {
    /// The certificate.
    pub cert_or_enc_cert: CertOrEncCert,
    /// The private key, where the other side made it: an `EncryptedKey`, octets.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub private_key: Option<Any>,
    /// Not used.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub publication_info: Option<Any>,
}

/// ```text
/// CertOrEncCert ::= CHOICE { certificate [0] CMPCertificate, encryptedCert [1] EncryptedKey }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Choice)]
pub enum CertOrEncCert {
    /// In clear.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Certificate(Any),
    /// Encrypted; not used.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Encrypted(Any),
}
