//! The ordered key-value port that the ledger is written on, and what an engine must promise.
//!
//! Not a general database interface: one writer, batches, short views. An engine is one file; nothing outside this module
//! knows which is in use.

use core::error::Error;
use core::fmt;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;

use crate::keyspace::Keyspace;

mod fjall;
mod sled;

/// Which embedded engine keeps a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// fjall: a log-structured merge tree. The default.
    Fjall,
    /// sled 0.34: a page cache over a log, always with an fsync of our own.
    Sled,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 2] = [Self::Fjall, Self::Sled];

    /// Returns the word that configuration files and the directory's marker use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
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

/// A key and its value.
pub(crate) type KeyValue = (Vec<u8>, Vec<u8>);

/// Keeps rows in order. A batch is on disk as a whole or not at all, and no view shows it before it is on disk.
pub(crate) trait Engine: Send + Sync {
    /// Opens a view of one point in time. Views are short: an engine may hold commits back while one is open.
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError>;

    /// Writes a batch. After an error nothing more may be asked of the engine: what is on disk is unknown.
    fn commit(&self, batch: Vec<Write>, durability: Durability) -> Result<(), EngineError>;
}

/// The rows of one point in time.
pub(crate) trait View {
    /// Returns the value of a key.
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

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

    /// Tells whether the engine's files are damaged, as far as the engine can tell.
    pub(crate) fn tells_of_damage(&self) -> bool {
        self.cause.is::<Panicked>()
            || fjall::tells_of_damage(&*self.cause)
            || sled::tells_of_damage(&*self.cause)
    }
}
