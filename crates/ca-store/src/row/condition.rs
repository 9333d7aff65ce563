//! The rows that conditions of intents are decided on: keys, slots, requests.
//!
//! They change in the same transaction as the intent that they admit.

use ca_core::profile::KeyPurpose;
use ca_core::record::{CertificateId, Slot};
use ca_core::validity::UnixTime;
use der::Sequence;

use super::{Row, WireId, WirePurpose, time};
use crate::keyspace::{Keyspace, slot_key};

/// ```text
/// KeyRow ::= SEQUENCE {
///     subject  UTF8String,
///     purpose  Purpose,
///     holders  INTEGER,    -- certificates and intents of this key that were not aborted
///     blocked  BOOLEAN }   -- it was revoked for keyCompromise
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub(crate) subject: String,
    pub(crate) purpose: KeyPurpose,
    pub(crate) holders: u64,
    pub(crate) blocked: bool,
}

#[derive(Sequence)]
pub(crate) struct WireKey {
    subject: String,
    purpose: WirePurpose,
    holders: u64,
    blocked: bool,
}

impl Row for KeyRow {
    type Key = [u8; 32];
    type Wire = WireKey;
    const KEYSPACE: Keyspace = Keyspace::Keys;

    fn key(key: &Self::Key) -> Vec<u8> {
        key.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireKey> {
        Ok(WireKey {
            subject: self.subject.clone(),
            purpose: self.purpose.into(),
            holders: self.holders,
            blocked: self.blocked,
        })
    }

    fn from_wire(wire: WireKey) -> Option<Self> {
        Some(Self {
            subject: wire.subject,
            purpose: wire.purpose.into(),
            holders: wire.holders,
            blocked: wire.blocked,
        })
    }
}

/// ```text
/// SlotRow    ::= SEQUENCE { holders SEQUENCE OF SlotHolder }  -- oldest first; never empty
/// SlotHolder ::= SEQUENCE { id Id, notAfter Time }
/// ```
///
/// One holder is the rule. While a certificate is being replaced, the old one and the intents of its successors stand here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SlotRow {
    pub(crate) holders: Vec<SlotHolder>,
}

/// A certificate or intent in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotHolder {
    pub(crate) id: CertificateId,
    pub(crate) not_after: UnixTime,
}

#[derive(Sequence)]
pub(crate) struct WireSlotRow {
    holders: Vec<WireHolder>,
}

#[derive(Sequence)]
struct WireHolder {
    id: WireId,
    not_after: i64,
}

impl Row for SlotRow {
    type Key = Slot;
    type Wire = WireSlotRow;
    const KEYSPACE: Keyspace = Keyspace::Slots;

    fn key(slot: &Self::Key) -> Vec<u8> {
        slot_key(slot)
    }

    fn to_wire(&self) -> der::Result<WireSlotRow> {
        let holder = |holder: &SlotHolder| {
            Ok(WireHolder { id: WireId::new(&holder.id)?, not_after: holder.not_after.seconds() })
        };
        Ok(WireSlotRow { holders: self.holders.iter().map(holder).collect::<der::Result<_>>()? })
    }

    fn from_wire(wire: WireSlotRow) -> Option<Self> {
        let holder =
            |holder: &WireHolder| Some(SlotHolder { id: holder.id.id()?, not_after: time(holder.not_after) });
        Some(Self { holders: wire.holders.iter().map(holder).collect::<Option<_>>()? })
    }
}

/// ```text
/// RequestRow ::= Id   -- the intent or certificate that answers the request
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestRow {
    pub(crate) id: CertificateId,
}

impl Row for RequestRow {
    type Key = [u8; 32];
    type Wire = WireId;
    const KEYSPACE: Keyspace = Keyspace::Requests;

    fn key(key: &Self::Key) -> Vec<u8> {
        key.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireId> {
        WireId::new(&self.id)
    }

    fn from_wire(wire: WireId) -> Option<Self> {
        Some(Self { id: wire.id()? })
    }
}
