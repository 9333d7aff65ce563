//! The row that remembers where the audit trail ends.
//!
//! It is written with every batch that adds audit records, so that a trail that lost its end is found out at the next start.

use der::Sequence;
use der::asn1::OctetString;

use super::{Row, fixed, octets};
use crate::keyspace::{Keyspace, TRAIL};

/// ```text
/// TrailRow ::= SEQUENCE {
///     sequence  INTEGER,   -- number of the last audit record; 0 when there is none
///     head      Digest }   -- of that record's DER; 32 zero octets when there is none
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrailRow {
    pub(crate) sequence: u64,
    pub(crate) head: [u8; 32],
}

#[derive(Sequence)]
pub(crate) struct Wire {
    sequence: u64,
    head: OctetString,
}

impl Row for TrailRow {
    type Key = ();
    type Wire = Wire;
    const KEYSPACE: Keyspace = Keyspace::Meta;

    fn key((): &Self::Key) -> Vec<u8> {
        TRAIL.to_vec()
    }

    fn to_wire(&self) -> der::Result<Wire> {
        Ok(Wire { sequence: self.sequence, head: octets(&self.head)? })
    }

    fn from_wire(wire: Wire) -> Option<Self> {
        Some(Self { sequence: wire.sequence, head: fixed(&wire.head)? })
    }
}
