//! The ledger of the ceremony: a directory of numbered text files, one for each durable step.
//!
//! A file is written whole, synced, read back and never touched again; it holds the step and its audit records, so that no
//! power cut leaves one without the other. The files form a hash chain, the audit records another inside it. One process at
//! a time; no database. Intents that a power cut left open are settled before anything new is recorded.

mod book;
mod entry;
mod page;
mod ports;
mod shelf;
#[cfg(test)]
mod tests;
mod wire;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Unavailable;
use ca_core::record::{CertificateStatus, RevokedEntry, Settlement, StoredCertificate};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use crate::explain::{Exit, Explained};
use crate::new_file::{self, NewFileError};
use book::{Book, Row};
pub use book::{BrokenBook, Destruction};
pub use entry::KeptCrl;
use entry::{Entry, SettledRow, Step};
pub use page::{ReadPageError, WritePageError};
pub use shelf::ReadLedgerError;
pub use wire::DecodeEntryError;

/// The ledger in a directory.
#[derive(Debug)]
pub struct FileLedger {
    path: PathBuf,
    state: Mutex<State>,
    /// Locked as long as the ledger is open.
    _lock: File,
}

#[derive(Debug)]
struct State {
    book: Book,
    /// Set when a file could not be written: what is on disk is then not known, and nothing more is recorded.
    failed: bool,
}

impl FileLedger {
    /// Makes an empty ledger in a new directory.
    ///
    /// # Errors
    /// [`OpenLedgerError`].
    pub fn create(path: &Path) -> Result<Self, OpenLedgerError> {
        new_file::directory(path)?;
        Ok(Self::with(path, Book::EMPTY, lock(path, Sharing::Alone)?))
    }

    /// Opens a ledger. Nothing can be recorded in it before it is settled.
    ///
    /// # Errors
    /// [`OpenLedgerError`].
    pub fn open(path: &Path) -> Result<UnsettledLedger, OpenLedgerError> {
        let lock = lock(path, Sharing::Alone)?;
        Ok(UnsettledLedger { ledger: Self::with(path, shelf::read(path)?, lock), nothing_signed: false })
    }

    /// Opens a ledger to look at it; nothing is written.
    ///
    /// # Errors
    /// [`OpenLedgerError`].
    pub fn inspect(path: &Path) -> Result<InspectedLedger, OpenLedgerError> {
        let _lock = lock(path, Sharing::WithReaders)?;
        let mut crls = Vec::new();
        let mut book = Book::EMPTY;
        for entry in shelf::entries(path)? {
            let (entry, der) = entry?;
            shelf::add(&mut book, &entry, &der)?;
            if let Step::Crl(crl) = entry.step {
                let revoked = book.rows().filter_map(|row| ports::revoked_entry(&row.stored)).collect();
                crls.push(InspectedCrl { crl, revoked });
            }
        }
        Ok(InspectedLedger {
            entries: book.next_number().saturating_sub(1),
            records: book.trail().sequence(),
            head: *book.trail().head(),
            registered_digest: book.registered().map(<[u8]>::to_vec),
            shares_digest: book.shares().map(<[u8]>::to_vec),
            destruction: book.destruction(),
            open_intents: book.rows().filter(|row| row.stored.status == CertificateStatus::Pending).count(),
            certificates: book.rows().map(|row| row.stored.clone()).collect(),
            crls,
        })
    }

    /// Returns the digest in the last record that shares were dealt: that of the description of the set in force.
    #[must_use]
    pub fn shares_digest(&self) -> Option<Vec<u8>> {
        self.state().book.shares().map(<[u8]>::to_vec)
    }

    /// Returns the numbers and times of the CRLs of a key that speak from a time after `now`: what was signed ahead.
    #[must_use]
    pub fn crls_ahead(&self, issuer: &KeyRef, now: UnixTime) -> Vec<(u64, UnixTime)> {
        let state = self.state();
        let crls = state.book.crls(issuer).iter().map(|crl| (crl.number, crl.this_update));
        crls.filter(|(_, this_update)| *this_update > now).collect()
    }

    /// Returns the CRL of a key that is in force: of those that speak of `now` or before the one with the highest number.
    #[must_use]
    pub fn crl_in_force(&self, issuer: &KeyRef, now: UnixTime) -> Option<KeptCrl> {
        self.state().book.crls(issuer).iter().rev().find(|crl| crl.this_update <= now).cloned()
    }

    /// Returns when the latest CRL of a key was signed; 1970 before the first.
    #[must_use]
    pub fn crl_signed_at(&self, issuer: &KeyRef) -> UnixTime {
        self.state().book.crl_signed_at(issuer)
    }

