//! What the memory knows of transactions: as the port promises, but for bounds and for how long they are kept, which are the
//! ledger's.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{Transactions, Unavailable};
use ca_core::record::{
    CertificateId, CertificateStatus, Conclusion, IntentConflict, Opened, Stage, Transaction,
    TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::validity::UnixTime;

use super::super::journal::Step;
use super::{MemoryLedger, State};

/// What stands against an intent of a transaction.
pub(super) fn is_open(state: &State, key: Option<&[u8; 32]>) -> Result<(), IntentConflict> {
    let known = key.map(|key| state.transactions.get(key));
    let open = known.is_none_or(|known| known.is_some_and(Transaction::is_open));
    if open { Ok(()) } else { Err(IntentConflict::TransactionOver) }
}

impl State {
    fn made_in(&self, key: &[u8; 32]) -> Option<&CertificateId> {
        self.requests.get(key)
    }
}

impl Transactions for MemoryLedger {
    fn open_transaction(
        &self,
        transaction: Transaction,
        _: TransactionBounds,
    ) -> Result<Opened, Unavailable> {
        let mut state = self.enter(Step::OpenTransaction)?;
        match state.transactions.get(&transaction.key) {
            Some(known) => Ok(Opened::Known(Box::new(known.clone()))),
            None => {
                state.transactions.insert(transaction.key, transaction);
                Ok(Opened::New)
            }
        }
    }

    fn record_answer(
        &self,
        answer: TransactionAnswer,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        let mut state = self.enter(Step::RecordAnswer)?;
        let key = answer.key;
        let made = state.made_in(&key).cloned();
        let Some(known) = state.transactions.get_mut(&key) else {
            return Ok(Err(TransactionConflict::Unknown));
        };
        if let Stage::Unconfirmed { certificate } = &answer.stage
            && made.as_ref() != Some(certificate)
        {
            return Ok(Err(TransactionConflict::OtherCertificate));
        }
        Ok(known.answer(answer).map(|()| known.clone()))
    }

    fn conclude(
        &self,
        conclusion: Conclusion,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        let mut state = self.enter(Step::Conclude)?;
        let Conclusion { key, outcome, last, revocation, event } = conclusion;
        let made = state.made_in(&key).map(|id| state.rows[id].stored.status);
        let Some(known) = state.transactions.get_mut(&key) else {
            return Ok(Err(TransactionConflict::Unknown));
        };
        if made == Some(CertificateStatus::Pending) {
            return Ok(Err(TransactionConflict::BeingIssued));
        }
        if let Err(conflict) = known.conclude(outcome, last, event.time) {
            return Ok(Err(conflict));
        }
        let closed = known.clone();
        state.events.push(event);
        if let Some(record) = revocation {
            state.revoke(record);
        }
        Ok(Ok(closed))
    }

    fn transaction(&self, key: &[u8; 32]) -> Result<Option<Transaction>, Unavailable> {
        Ok(self.enter(Step::Transaction)?.transactions.get(key).cloned())
    }

    fn unconfirmed(&self, certificate: &CertificateId) -> Result<Option<Transaction>, Unavailable> {
        let waits =
            |known: &&Transaction| known.stage == Stage::Unconfirmed { certificate: certificate.clone() };
        Ok(self.enter(Step::Unconfirmed)?.transactions.values().find(waits).cloned())
    }

    fn transactions_due(
        &self,
        issuer: &KeyRef,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Transaction>, Unavailable> {
        let due = |known: &&Transaction| known.is_open() && known.ends_at < now && known.issuer == *issuer;
        Ok(self.enter(Step::Due)?.transactions.values().filter(due).take(limit).cloned().collect())
    }
}
