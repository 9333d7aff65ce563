//! The exchange with a root that is kept off line: a sub-CA's request travels to the ceremony, the response travels back.
//!
//! Messages only: each is signed, bound to its partner by a nonce, and stale after [`FRESH_SECONDS`]. A request is signed by
//! the key it asks a certificate for, a response by the ceremony's own *exchange key*; the root's key signs neither, since it
//! signs certificates and CRLs and nothing else. What is granted is decided by issuance; which requests are open, and which
//! nonces were seen, is kept by the two ends. A CMP message that says as much as a request is one too. RFC 5280 §4, RFC 2986;
//! RFC 7468 for the text form.

mod certification_request;
mod message;
mod reading;
mod request;
mod response;
mod transfer;
#[cfg(test)]
mod tests;

pub use certification_request::{
    DraftCsrError, certification_request, certification_request_asking, key_request_asking,
};
pub use message::{ExchangeNonce, MessageError, MessageKind};
pub use request::{DraftRequest, RequestError, RequestParts, SubordinateRequest};
pub use response::{
    AcceptedResponse, DraftResponse, ExpectedResponse, ResponseError, ResponseParts, SubordinateResponse,
};

/// How long after it was made a message is accepted, in seconds: 14 days.
pub const FRESH_SECONDS: i64 = 14 * 86_400;

/// How far the clock of the other end may run ahead, in seconds: 1 day. A machine that is kept off line is told the time by
/// people.
pub const AHEAD_SECONDS: i64 = 86_400;