    /// Tells whether a sub-CA was closed.
    #[must_use]
    pub fn is_closed(&self, serial: &SerialNumber) -> bool {
        self.state().book.is_closed(serial)
    }

    fn with(path: &Path, book: Book, lock: File) -> Self {
        let state = Mutex::new(State { book, failed: false });
        Self { path: path.to_owned(), state, _lock: lock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic between two assignments is not possible in `write`, the one place that changes the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A ledger that was opened, and in which a power cut may have left intents open. It can be looked at.
#[derive(Debug)]
pub struct UnsettledLedger {
    ledger: FileLedger,
    /// Whether it is known from elsewhere that the signer was never given what is open.
    nothing_signed: bool,
}

impl UnsettledLedger {
    /// Says that the signer was never given what is open, though the ledger cannot tell: then it is aborted.
    #[must_use]
    pub fn knowing_that_nothing_was_signed(self) -> Self {
        Self { nothing_signed: true, ..self }
    }

    /// Settles what a power cut left open (rule R9): an intent that was not given to the signer is aborted, one that was given
    /// stays uncertain for ever. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`OpenLedgerError::NotSettled`].
    pub fn settle(self, now: UnixTime) -> Result<FileLedger, OpenLedgerError> {
        let Self { ledger, nothing_signed } = self;
        let mut state = ledger.state();
        let open = state.book.rows().filter(|row| row.stored.status == CertificateStatus::Pending);
        let (rows, events): (Vec<SettledRow>, Vec<AuditEvent>) =
            open.map(|row| settlement(&row.stored, ends_as(row, nothing_signed), now)).unzip();
        if !rows.is_empty() {
            write(&ledger.path, &mut state, Step::Settled(rows), events)?;
        }
        drop(state);
        Ok(ledger)
    }

    /// Lists what a power cut left open, and how it will be settled.
    #[must_use]
    pub fn open_intents(&self) -> Vec<(SerialNumber, Settlement)> {
        let state = self.ledger.state();
        let open = state.book.rows().filter(|row| row.stored.status == CertificateStatus::Pending);
        open.map(|row| (row.stored.id.serial.clone(), ends_as(row, self.nothing_signed))).collect()
    }

    /// Returns the latest time that any audit record states; 1970 before the first.
    #[must_use]
    pub fn latest_time(&self) -> UnixTime {
        self.ledger.state().book.latest_time()
    }

    /// Returns what the records say of the destruction of the private keys.
    #[must_use]
    pub fn destruction(&self) -> Destruction {
        self.ledger.state().book.destruction()
    }

    /// Returns the digest in the first record that an authority was registered: that of its charter.
    #[must_use]
    pub fn registered_digest(&self) -> Option<Vec<u8>> {
        self.ledger.state().book.registered().map(<[u8]>::to_vec)
    }

    /// Returns the digest in the last record that shares were dealt.
    #[must_use]
    pub fn shares_digest(&self) -> Option<Vec<u8>> {
        self.ledger.shares_digest()
    }

    /// Returns every certificate and intent, in the order of issuing key and serial number.
    #[must_use]
    pub fn certificates(&self) -> Vec<StoredCertificate> {
        self.ledger.state().book.rows().map(|row| row.stored.clone()).collect()
    }
}

/// What an inspection finds in a ledger that is in order.
#[derive(Debug, Clone)]
pub struct InspectedLedger {
    /// How many entries it has.
    pub entries: u64,
    /// How many audit records.
    pub records: u64,
    /// SHA-256 of the last audit record.
    pub head: [u8; 32],
    /// The digest in the first record that an authority was registered: that of its charter.
    pub registered_digest: Option<Vec<u8>>,
    /// The digest in the last record that shares were dealt: that of the description of the set in force.
    pub shares_digest: Option<Vec<u8>>,
    /// What the records say of the destruction of the private keys.
    pub destruction: Destruction,
    /// How many intents the next command that writes will settle.
    pub open_intents: usize,
    /// Every certificate and intent, in the order of issuing key and serial number.
    pub certificates: Vec<StoredCertificate>,
    /// Every CRL, in the order they were made.
    pub crls: Vec<InspectedCrl>,
}

/// A CRL, and what was revoked when it was recorded.
#[derive(Debug, Clone)]
pub struct InspectedCrl {
    /// The CRL.
    pub crl: KeptCrl,
    /// Every revoked certificate, expired ones included.
    pub revoked: Vec<RevokedEntry>,
}

/// How an intent that a power cut left open ends.
const fn ends_as(row: &Row, nothing_signed: bool) -> Settlement {
    if row.signing && !nothing_signed { Settlement::Uncertain } else { Settlement::Aborted }
}

fn settlement(row: &StoredCertificate, settlement: Settlement, now: UnixTime) -> (SettledRow, AuditEvent) {
    let act = match settlement {
        Settlement::Uncertain => Act::IntentUncertain,
        Settlement::Aborted => Act::IntentAborted,
    };
    let actor = Actor { tenant: row.tenant.clone(), identity: Identity::Process { name: "ledger-recovery" } };
    let event = AuditEvent {
        time: now,
        tenant: row.tenant.clone(),
        actor: actor.to_string(),
        act,
        issuer: Some(row.id.issuer),
        serial: Some(row.id.serial.clone()),
        reason: "ledger.recovered".to_owned(),
        detail: row.subject.clone(),
        digest: Vec::new(),
    };
    (SettledRow { id: row.id.clone(), settlement, time: now }, event)
}

/// Seals the events, writes the next entry, and only then lets the book know of it. Returns the number of the last audit
/// record.
fn write(path: &Path, state: &mut State, step: Step, events: Vec<AuditEvent>) -> Result<u64, RecordError> {
    if state.failed {
        return Err(RecordError::FailedBefore);
    }
    let mut trail = state.book.trail().clone();
    let mut records = Vec::with_capacity(events.len());
    for event in events {
        records.push(trail.seal(event)?.der);
    }
    let entry = Entry { number: state.book.next_number(), previous: *state.book.head(), records, step };
    let (text, der) = page::write(&entry)?;
    // On a copy: an entry that the next opening would refuse is not written.
    let mut book = state.book.clone();
    book.add(&entry, &der)?;
    // A failed sync is not tried again: what is on disk can only be told by reading it anew.
    state.failed = true;
    new_file::place(&path.join(shelf::file_name(&entry)), text.as_bytes())?;
    *state = State { book, failed: false };
    Ok(trail.sequence())
}

/// Why a step was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The entry could not be written.
    #[error(transparent)]
    NotWritten(#[from] NewFileError),
    /// An earlier entry could not be written.
    #[error(
        "an entry could not be written before, so what the ledger holds is known only after opening it again"
    )]
    FailedBefore,
    /// The step does not follow from those before it.
    #[error("the step does not follow from those before it: {0}")]
    OutOfOrder(#[from] BrokenBook),
    /// The entry cannot be encoded.
    #[error(transparent)]
    NotEncoded(#[from] WritePageError),
    /// An audit record cannot be encoded.
    #[error(transparent)]
    Audit(#[from] ca_core::audit::AuditCodecError),
}

impl From<RecordError> for Unavailable {
    fn from(cause: RecordError) -> Self {
        Self { port: "ledger", cause: Box::new(cause) }
    }
}

/// Whether others may have the ledger open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    WithReaders,
}

/// Locks the directory: case S-07, a second process is refused.
fn lock(path: &Path, sharing: Sharing) -> Result<File, OpenLedgerError> {
    let unreadable = |cause| OpenLedgerError::NotLocked { path: path.to_owned(), cause };
    let directory = OpenOptions::new().read(true).open(path).map_err(unreadable)?;
    let locked = match sharing {
        Sharing::Alone => directory.try_lock(),
        Sharing::WithReaders => directory.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => Err(OpenLedgerError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(unreadable(cause)),
    }
}

/// Why a ledger was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLedgerError {
    /// Another process has it open.
    #[error("the ledger {path} is in use by another process", path = path.display())]
    InUse {
        /// Its directory.
        path: PathBuf,
    },
    /// It is not there, or the operating system refuses.
    #[error("the ledger {path} cannot be opened: {cause}", path = path.display())]
    NotLocked {
        /// Its directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Its entries are not in order.
    #[error(transparent)]
    Read(#[from] ReadLedgerError),
    /// A new ledger could not be made.
    #[error(transparent)]
    NotMade(#[from] NewFileError),
    /// Open intents could not be settled.
    #[error("open intents could not be settled: {0}")]
    NotSettled(#[from] RecordError),
}

impl Explained for OpenLedgerError {
    fn exit(&self) -> Exit {
        match self {
            Self::InUse { .. } | Self::NotSettled(_) => Exit::Unavailable,
            Self::NotLocked { cause, .. } => new_file::exit_of(cause),
            Self::Read(error) => error.exit(),
            Self::NotMade(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "ledger.in-use",
            Self::NotLocked { .. } | Self::NotSettled(_) => "ledger.unavailable",
            Self::Read(error) => error.code(),
            Self::NotMade(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::InUse { .. } => "wait until the other offline-root has ended, then repeat".to_owned(),
            Self::NotLocked { .. } => "check --dir".to_owned(),
            Self::Read(error) => error.next(),
            Self::NotMade(error) => error.next(),
            Self::NotSettled(_) => "check the disk, then repeat".to_owned(),
        }
    }
}
