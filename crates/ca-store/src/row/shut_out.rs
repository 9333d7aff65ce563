//! The rows of what will be revoked later, and of keys below which nobody is let in.

use ca_core::key_ref::KeyRef;
use ca_core::reason::ReasonCode;
use ca_core::record::{BlockedKey, CertificateId, ScheduledRevocation};
use ca_core::validity::UnixTime;
use der::Sequence;
use der::asn1::OctetString;

use super::waiting::WireMark;
use super::{Row, WireId, fixed, octets, time};
use crate::keyspace::{Keyspace, id_key};

/// ```text
/// ScheduledRow ::= SEQUENCE {
///     certificate     Id,                 -- its key again
///     due             Time,
///     reason          INTEGER,            -- the number of the CRLReason
///     asked           Mark,
///     ifReplaced      BOOLEAN,            -- only while another certificate is in its place
///     invalidityDate  [0] Time OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScheduledRow {
    pub(crate) scheduled: ScheduledRevocation,
}

#[derive(Sequence)]
pub(crate) struct WireScheduled {
    certificate: WireId,
    due: i64,
    reason: u8,
    asked: WireMark,
    if_replaced: bool,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    invalidity_date: Option<i64>,
}

impl Row for ScheduledRow {
    type Key = CertificateId;
    type Wire = WireScheduled;
    const KEYSPACE: Keyspace = Keyspace::Scheduled;

    fn key(id: &Self::Key) -> Vec<u8> {
        id_key(id)
    }

    fn to_wire(&self) -> der::Result<WireScheduled> {
        let scheduled = &self.scheduled;
        Ok(WireScheduled {
            certificate: WireId::new(&scheduled.id)?,
            due: scheduled.due.seconds(),
            reason: scheduled.reason.number(),
            asked: WireMark::new(&scheduled.asked),
            if_replaced: scheduled.if_replaced,
            invalidity_date: scheduled.invalidity_date.map(UnixTime::seconds),
        })
    }

    fn from_wire(wire: WireScheduled) -> Option<Self> {
        let scheduled = ScheduledRevocation {
            id: wire.certificate.id()?,
            due: time(wire.due),
            reason: ReasonCode::from_number(wire.reason)?,
            invalidity_date: wire.invalidity_date.map(time),
            asked: wire.asked.mark(),
            if_replaced: wire.if_replaced,
        };
        Some(Self { scheduled })
    }
}

/// ```text
/// BlockedRow ::= SEQUENCE {
///     key           OCTET STRING,         -- 20 octets, its key again
///     blocked       Mark,
///     why           UTF8String,
///     unblockAsked  [0] Mark OPTIONAL }   -- by whom, where another operator must agree
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockedRow {
    pub(crate) blocked: BlockedKey,
}

#[derive(Sequence)]
pub(crate) struct WireBlocked {
    key: OctetString,
    blocked: WireMark,
    why: String,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    unblock_asked: Option<WireMark>,
}

impl Row for BlockedRow {
    type Key = KeyRef;
    type Wire = WireBlocked;
    const KEYSPACE: Keyspace = Keyspace::Blocked;

    fn key(key: &Self::Key) -> Vec<u8> {
        key.octets().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireBlocked> {
        let blocked = &self.blocked;
        Ok(WireBlocked {
            key: octets(blocked.key.octets())?,
            blocked: WireMark::new(&blocked.blocked),
            why: blocked.why.clone(),
            unblock_asked: blocked.unblock_asked.as_ref().map(WireMark::new),
        })
    }

    fn from_wire(wire: WireBlocked) -> Option<Self> {
        let blocked = BlockedKey {
            key: KeyRef::new(fixed(&wire.key)?),
            blocked: wire.blocked.mark(),
            why: wire.why,
            unblock_asked: wire.unblock_asked.map(WireMark::mark),
        };
        Some(Self { blocked })
    }
}
