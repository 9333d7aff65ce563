//! Whether each transaction has the rows that point to it, and no row points to one that is not there.

use std::collections::BTreeMap;

use ca_core::record::{Stage, Transaction};

use super::IntegrityFault;
use crate::act::parts;
use crate::act::transactions::{self, time_key};
use crate::keyspace::{Keyspace, count_key, id_key};
use crate::row::{CertificateRow, CertificateState, CountRow, Row, Transacting, TransactionRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

/// How many rows there must be.
#[derive(Default)]
struct Expected {
    transactions: u64,
    octets: u64,
    deadlines: u64,
    ends: u64,
    unconfirmed: u64,
    /// What is open, by the key of its count.
    open: BTreeMap<Vec<u8>, u32>,
}

impl Store {
    /// Checks the rows of transactions, and counts those.
    pub(super) fn check_transactions(&self) -> Result<u64, IntegrityFault> {
        let mut expected = Expected::default();
        self.each(Keyspace::Transactions, |key, octets| {
            let row = TransactionRow::decode(octets)?;
            let parts = [row.answer_octets, row.memo_octets]
                .map(|octets| usize::try_from(octets).map_or(u32::MAX, parts::count));
            if row.transaction.key != key {
                return Err(stray(Keyspace::Transactions));
            }
            expected.add(&row.transaction, parts.into_iter().map(u64::from).sum());
            self.check_pointers(&row.transaction)
        })?;
        // With as many rows as transactions need, each of which is there, no row is left over.
        for (keyspace, needed) in [
            (Keyspace::TransactionOctets, expected.octets),
            (Keyspace::TransactionDeadlines, expected.deadlines),
            (Keyspace::TransactionEnds, expected.ends),
            (Keyspace::Unconfirmed, expected.unconfirmed),
        ] {
            let mut found = 0_u64;
            self.each(keyspace, |_, _| {
                found = found.saturating_add(1);
                Ok(())
            })?;
            if found != needed {
                return Err(stray(keyspace));
            }
        }
        self.check_counts(expected.open)?;
        Ok(expected.transactions)
    }

    fn check_pointers(&self, known: &Transaction) -> Result<(), IntegrityFault> {
        let view = self.rows().view().map_err(ReadFault::from)?;
        transactions::read(&*view, &known.key)?;
        let (keyspace, key) = time_key(known);
        if view.octets(keyspace, &key)?.is_none() {
            return Err(stray(keyspace));
        }
        let Stage::Unconfirmed { certificate } = &known.stage else { return Ok(()) };
        let points = view.octets(Keyspace::Unconfirmed, &id_key(certificate))?;
        let issued =
            view.row::<CertificateRow>(certificate)?.is_some_and(|row| row.state == CertificateState::Issued);
        if issued && points.is_some_and(|key| key == known.key) {
            Ok(())
        } else {
            Err(stray(Keyspace::Unconfirmed))
        }
    }

    fn check_counts(&self, mut open: BTreeMap<Vec<u8>, u32>) -> Result<(), IntegrityFault> {
        self.each(Keyspace::TransactionCounts, |key, octets| {
            let row = CountRow::<Transacting>::decode(octets)?;
            if open.remove(key) == Some(row.count) { Ok(()) } else { Err(stray(Keyspace::TransactionCounts)) }
        })?;
        if open.is_empty() { Ok(()) } else { Err(stray(Keyspace::TransactionCounts)) }
    }
}

impl Expected {
    fn add(&mut self, known: &Transaction, parts: u64) {
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        one_more(&mut self.transactions);
        self.octets = self.octets.saturating_add(parts);
        one_more(if known.is_open() { &mut self.deadlines } else { &mut self.ends });
        if let Stage::Unconfirmed { .. } = known.stage {
            one_more(&mut self.unconfirmed);
        }
        if known.is_open() {
            for requester in [None, Some(known.requester.as_str())] {
                let count = self.open.entry(count_key(&known.tenant, requester)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
}

fn stray(keyspace: Keyspace) -> IntegrityFault {
    IntegrityFault::Transaction { keyspace: keyspace.name() }
}
