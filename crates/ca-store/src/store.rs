//! A ledger in a directory: creating it, opening it, and what holds it together. What it answers is in the three files of its
//! ports.

use core::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ca_core::audit::{AuditEvent, AuditTrail};
use ca_core::ports::Unavailable;
use ca_core::record::{CertificateId, Settlement};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::act::repeats::Forgetting;
use crate::act::wants::Wants;
use crate::audit_walk::{AuditFault, AuditWalk};
use crate::boot::BootId;
use crate::committer::{Committer, CommitterSetup, FatalHook, NotDone, StoreCounters};
use crate::directory::{CreateDirectoryError, Directory, OpenDirectoryError};
use crate::engine::postgres::{Database, NodeFault, Replica};
use crate::engine::{self, Durability, Engine, EngineError, EngineKind, EngineSetup, View, Write};
use crate::follower::Followers;
use crate::installation::{Fenced, InRecovery, Installation, Recovery};
use crate::keyspace::{FLEET, Keyspace, TRAIL, days::DAYS};
use crate::migration::fleet::WHOLE;
use crate::migration::{MigrationError, migrate};
use crate::node_directory::{self, Shared};
use crate::recovery::{Occasion, RecoverError, RecoveryReport, checked_end, recover};
use crate::row::{InstallationRow, Row, TrailRow};
use crate::standing::{Guard, at_open};
use crate::tap::Tap;
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// The ledger of one installation, open in this process alone.
///
/// It implements the ports [`Ledger`](ca_core::ports::Ledger), [`StatusSource`](ca_core::ports::StatusSource) and
/// [`Registry`](ca_core::ports::Registry). Dropping it lets the acts that wait be done first.
pub struct Store {
    // In the order in which they must go: first who writes, then what is written, then who may.
    committer: Committer,
    engine: Arc<dyn Engine>,
    followers: Followers,
    forgetting: Forgetting,
    forgetting_transactions: Forgetting,
    tap: Arc<Tap>,
    recovery: Option<Recovery>,
    fenced: OnceLock<Fenced>,
    kind: EngineKind,
    /// Held while a CRL is recorded.
    crl_turn: Mutex<()>,
    /// What was to be settled while the ledger was away.
    unsettled: Mutex<Vec<Unsettled>>,
    /// None of a replica.
    directory: Option<Directory>,
}

/// An intent, how it is to end, and the record of that.
pub(crate) type Unsettled = (CertificateId, Settlement, AuditEvent);

/// How a ledger is run.
pub struct Settings {
    /// The engine that the directory must have been made with; `None` takes the one it was made with.
    pub engine: Option<EngineKind>,
    /// Where the ledger is when several nodes share it.
    pub shared: Option<Shared>,
    /// Memory for what was read, in octets.
    pub cache_octets: u64,
    /// How many acts may wait to be written.
    pub queue_length: usize,
    /// How long an act waits for room in the queue, and again how long in the queue, before it is given up.
    pub patience: Duration,
    /// Called once, when the ledger cannot go on. A server must end its process there, without unwinding.
    pub on_fatal: FatalHook,
}

