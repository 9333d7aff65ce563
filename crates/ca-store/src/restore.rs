//! Making a ledger of rows that were copied: in a new directory or database, in recovery, on whichever engine.
//!
//! It is no ledger until it is finished; what is left of an attempt that failed is refused by every opening.

use std::path::Path;
use std::sync::Arc;

use ca_core::validity::UnixTime;

use crate::copy::CopiedRow;
use crate::directory::{CreateDirectoryError, Directory};
use crate::engine::postgres::{Database, Loader};
use crate::engine::{
    self, Durability, Engine, EngineError, EngineKind, EngineSetup, MAX_VALUE_OCTETS, Write,
};
use crate::installation::{Installation, Recovery};
use crate::keyspace::Keyspace;
use crate::node_directory;
use crate::row::{InstallationRow, Row, RowFault, TrailRow};
use crate::transaction::{ReadFault, Rows};

/// How many rows are written at a time.
const BATCH: usize = 1_024;

/// The longest key in octets.
const MAX_KEY_OCTETS: usize = 64;

/// A ledger that is being made of rows.
pub struct Restoring {
    engine: Arc<dyn Engine>,
    finished: Finished,
    batch: Vec<Write>,
    directory: Directory,
}

/// How a ledger is declared whole.
enum Finished {
    Embedded(EngineKind),
    Shared { loader: Arc<Loader>, place: [u8; 16] },
}

impl core::fmt::Debug for Restoring {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Restoring").finish_non_exhaustive()
    }
}

/// What a finished ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records, as the last row says.
    pub root: [u8; 32],
    /// The epoch of the ledger that was copied; 0 if it was never guarded.
    pub epoch: u64,
}

impl Restoring {
    /// Begins in a directory that is absent or empty.
    ///
    /// # Errors
    /// [`RestoreError::Directory`] or [`RestoreError::Engine`].
    pub fn begin(directory: &Path, kind: EngineKind) -> Result<Self, RestoreError> {
        let directory = Directory::create(directory)?;
        let setup = EngineSetup { kind, cache_octets: 32 * 1024 * 1024 };
        let engine = engine::create(setup, &directory.engine_path())?.into();
        Ok(Self { engine, finished: Finished::Embedded(kind), batch: Vec::new(), directory })
    }

    /// Begins in a database that holds no ledger, and in the directory of its first node; `place` are 16 random octets that name
    /// the directory, `by` says who makes the schema.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn begin_shared(
        directory: &Path,
        database: &Database,
        (place, by): ([u8; 16], &str),
    ) -> Result<Self, RestoreError> {
        let directory = Directory::create(directory)?;
        let loader = Arc::new(Loader::begin_empty(database, by).map_err(EngineError::from)?);
        let finished = Finished::Shared { loader: Arc::clone(&loader), place };
        Ok(Self { engine: loader, finished, batch: Vec::new(), directory })
    }

    /// Writes a row, in the order in which it was copied.
    ///
    /// # Errors
    /// [`RestoreError::UnknownRow`], [`RestoreError::Engine`].
    pub fn write(&mut self, row: CopiedRow) -> Result<(), RestoreError> {
        let CopiedRow { keyspace: tag, key, value } = row;
        let keyspace = Keyspace::from_tag(tag).ok_or(RestoreError::UnknownRow { keyspace: tag })?;
        if key.len() > MAX_KEY_OCTETS || value.as_ref().is_some_and(|value| value.len() > MAX_VALUE_OCTETS) {
            return Err(RestoreError::UnknownRow { keyspace: tag });
        }
        self.batch.push(Write { keyspace, key, value });
        if self.batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// Makes everything durable and declares it a ledger, in recovery, of the installation `id`.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn finish(mut self, id: [u8; 16], now: UnixTime, reason: &str) -> Result<Restored, RestoreError> {
        self.flush()?;
        let (end, epoch) = {
            let view = self.engine.view()?;
            let end = view.row::<TrailRow>(&())?.ok_or(RestoreError::NoTrail)?;
            let before = view.row::<InstallationRow>(&())?;
            (end, before.map_or(0, |row| row.installation.epoch))
        };
        let recovery = Recovery { since: now, reason: reason.to_owned(), reconciled: None };
        let row = InstallationRow { installation: Installation { id, epoch }, recovery: Some(recovery) };
        let write = Write {
            keyspace: InstallationRow::KEYSPACE,
            key: InstallationRow::key(&()),
            value: Some(row.encode()?),
        };
        self.engine.commit(vec![write], Durability::Durable)?;
        drop(self.engine);
        match self.finished {
            Finished::Embedded(kind) => self.directory.finish(kind)?,
            Finished::Shared { loader, place } => {
                loader.declare().map_err(EngineError::from)?;
                node_directory::finish(&self.directory, place)?;
            }
        }
        let TrailRow(trail) = end;
        Ok(Restored { sequence: trail.sequence(), root: trail.peaks().root(), epoch })
    }

    fn flush(&mut self) -> Result<(), RestoreError> {
        let batch = core::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { Ok(self.engine.commit(batch, Durability::ProcessCrash)?) }
    }
}

/// Why no ledger was made.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] CreateDirectoryError),
    /// The engine cannot write.
    #[error("the engine of the ledger failed: {cause}")]
    Engine {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// A row of a keyspace that this version does not know, or longer than any that is written.
    #[error("a row of keyspace {keyspace} is none that this version writes")]
    UnknownRow {
        /// The octet of the keyspace.
        keyspace: u8,
    },
    /// The rows do not say where the audit trail ends.
    #[error("the rows hold no end of an audit trail: they are no whole copy of a ledger")]
    NoTrail,
}

impl From<EngineError> for RestoreError {
    fn from(cause: EngineError) -> Self {
        Self::Engine { cause: cause.into() }
    }
}

impl From<ReadFault> for RestoreError {
    fn from(cause: ReadFault) -> Self {
        Self::Engine { cause: cause.into() }
    }
}

impl From<RowFault> for RestoreError {
    fn from(cause: RowFault) -> Self {
        Self::Engine { cause: cause.into() }
    }
}
