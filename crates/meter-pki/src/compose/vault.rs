//! The ledger of the configuration as a whole: opened before the eyes of its exported log, held under its epoch, watched while it
//! serves. Not what is recorded in it.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::{Entropy, Unavailable};
use ca_core::validity::UnixTime;
use ca_store::{Guard, Node, Opening, Recovery, RecoveryReport, Settings, Shared, Store, TrailEnd};
use server_kit::health::Condition;
use server_kit::shutdown::Shutdown;
use signer_file::SystemEntropy;

use super::{SystemClock, abort_on_fatal, boot_id, store};
use crate::alike::alike;
use crate::backup::recovery_key::RecoveryPublicKey;
use crate::config::{CheckedDatabase, Config};
use crate::exit::{Exit, Failure};
use crate::exported_log::ExportedLog;

/// How often a ledger in service looks whether another copy of it took over.
const LOOK: Duration = Duration::from_secs(1);

/// The ledger as a whole: what is done with all of its rows.
pub(crate) struct Vault {
    /// Held while this process issues; goes before the ledger does.
    epoch: Option<File>,
    pub(crate) store: Arc<Store>,
    pub(crate) configuration: PathBuf,
    pub(crate) recovery_key: Option<RecoveryPublicKey>,
    log: Option<ExportedLog>,
    /// A standby that lists and reports are read from.
    replica: Option<Store>,
}

impl Vault {
    /// Opens the ledger and holds its epoch.
    pub(super) fn open(config: &Config, now: UnixTime) -> Result<(Self, RecoveryReport), Failure> {
        let log = config.audit.export_directory.as_deref().map(ExportedLog::new);
        let (store, report) = open_store(config, now, log.as_ref())?;
        let vault = Self {
            epoch: hold_epoch(&store, log.as_ref())?,
            store: Arc::new(store),
            configuration: config.file.clone(),
            recovery_key: config.recovery_key.clone(),
            log,
            replica: replica(config)?,
        };
        Ok((vault, report))
    }

    /// Has a list or a report read where it costs the ledger least: from a standby that may be behind, where there is one that
    /// answers. Nothing may be decided by it.
    pub(crate) fn report<T>(
        &self,
        read: impl Fn(&Store) -> Result<T, Unavailable>,
    ) -> Result<T, Unavailable> {
        let Some(replica) = &self.replica else { return read(&self.store) };
        read(replica).or_else(|error| {
            tracing::warn!(why = %error.cause, "the replica does not answer: the ledger itself is read");
            read(&self.store)
        })
    }

    /// Tells why nothing is issued here, if so.
    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.store.recovery()
    }

    /// Tells whether this process may go on issuing.
    pub(crate) fn condition(&self) -> Condition {
        if let Some(recovery) = self.recovery() {
            return Condition::Failed(format!("in recovery since {}: {}", recovery.since, recovery.reason));
        }
        self.successor().map_or(Condition::Well, Condition::Failed)
    }

    /// Says that another copy of the ledger took the next epoch, if so.
    fn successor(&self) -> Option<String> {
        let epoch = self.store.installation().ok().flatten()?.epoch;
        self.epoch.as_ref().and(self.log.as_ref())?.superseded(epoch)
    }

    /// Looks every second whether another copy of the ledger took over; from then on this one records nothing.
    pub(crate) async fn watch(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Some(reason) = tokio::task::block_in_place(|| self.successor()) {
                self.store.fence(&reason);
                return;
            }
        }
    }
}

/// Opens the ledger; with an exported log as witness when there is one.
pub(crate) fn open_store(
    config: &Config,
    now: UnixTime,
    log: Option<&ExportedLog>,
) -> Result<(Store, RecoveryReport), Failure> {
    let directory = &config.store.directory;
    let settings = Settings { engine: Some(config.store.engine), shared: shared(config), ..abort_on_fatal() };
    let opening = Opening { now, tenant: config.tenant.clone(), boot: boot_id() };
    let newcomer = random_id()?;
    let witness = |shown: &TrailEnd<'_>| match log {
        Some(log) => {
            log.witness(shown)?;
            if let Some(reason) = log.superseded(shown.installation().epoch) {
                return Err(reason);
            }
            log.claim(shown.installation()).map_err(|error| error.to_string())
        }
        None => Ok(()),
    };
    let guard = Guard { newcomer, witness: &witness };
    let guard = log.is_some().then_some(&guard);
    let opened = Store::open_guarded(directory, &opening, settings, guard);
    let (store, report) = opened.map_err(|error| store::not_open(directory, &error))?;
    if let Some(recovery) = store.recovery() {
        tracing::error!(
            since = %recovery.since,
            reason = %recovery.reason,
            "the ledger is in recovery: nothing is issued. Stop, and type `meter-pki restore reconcile`"
        );
    }
    Ok((store, report))
}

/// Opens the standby that the configuration names.
fn replica(config: &Config) -> Result<Option<Store>, Failure> {
    let database = config.store.database.as_ref().and_then(|checked| checked.replica.clone());
    let opened = database.map(Store::replica).transpose();
    opened.map_err(|error| Failure::new(Exit::Failed, "store.not-open", error))
}

/// Says where a shared ledger is, and as whom this process writes to it.
fn shared(config: &Config) -> Option<Shared> {
    let CheckedDatabase { database, node, lease, skew, .. } = config.store.database.clone()?;
    let node = Node {
        name: node,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: alike(&config.file),
        clock: Arc::new(SystemClock),
        lease,
        skew,
    };
    Some(Shared { database, node })
}

/// Draws 16 random octets.
pub(crate) fn random_id() -> Result<[u8; 16], Failure> {
    let mut id = [0; 16];
    SystemEntropy.fill(&mut id).map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    Ok(id)
}

/// Keeps every other process from issuing under the same epoch.
fn hold_epoch(store: &Store, log: Option<&ExportedLog>) -> Result<Option<File>, Failure> {
    let installation = store
        .installation()
        .map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?
        .filter(|_| store.recovery().is_none());
    let (Some(log), Some(installation)) = (log, installation) else { return Ok(None) };
    log.hold(installation.epoch).map(Some).map_err(|error| {
        Failure::new(Exit::Conflict, "epoch.in-use", error)
            .then("end the other process; of two copies of a ledger only one may issue")
    })
}