impl Settings {
    /// Makes the usual settings: 128 MiB of cache, 1,024 acts in the queue, 10 seconds of patience.
    #[must_use]
    pub fn new(on_fatal: FatalHook) -> Self {
        Self {
            engine: None,
            shared: None,
            cache_octets: 128 * 1024 * 1024,
            queue_length: 1_024,
            patience: Duration::from_secs(10),
            on_fatal,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("engine", &self.engine)
            .field("cache_octets", &self.cache_octets)
            .field("queue_length", &self.queue_length)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What the audit record of an opening says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// When: one sample of the clock.
    pub now: UnixTime,
    /// Who runs the installation.
    pub tenant: TenantId,
    /// On which run of the machine; `None` when that cannot be told.
    pub boot: Option<BootId>,
}

impl Store {
    /// Makes an empty ledger in a directory that is absent or empty, durably, and closes it again.
    ///
    /// # Errors
    /// [`CreateError`]; a directory that it leaves behind is refused by [`Self::open`] and can be removed.
    pub fn create(directory: &Path, kind: EngineKind) -> Result<(), CreateError> {
        let directory = Directory::create(directory)?;
        let setup = EngineSetup { kind, cache_octets: 8 * 1024 * 1024 };
        let failed = |cause: Box<dyn core::error::Error + Send + Sync>| CreateError::Engine { cause };
        let engine = engine::create(setup, &directory.engine_path()).map_err(|cause| failed(cause.into()))?;
        engine.commit(first_rows()?, Durability::Durable).map_err(|cause| failed(cause.into()))?;
        drop(engine);
        Ok(directory.finish(kind)?)
    }

    /// Opens a ledger, and ends what the last process left open before anything can be asked.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is ever made where there is no ledger.
    pub fn open(
        directory: &Path,
        opening: &Opening,
        settings: Settings,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_guarded(directory, opening, settings, None)
    }

    /// Opens a ledger as [`Self::open`] does, after a witness outside was asked whether it is the one that it was.
    ///
    /// When the witness says no, or the ledger was restored, it is in recovery: it answers, and records nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_guarded(
        directory: &Path,
        opening: &Opening,
        settings: Settings,
        guard: Option<&Guard<'_>>,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let (directory, kind) = Directory::open(directory, settings.engine)?;
        let engine: Arc<dyn Engine> = if kind == EngineKind::Postgres {
            Arc::new(node_directory::open(&directory, settings.shared.clone()).map_err(OpenError::Node)?)
        } else {
            let setup = EngineSetup { kind, cache_octets: settings.cache_octets };
            engine::open(setup, &directory.engine_path()).map_err(OpenError::from)?.into()
        };
        Self::start_guarded((directory, kind, engine), opening, settings, guard)
    }

    /// Opens a ledger whose engine is open.
    #[cfg(test)]
    pub(crate) fn start(
        directory: Directory,
        (kind, engine): (EngineKind, Arc<dyn Engine>),
        opening: &Opening,
        settings: Settings,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        Self::start_guarded((directory, kind, engine), opening, settings, None)
    }

    fn start_guarded(
        (directory, kind, engine): (Directory, EngineKind, Arc<dyn Engine>),
        opening: &Opening,
        settings: Settings,
        guard: Option<&Guard<'_>>,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        migrate(&directory, (kind, &*engine))?;
        let recovery = at_open(&*engine, opening.now, guard)?;
        let occasion =
            Occasion { now: opening.now, tenant: &opening.tenant, boot: opening.boot.as_ref(), engine: kind };
        let (trail, report) = match &recovery {
            None => recover(&*engine, &occasion)?,
            // Nothing is added to a trail that is to be compared with its copy outside.
            Some(_) => (checked_end(&*engine).map_err(RecoverError::from)?, RecoveryReport::default()),
        };
        let audit_records = trail.sequence();
        let tap = Arc::new(Tap::default());
        let setup = CommitterSetup {
            tap: Arc::clone(&tap),
            queue_length: settings.queue_length,
            patience: settings.patience,
            on_fatal: settings.on_fatal,
        };
        let committer = Committer::start(Arc::clone(&engine), trail, setup)
            .map_err(|cause| OpenError::Thread { cause })?;
        tracing::info!(
            engine = %kind,
            aborted = report.aborted.len(),
            uncertain = report.uncertain.len(),
            machine = report.machine.words(),
            audit_records,
            "the ledger is open"
        );
        let store = Self {
            committer,
            engine,
            followers: Followers::default(),
            forgetting: Forgetting::default(),
            forgetting_transactions: Forgetting::default(),
            tap,
            recovery,
            fenced: OnceLock::new(),
            kind,
            crl_turn: Mutex::new(()),
            unsettled: Mutex::default(),
            directory: Some(directory),
        };
        if store.recovery.is_none() {
            let is_elsewhere = store.engine.shared().is_some();
            store.remove_all_loose().map_err(|cause| match is_elsewhere {
                true => OpenError::Away { cause: cause.into() },
                false => OpenError::Recovery { cause: cause.into() },
            })?;
        }
        Ok((store, report))
    }

    /// Opens what a standby shows of a ledger, for lists and reports: it may be behind, and takes no writes. It is connected to when
    /// it is first asked.
    ///
    /// # Errors
    /// [`OpenError::Thread`].
    pub fn replica(database: Database) -> Result<Self, OpenError> {
        let thread = |cause| OpenError::Thread { cause };
        let engine: Arc<dyn Engine> = Arc::new(Replica::new(database).map_err(thread)?);
        let tap = Arc::new(Tap::default());
        let setup = CommitterSetup {
            tap: Arc::clone(&tap),
            queue_length: 1,
            patience: Duration::from_millis(100),
            on_fatal: Box::new(|_| ()),
        };
        let committer = Committer::start(Arc::clone(&engine), AuditTrail::EMPTY, setup).map_err(thread)?;
        Ok(Self {
            committer,
            engine,
            followers: Followers::default(),
            forgetting: Forgetting::default(),
            forgetting_transactions: Forgetting::default(),
            tap,
            recovery: None,
            fenced: OnceLock::new(),
            kind: EngineKind::Postgres,
            crl_turn: Mutex::new(()),
            unsettled: Mutex::default(),
            directory: None,
        })
    }

    /// Tells why the ledger is in recovery, if it is.
    #[must_use]
    pub const fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    /// Lets this process record nothing any more. What is being signed at this moment is not recorded, and so not delivered.
    pub fn fence(&self, reason: &str) {
        let fenced = self.fenced.get_or_init(|| Fenced(reason.to_owned()));
        tracing::error!(reason = %fenced.0, "the ledger is fenced: another copy of it is in service");
    }

    /// Returns the engine that the ledger runs on.
    #[must_use]
    pub const fn engine_kind(&self) -> EngineKind {
        self.kind
    }

    /// Returns whose ledger it is, if it was ever guarded or restored.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn installation(&self) -> Result<Option<Installation>, Unavailable> {
        self.read("installation", |view| Ok(view.row::<InstallationRow>(&())?.map(|row| row.installation)))
    }

