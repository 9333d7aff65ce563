//! The ordered key-value port that the ledger is written on, and what an engine must promise.
//!
//! Not a general database interface: one writer at a time, batches, short views. An engine is one file or one folder; nothing
//! outside this module knows which is in use.

use core::error::Error;
use core::fmt;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;

use crate::keyspace::Keyspace;

mod fjall;
pub(crate) mod postgres;
mod sled;

/// Which engine keeps a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// fjall: a log-structured merge tree. The default.
    Fjall,
    /// sled 0.34: a page cache over a log, always with an fsync of our own.
    Sled,
    /// A PostgreSQL database, which several nodes share.
    Postgres,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::Fjall, Self::Sled, Self::Postgres];

    /// The engines that keep a ledger in a directory of one process.
    pub const EMBEDDED: [Self; 2] = [Self::Fjall, Self::Sled];

    /// Returns the word that configuration files and the directory's marker use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
            Self::Postgres => "postgres",
        }
    }

    /// Returns the engine of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a batch survives once its commit has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// The death of this process; perhaps not a power cut.
    ProcessCrash,
    /// A power cut.
    Durable,
}

/// The longest value in octets that may be written.
///
/// sled moves a tree node of more than 131,052 octets out of its log into a file that it never syncs. A node holds at most 16
/// rows and ten more while it is being split, so this length, with keys of up to 64 octets, keeps every node in the log.
pub(crate) const MAX_VALUE_OCTETS: usize = 4_864;

/// One row to be written, or to be removed when there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) keyspace: Keyspace,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// A row that will be read.
pub(crate) type WantedKey = (Keyspace, Vec<u8>);

/// A key and its value.
pub(crate) type KeyValue = (Vec<u8>, Vec<u8>);

/// Keeps rows in order. A batch is on disk as a whole or not at all, and no view shows it before it is on disk.
pub(crate) trait Engine: Send + Sync {
    /// Opens a view of one point in time. Views are short: an engine may hold commits back while one is open.
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError>;

    /// Takes the turn to write. Nobody else writes, here or on another node, until it is given back.
    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten>;

    /// Hears that nothing more is asked: whatever waits is given up.
    fn close(&self) {}

    /// Tells whether a batch that survives the death of this process alone is written without a sync, and so at once.
    fn writes_at_once(&self) -> bool {
        false
    }

    /// Tells how often another server took over the writes. What was read before may not be there any more.
    fn moves(&self) -> u64 {
        0
    }

    /// Returns the engine that several nodes share, if this is one.
    fn shared(&self) -> Option<&postgres::PostgresEngine> {
        None
    }

    /// Writes a batch that depends on nothing that it would have to read in its turn.
    fn commit(&self, batch: Vec<Write>, durability: Durability) -> Result<(), EngineError> {
        Ok(self.turn()?.commit(batch, durability)?)
    }
}

/// The turn to write. Dropping it gives it back with nothing written.
pub(crate) trait Turn {
    /// What is on disk. It stays so until the turn is over.
    fn view(&self) -> &dyn View;

    /// Under which token this process writes, where several do.
    fn token(&self) -> Option<u64> {
        None
    }

    /// Reads rows at once that will be read one by one, where that is sooner.
    fn fetch(&self, _: Vec<WantedKey>) -> Result<(), EngineError> {
        Ok(())
    }

    /// How many questions were asked one by one so far, where each is a journey to a database.
    fn read_alone(&self) -> u64 {
        0
    }

    /// Writes a batch and gives the turn back.
    fn commit(self: Box<Self>, batch: Vec<Write>, durability: Durability) -> Result<(), NotWritten>;
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotWritten {
    /// Nothing of it is on disk and nothing ever will be: whoever asked may ask again.
    #[error(transparent)]
    Nothing(EngineError),
    /// Nobody knows what is on disk, so that nothing more may be asked of the engine.
    #[error(transparent)]
    Unknown(EngineError),
}

impl From<NotWritten> for EngineError {
    fn from((NotWritten::Nothing(cause) | NotWritten::Unknown(cause)): NotWritten) -> Self {
        cause
    }
}

/// The turn to write of an engine that has one writer in one process: it always has the turn.
struct OwnTurn<'e, W> {
    view: Box<dyn View + 'e>,
    write: W,
}

