//! The signer's own log: one DER record after the other, each with the hash of the one before it, on disk before a signature
//! leaves.
//!
//! One thread writes; whatever waits for it is written and synced together. A record that was torn off at the end is cut off at
//! the start; whatever else is not as it was written is damage, and nothing is signed.

mod reading;
mod record;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub use reading::{LogFault, LogReader};
pub use record::{Entry, Kind, Record, SIGNED};

/// How many records are synced together at most.
const TOGETHER: usize = 1_024;

/// Where a log stands: how many records it has, and the SHA-256 of the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// How many records.
    pub records: u64,
    /// The SHA-256 of the last; zeros where there is none.
    pub hash: [u8; 32],
}

/// A log that is written.
#[derive(Debug)]
pub struct SignatureLog {
    waiting: SyncSender<Waiting>,
    head: Arc<Mutex<Head>>,
    syncs: Arc<AtomicU64>,
}

/// An entry, and who waits for it.
type Waiting = (Entry, SyncSender<()>);

/// Called once, when the log cannot be written any more.
pub type OnFailure = Box<dyn FnOnce(io::Error) + Send>;

impl SignatureLog {
    /// Opens a log, or begins one in a file of mode 0600; tells `each` of every record that is there, first to last.
    ///
    /// # Errors
    /// [`OpenLogError`].
    pub fn open(path: &Path, mut each: impl FnMut(&Record), failed: OnFailure) -> Result<Self, OpenLogError> {
        let unusable = |cause| OpenLogError::Unusable { path: path.to_owned(), cause };
        let created = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(unusable)?;
        if file.try_lock().is_err() {
            return Err(OpenLogError::InUse { path: path.to_owned() });
        }
        if created {
            sync_directory(path).map_err(unusable)?;
        }
        let mut reader = LogReader::new(BufReader::new(&file));
        let fault = reader.by_ref().find_map(|record| record.map(|record| each(&record)).err());
        match fault {
            None => {}
            Some(LogFault::Torn { at, octets }) => {
                tracing::warn!(
                    at,
                    octets,
                    "signer: the log ends in a record that was never whole; it is cut off"
                );
                file.set_len(at).and_then(|()| file.sync_all()).map_err(unusable)?;
            }
            Some(fault) => return Err(OpenLogError::Damaged { path: path.to_owned(), fault }),
        }
        let head = Arc::new(Mutex::new(reader.head()));
        let (waiting, entries) = mpsc::sync_channel(TOGETHER);
        let (written, syncs) = (Arc::clone(&head), Arc::<AtomicU64>::default());
        let synced = Arc::clone(&syncs);
        let writer = move || {
            if let Err(cause) = write(&file, &entries, (&written, &synced)) {
                tracing::error!(%cause, "signer: the log cannot be written: nothing more is signed");
                failed(cause);
            }
        };
        thread::Builder::new().name("signer-log".into()).spawn(writer).map_err(unusable)?;
        Ok(Self { waiting, head, syncs })
    }

    /// Writes an entry down; when this returns it is on disk.
    ///
    /// # Errors
    /// [`LogEnded`]: no signature may leave.
    pub fn append(&self, entry: Entry) -> Result<(), LogEnded> {
        let (done, is_done) = mpsc::sync_channel(1);
        self.waiting.send((entry, done)).map_err(|_| LogEnded)?;
        is_done.recv().map_err(|_| LogEnded)
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

/// Writes whatever waits, until nobody can write any more.
fn write(
    mut file: &File,
    entries: &Receiver<Waiting>,
    (head, syncs): (&Mutex<Head>, &AtomicU64),
) -> io::Result<()> {
    while let Ok(first) = entries.recv() {
        let together: Vec<Waiting> =
            std::iter::once(first).chain(entries.try_iter()).take(TOGETHER).collect();
        let mut next = *head.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut octets, mut waiting) = (Vec::new(), Vec::with_capacity(together.len()));
        for (entry, done) in together {
            let record = Record { number: next.records + 1, previous: next.hash, entry };
            let der = record.to_der()?;
            next = Head { records: record.number, hash: record::hash(&der) };
            octets.extend_from_slice(&der);
            waiting.push(done);
        }
        file.write_all(&octets)?;
        file.sync_data()?;
        syncs.fetch_add(1, Ordering::Relaxed);
        *head.lock().unwrap_or_else(PoisonError::into_inner) = next;
        for done in waiting {
            if done.send(()).is_err() {
                tracing::debug!("signer: nobody waits any more for a record that was written");
            }
        }
    }
    Ok(())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
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