    /// Checks the whole audit trail, record by record, while the ledger goes on.
    ///
    /// # Errors
    /// [`AuditFault`] when the trail cannot be read at all.
    pub fn verify_audit(&self) -> Result<AuditWalk<'_>, AuditFault> {
        AuditWalk::over_all(&*self.engine)
    }

    /// Returns how often the ledger wrote since it was opened.
    #[must_use]
    pub fn counters(&self) -> StoreCounters {
        self.committer.counters()
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(crate) const fn followers(&self) -> &Followers {
        &self.followers
    }

    /// Returns the number of the last audit record on disk.
    pub(crate) fn trail_end(&self) -> u64 {
        self.committer.trail_end()
    }

    /// Tells how often the status of an issued certificate changed since the ledger was opened, as far as only this process changes it.
    pub(crate) fn statuses(&self) -> Option<u64> {
        self.engine.shared().is_none().then(|| self.committer.statuses())
    }

    /// Has an act done that begins something, which must wait while a copy of the audit trail is too far behind. What is
    /// under way is always brought to its end, and what protects relying parties is always done: see [`Self::write`].
    pub(crate) fn write_new<T: Send + 'static>(
        &self,
        port: &'static str,
        durability: Durability,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.may_begin(port)?;
        self.write(port, durability, act)
    }

    /// Refuses what begins something while a copy of the audit trail is too far behind.
    pub(crate) fn may_begin(&self, port: &'static str) -> Result<(), Unavailable> {
        let checked = self.followers.check(self.trail_end());
        checked.map_err(|behind| Unavailable { port, cause: behind.into() })
    }

    /// Returns how far requests that are over were forgotten.
    pub(crate) fn forgetting(&self) -> Forgetting {
        self.forgetting.clone()
    }

    /// Returns how far transactions that are over were forgotten.
    pub(crate) fn forgetting_transactions(&self) -> Forgetting {
        self.forgetting_transactions.clone()
    }

    /// Has an act done for a port.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        port: &'static str,
        durability: Durability,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.write_wanting(port, (durability, Box::new(|_| Ok(Vec::new()))), act)
    }

    /// The same for an act that says which rows it will read.
    pub(crate) fn write_wanting<T: Send + 'static>(
        &self,
        port: &'static str,
        how: (Durability, Wants),
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, Unavailable> {
        if let Some(recovery) = &self.recovery {
            return Err(Unavailable { port, cause: InRecovery(recovery.clone()).into() });
        }
        if let Some(fenced) = self.fenced.get() {
            return Err(Unavailable { port, cause: fenced.clone().into() });
        }
        self.committer.submit(how, act).map_err(|cause| Unavailable { port, cause: cause.into() })
    }

    /// Has an act done that rests on what was read before, and does not look at it again: nothing is done of it when the ledger
    /// moved meanwhile, since the server that takes writes now may not have what was read.
    pub(crate) fn write_where_read<T: Send + 'static>(
        &self,
        port: &'static str,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (engine, read_at) = (Arc::clone(&self.engine), self.engine.moves());
        self.write(port, Durability::Durable, move |tx| {
            if engine.moves() == read_at { act(tx) } else { Err(ActFault::Moved) }
        })
    }

    /// Remembers what could not be settled, for when the ledger is back.
    pub(crate) fn settle_later(&self, ended: Vec<Unsettled>) {
        self.unsettled().extend(ended);
    }

    /// What could not be settled.
    pub(crate) fn unsettled(&self) -> MutexGuard<'_, Vec<Unsettled>> {
        // Nothing can panic while the lock is held.
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an act done in a ledger that is in recovery.
    pub(crate) fn write_in_recovery<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, NotDone> {
        self.committer.submit((Durability::Durable, Box::new(|_| Ok(Vec::new()))), act)
    }

    /// What is held while a CRL is recorded.
    pub(crate) const fn crl_turn(&self) -> &Mutex<()> {
        &self.crl_turn
    }

    /// The engine, for whoever reads from it later.
    pub(crate) const fn engine_shared(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Makes a file beside the engine's that has no name, and is gone when it is closed.
    pub(crate) fn unnamed_file(&self) -> io::Result<File> {
        let directory = self.directory.as_ref().ok_or(io::ErrorKind::ReadOnlyFilesystem)?;
        tempfile::tempfile_in(directory.path())
    }

    /// The engine, for reading page by page.
    pub(crate) fn rows(&self) -> &dyn Engine {
        &*self.engine
    }

    /// Where a backup hears of what is committed.
    pub(crate) fn tap(&self) -> Arc<Tap> {
        Arc::clone(&self.tap)
    }

    /// Reads for a port, at one point in time, what is on disk.
    pub(crate) fn read<T>(
        &self,
        port: &'static str,
        read: impl FnOnce(&dyn View) -> Result<T, ReadFault>,
    ) -> Result<T, Unavailable> {
        let unavailable = |cause: Box<dyn core::error::Error + Send + Sync>| Unavailable { port, cause };
        self.committer.check().map_err(|cause| unavailable(cause.into()))?;
        let view = self.engine.view().map_err(|cause| unavailable(cause.into()))?;
        read(&*view).map_err(|cause| unavailable(cause.into()))
    }
}

