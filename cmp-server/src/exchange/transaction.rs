//! Messages that belong together: the first opens a transaction in the ledger, each answer is kept there before it is sent.
//!
//! The same octets again get the same answer; other octets under the same name are refused. RFC 9810 §5.1.1, RFC 9483 §4.1.1.

use ca_core::record::{
    Opened, Outcome, Stage, Transaction, TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::validity::UnixTime;

use super::Case;
use crate::memory::{self, Memory};
use crate::protect::Sealed;
use crate::refusal::Refusal;

/// What becomes of the first message of a transaction.
pub(super) enum Opening {
    /// It is to be worked on.
    Work(Memory),
    /// It was answered: here is the answer.
    Answered(Vec<u8>),
}

/// Opens the transaction of a first message.
pub(super) fn open(case: &Case<'_>) -> Result<Opening, Refusal> {
    let (memory, digest) = (Memory::of(case.octets), case.digest());
    let transaction = Transaction {
        key: key(case),
        issuer: case.authority().issuer().key(),
        tenant: case.sender.actor.tenant.clone(),
        requester: case.sender.actor.to_string(),
        opened_at: case.now,
        ends_at: confirmed_by(case),
        request: digest,
        answer: Vec::new(),
        memo: memory.write(),
        stage: Stage::Answering,
    };
    match case.authority().transactions().open_transaction(transaction, TransactionBounds::default())? {
        Opened::New => Ok(Opening::Work(memory)),
        Opened::TooMany => Err(Refusal::TooManyTransactions),
        Opened::Known(known) if known.request != digest => Err(Refusal::TransactionInUse),
        // A crash came before the answer, or another thread is about to give it: the ledger issues once.
        Opened::Known(known) if known.answer.is_empty() => match known.stage {
            Stage::Answering => Ok(Opening::Work(memory)),
            Stage::Waiting | Stage::Unconfirmed { .. } | Stage::Closed(_) => Err(Refusal::OutOfTurn),
        },
        Opened::Known(known) => Ok(Opening::Answered(known.answer)),
    }
}

/// A transaction that a later message belongs to.
pub(super) struct Known {
    pub(super) transaction: Transaction,
    pub(super) memory: Memory,
}

/// What a later message finds.
pub(super) enum Standing {
    /// The transaction, in which it may follow.
    Open(Box<Known>),
    /// It was answered: here is the answer.
    Answered(Vec<u8>),
}

/// Finds the transaction of a later message, which must answer the last one of ours.
pub(super) fn find(case: &Case<'_>) -> Result<Standing, Refusal> {
    let transaction = case.authority().transactions().transaction(&key(case))?.ok_or(Refusal::OutOfTurn)?;
    if transaction.request == case.digest() && !transaction.answer.is_empty() {
        return Ok(Standing::Answered(transaction.answer));
    }
    match transaction.stage {
        Stage::Waiting | Stage::Unconfirmed { .. } => {}
        Stage::Closed(Outcome::Confirmed) => return Err(Refusal::AlreadyConfirmed),
        Stage::Answering | Stage::Closed(Outcome::Answered | Outcome::Refused | Outcome::Lapsed) => {
            return Err(Refusal::OutOfTurn);
        }
    }
    let memory = Memory::read(&transaction).ok_or(Refusal::OutOfTurn)?;
    // RFC 9483 §3.5: recipNonce MUST be the senderNonce of the message before.
    let given_back = case.message.header().recip_nonce.as_ref().map(der::asn1::OctetString::as_bytes);
    if given_back != Some(memory.nonce.as_slice()) {
        return Err(Refusal::RecipientNonce);
    }
    Ok(Standing::Open(Box::new(Known { transaction, memory })))
}

/// Keeps an answer before it is sent. `before` is the digest of the message that was answered last, or of this one where it is
/// the first.
pub(super) fn keep(
    case: &Case<'_>,
    (before, memory): ([u8; 32], &Memory),
    sealed: &Sealed,
    (stage, ends_at): (Stage, UnixTime),
) -> Result<Vec<u8>, Refusal> {
    let answer = TransactionAnswer {
        key: key(case),
        now: case.now,
        before,
        request: case.digest(),
        answer: sealed.der.clone(),
        memo: memory.with_nonce(sealed.nonce.clone()).write(),
        stage,
        ends_at,
    };
    match case.authority().transactions().record_answer(answer)? {
        Ok(kept) => Ok(kept.answer),
        Err(
            TransactionConflict::Overtaken | TransactionConflict::Closed(_) | TransactionConflict::OutOfTurn,
        ) => answered_meanwhile(case),
        Err(conflict) => Err(ca_core::confirmation::ConfirmError::Conflict(conflict).into()),
    }
}

/// The same message came twice, and the other one was quicker: both get one answer.
fn answered_meanwhile(case: &Case<'_>) -> Result<Vec<u8>, Refusal> {
    let transaction = case.authority().transactions().transaction(&key(case))?;
    transaction
        .filter(|known| known.request == case.digest() && !known.answer.is_empty())
        .map(|known| known.answer)
        .ok_or(Refusal::BeingAnswered)
}

/// The name of the transaction that a message belongs to.
pub(super) fn key(case: &Case<'_>) -> [u8; 32] {
    memory::key(&case.sender.client, &case.transaction_id)
}

/// Until when a confirmation is waited for.
pub(super) fn confirmed_by(case: &Case<'_>) -> UnixTime {
    case.now.plus_seconds(case.label.parts().confirmations.wait_seconds)
}
