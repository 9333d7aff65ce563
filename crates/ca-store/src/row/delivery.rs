//! The rows of deliveries: how far one was taken in, what became of each part, and what was not taken in.

use ca_core::record::{Delivery, DeliverySource, RefusedDevice};
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::waiting::WireMark;
use super::{Row, fixed, octets, tenant};
use crate::keyspace::fleet::refusal_key;
use crate::keyspace::{Keyspace, order_part_key};

/// ```text
/// DeliveryRow ::= SEQUENCE {
///     digest        Digest,      -- its key again
///     tenant        UTF8String,
///     manufacturer  UTF8String,
///     source        ENUMERATED { manifest(0), mapped(1) },
///     batch         UTF8String,
///     announced     INTEGER,
///     received      INTEGER,
///     imported      INTEGER,
///     unchanged     INTEGER,
///     refused       INTEGER,
///     nextPart      INTEGER,
///     opened        Mark,
///     closed        [0] Mark OPTIONAL,
///     basis         [1] Digest OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryRow {
    pub(crate) delivery: Delivery,
}

#[derive(Sequence)]
pub(crate) struct WireDelivery {
    digest: OctetString,
    tenant: String,
    manufacturer: String,
    source: WireSource,
    batch: String,
    announced: u64,
    received: u64,
    imported: u64,
    unchanged: u64,
    refused: u64,
    next_part: u32,
    opened: WireMark,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    closed: Option<WireMark>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    basis: Option<OctetString>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireSource {
    Manifest = 0,
    Mapped = 1,
}

impl Row for DeliveryRow {
    type Key = [u8; 32];
    type Wire = WireDelivery;
    const KEYSPACE: Keyspace = Keyspace::Deliveries;

    fn key(digest: &Self::Key) -> Vec<u8> {
        digest.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireDelivery> {
        let one = &self.delivery;
        Ok(WireDelivery {
            digest: octets(&one.digest)?,
            tenant: one.tenant.to_string(),
            manufacturer: one.manufacturer.to_string(),
            source: match one.source {
                DeliverySource::Manifest => WireSource::Manifest,
                DeliverySource::Mapped => WireSource::Mapped,
            },
            batch: one.batch.clone(),
            announced: one.announced,
            received: one.received,
            imported: one.imported,
            unchanged: one.unchanged,
            refused: one.refused,
            next_part: one.next_part,
            opened: WireMark::new(&one.opened),
            closed: one.closed.as_ref().map(WireMark::new),
            basis: one.basis.as_ref().map(|digest| octets(digest)).transpose()?,
        })
    }

    fn from_wire(wire: WireDelivery) -> Option<Self> {
        let delivery = Delivery {
            digest: fixed(&wire.digest)?,
            tenant: tenant(&wire.tenant)?,
            manufacturer: tenant(&wire.manufacturer)?,
            source: match wire.source {
                WireSource::Manifest => DeliverySource::Manifest,
                WireSource::Mapped => DeliverySource::Mapped,
            },
            batch: wire.batch,
            basis: wire.basis.as_ref().map(|digest| fixed(digest).ok_or(())).transpose().ok()?,
            announced: wire.announced,
            received: wire.received,
            imported: wire.imported,
            unchanged: wire.unchanged,
            refused: wire.refused,
            next_part: wire.next_part,
            opened: wire.opened.mark(),
            closed: wire.closed.map(WireMark::mark),
        };
        Some(Self { delivery })
    }
}

/// ```text
/// DeliveryPartRow ::= SEQUENCE {
///     content    Digest,      -- of what the part said
///     added      INTEGER,
///     unchanged  INTEGER,
///     refused    INTEGER }    -- so many rows of `delivery-refusals`
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryPartRow {
    pub(crate) content: [u8; 32],
    pub(crate) added: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u32,
}

#[derive(Sequence)]
pub(crate) struct WireDeliveryPart {
    content: OctetString,
    added: u64,
    unchanged: u64,
    refused: u32,
}

impl Row for DeliveryPartRow {
    type Key = ([u8; 32], u32);
    type Wire = WireDeliveryPart;
    const KEYSPACE: Keyspace = Keyspace::DeliveryParts;

    fn key((digest, part): &Self::Key) -> Vec<u8> {
        order_part_key(digest, *part)
    }

    fn to_wire(&self) -> der::Result<WireDeliveryPart> {
        let Self { content, added, unchanged, refused } = self;
        Ok(WireDeliveryPart {
            content: octets(content)?,
            added: *added,
            unchanged: *unchanged,
            refused: *refused,
        })
    }

    fn from_wire(wire: WireDeliveryPart) -> Option<Self> {
        let WireDeliveryPart { content, added, unchanged, refused } = wire;
        Some(Self { content: fixed(&content)?, added, unchanged, refused })
    }
}

/// ```text
/// RefusalRow ::= SEQUENCE { title UTF8String, code UTF8String, message UTF8String }   -- the title as it was given
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusalRow {
    pub(crate) refused: RefusedDevice,
}

#[derive(Sequence)]
pub(crate) struct WireRefusedDevice {
    title: String,
    code: String,
    message: String,
}

impl Row for RefusalRow {
    type Key = ([u8; 32], u32, u32);
    type Wire = WireRefusedDevice;
    const KEYSPACE: Keyspace = Keyspace::DeliveryRefusals;

    fn key((digest, part, place): &Self::Key) -> Vec<u8> {
        refusal_key(digest, *part, *place)
    }

    fn to_wire(&self) -> der::Result<WireRefusedDevice> {
        let RefusedDevice { title, code, message } = self.refused.clone();
        Ok(WireRefusedDevice { title, code, message })
    }

    fn from_wire(wire: WireRefusedDevice) -> Option<Self> {
        let WireRefusedDevice { title, code, message } = wire;
        Some(Self { refused: RefusedDevice { title, code, message } })
    }
}
