//! What one batch will write, while it is being decided: a view of the engine, the rows that are pending over it, and the
//! audit trail. Not the acts themselves.
//!
//! Acts are decided one after the other and each sees what those before it will write. One that fails leaves nothing behind.

use std::collections::BTreeMap;

use ca_core::audit::tree::Subtree;
use ca_core::audit::{AuditCodecError, AuditEvent, AuditRecord, AuditTrail, BrokenTrail};
use ca_core::key_ref::KeyRef;
use ca_core::record::CertificateId;

use crate::engine::{EngineError, KeyValue, MAX_VALUE_OCTETS, View, Write};
use crate::keyspace::{Keyspace, subtree_key};
use crate::row::{Row, RowFault, TrailRow};

/// How many rows are read at a time where all under a prefix are wanted.
const UNDER_PAGE: usize = 64;

/// Whatever rows can be read from.
pub(crate) trait Rows {
    /// Returns the value of a key.
    fn octets(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, ReadFault>;

    /// Returns the row of a key.
    fn row<R: Row>(&self, key: &R::Key) -> Result<Option<R>, ReadFault> {
        match self.octets(R::KEYSPACE, &R::key(key))? {
            Some(octets) => Ok(Some(R::decode(&octets)?)),
            None => Ok(None),
        }
    }

    /// Tells whether there is a row.
    fn has<R: Row>(&self, key: &R::Key) -> Result<bool, ReadFault> {
        Ok(self.octets(R::KEYSPACE, &R::key(key))?.is_some())
    }
}

impl Rows for dyn View + '_ {
    fn octets(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, ReadFault> {
        Ok(self.value(keyspace, key)?)
    }
}

/// A row could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Row(#[from] RowFault),
}