/// The rows of a ledger in which nothing has happened.
pub(crate) fn first_rows() -> Result<Vec<Write>, CreateError> {
    let start =
        TrailRow(AuditTrail::EMPTY).encode().map_err(|cause| CreateError::Engine { cause: cause.into() })?;
    Ok(vec![
        Write { keyspace: TrailRow::KEYSPACE, key: TRAIL.to_vec(), value: Some(start) },
        Write { keyspace: Keyspace::Meta, key: FLEET.to_vec(), value: Some(WHOLE.to_vec()) },
        Write { keyspace: Keyspace::Meta, key: DAYS.to_vec(), value: Some(WHOLE.to_vec()) },
    ])
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// Why a ledger was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] CreateDirectoryError),
    /// The engine cannot make its files.
    #[error("the engine of the ledger failed: {cause}")]
    Engine {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

/// Why a ledger was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] OpenDirectoryError),
    /// The engine cannot open its files, or not write to them.
    #[error("the engine of the ledger failed: {cause}")]
    Engine {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The database of the ledger gives no answer, or lets this node not write at this moment.
    #[error("the database of the ledger cannot be used at this moment: {cause}")]
    Away {
        /// What is known of it.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The engine's files are damaged: a checksum is wrong, or a part is missing.
    #[error("the files of the ledger are damaged: {cause}")]
    Damaged {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The end of the audit trail is not what was written.
    #[error(
        "the audit trail of the ledger is not intact: {cause}; restore the ledger before anything is issued"
    )]
    AuditTrail {
        /// What is wrong with it.
        #[source]
        cause: AuditFault,
    },
    /// It has an older format and cannot be brought to this one. It stands as it was, and the next start tries again.
    #[error("the ledger cannot be brought to the newer format: {cause}")]
    Migration {
        /// Why.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// What the last process left open cannot be ended.
    #[error("what was left open in the ledger cannot be ended: {cause}")]
    Recovery {
        /// Why.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// This process may not write to the database, or cannot reach it.
    #[error(transparent)]
    Node(NodeFault),
    /// The operating system gives no thread.
    #[error("the ledger's thread cannot be started: {cause}")]
    Thread {
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl From<MigrationError> for OpenError {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Audit(cause) => Self::AuditTrail { cause },
            MigrationError::Read(ReadFault::Engine(cause)) if cause.tells_of_absence() => cause.into(),
            MigrationError::Read(cause) => Self::Migration { cause: cause.into() },
            MigrationError::Row(cause) => Self::Migration { cause: cause.into() },
            MigrationError::Engine(cause) => Self::Migration { cause: cause.into() },
            MigrationError::Marker(cause) => Self::Migration { cause: cause.into() },
        }
    }
}

/// Tells whether something could not be read because the database cannot be reached. Nothing is known of the ledger then.
fn is_away(cause: &(dyn core::error::Error + Send + Sync + 'static)) -> bool {
    cause.downcast_ref::<ReadFault>().is_some_and(|fault| match fault {
        ReadFault::Engine(cause) => cause.tells_of_absence(),
        ReadFault::Row(_) => false,
    })
}

impl From<RecoverError> for OpenError {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Audit(AuditFault::Unreadable { cause }) if is_away(&*cause) => Self::Away { cause },
            RecoverError::Audit(cause) => Self::AuditTrail { cause },
            RecoverError::Act(fault) => fault.into(),
            RecoverError::Engine(cause) => cause.into(),
        }
    }
}

impl From<ActFault> for OpenError {
    fn from(fault: ActFault) -> Self {
        if matches!(fault, ActFault::Witness { .. }) {
            return Self::Node(NodeFault::Witness(fault.to_string()));
        }
        if let ActFault::Read(ReadFault::Engine(cause)) = &fault
            && cause.tells_of_absence()
        {
            return Self::Away { cause: fault.into() };
        }
        Self::Recovery { cause: fault.into() }
    }
}

impl From<EngineError> for OpenError {
    fn from(error: EngineError) -> Self {
        if error.tells_of_damage() {
            Self::Damaged { cause: error.into() }
        } else if error.tells_of_absence() {
            Self::Away { cause: error.into() }
        } else {
            Self::Engine { cause: error.into() }
        }
    }
}
