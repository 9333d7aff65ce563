//! The rows of CRLs: numbers that are reserved, CRLs that are signed, which one is the latest.
//!
//! The DER of the latest CRL stands in parts in `crl-octets`, since no value is longer than a certificate. Older ones are not
//! kept: the audit trail has their digests, and every entry can be told from the revocations.

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;
use der::Sequence;

use super::{Row, time};
use crate::keyspace::{Keyspace, crl_key};

/// ```text
/// CrlHeadRow ::= SEQUENCE {
///     last    INTEGER,                -- the highest CRL number that was reserved
///     latest  [0] INTEGER OPTIONAL,   -- the highest CRL number of a signed CRL
///     loose   [2] SEQUENCE {          -- octets of a CRL that is not yet, or no longer, the latest
///         number  INTEGER,
///         parts   INTEGER             -- no part with this number or a higher one is there
///     } OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrlHeadRow {
    pub(crate) last: u64,
    pub(crate) latest: Option<u64>,
    pub(crate) loose: Option<LooseParts>,
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
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    loose: Option<LooseParts>,
}

impl Row for CrlHeadRow {
    type Key = KeyRef;
    type Wire = WireHead;
    const KEYSPACE: Keyspace = Keyspace::CrlHeads;

    fn key(issuer: &Self::Key) -> Vec<u8> {
        issuer.octets().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireHead> {
        Ok(WireHead { last: self.last, latest: self.latest, loose: self.loose })
    }

    fn from_wire(wire: WireHead) -> Option<Self> {
        Some(Self { last: wire.last, latest: wire.latest, loose: wire.loose })
    }
}

/// ```text
/// CrlRow ::= SEQUENCE {
///     thisUpdate  Time,
///     issued      [0] SEQUENCE {      -- absent while the number is only reserved
///         nextUpdate  Time,
///         entries     INTEGER,
///         length      INTEGER         -- of the DER, in octets
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
}

impl Row for CrlRow {
    type Key = (KeyRef, u64);
    type Wire = WireCrl;
    const KEYSPACE: Keyspace = Keyspace::Crls;

    fn key((issuer, number): &Self::Key) -> Vec<u8> {
        crl_key(issuer, *number)
    }

    fn to_wire(&self) -> der::Result<WireCrl> {
        let issued = |crl: IssuedCrl| WireIssued {
            next_update: crl.next_update.seconds(),
            entries: crl.entries,
            length: crl.length,
        };
        Ok(WireCrl { this_update: self.this_update.seconds(), issued: self.issued.map(issued) })
    }

    fn from_wire(wire: WireCrl) -> Option<Self> {
        let issued = |crl: WireIssued| IssuedCrl {
            next_update: time(crl.next_update),
            entries: crl.entries,
            length: crl.length,
        };
        Some(Self { this_update: time(wire.this_update), issued: wire.issued.map(issued) })
    }
}
