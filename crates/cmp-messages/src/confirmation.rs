//! Confirmation of certificates (RFC 9810 §5.3.18).

use der::Sequence;
use der::asn1::OctetString;
use spki::AlgorithmIdentifierOwned;

use crate::status::PkiStatusInfo;

/// ```text
/// CertConfirmContent ::= SEQUENCE OF CertStatus
/// CertStatus ::= SEQUENCE {
///     certHash       OCTET STRING,
///     certReqId      INTEGER,
///     statusInfo     PKIStatusInfo                      OPTIONAL,
///     hashAlg    [0] AlgorithmIdentifier{DIGEST-ALGORITHM, {...}} OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertStatus {
    /// The hash of the certificate.
    pub cert_hash: OctetString,
    /// The number of the request.
    pub cert_req_id: i64,
    /// Whether it is accepted; it is where this is left out.
    #[asn1(optional = "true")]
    pub status_info: Option<PkiStatusInfo>,
    /// The hash, where it is not that of the certificate's signature.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub hash_alg: Option<AlgorithmIdentifierOwned>,
}
