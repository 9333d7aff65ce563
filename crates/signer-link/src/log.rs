//! The signer's own log: one DER record after the other, each with the hash of the one before it, on disk before a signature
//! leaves; in segments, of which only the last is written and read at a start.
//!
//! Whoever finds nobody writing writes for all who wait, and syncs once. A record that was torn off at the end is cut off at
//! the start; whatever else is not as it was written is damage, and nothing is signed.

mod gathering;
mod writing;
mod segments;
mod recollection;
mod reading;
mod record;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use gathering::{Gathering, Turn};
pub use reading::{LogFault, LogReader};
pub use recollection::{KeyRecollection, Recollection};
pub use record::{BEGUN, CARRIED, Entry, Kind, Record, SIGNED};
pub use segments::{LogPlan, SegmentBounds, SegmentsFault, read_segments};
use writing::Writer;

/// Where a log stands: how many records it has, and the SHA-256 of the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// How many records.
    pub records: u64,
    /// The SHA-256 of the last; zeros where there is none.
    pub hash: [u8; 32],
}

/// A log that is written.
pub struct SignatureLog {
    gathering: Gathering<Entry>,
    writer: Mutex<Writer>,
    head: Mutex<Head>,
    syncs: AtomicU64,
    failed: Mutex<Option<OnFailure>>,
}

/// Called once, when the log cannot be written any more.
pub type OnFailure = Box<dyn FnOnce(io::Error) + Send>;

impl SignatureLog {
    /// Opens a log, or begins one in a file of mode 0600; returns what it says of the keys.
    ///
    /// # Errors
    /// [`OpenLogError`].
    pub fn open(plan: LogPlan, failed: OnFailure) -> Result<(Self, Recollection), OpenLogError> {
        let writer = Writer::open(plan)?;
        let recollection = writer.recollection().clone();
        let log = Self {
            gathering: Gathering::default(),
            head: Mutex::new(writer.head()),
            writer: Mutex::new(writer),
            syncs: AtomicU64::new(0),
            failed: Mutex::new(Some(failed)),
        };
        Ok((log, recollection))
    }

    /// Writes an entry down; when this returns it is on disk.
    ///
    /// # Errors
    /// [`LogEnded`]: no signature may leave.
    pub fn append(&self, entry: Entry) -> Result<(), LogEnded> {
        match self.gathering.join(entry) {
            Turn::Written => Ok(()),
            Turn::Ended => Err(LogEnded),
            Turn::Writes(turn) => {
                // Nobody writes beside whoever has the turn.
                let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                let (entries, turn) = turn.close();
                self.write(&mut writer, entries).map_err(|cause| self.end(cause))?;
                let turn = turn.written();
                writer.turn_over().map_err(|cause| self.end(cause))?;
                *self.head.lock().unwrap_or_else(PoisonError::into_inner) = writer.head();
                drop(writer);
                turn.pass_on();
                Ok(())
            }
        }
    }

    fn write(&self, writer: &mut Writer, entries: Vec<Entry>) -> io::Result<()> {
        writer.write(entries)?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = writer.head();
        Ok(())
    }

    /// Whoever has the turn drops it, which ends the log for all.
    fn end(&self, cause: io::Error) -> LogEnded {
        tracing::error!(%cause, "signer: the log cannot be written: nothing more is signed");
        if let Some(failed) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            failed(cause);
        }
        LogEnded
    }

    /// Returns how often it was synced since it was opened: each time for all that waited.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Returns where the log stands.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for SignatureLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SignatureLog").field("head", &self.head()).finish_non_exhaustive()
    }
}

/// The log cannot be written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signer's log cannot be written any more")]
pub struct LogEnded;

/// Why a log is not written.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// Another process writes it.
    #[error("{} is in use: another signer writes it", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is not as it was written.
    #[error("{} is damaged: {fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: LogFault,
    },
    /// The system refuses.
    #[error("{}: {cause}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

#[cfg(test)]
mod tests;
