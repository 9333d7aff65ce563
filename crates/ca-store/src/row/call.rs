//! The row of a call that may be repeated.

use ca_core::validity::UnixTime;
use der::Sequence;
use der::asn1::OctetString;

use super::{Row, time};
use crate::keyspace::Keyspace;

/// ```text
/// CallRow ::= SEQUENCE {
///     digest  Digest,
///     at      Time,
///     until   Time,
///     status  [0] INTEGER OPTIONAL,   -- of HTTP; absent until it is answered
///     octets  [1] INTEGER OPTIONAL }  -- how many of the answer are kept in parts; absent for none
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallRow {
    pub(crate) digest: [u8; 32],
    pub(crate) at: UnixTime,
    pub(crate) until: UnixTime,
    pub(crate) status: Option<u16>,
    pub(crate) octets: Option<u32>,
}

#[derive(Sequence)]
pub(crate) struct WireCall {
    digest: OctetString,
    at: i64,
    until: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    status: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    octets: Option<u32>,
}

impl Row for CallRow {
    type Key = [u8; 32];
    type Wire = WireCall;
    const KEYSPACE: Keyspace = Keyspace::Calls;

    fn key(key: &[u8; 32]) -> Vec<u8> {
        key.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireCall> {
        Ok(WireCall {
            digest: OctetString::new(self.digest)?,
            at: self.at.seconds(),
            until: self.until.seconds(),
            status: self.status,
            octets: self.octets,
        })
    }

    fn from_wire(wire: WireCall) -> Option<Self> {
        Some(Self {
            digest: wire.digest.as_bytes().try_into().ok()?,
            at: time(wire.at),
            until: time(wire.until),
            status: wire.status,
            octets: wire.octets,
        })
    }
}
