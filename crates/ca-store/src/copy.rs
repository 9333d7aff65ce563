//! Copying all rows of a ledger that goes on: page by page, and beside the pages everything that is committed meanwhile.
//!
//! A database that several nodes share is copied at one point in time, in one view, which holds back nobody there.
//!
//! On an engine of one process no view is held longer than a page, so nobody waits for a copy. A page may be newer than the page before
//! it; but every batch that was committed since the copy began follows whole and in order, those up to the audit record of the
//! copy itself and the few that were committed right behind it. Whoever writes all rows in the order in which they come has
//! the ledger of one moment: that of the last batch.

use std::collections::BTreeMap;

use ca_core::audit::AuditEvent;
use ca_core::ports::Unavailable;

use crate::engine::{Durability, EngineError, KeyValue, Write};
use crate::keyspace::Keyspace;
use crate::row::{InstallationRow, Row, RowFault, TrailRow};
use crate::store::Store;
use crate::transaction::ReadFault;

const PORT: &str = "backup";

/// How many rows are read at a time.
const PAGE: usize = 1_024;

/// A row that was written or, when it has no value, removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedRow {
    /// The octet of its keyspace.
    pub keyspace: u8,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyReport {
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records (RFC 9162 §2.1).
    pub root: [u8; 32],
    /// The epoch of the ledger; 0 if it was never guarded.
    pub epoch: u64,
    /// How many rows were read, by the name of their keyspace.
    pub rows: BTreeMap<&'static str, u64>,
    /// How many rows were written or removed while they were read.
    pub changes: u64,
}

impl Store {
    /// Gives every row to `out`, and puts `event` on record, which the copy holds too.
    ///
    /// # Errors
    /// [`CopyError`]; what `out` took until then is no copy of anything.
    pub fn copy<E>(
        &self,
        event: AuditEvent,
        mut out: impl FnMut(CopiedRow) -> Result<(), E>,
    ) -> Result<CopyReport, CopyError<E>> {
        if self.rows().shared().is_some() {
            return self.copy_at_once(event, out);
        }
        let copying = Copying::begin(self)?;
        let mut report = CopyReport::default();
        for keyspace in Keyspace::ALL {
            let mut after = Vec::new();
            loop {
                let page = {
                    let view = self.rows().view().map_err(CopyError::engine)?;
                    view.rows_after(keyspace, &[], &after, PAGE).map_err(CopyError::engine)?
                };
                let last = report.take_page(keyspace, page, &mut out)?;
                copying.drain(&mut report, &mut out)?;
                match last {
                    Some(key) => after = key,
                    None => break,
                }
            }
        }
        // Every batch that a page could have shown was committed, and kept, before this one.
        self.write(PORT, Durability::Durable, |tx| tx.seal(event))?;
        copying.drain(&mut report, &mut out)?;
        Ok(report)
    }

    /// The same, of one view.
    fn copy_at_once<E>(
        &self,
        event: AuditEvent,
        mut out: impl FnMut(CopiedRow) -> Result<(), E>,
    ) -> Result<CopyReport, CopyError<E>> {
        self.write(PORT, Durability::Durable, |tx| tx.seal(event))?;
        let view = self.rows().view().map_err(CopyError::engine)?;
        let mut report = CopyReport::default();
        for keyspace in Keyspace::ALL {
            let mut after = Vec::new();
            loop {
                let page = view.rows_after(keyspace, &[], &after, PAGE).map_err(CopyError::engine)?;
                match report.take_page(keyspace, page, &mut out)? {
                    Some(key) => after = key,
                    None => break,
                }
            }
        }
        Ok(report)
    }
}

/// A copy under way. Dropping it lets the next one begin.
struct Copying<'s>(&'s Store);

impl<'s> Copying<'s> {
    /// Begins between two batches: whatever is not told by the tap is shown by every view from now on.
    fn begin<E>(store: &'s Store) -> Result<Self, CopyError<E>> {
        let tap = store.tap();
        if store.write(PORT, Durability::ProcessCrash, move |_| Ok(tap.open()))? {
            Ok(Self(store))
        } else {
            Err(CopyError::UnderWay)
        }
    }

    fn drain<E>(
        &self,
        report: &mut CopyReport,
        out: &mut impl FnMut(CopiedRow) -> Result<(), E>,
    ) -> Result<(), CopyError<E>> {
        for write in self.0.tap().take().ok_or(CopyError::Overrun)? {
            report.changes = report.changes.saturating_add(1);
            report.take(write, out)?;
        }
        Ok(())
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        self.0.tap().close();
    }
}

impl CopyReport {
    /// Takes a page of rows; returns the last key where another page may follow.
    fn take_page<E>(
        &mut self,
        keyspace: Keyspace,
        page: Vec<KeyValue>,
        out: &mut impl FnMut(CopiedRow) -> Result<(), E>,
    ) -> Result<Option<Vec<u8>>, CopyError<E>> {
        let next = page.last().filter(|_| page.len() == PAGE).map(|(key, _)| key.clone());
        for (key, value) in page {
            *self.rows.entry(keyspace.name()).or_default() += 1;
            self.take(Write { keyspace, key, value: Some(value) }, out)?;
        }
        Ok(next)
    }

    fn take<E>(
        &mut self,
        write: Write,
        out: &mut impl FnMut(CopiedRow) -> Result<(), E>,
    ) -> Result<(), CopyError<E>> {
        let Write { keyspace, key, value } = write;
        if keyspace == Keyspace::Meta
            && let Some(value) = &value
        {
            self.notice(&key, value)?;
        }
        out(CopiedRow { keyspace: keyspace.tag(), key, value }).map_err(CopyError::Out)
    }

    /// Remembers what the rows of `meta` say; the last ones are those of the moment of the copy.
    fn notice<E>(&mut self, key: &[u8], value: &[u8]) -> Result<(), CopyError<E>> {
        let unreadable = |cause: RowFault| CopyError::Engine { cause: ReadFault::from(cause).into() };
        if key == TrailRow::key(&()) {
            let TrailRow(trail) = TrailRow::decode(value).map_err(unreadable)?;
            (self.sequence, self.root) = (trail.sequence(), trail.peaks().root());
        } else if key == InstallationRow::key(&()) {
            self.epoch = InstallationRow::decode(value).map_err(unreadable)?.installation.epoch;
        }
        Ok(())
    }
}

/// Why a ledger was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError<E> {
    /// One copy at a time.
    #[error("another backup of this ledger is under way")]
    UnderWay,
    /// Rows were written faster than they were taken.
    #[error(
        "the ledger is written to faster than the backup takes its rows; nothing was lost but this backup"
    )]
    Overrun,
    /// The rows cannot be read.
    #[error("the rows of the ledger cannot be read: {cause}")]
    Engine {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The ledger cannot record it.
    #[error(transparent)]
    Ledger(#[from] Unavailable),
    /// Whoever takes the rows cannot.
    #[error("the rows cannot be taken: {0}")]
    Out(E),
}

impl<E> CopyError<E> {
    fn engine(cause: EngineError) -> Self {
        Self::Engine { cause: cause.into() }
    }
}
