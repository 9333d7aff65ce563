//! Polling (RFC 9810 §5.3.22).

use der::Sequence;

/// ```text
/// PollReqContent ::= SEQUENCE OF SEQUENCE { certReqId INTEGER }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct PollReq {
    /// The number of the request; -1 for a message as a whole.
    pub cert_req_id: i64,
}

/// ```text
/// PollRepContent ::= SEQUENCE OF SEQUENCE {
///     certReqId  INTEGER,
///     checkAfter INTEGER,  -- time in seconds
///     reason     PKIFreeText OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PollRep {
    /// The number of the request.
    pub cert_req_id: i64,
    /// After how many seconds to ask again.
    pub check_after: u64,
    /// For human readers.
    #[asn1(optional = "true")]
    pub reason: Option<Vec<String>>,
}
