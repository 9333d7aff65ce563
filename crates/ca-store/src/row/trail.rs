//! The row that remembers where the audit trail ends.
//!
//! It is written with every batch that adds audit records, so that a trail that lost its end is found out at the next start.

use ca_core::audit::AuditTrail;
use ca_core::audit::tree::{Peaks, TreeHash};
use der::Sequence;
use der::asn1::OctetString;

use super::{Row, fixed, octets};
use crate::keyspace::{Keyspace, TRAIL};

/// Form 2; form 1, of ledgers of format 1, had no peaks.
///
/// ```text
/// TrailRow ::= SEQUENCE {
///     sequence  INTEGER,          -- number of the last audit record; 0 when there is none
///     head      Digest,           -- of that record's DER; 32 zero octets when there is none
///     peaks     OCTET STRING }    -- the right edge of the tree: 32 octets for each one in `sequence`, the largest first
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrailRow(pub(crate) AuditTrail);

#[derive(Sequence)]
pub(crate) struct Wire {
    sequence: u64,
    head: OctetString,
    peaks: OctetString,
}

impl Row for TrailRow {
    type Key = ();
    type Wire = Wire;
    const KEYSPACE: Keyspace = Keyspace::Meta;
    const VERSION: u8 = 2;

    fn key((): &Self::Key) -> Vec<u8> {
        TRAIL.to_vec()
    }

    fn to_wire(&self) -> der::Result<Wire> {
        let Self(trail) = self;
        Ok(Wire {
            sequence: trail.sequence(),
            head: octets(trail.head())?,
            peaks: octets(trail.peaks().hashes().as_flattened())?,
        })
    }

    fn from_wire(wire: Wire) -> Option<Self> {
        let (hashes, rest) = wire.peaks.as_bytes().as_chunks::<{ size_of::<TreeHash>() }>();
        let peaks = rest.is_empty().then(|| Peaks::new(wire.sequence, hashes.to_vec()))??;
        Some(Self(AuditTrail::new(fixed(&wire.head)?, peaks)))
    }
}

/// The row as a ledger of format 1 has it: `sequence` and `head`. Read by the migration only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrailRowV1 {
    pub(crate) sequence: u64,
    pub(crate) head: [u8; 32],
}

#[derive(Sequence)]
pub(crate) struct WireV1 {
    sequence: u64,
    head: OctetString,
}

impl Row for TrailRowV1 {
    type Key = ();
    type Wire = WireV1;
    const KEYSPACE: Keyspace = Keyspace::Meta;

    fn key((): &Self::Key) -> Vec<u8> {
        TRAIL.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireV1> {
        Ok(WireV1 { sequence: self.sequence, head: octets(&self.head)? })
    }

    fn from_wire(wire: WireV1) -> Option<Self> {
        Some(Self { sequence: wire.sequence, head: fixed(&wire.head)? })
    }
}
