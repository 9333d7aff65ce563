//! The engine on fjall 3: one tree for each keyspace, one journal for all of them.
//!
//! A commit appends its batch to the journal, syncs the journal, and only then shows the rows. fdatasync is enough for that:
//! fjall fsyncs a new journal file at its full length and then its directory before it writes there, and a journal that it
//! reopens grows by appending, where fdatasync writes the new length.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use ::fjall::compaction::Leveled;
use ::fjall::{
    Database, Error, KeyspaceCreateOptions, KvSeparationOptions, LsmError, PersistMode, Readable, Slice,
    Snapshot,
};

use journal::{CutError, DamagedJournal};
use manifests::{DamagedManifest, ManifestError};

use super::{
    Durability, Engine, EngineError, KeyValue, NotWritten, OwnTurn, Turn, View, Write, lacks_a_part,
};
use crate::keyspace::Keyspace;

mod journal;
mod manifests;

/// How long the journals may grow, in octets, before the oldest rows must be in tables. Bounds memory and the replay at start.
const JOURNAL_OCTETS: u64 = 128 * 1024 * 1024;

/// How long the rows of a keyspace that are in no table yet may be together, in octets. A start puts them into memory again one
/// by one, with all keyspaces together: at sixteen times as much it took four seconds of a core, and 300 MiB.
const IN_MEMORY_OCTETS: u64 = 4 * 1024 * 1024;

/// How long a table of the CRLs' octets becomes, in octets. While fjall merges, it has every block of the table that it writes in
/// memory, since the index that it gathers points into them: with its usual 64 MiB a long CRL took as much. A ledger that was
/// made before keeps what it was made with.
const CRL_TABLE_OCTETS: u64 = 4 * 1024 * 1024;

/// Values of the certificates' keyspace from this length on are kept apart from their keys, so that merging moves keys only.
const SEPARATED_FROM_OCTETS: u32 = 256;

/// The file that fjall writes last when it makes a database.
const MARKER: &str = "version";

/// A ledger's rows in fjall.
pub(super) struct FjallEngine {
    trees: BTreeMap<Keyspace, ::fjall::Keyspace>,
    database: Database,
}

impl FjallEngine {
    /// Makes the database and its keyspaces in an empty directory.
    pub(super) fn create(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        Self::start(directory, cache_octets)
    }

    /// Opens a database that exists.
    pub(super) fn open(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        if !directory.join(MARKER).is_file() {
            return Err(EngineError { doing: "opening fjall", cause: "its files are missing".into() });
        }
        journal::cut_torn_end(directory).map_err(|cause| EngineError {
            doing: "reading the journal of fjall",
            cause: match cause {
                CutError::Damaged(cause) => cause.into(),
                CutError::Io(cause) => Error::Io(cause).into(),
            },
        })?;
        manifests::check(directory).map_err(|cause| EngineError {
            doing: "reading which tables fjall has",
            cause: match cause {
                ManifestError::Damaged(cause) => cause.into(),
                ManifestError::Io(cause) => Error::Io(cause).into(),
            },
        })?;
        Self::start(directory, cache_octets)
    }

    fn start(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        let database = Database::builder(directory)
            .cache_size(cache_octets)
            .max_journaling_size(JOURNAL_OCTETS)
            .open()
            .map_err(EngineError::doing("opening fjall"))?;
        let trees = Keyspace::ALL
            .into_iter()
            .map(|keyspace| {
                let tree = database.keyspace(keyspace.name(), || options(keyspace))?;
                Ok((keyspace, tree))
            })
            .collect::<Result<_, ::fjall::Error>>()
            .map_err(EngineError::doing("opening a keyspace of fjall"))?;
        let engine = Self { trees, database };
        match engine.tree(Keyspace::Audit)?.id() {
            journal::AUDIT => Ok(engine),
            _ => Err(EngineError {
                doing: "opening fjall",
                cause: "the ledger was not made by this program".into(),
            }),
        }
    }

    fn tree(&self, keyspace: Keyspace) -> Result<&::fjall::Keyspace, EngineError> {
        self.trees.get(&keyspace).ok_or_else(|| EngineError {
            doing: "looking for a keyspace of fjall",
            cause: keyspace.name().into(),
        })
    }
}

/// Tells whether fjall says that its files are damaged: whatever is neither the operating system's fault nor a lost lock.
pub(super) fn tells_of_damage(cause: &(dyn core::error::Error + 'static)) -> bool {
    cause.is::<DamagedJournal>()
        || cause.is::<DamagedManifest>()
        || cause.downcast_ref().is_some_and(|cause| match cause {
            Error::Io(cause) | Error::Storage(LsmError::Io(cause)) => lacks_a_part(cause),
            Error::Storage(_)
            | Error::JournalRecovery(_)
            | Error::InvalidVersion(_)
            | Error::Decompress(_)
            | Error::InvalidTrailer
            | Error::InvalidTag(_)
            | Error::Unrecoverable => true,
            Error::Poisoned | Error::KeyspaceDeleted | Error::Locked | _ => false,
        })
}

fn options(keyspace: Keyspace) -> KeyspaceCreateOptions {
    let separation = (keyspace == Keyspace::Certificates)
        .then(|| KvSeparationOptions::default().separation_threshold(SEPARATED_FROM_OCTETS));
    let options =
        KeyspaceCreateOptions::default().max_memtable_size(IN_MEMORY_OCTETS).with_kv_separation(separation);
    if keyspace == Keyspace::CrlOctets {
        let tables = Leveled::default().with_table_target_size(CRL_TABLE_OCTETS);
        return options.compaction_strategy(Arc::new(tables));
    }
    options
}

impl Engine for FjallEngine {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        Ok(Box::new(FjallView { engine: self, snapshot: self.database.snapshot() }))
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        OwnTurn::take(self.view(), |batch, durability| self.write(batch, durability))
    }

    fn writes_at_once(&self) -> bool {
        true
    }
}

impl FjallEngine {
    fn write(&self, writes: Vec<Write>, durability: Durability) -> Result<(), EngineError> {
        let mode = match durability {
            Durability::ProcessCrash => PersistMode::Buffer,
            Durability::Durable => PersistMode::SyncData,
        };
        let mut batch = self.database.batch().durability(Some(mode));
        for Write { keyspace, key, value } in writes {
            let tree = self.tree(keyspace)?;
            match value {
                Some(value) => batch.insert(tree, key, value),
                None => batch.remove(tree, key),
            }
        }
        batch.commit().map_err(EngineError::doing("committing to fjall"))
    }
}

/// A snapshot over all keyspaces.
struct FjallView<'e> {
    engine: &'e FjallEngine,
    snapshot: Snapshot,
}

impl View for FjallView<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.snapshot
            .get(self.engine.tree(keyspace)?, key)
            .map(|value| value.map(|slice| slice.to_vec()))
            .map_err(EngineError::doing("reading a row of fjall"))
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        let tree = self.engine.tree(keyspace)?;
        let start =
            if after.is_empty() || after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        let mut rows = Vec::new();
        for guard in self.snapshot.range::<&[u8], _>(tree, (start, Bound::Unbounded)).take(limit) {
            let (key, value): (Slice, Slice) =
                guard.into_inner().map_err(EngineError::doing("listing rows of fjall"))?;
            if !key.starts_with(prefix) {
                break;
            }
            rows.push((key.to_vec(), value.to_vec()));
        }
        Ok(rows)
    }
}
