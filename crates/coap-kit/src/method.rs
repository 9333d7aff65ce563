//! How something is asked for (RFC 7252 §5.8), as far as front ends tell it apart.

use coap_lite::RequestType;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To get something that changes nothing.
    Get,
    /// To have something done.
    Post,
    /// Another one.
    Other,
}

impl From<RequestType> for Method {
    fn from(kind: RequestType) -> Self {
        match kind {
            RequestType::Get => Self::Get,
            RequestType::Post => Self::Post,
            RequestType::Put
            | RequestType::Delete
            | RequestType::Fetch
            | RequestType::Patch
            | RequestType::IPatch
            | RequestType::UnKnown => Self::Other,
        }
    }
}
