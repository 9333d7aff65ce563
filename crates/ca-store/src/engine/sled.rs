//! The engine on sled 0.34.7: one tree, each key with its keyspace's octet in front, so that a batch is atomic.
//!
//! sled's flush is `sync_file_range`, which promises nothing at a power cut: every commit here is followed by an fsync of
//! our own. sled buffers in this process, so what need only survive a kill is written just as durably. sled shows a batch
//! before it is on disk, so a view waits for the commit that is under way.
//!
//! Three faults of sled are mended here. It may sleep for ever over a write that failed: see [`waker`]. It takes a snapshot that it had not finished writing for a finished one, and then never
//! opens again. And it renames a new snapshot into place without syncing the directory, but at once writes over segments of
//! the log that only the snapshot before needs: a power cut that took the rename took the ledger.

mod waker;

use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{RwLock, RwLockReadGuard};
use std::thread;
use std::time::Duration;

use ::sled::{Batch, Config, Db, Error, Mode};

use super::{Engine, EngineError, KeyValue, NotWritten, OwnTurn, Turn, View, Write, lacks_a_part};
use crate::keyspace::Keyspace;

use self::waker::Waker;

/// The file that holds sled's log.
const LOG: &str = "db";

/// How often, and how far apart, a closing engine looks whether sled's threads have let go of the log: for five seconds.
const CLOSING: (u32, Duration) = (1_000, Duration::from_millis(5));

/// A ledger's rows in sled.
pub(super) struct SledEngine {
    // In the order in which they must go.
    waker: Waker,
    database: Db,
    log: Log,
    condition: RwLock<Condition>,
}

/// The file of the log, for syncing it.
struct Log(File);

impl Drop for Log {
    /// Waits for the threads of sled that keep the log, and its lock, a moment longer than the database: whoever opens the
    /// ledger next in this process must not meet them.
    fn drop(&mut self) {
        let (times, pause) = CLOSING;
        for _ in 0..times {
            if self.0.try_lock().is_ok() {
                return;
            }
            thread::park_timeout(pause);
        }
    }
}

/// Whether memory and disk can be trusted to agree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Sound,
    /// A commit failed: memory may show what the disk does not hold.
    Failed,
}

impl SledEngine {
    /// Makes the database in an empty directory.
    pub(super) fn create(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        Self::start(directory, cache_octets)
    }

    /// Opens a database that exists.
    pub(super) fn open(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        if !directory.join(LOG).is_file() {
            return Err(EngineError { doing: "opening sled", cause: "its files are missing".into() });
        }
        Self::start(directory, cache_octets)
    }

    fn start(directory: &Path, cache_octets: u64) -> Result<Self, EngineError> {
        remove_unfinished_snapshots(directory).map_err(EngineError::doing("opening sled"))?;
        let database = Config::new()
            .path(directory)
            .cache_capacity(cache_octets)
            .mode(Mode::HighThroughput)
            .flush_every_ms(None)
            .open()
            .map_err(EngineError::doing("opening sled"))?;
        sync_names(directory).map_err(EngineError::doing("syncing the directory of sled"))?;
        let log = File::open(directory.join(LOG)).map_err(EngineError::doing("opening the log of sled"))?;
        let waker = Waker::start(&database).map_err(EngineError::doing("starting a thread for sled"))?;
        Ok(Self { waker, database, log: Log(log), condition: RwLock::new(Condition::Sound) })
    }

    fn append(&self, writes: Vec<Write>) -> Result<(), EngineError> {
        let mut batch = Batch::default();
        for Write { keyspace, key, value } in writes {
            let key = tagged(keyspace, &key);
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.database.apply_batch(batch).map_err(EngineError::doing("committing to sled"))?;
        self.waker.flush(&self.database).map_err(EngineError::doing("flushing sled"))?;
        self.log.0.sync_all().map_err(EngineError::doing("syncing the log of sled"))
    }
}

/// Removes snapshots that sled was killed over: it writes them under this name, and renames them when they are whole. A
/// snapshot only shortens the reading of the log.
fn remove_unfinished_snapshots(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Makes the names in the directory durable: the snapshot that sled takes whenever it opens, and never later, is in its place
/// before the first commit can make durable what sled wrote over.
fn sync_names(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Tells whether sled says that its files are damaged.
pub(super) fn tells_of_damage(cause: &(dyn core::error::Error + 'static)) -> bool {
    cause.downcast_ref().is_some_and(|cause| match cause {
        Error::Io(cause) => lacks_a_part(cause),
        Error::Corruption { .. } | Error::ReportableBug(_) => true,
        Error::CollectionNotFound(_) | Error::Unsupported(_) => false,
    })
}

fn tagged(keyspace: Keyspace, key: &[u8]) -> Vec<u8> {
    let mut tagged = Vec::with_capacity(key.len() + 1);
    tagged.push(keyspace.tag());
    tagged.extend_from_slice(key);
    tagged
}

impl Engine for SledEngine {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        match self.condition.read() {
            Ok(condition) if *condition == Condition::Sound => {
                Ok(Box::new(SledView { engine: self, _no_commit: condition }))
            }
            Ok(_) | Err(_) => {
                Err(EngineError { doing: "reading sled", cause: "a commit failed before".into() })
            }
        }
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        OwnTurn::take(self.view(), |batch, _| self.write(batch))
    }
}

impl SledEngine {
    fn write(&self, writes: Vec<Write>) -> Result<(), EngineError> {
        match self.condition.write() {
            Ok(mut condition) if *condition == Condition::Sound => {
                *condition = Condition::Failed;
                self.append(writes)?;
                *condition = Condition::Sound;
                Ok(())
            }
            Ok(_) | Err(_) => {
                Err(EngineError { doing: "committing to sled", cause: "a commit failed before".into() })
            }
        }
    }
}

/// The tree while no commit is under way.
struct SledView<'e> {
    engine: &'e SledEngine,
    _no_commit: RwLockReadGuard<'e, Condition>,
}

impl View for SledView<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.engine
            .database
            .get(tagged(keyspace, key))
            .map(|value| value.map(|octets| octets.to_vec()))
            .map_err(EngineError::doing("reading a row of sled"))
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        let start = if after.is_empty() || after < prefix {
            Bound::Included(tagged(keyspace, prefix))
        } else {
            Bound::Excluded(tagged(keyspace, after))
        };
        let prefix = tagged(keyspace, prefix);
        let mut rows = Vec::new();
        for row in self.engine.database.range::<Vec<u8>, _>((start, Bound::Unbounded)).take(limit) {
            let (key, value) = row.map_err(EngineError::doing("listing rows of sled"))?;
            if !key.starts_with(&prefix) {
                break;
            }
            rows.push((key.iter().skip(1).copied().collect(), value.to_vec()));
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Durability;

    #[test]
    fn after_an_fsync_that_failed_nothing_is_shown_or_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut engine = SledEngine::create(directory.path(), 1 << 20).unwrap();
        let write =
            |key: &[u8]| vec![Write { keyspace: Keyspace::Keys, key: key.to_vec(), value: Some(vec![1]) }];
        engine.commit(write(b"before"), Durability::Durable).unwrap();
        // A file that cannot be synced stands in for the log.
        let log = std::mem::replace(&mut engine.log.0, File::open("/dev/null").unwrap());
        assert!(engine.commit(write(b"lost"), Durability::Durable).is_err());
        engine.log.0 = log;
        assert!(engine.view().is_err());
        assert!(engine.commit(write(b"after"), Durability::Durable).is_err());
    }
}
