//! The rows of CRLs: numbers that are reserved, CRLs that are signed, which one is the latest of each line; and the shards.
//!
//! The DER of the latest CRL of a line stands in parts in `crl-octets`, since no value is longer than a certificate. Older ones
//! are not kept: the audit trail has their digests, and every entry can be told from the revocations.

use ca_core::key_ref::KeyRef;
use ca_core::scope::{CrlKind, CrlScope, Shard};
use ca_core::validity::UnixTime;
use der::Sequence;

use super::{Row, time};
use crate::keyspace::{Keyspace, crl_key, scope_key, shard_key};

/// A scope of an issuer's CRLs, which counts its own numbers.
pub(crate) type ScopeOf = (KeyRef, CrlScope);

/// ```text
/// CrlHeadRow ::= SEQUENCE {
///     last         INTEGER,                -- the highest CRL number that was reserved
///     latest       [0] INTEGER OPTIONAL,   -- the highest CRL number of a signed complete CRL
///     latestDelta  [1] INTEGER OPTIONAL,   -- the highest CRL number of a signed delta CRL
///     loose        [2] SEQUENCE {          -- octets of a CRL that is not yet, or no longer, the latest
///         number  INTEGER,
///         parts   INTEGER                  -- no part with this number or a higher one is there
///     } OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrlHeadRow {
    pub(crate) last: u64,
    pub(crate) latest: Option<u64>,
    pub(crate) latest_delta: Option<u64>,
    pub(crate) loose: Option<LooseParts>,
}

impl CrlHeadRow {
    /// Returns where the latest CRL of a kind is named.
    pub(crate) const fn latest_mut(&mut self, kind: CrlKind) -> &mut Option<u64> {
        match kind {
            CrlKind::Complete => &mut self.latest,
            CrlKind::Delta => &mut self.latest_delta,
        }
    }

    /// Returns the latest CRL of a kind.
    pub(crate) const fn latest_of(&self, kind: CrlKind) -> Option<u64> {
        match kind {
            CrlKind::Complete => self.latest,
            CrlKind::Delta => self.latest_delta,
        }
    }
}

/// Parts of a CRL that nothing names: written before it is the latest one, or still there although another one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub(crate) struct LooseParts {
    pub(crate) number: u64,
    pub(crate) parts: u32,
}

#[derive(Sequence)]
pub(crate) struct WireHead {
    last: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    latest: Option<u64>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    latest_delta: Option<u64>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    loose: Option<LooseParts>,
}

impl Row for CrlHeadRow {
    type Key = ScopeOf;
    type Wire = WireHead;
    const KEYSPACE: Keyspace = Keyspace::CrlHeads;

    fn key((issuer, scope): &Self::Key) -> Vec<u8> {
        scope_key(issuer, scope)
    }

    fn to_wire(&self) -> der::Result<WireHead> {
        let Self { last, latest, latest_delta, loose } = *self;
        Ok(WireHead { last, latest, latest_delta, loose })
    }

    fn from_wire(WireHead { last, latest, latest_delta, loose }: WireHead) -> Option<Self> {
        Some(Self { last, latest, latest_delta, loose })
    }
}

/// ```text
/// CrlRow ::= SEQUENCE {
///     thisUpdate  Time,
///     issued      [0] SEQUENCE {      -- absent while the number is only reserved
///         nextUpdate  Time,
///         entries     INTEGER,
///         length      INTEGER,        -- of the DER, in octets
///         base        [0] INTEGER OPTIONAL,  -- of a delta: the number of the complete CRL
///         seen        [1] INTEGER OPTIONAL   -- the last audit record that it has seen; absent: not known
///     } OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrlRow {
    pub(crate) this_update: UnixTime,
    pub(crate) issued: Option<IssuedCrl>,
}

/// What is known of a CRL once it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IssuedCrl {
    pub(crate) next_update: UnixTime,
    pub(crate) entries: u64,
    pub(crate) length: u64,
    pub(crate) base: Option<u64>,
    pub(crate) seen: u64,
}

#[derive(Sequence)]
pub(crate) struct WireCrl {
    this_update: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    issued: Option<WireIssued>,
}

#[derive(Sequence)]
struct WireIssued {
    next_update: i64,
    entries: u64,
    length: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    base: Option<u64>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    seen: Option<u64>,
}

impl Row for CrlRow {
    type Key = (ScopeOf, u64);
    type Wire = WireCrl;
    const KEYSPACE: Keyspace = Keyspace::Crls;

    fn key(((issuer, scope), number): &Self::Key) -> Vec<u8> {
        crl_key(issuer, scope, *number)
    }

    fn to_wire(&self) -> der::Result<WireCrl> {
        let issued = |crl: IssuedCrl| WireIssued {
            next_update: crl.next_update.seconds(),
            entries: crl.entries,
            length: crl.length,
            base: crl.base,
            seen: (crl.seen > 0).then_some(crl.seen),
        };
        Ok(WireCrl { this_update: self.this_update.seconds(), issued: self.issued.map(issued) })
    }

    fn from_wire(wire: WireCrl) -> Option<Self> {
        let issued = |crl: WireIssued| IssuedCrl {
            next_update: time(crl.next_update),
            entries: crl.entries,
            length: crl.length,
            base: crl.base,
            seen: crl.seen.unwrap_or_default(),
        };
        Some(Self { this_update: time(wire.this_update), issued: wire.issued.map(issued) })
    }
}

/// ```text
/// ShardRow ::= SEQUENCE { lastNotAfter Time }  -- of all certificates that were ever in the shard
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardRow {
    pub(crate) last_not_after: UnixTime,
}

#[derive(Sequence)]
pub(crate) struct WireShard {
    last_not_after: i64,
}

impl Row for ShardRow {
    type Key = (KeyRef, Shard);
    type Wire = WireShard;
    const KEYSPACE: Keyspace = Keyspace::Shards;

    fn key((issuer, shard): &Self::Key) -> Vec<u8> {
        shard_key(issuer, shard)
    }

    fn to_wire(&self) -> der::Result<WireShard> {
        Ok(WireShard { last_not_after: self.last_not_after.seconds() })
    }

    fn from_wire(wire: WireShard) -> Option<Self> {
        Some(Self { last_not_after: time(wire.last_not_after) })
    }
}
