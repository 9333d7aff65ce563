//! Revocation requests and responses (RFC 9810 §5.3.9, §5.3.10).

use der::Sequence;
use der::asn1::Any;
use x509_cert::ext::Extension;

use crate::certificate_request::{CertId, CertTemplate};
use crate::status::PkiStatusInfo;

/// ```text
/// RevReqContent ::= SEQUENCE OF RevDetails
/// RevDetails ::= SEQUENCE { certDetails CertTemplate, crlEntryDetails Extensions OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct RevDetails {
    /// Which certificate.
    pub cert_details: CertTemplate,
    /// The CRL entry that is asked for.
    #[asn1(optional = "true")]
    pub crl_entry_details: Option<Vec<Extension>>,
}

/// ```text
/// RevRepContent ::= SEQUENCE {
///     status       SEQUENCE SIZE (1..MAX) OF PKIStatusInfo,
///     revCerts [0] SEQUENCE SIZE (1..MAX) OF CertId          OPTIONAL,
///     crls     [1] SEQUENCE SIZE (1..MAX) OF CertificateList OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct RevRepContent {
    /// What became of each.
    pub status: Vec<PkiStatusInfo>,
    /// Which each was.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub rev_certs: Option<Vec<CertId>>,
    /// The CRLs that say so; not used.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub crls: Option<Vec<Any>>,
}