/// Why an act cannot be done at all; nothing of it is written. Not a conflict, which is an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActFault {
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error(transparent)]
    Row(#[from] RowFault),
    #[error("the audit event cannot be sealed: {0}")]
    Seal(#[from] AuditCodecError),
    #[error(
        "a row of {octets} octets is longer than the {MAX_VALUE_OCTETS} that a row of {keyspace} may have"
    )]
    TooLong { keyspace: &'static str, octets: usize },
    #[error("the ledger was away since this was decided: it is to be asked again")]
    Moved,
    #[error("no intent is open for serial number {} of {}", id.serial, id.issuer)]
    NotOpen { id: CertificateId },
    #[error("the intent for serial number {} of {} was given to the signer before", id.serial, id.issuer)]
    GivenToSigner { id: CertificateId },
    #[error("the intent for serial number {} of {} was not given to the signer", id.serial, id.issuer)]
    NotGivenToSigner { id: CertificateId },
    #[error("CRL number {number} of {issuer} is not reserved for a CRL that is still to come")]
    NotReserved { issuer: KeyRef, number: u64 },
    #[error("another node took away what was written of CRL {number} of {issuer}: make another one")]
    Overtaken { issuer: KeyRef, number: u64 },
    #[error("a CRL of {octets} octets is longer than can be kept")]
    CrlTooLong { octets: u64 },
    #[error("the order is not on record")]
    NoOrder,
    #[error("a token with this hash is kept already")]
    TokenKept,
    #[error("the ledger does not know whose it is")]
    NotGuarded,
    #[error("other nodes serve this ledger, and the exported log of this one says: {reason}")]
    Witness { reason: String },
    #[error(transparent)]
    NotNext(#[from] BrokenTrail),
    #[error("audit record {sequence} of the exported log cannot be replayed: {what}")]
    NotReplayed { sequence: u64, what: &'static str },
}

/// Rows that are to be written, and the trail as it will be then.
pub(crate) struct Transaction<'v> {
    view: &'v dyn View,
    pending: BTreeMap<Keyspace, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    undo: Vec<Undo>,
    sealed_before: u64,
    trail: AuditTrail,
    node: Option<u64>,
}

/// What stood among the pending rows before a write: nothing, or a pending value or removal.
struct Undo {
    keyspace: Keyspace,
    key: Vec<u8>,
    before: Option<Option<Vec<u8>>>,
}

impl<'v> Transaction<'v> {
    /// Begins with nothing pending.
    pub(crate) fn new(view: &'v dyn View, trail: AuditTrail, node: Option<u64>) -> Self {
        let sealed_before = trail.sequence();
        Self { view, pending: BTreeMap::new(), undo: Vec::new(), sealed_before, trail, node }
    }

    /// Under which token this process writes, where several do.
    pub(crate) const fn node(&self) -> Option<u64> {
        self.node
    }

    /// Does an act whole or, when it fails, not at all.
    pub(crate) fn attempt<T, E>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let (mark, trail) = (self.undo.len(), self.trail.clone());
        let outcome = act(self);
        if outcome.is_err() {
            self.trail = trail;
            while self.undo.len() > mark {
                self.undo_last();
            }
        }
        outcome
    }

    fn undo_last(&mut self) {
        if let Some(Undo { keyspace, key, before }) = self.undo.pop() {
            let rows = self.pending.entry(keyspace).or_default();
            match before {
                Some(pending) => rows.insert(key, pending),
                None => rows.remove(&key),
            };
        }
    }

    /// Writes a row.
    pub(crate) fn put<R: Row>(&mut self, key: &R::Key, row: &R) -> Result<(), ActFault> {
        self.put_octets(R::KEYSPACE, R::key(key), row.encode()?)
    }

    /// Writes a value that is not a row.
    pub(crate) fn put_octets(
        &mut self,
        keyspace: Keyspace,
        key: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<(), ActFault> {
        if value.len() > MAX_VALUE_OCTETS {
            return Err(ActFault::TooLong { keyspace: keyspace.name(), octets: value.len() });
        }
        self.write(keyspace, key, Some(value));
        Ok(())
    }

    /// Removes a row.
    pub(crate) fn remove<R: Row>(&mut self, key: &R::Key) {
        self.remove_key(R::KEYSPACE, R::key(key));
    }

    /// Removes what stands under a key.
    pub(crate) fn remove_key(&mut self, keyspace: Keyspace, key: Vec<u8>) {
        self.write(keyspace, key, None);
    }

    /// Lists what is on disk of a keyspace behind a key, whatever is pending.
    pub(crate) fn committed_after(
        &self,
        keyspace: Keyspace,
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, ReadFault> {
        Ok(self.view.rows_after(keyspace, &[], after, limit)?)
    }

    /// Lists what stands under a prefix, what is pending included; for prefixes under which little stands.
    pub(crate) fn rows_under(&self, keyspace: Keyspace, prefix: &[u8]) -> Result<Vec<KeyValue>, ReadFault> {
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut after = Vec::new();
        loop {
            let page = self.view.rows_after(keyspace, prefix, &after, UNDER_PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            let is_last = page.len() < UNDER_PAGE;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        let pending = self.pending.get(&keyspace).into_iter().flat_map(|rows| rows.range(prefix.to_vec()..));
        for (key, value) in pending.take_while(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().collect())
    }

    /// Seals an audit event, with the subtrees that its record completes; returns the number of the record.
    pub(crate) fn seal(&mut self, event: AuditEvent) -> Result<u64, ActFault> {
        if let Some(change) = self.trail.clock_change(&event) {
            self.seal_one(change)?;
        }
        self.seal_one(event)
    }

    fn seal_one(&mut self, event: AuditEvent) -> Result<u64, ActFault> {
        let sealed = self.trail.seal(event)?;
        self.put_octets(Keyspace::Audit, sealed.sequence.to_be_bytes().to_vec(), sealed.der)?;
        self.put_subtrees(sealed.completed)?;
        Ok(sealed.sequence)
    }

    fn put_subtrees(&mut self, completed: Vec<Subtree>) -> Result<(), ActFault> {
        completed.into_iter().try_for_each(|Subtree { level, index, hash }| {
            self.put_octets(Keyspace::Tree, subtree_key(level, index), hash.to_vec())
        })
    }

    /// Returns the number of the last audit record, as it will be.
    pub(crate) const fn sequence(&self) -> u64 {
        self.trail.sequence()
    }

    /// What is on disk, for listing; pending rows are not in it.
    pub(crate) const fn view(&self) -> &'v dyn View {
        self.view
    }

    /// Takes in an audit record that was sealed before, octet for octet, if it is the next one of the trail.
    pub(crate) fn append(&mut self, der: Vec<u8>) -> Result<AuditRecord, ActFault> {
        let (record, completed) = self.trail.check_next(&der)?;
        self.put_octets(Keyspace::Audit, record.sequence.to_be_bytes().to_vec(), der)?;
        self.put_subtrees(completed)?;
        Ok(record)
    }

    fn write(&mut self, keyspace: Keyspace, key: Vec<u8>, value: Option<Vec<u8>>) {
        let before = self.pending.entry(keyspace).or_default().insert(key.clone(), value);
        self.undo.push(Undo { keyspace, key, before });
    }

    /// Returns the batch, with the end of the trail in it, and that end.
    pub(crate) fn into_batch(mut self) -> Result<(Vec<Write>, AuditTrail), ActFault> {
        if self.trail.sequence() != self.sealed_before {
            self.put(&(), &TrailRow(self.trail.clone()))?;
        }
        let mut batch = Vec::new();
        for (keyspace, rows) in self.pending {
            batch.extend(rows.into_iter().map(|(key, value)| Write { keyspace, key, value }));
        }
        Ok((batch, self.trail))
    }
}

impl Rows for Transaction<'_> {
    fn octets(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, ReadFault> {
        match self.pending.get(&keyspace).and_then(|rows| rows.get(key)) {
            Some(pending) => Ok(pending.clone()),
            None => Ok(self.view.value(keyspace, key)?),
        }
    }
}
