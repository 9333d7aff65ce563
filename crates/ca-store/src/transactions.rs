//! The port [`Transactions`]. Opening begins something and waits while the trail's copies are behind; what is under way is
//! always brought to its end.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{Transactions, Unavailable};
use ca_core::record::{
    CertificateId, Conclusion, Opened, Transaction, TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::validity::UnixTime;

use crate::act::transactions;
use crate::engine::{Durability, View};
use crate::keyspace::{Keyspace, id_key, parse_request, time_octets};
use crate::row::{RowFault, TransactionRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "transactions";

/// How many rows are looked at together when transactions are listed.
const PAGE: usize = 256;

impl Transactions for Store {
    fn open_transaction(
        &self,
        transaction: Transaction,
        bounds: TransactionBounds,
    ) -> Result<Opened, Unavailable> {
        let forgetting = self.forgetting_transactions();
        // A power cut may take it as long as nothing was made in it: T1 and answers are durable, and come after it.
        self.write_new(PORT, Durability::ProcessCrash, move |tx| {
            let (opened, place) = transactions::open(tx, &transaction, bounds, &forgetting)?;
            forgetting.go_on_from(place);
            Ok(opened)
        })
    }

    fn record_answer(
        &self,
        answer: TransactionAnswer,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| transactions::answer(tx, answer))
    }

    fn conclude(
        &self,
        conclusion: Conclusion,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| transactions::conclude(tx, conclusion))
    }

    fn transaction(&self, key: &[u8; 32]) -> Result<Option<Transaction>, Unavailable> {
        self.read(PORT, |view| transactions::read(view, key))
    }

    fn unconfirmed(&self, certificate: &CertificateId) -> Result<Option<Transaction>, Unavailable> {
        self.read(PORT, |view| {
            let Some(key) = view.octets(Keyspace::Unconfirmed, &id_key(certificate))? else {
                return Ok(None);
            };
            let damaged = || RowFault::Value { keyspace: Keyspace::Unconfirmed.name() };
            let key = key.try_into().map_err(|_| damaged())?;
            transactions::read(view, &key)
        })
    }

    fn transactions_due(
        &self,
        issuer: &KeyRef,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.read(PORT, |view| due(view, issuer, now, limit))
    }
}

/// Looks at deadlines page by page, until enough are over or the next one is not.
fn due(view: &dyn View, issuer: &KeyRef, now: UnixTime, limit: usize) -> Result<Vec<Transaction>, ReadFault> {
    let (over, mut after, mut found) = (time_octets(now), Vec::new(), Vec::new());
    loop {
        let page = view.rows_after(Keyspace::TransactionDeadlines, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after.clone_from(last);
        for (key, _) in page {
            let to_come = key.get(..over.len()).is_none_or(|end| *end >= *over.as_slice());
            if to_come || found.len() >= limit {
                return Ok(found);
            }
            let fault = RowFault::Key { keyspace: Keyspace::TransactionDeadlines.name() };
            let key = parse_request(&key).ok_or(fault)?;
            let of_issuer =
                view.row::<TransactionRow>(&key)?.is_some_and(|row| row.transaction.issuer == *issuer);
            if of_issuer {
                found.extend(transactions::read(view, &key)?);
            }
        }
    }
}
