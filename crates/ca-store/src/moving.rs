//! Moving a ledger out of its directory into a database, where several nodes share it.
//!
//! The last record of the old ledger says that it is moved, and from then on no program serves it. Rows are loaded keyspace by
//! keyspace in the order of their keys, so that a move that was interrupted goes on behind the last one. Nobody joins the new
//! ledger before every row was counted, and the whole audit trail was walked over where it now is.

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::audit::AuditEvent;

use crate::audit_walk::{AuditFault, AuditWalk};
use crate::directory::{Directory, MarkerError, OpenDirectoryError};
use crate::engine::postgres::{Database, Loader, NodeFault};
use crate::engine::{self, Durability, Engine, EngineError, EngineKind, EngineSetup, Write};
use crate::keyspace::Keyspace;
use crate::store::{OpenError, Opening, Settings, Store};

/// How many rows are loaded at a time.
const BATCH: usize = 2_000;

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records (RFC 9162 §2.1).
    pub root: [u8; 32],
    /// How many rows each keyspace has, here and there.
    pub rows: BTreeMap<&'static str, u64>,
    /// How many rows this attempt loaded; the others were there from an attempt before.
    pub loaded: u64,
}

/// Moves the ledger of a directory into a database that holds none. `told` hears of each batch: its keyspace, and how many rows of
/// it were loaded.
///
/// `event` is the last record of the old ledger; an attempt that goes on adds none.
///
/// # Errors
/// [`MoveError`]; the next attempt goes on where this one ended.
pub fn move_to(
    directory: &Path,
    (database, by): (&Database, &str),
    (opening, event): (&Opening, AuditEvent),
    mut told: impl FnMut(&'static str, u64),
) -> Result<Moved, MoveError> {
    let loader = Loader::begin(database, by)?;
    if !Directory::is_moved(directory) {
        // Ends what was left open, as every start does.
        let (store, _) = Store::open(directory, opening, Settings::new(Box::new(|_| ())))?;
        store
            .write("move", Durability::Durable, |tx| tx.seal(event).map(drop))
            .map_err(|cause| MoveError::Record { cause: cause.cause })?;
        drop(store);
    }
    let (directory, kind) = Directory::open_moved(directory)?;
    if kind == EngineKind::Postgres {
        return Err(MoveError::NotEmbedded);
    }
    directory.declare_moved()?;
    let setup = EngineSetup { kind, cache_octets: 64 * 1024 * 1024 };
    let source = engine::open(setup, &directory.engine_path())?;
    let mut moved = Moved { sequence: 0, root: [0; 32], rows: BTreeMap::new(), loaded: 0 };
    for keyspace in Keyspace::ALL {
        let (rows, loaded) = load(&*source, &loader, keyspace, &mut told)?;
        moved.rows.insert(keyspace.name(), rows);
        moved.loaded = moved.loaded.saturating_add(loaded);
    }
    check(&*source, &loader, &mut moved)?;
    loader.analyze()?;
    loader.declare()?;
    Ok(moved)
}

/// Loads a keyspace from behind its last loaded key; returns how many rows it has, and how many were loaded now.
fn load(
    source: &dyn Engine,
    loader: &Loader,
    keyspace: Keyspace,
    told: &mut impl FnMut(&'static str, u64),
) -> Result<(u64, u64), MoveError> {
    let loaded_up_to = loader.last_key(keyspace)?;
    let (mut rows, mut loaded) = (0_u64, 0_u64);
    let mut after = Vec::new();
    loop {
        let page = source.view()?.rows_after(keyspace, &[], &after, BATCH)?;
        let Some((last, _)) = page.last() else { return Ok((rows, loaded)) };
        after.clone_from(last);
        rows = rows.saturating_add(u64::try_from(page.len()).unwrap_or_default());
        let batch: Vec<Write> = page
            .into_iter()
            .filter(|(key, _)| loaded_up_to.as_ref().is_none_or(|last| key > last))
            .map(|(key, value)| Write { keyspace, key, value: Some(value) })
            .collect();
        if !batch.is_empty() {
            let count = u64::try_from(batch.len()).unwrap_or_default();
            loader.commit(batch, Durability::Durable)?;
            loaded = loaded.saturating_add(count);
            told(keyspace.name(), loaded);
        }
    }
}

/// Counts the rows where they now are, and walks over the whole audit trail there.
fn check(source: &dyn Engine, loader: &Loader, moved: &mut Moved) -> Result<(), MoveError> {
    for keyspace in Keyspace::ALL {
        let expected = moved.rows.get(keyspace.name()).copied().unwrap_or_default();
        let found = loader.count(keyspace)?;
        if found != expected {
            return Err(MoveError::Counts { keyspace: keyspace.name(), expected, found });
        }
    }
    let before = AuditWalk::over_last(source, 1)?.finish()?;
    let trail = AuditWalk::over_all(loader)?.finish()?;
    if trail.sequence() != before.sequence() || trail.head() != before.head() {
        return Err(MoveError::Trail { expected: before.sequence(), found: trail.sequence() });
    }
    (moved.sequence, moved.root) = (trail.sequence(), trail.peaks().root());
    Ok(())
}

/// Why a ledger was not moved, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its directory cannot be used.
    #[error(transparent)]
    Directory(#[from] OpenDirectoryError),
    /// It cannot be declared moved.
    #[error("{cause}")]
    Marker {
        /// Why.
        cause: String,
    },
    /// It is in a database already.
    #[error("the directory is a node's: its ledger is in a database already")]
    NotEmbedded,
    /// The move cannot be put on record.
    #[error("the move cannot be put on record: {cause}")]
    Record {
        /// Why.
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The database does not take it.
    #[error(transparent)]
    Database(#[from] NodeFault),
    /// Rows cannot be read or written.
    #[error("{cause}")]
    Rows {
        /// What the engine says.
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// Not every row arrived, or there were others.
    #[error(
        "the keyspace {keyspace} has {expected} rows here and {found} in the database: make the database empty and begin again"
    )]
    Counts {
        /// Which keyspace.
        keyspace: &'static str,
        /// How many there are here.
        expected: u64,
        /// How many there are there.
        found: u64,
    },
    /// The audit trail is not the same.
    #[error(
        "the audit trail ends at record {expected} here and at {found} in the database, or with another record: make the database empty and begin again"
    )]
    Trail {
        /// The last one here.
        expected: u64,
        /// The last one there.
        found: u64,
    },
    /// The audit trail is not intact.
    #[error("the audit trail is not intact: {0}")]
    Audit(#[from] AuditFault),
}

impl From<MarkerError> for MoveError {
    fn from(error: MarkerError) -> Self {
        Self::Marker { cause: error.to_string() }
    }
}

impl From<EngineError> for MoveError {
    fn from(cause: EngineError) -> Self {
        Self::Rows { cause: cause.into() }
    }
}
