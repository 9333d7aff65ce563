//! The rows of revocations, and of releases from hold.

use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Revocation};
use ca_core::validity::UnixTime;
use der::Sequence;
use der::asn1::Null;

use super::{Row, time};
use crate::keyspace::{Keyspace, id_key};

/// ```text
/// RevocationRow ::= SEQUENCE {
///     time            Time,               -- when it was revoked or put on hold
///     reason          INTEGER,            -- the number of the CRLReason, RFC 5280 §5.3.1
///     notAfter        Time,               -- of the certificate
///     invalidityDate  [0] Time OPTIONAL,
///     finalSince      [1] Time OPTIONAL,  -- when it was revoked for good, if it was on hold from `time` until then
///     onNoCrl         [2] NULL OPTIONAL,  -- as the certificate's
///     recordedAt      [3] Time OPTIONAL } -- when it was recorded, if that is not `time`: it was taken over
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevocationRow {
    pub(crate) revocation: Revocation,
    pub(crate) not_after: UnixTime,
    pub(crate) final_since: Option<UnixTime>,
    pub(crate) on_no_crl: bool,
    pub(crate) taken_over_at: Option<UnixTime>,
}

impl RevocationRow {
    /// Returns when the act was recorded that it tells of.
    pub(crate) fn recorded_at(&self) -> UnixTime {
        self.final_since.or(self.taken_over_at).unwrap_or(self.revocation.time)
    }
}

#[derive(Sequence)]
pub(crate) struct WireRevocation {
    time: i64,
    reason: u8,
    not_after: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    invalidity_date: Option<i64>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    final_since: Option<i64>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    on_no_crl: Option<Null>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    recorded_at: Option<i64>,
}

impl Row for RevocationRow {
    type Key = CertificateId;
    type Wire = WireRevocation;
    const KEYSPACE: Keyspace = Keyspace::Revocations;

    fn key(key: &Self::Key) -> Vec<u8> {
        id_key(key)
    }

    fn to_wire(&self) -> der::Result<WireRevocation> {
        Ok(WireRevocation {
            time: self.revocation.time.seconds(),
            reason: self.revocation.reason.number(),
            not_after: self.not_after.seconds(),
            invalidity_date: self.revocation.invalidity_date.map(UnixTime::seconds),
            final_since: self.final_since.map(UnixTime::seconds),
            on_no_crl: self.on_no_crl.then_some(Null),
            recorded_at: self.taken_over_at.map(UnixTime::seconds),
        })
    }

    fn from_wire(wire: WireRevocation) -> Option<Self> {
        let row = Self {
            revocation: Revocation {
                time: time(wire.time),
                reason: ReasonCode::from_number(wire.reason)?,
                invalidity_date: wire.invalidity_date.map(time),
            },
            not_after: time(wire.not_after),
            final_since: wire.final_since.map(time),
            on_no_crl: wire.on_no_crl.is_some(),
            taken_over_at: wire.recorded_at.map(time),
        };
        // A hold is not final.
        (row.final_since.is_none() || !row.revocation.is_hold()).then_some(row)
    }
}

/// ```text
/// ReleaseRow ::= SEQUENCE { time Time }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleaseRow {
    pub(crate) time: UnixTime,
}

#[derive(Sequence)]
pub(crate) struct WireRelease {
    time: i64,
}

impl Row for ReleaseRow {
    type Key = CertificateId;
    type Wire = WireRelease;
    const KEYSPACE: Keyspace = Keyspace::Releases;

    fn key(key: &Self::Key) -> Vec<u8> {
        id_key(key)
    }

    fn to_wire(&self) -> der::Result<WireRelease> {
        Ok(WireRelease { time: self.time.seconds() })
    }

    fn from_wire(wire: WireRelease) -> Option<Self> {
        Some(Self { time: time(wire.time) })
    }
}
