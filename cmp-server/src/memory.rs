//! What of a transaction outlives a message: its name in the ledger, and what the next message is checked against.

use ca_core::ports::{Transactions, Unavailable};
use ca_core::record::Transaction;
use cmp_messages::header::RANDOM_OCTETS;
use cmp_messages::message::PkiMessage;
use sha2::{Digest, Sha256};

/// Names a transaction. RFC 9810 §5.1.1: by client and transactionID, so that nobody takes or guesses another's; and by nothing
/// else, since only the first message of a transaction names a profile (RFC 9483 §3.1).
pub(crate) fn key(client: &[u8], transaction_id: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in [b"cmp", client, transaction_id] {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

/// Returns the message that began a transaction, if there is one of this name.
pub(crate) fn begun(
    transactions: &dyn Transactions,
    client: &[u8],
    transaction_id: &[u8],
) -> Result<Option<PkiMessage>, Unavailable> {
    let transaction = transactions.transaction(&key(client, transaction_id))?;
    Ok(transaction.as_ref().and_then(Memory::read).and_then(|memory| memory.message()))
}

/// What is remembered between the messages of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The senderNonce of our last message, [`RANDOM_OCTETS`] long, which the next one must give back.
    pub(crate) nonce: Vec<u8>,
    /// The message that began the transaction, as it came.
    pub(crate) begun: Vec<u8>,
}

impl Memory {
    /// Begins a transaction: no message was sent yet.
    pub(crate) fn of(begun: &[u8]) -> Self {
        Self { nonce: vec![0; RANDOM_OCTETS], begun: begun.to_vec() }
    }

    /// Reads what is on record.
    pub(crate) fn read(transaction: &Transaction) -> Option<Self> {
        let (nonce, begun) = transaction.memo.split_at_checked(RANDOM_OCTETS)?;
        Some(Self { nonce: nonce.to_vec(), begun: begun.to_vec() })
    }

    /// Writes what goes on record.
    pub(crate) fn write(&self) -> Vec<u8> {
        [self.nonce.as_slice(), &self.begun].concat()
    }

    /// Remembers our next message.
    pub(crate) fn with_nonce(&self, nonce: Vec<u8>) -> Self {
        Self { nonce, begun: self.begun.clone() }
    }

    /// Reads the message that began the transaction. It was read before.
    pub(crate) fn message(&self) -> Option<PkiMessage> {
        PkiMessage::decode(&self.begun).ok()
    }
}
