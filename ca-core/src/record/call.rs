//! A call of the operators' interface to which its caller gave a key, so that it may be repeated: what is remembered of it.
//!
//! Values only. What a key looks like, and which calls are remembered, is for the interface.

use crate::validity::UnixTime;

/// A call that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who calls and the key that he gave, hashed: 32 octets.
    pub key: [u8; 32],
    /// SHA-256 over all that is asked for, 32 octets.
    pub digest: [u8; 32],
    /// When it came.
    pub at: UnixTime,
    /// The last second for which it is remembered.
    pub until: UnixTime,
}

/// What was answered to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// The status code of HTTP (RFC 9110 §15).
    pub status: u16,
    /// The octets; absent where they are not kept.
    pub body: Option<Vec<u8>>,
}

/// How a call stands when it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStanding {
    /// It was never made: it is on record now as begun.
    New,
    /// It was begun then, and its answer is not on record.
    Begun(UnixTime),
    /// Another call was made with this key.
    Other,
    /// It was answered.
    Answered(CallAnswer),
}
