//! The rows of orders to change the revocation of many certificates, and of the certificates of each.

use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Change, OrderProgress, RevocationOrder};
use ca_core::validity::UnixTime;
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::waiting::{WireMark, WireRefusal};
use super::{Row, WireId, fixed, octets, profile, tenant, time};
use crate::keyspace::{Keyspace, order_part_key};

/// ```text
/// OrderRow ::= SEQUENCE {
///     digest          Digest,             -- its key again
///     tenant          UTF8String,
///     change          ENUMERATED { revoke(0), release(1) },
///     reason          INTEGER,            -- the number of the CRLReason; 0 for a release
///     selection       UTF8String,
///     profiles        SEQUENCE OF SEQUENCE { profile UTF8String, count INTEGER },
///     count           INTEGER,
///     parts           INTEGER,            -- 0 until the list is whole
///     needed          INTEGER,            -- how many operators beside who asks
///     planned         Mark,
///     expiresAt       Time,
///     approvals       SEQUENCE OF Mark,
///     partsDone       INTEGER,
///     changed         INTEGER,
///     skipped         INTEGER,
///     invalidityDate  [0] Time OPTIONAL,
///     requested       [1] Mark OPTIONAL,
///     refusal         [2] Refusal OPTIONAL,
///     finishedAt      [3] Time OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRow {
    pub(crate) order: RevocationOrder,
}

#[derive(Sequence)]
pub(crate) struct WireOrder {
    digest: OctetString,
    tenant: String,
    change: WireChange,
    reason: u8,
    selection: String,
    profiles: Vec<WireCount>,
    count: u64,
    parts: u32,
    needed: u8,
    planned: WireMark,
    expires_at: i64,
    approvals: Vec<WireMark>,
    parts_done: u32,
    changed: u64,
    skipped: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    invalidity_date: Option<i64>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requested: Option<WireMark>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    refusal: Option<WireRefusal>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    finished_at: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireChange {
    Revoke = 0,
    Release = 1,
}

#[derive(Sequence)]
struct WireCount {
    profile: String,
    count: u64,
}

impl Row for OrderRow {
    type Key = [u8; 32];
    type Wire = WireOrder;
    const KEYSPACE: Keyspace = Keyspace::Orders;

    fn key(digest: &Self::Key) -> Vec<u8> {
        digest.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireOrder> {
        let order = &self.order;
        let (change, reason, invalidity_date) = match order.change {
            Change::Revoke { reason, invalidity_date } => {
                (WireChange::Revoke, reason.number(), invalidity_date)
            }
            Change::Release => (WireChange::Release, 0, None),
        };
        let profiles = order.profiles.iter();
        Ok(WireOrder {
            digest: octets(&order.digest)?,
            tenant: order.tenant.to_string(),
            change,
            reason,
            selection: order.selection.clone(),
            profiles: profiles
                .map(|(profile, count)| WireCount { profile: profile.to_string(), count: *count })
                .collect(),
            count: order.count,
            parts: order.parts,
            needed: order.needed,
            planned: WireMark::new(&order.planned),
            expires_at: order.expires_at.seconds(),
            approvals: order.approvals.iter().map(WireMark::new).collect(),
            parts_done: order.progress.parts,
            changed: order.progress.changed,
            skipped: order.progress.skipped,
            invalidity_date: invalidity_date.map(UnixTime::seconds),
            requested: order.requested.as_ref().map(WireMark::new),
            refusal: order.refusal.as_ref().map(WireRefusal::new),
            finished_at: order.progress.finished_at.map(UnixTime::seconds),
        })
    }

    fn from_wire(wire: WireOrder) -> Option<Self> {
        let change = match wire.change {
            WireChange::Revoke => Change::Revoke {
                reason: ReasonCode::from_number(wire.reason)?,
                invalidity_date: wire.invalidity_date.map(time),
            },
            WireChange::Release if wire.reason == 0 && wire.invalidity_date.is_none() => Change::Release,
            WireChange::Release => return None,
        };
        let count = |counted: WireCount| Some((profile(&counted.profile)?, counted.count));
        let order = RevocationOrder {
            digest: fixed(&wire.digest)?,
            tenant: tenant(&wire.tenant)?,
            change,
            selection: wire.selection,
            profiles: wire.profiles.into_iter().map(count).collect::<Option<_>>()?,
            count: wire.count,
            parts: wire.parts,
            needed: wire.needed,
            planned: wire.planned.mark(),
            requested: wire.requested.map(WireMark::mark),
            expires_at: time(wire.expires_at),
            approvals: wire.approvals.into_iter().map(WireMark::mark).collect(),
            refusal: wire.refusal.map(WireRefusal::refusal),
            progress: OrderProgress {
                parts: wire.parts_done,
                changed: wire.changed,
                skipped: wire.skipped,
                finished_at: wire.finished_at.map(time),
            },
        };
        Some(Self { order })
    }
}

/// ```text
/// OrderPartRow ::= SEQUENCE { certificates SEQUENCE OF Id }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderPartRow {
    pub(crate) certificates: Vec<CertificateId>,
}

#[derive(Sequence)]
pub(crate) struct WirePart {
    certificates: Vec<WireId>,
}

impl Row for OrderPartRow {
    type Key = ([u8; 32], u32);
    type Wire = WirePart;
    const KEYSPACE: Keyspace = Keyspace::OrderParts;

    fn key((digest, part): &Self::Key) -> Vec<u8> {
        order_part_key(digest, *part)
    }

    fn to_wire(&self) -> der::Result<WirePart> {
        let certificates = self.certificates.iter().map(WireId::new).collect::<der::Result<_>>()?;
        Ok(WirePart { certificates })
    }

    fn from_wire(wire: WirePart) -> Option<Self> {
        let certificates = wire.certificates.iter().map(WireId::id).collect::<Option<_>>()?;
        Some(Self { certificates })
    }
}
