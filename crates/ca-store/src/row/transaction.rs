//! The row of a transaction. Its answer and its memo stand in parts beside it.

use ca_core::key_ref::KeyRef;
use ca_core::record::{Outcome, Stage, Transaction};
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::{Row, WireId, fixed, octets, tenant, time};
use crate::keyspace::Keyspace;

/// ```text
/// TransactionRow ::= SEQUENCE {
///     key          Digest,          -- its key again
///     issuer       OCTET STRING,    -- 20 octets
///     tenant       UTF8String,
///     requester    UTF8String,
///     openedAt     Time,
///     endsAt       Time,
///     request      Digest,          -- of the message answered last
///     answer       INTEGER,         -- how many octets it has
///     memo         INTEGER,         -- how many octets it has
///     stage        ENUMERATED { answering(0), waiting(1), unconfirmed(2),
///                               answered(3), confirmed(4), refused(5), lapsed(6) },
///     certificate  [0] Id OPTIONAL }   -- in stage unconfirmed only
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionRow {
    /// Without its answer and its memo.
    pub(crate) transaction: Transaction,
    pub(crate) answer_octets: u32,
    pub(crate) memo_octets: u32,
}

#[derive(Sequence)]
pub(crate) struct WireTransaction {
    key: OctetString,
    issuer: OctetString,
    tenant: String,
    requester: String,
    opened_at: i64,
    ends_at: i64,
    request: OctetString,
    answer: u32,
    memo: u32,
    stage: WireStage,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificate: Option<WireId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireStage {
    Answering = 0,
    Waiting = 1,
    Unconfirmed = 2,
    Answered = 3,
    Confirmed = 4,
    Refused = 5,
    Lapsed = 6,
}

impl Row for TransactionRow {
    type Key = [u8; 32];
    type Wire = WireTransaction;
    const KEYSPACE: Keyspace = Keyspace::Transactions;

    fn key(key: &Self::Key) -> Vec<u8> {
        key.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireTransaction> {
        let transaction = &self.transaction;
        let (stage, certificate) = match &transaction.stage {
            Stage::Answering => (WireStage::Answering, None),
            Stage::Waiting => (WireStage::Waiting, None),
            Stage::Unconfirmed { certificate } => (WireStage::Unconfirmed, Some(WireId::new(certificate)?)),
            Stage::Closed(Outcome::Answered) => (WireStage::Answered, None),
            Stage::Closed(Outcome::Confirmed) => (WireStage::Confirmed, None),
            Stage::Closed(Outcome::Refused) => (WireStage::Refused, None),
            Stage::Closed(Outcome::Lapsed) => (WireStage::Lapsed, None),
        };
        Ok(WireTransaction {
            key: octets(&transaction.key)?,
            issuer: octets(transaction.issuer.octets())?,
            tenant: transaction.tenant.to_string(),
            requester: transaction.requester.clone(),
            opened_at: transaction.opened_at.seconds(),
            ends_at: transaction.ends_at.seconds(),
            request: octets(&transaction.request)?,
            answer: self.answer_octets,
            memo: self.memo_octets,
            stage,
            certificate,
        })
    }

    fn from_wire(wire: WireTransaction) -> Option<Self> {
        let stage = match (wire.stage, &wire.certificate) {
            (WireStage::Unconfirmed, Some(id)) => Stage::Unconfirmed { certificate: id.id()? },
            (WireStage::Unconfirmed, None) | (_, Some(_)) => return None,
            (WireStage::Answering, None) => Stage::Answering,
            (WireStage::Waiting, None) => Stage::Waiting,
            (WireStage::Answered, None) => Stage::Closed(Outcome::Answered),
            (WireStage::Confirmed, None) => Stage::Closed(Outcome::Confirmed),
            (WireStage::Refused, None) => Stage::Closed(Outcome::Refused),
            (WireStage::Lapsed, None) => Stage::Closed(Outcome::Lapsed),
        };
        let transaction = Transaction {
            key: fixed(&wire.key)?,
            issuer: KeyRef::new(fixed(&wire.issuer)?),
            tenant: tenant(&wire.tenant)?,
            requester: wire.requester,
            opened_at: time(wire.opened_at),
            ends_at: time(wire.ends_at),
            request: fixed(&wire.request)?,
            answer: Vec::new(),
            memo: Vec::new(),
            stage,
        };
        Some(Self { transaction, answer_octets: wire.answer, memo_octets: wire.memo })
    }
}
