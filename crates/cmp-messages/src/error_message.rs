//! The error message (RFC 9810 §5.3.21).

use der::Sequence;

use crate::status::PkiStatusInfo;

/// ```text
/// ErrorMsgContent ::= SEQUENCE {
///     pKIStatusInfo PKIStatusInfo,
///     errorCode     INTEGER     OPTIONAL,
///     errorDetails  PKIFreeText OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct ErrorMsgContent {
    /// What went wrong.
    pub pki_status_info: PkiStatusInfo,
    /// A number of the implementation's own.
    #[asn1(optional = "true")]
    pub error_code: Option<i64>,
    /// For human readers.
    #[asn1(optional = "true")]
    pub error_details: Option<Vec<String>>,
}