impl<'e, W: FnOnce(Vec<Write>, Durability) -> Result<(), EngineError> + 'e> OwnTurn<'e, W> {
    /// Takes the turn on a view; `write` is called when that is closed.
    fn take(
        view: Result<Box<dyn View + 'e>, EngineError>,
        write: W,
    ) -> Result<Box<dyn Turn + 'e>, NotWritten> {
        let view = view.map_err(NotWritten::Unknown)?;
        Ok(Box::new(Self { view, write }))
    }
}

impl<W: FnOnce(Vec<Write>, Durability) -> Result<(), EngineError>> Turn for OwnTurn<'_, W> {
    fn view(&self) -> &dyn View {
        &*self.view
    }

    fn commit(self: Box<Self>, batch: Vec<Write>, durability: Durability) -> Result<(), NotWritten> {
        let Self { view, write } = *self;
        drop(view);
        write(batch, durability).map_err(NotWritten::Unknown)
    }
}

/// The rows of one point in time.
pub(crate) trait View {
    /// Returns the value of a key.
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// Tells whether a row, or its absence, is at hand already.
    fn has_read(&self, _: Keyspace, _: &[u8]) -> bool {
        false
    }

    /// Lists rows in the order of their keys: those that start with `prefix` and are greater than `after`, at most `limit`.
    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError>;
}

/// How an engine is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EngineSetup {
    pub(crate) kind: EngineKind,
    /// Memory for pages or blocks that were read, in octets.
    pub(crate) cache_octets: u64,
}

/// Makes an engine's files in a directory that exists and is empty.
pub(crate) fn create(setup: EngineSetup, directory: &Path) -> Result<Box<dyn Engine>, EngineError> {
    match setup.kind {
        EngineKind::Postgres => Err(EngineError { doing: ELSEWHERE, cause: NoDirectory.into() }),
        EngineKind::Fjall => Ok(Box::new(fjall::FjallEngine::create(directory, setup.cache_octets)?)),
        EngineKind::Sled => Ok(Box::new(sled::SledEngine::create(directory, setup.cache_octets)?)),
    }
}

/// Opens an engine's files. Never makes any: files that are missing are an error.
///
/// Both engines panic over some damage that their checksums do not cover; that is an error like any other.
pub(crate) fn open(setup: EngineSetup, directory: &Path) -> Result<Box<dyn Engine>, EngineError> {
    let opened = catch_unwind(|| -> Result<Box<dyn Engine>, EngineError> {
        match setup.kind {
            EngineKind::Postgres => Err(EngineError { doing: ELSEWHERE, cause: NoDirectory.into() }),
            EngineKind::Fjall => Ok(Box::new(fjall::FjallEngine::open(directory, setup.cache_octets)?)),
            EngineKind::Sled => Ok(Box::new(sled::SledEngine::open(directory, setup.cache_octets)?)),
        }
    });
    opened.unwrap_or_else(|_| Err(EngineError { doing: "opening the files", cause: Box::new(Panicked) }))
}

/// Tells whether the operating system did what it was asked, and a file is not there or not whole.
fn lacks_a_part(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
    )
}

const ELSEWHERE: &str = "looking for the files";

/// A ledger in a database has no files here.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is in a database, whose address is needed")]
struct NoDirectory;

/// An engine panicked over its files.
#[derive(Debug, thiserror::Error)]
#[error("the engine panicked over them")]
struct Panicked;

/// An engine could not do something.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {cause}")]
pub(crate) struct EngineError {
    /// What it was about to do.
    pub(crate) doing: &'static str,
    /// What it says.
    #[source]
    pub(crate) cause: Box<dyn Error + Send + Sync>,
}

impl EngineError {
    /// Makes the function that puts an engine's own error into ours.
    pub(crate) fn doing<E: Into<Box<dyn Error + Send + Sync>>>(
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |cause| Self { doing, cause: cause.into() }
    }

    /// Tells whether a database cannot be reached.
    pub(crate) fn tells_of_absence(&self) -> bool {
        postgres::tells_of_absence(&*self.cause)
    }

    /// Tells whether the engine's files are damaged, as far as the engine can tell.
    pub(crate) fn tells_of_damage(&self) -> bool {
        self.cause.is::<Panicked>()
            || fjall::tells_of_damage(&*self.cause)
            || sled::tells_of_damage(&*self.cause)
    }
}
