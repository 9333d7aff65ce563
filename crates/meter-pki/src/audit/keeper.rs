//! Keeps checkpoints and copies up with the trail, each on a thread of its own, until the program ends.
//!
//! A copy pulls from the ledger and is never pushed to: what it lacks stays in the ledger, and the ledger lets nothing new
//! begin while it lacks too much. When the program ends, what is left is signed and copied once more.
//!
//! Of several nodes one signs the checkpoints, and all put them into their files.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use ca_store::Follower;
use server_kit::health::Condition;
use server_kit::metrics::Metrics;

use super::export::{Export, OpenExportError};
use super::note::{pem, size_of};
use super::sending::Sending;
use super::{AuditLog, unavailable};
use crate::config::CheckedAudit;
use crate::duty::Duty;
use crate::exit::{Exit, Failure, SIGNER_AWAY};

/// How often the trail is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How many records are copied at a time.
const PAGE: usize = 512;

/// The threads that copy. Dropping it lets them copy what is left and ends them.
#[derive(Debug)]
pub(crate) struct Copies {
    threads: Vec<(Sender<()>, Option<JoinHandle<()>>)>,
}

/// What is copied, and who watches it.
pub(crate) struct Followed<'a> {
    pub log: Arc<AuditLog>,
    pub clock: Arc<dyn Clock>,
    pub config: &'a CheckedAudit,
    pub metrics: &'a Metrics,
    /// Who signs checkpoints.
    pub notary: Duty,
    /// Who sends to the collector.
    pub sender: Duty,
}

impl Copies {
    /// Opens the copies that are configured and starts their threads.
    pub(crate) fn start(followed: &Followed<'_>) -> Result<Self, Failure> {
        let mut copies = Self { threads: Vec::new() };
        let files = Files::open(followed)?;
        copies.spawn("audit-files", move || Box::new(files.passes()))?;
        if let Some(collector) = &followed.config.syslog {
            let sending = Sending::new(followed, collector)?;
            copies.spawn("audit-syslog", move || Box::new(sending.passes()))?;
        }
        Ok(copies)
    }

    fn spawn(
        &mut self,
        name: &str,
        passes: impl FnOnce() -> Box<dyn FnMut(Pass)> + Send + 'static,
    ) -> Result<(), Failure> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut pass = passes();
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                pass(Pass::Usual);
            }
            pass(Pass::Last);
        });
        let thread = thread.map_err(|error| Failure::new(Exit::Failed, "audit.thread", error))?;
        self.threads.push((stop, Some(thread)));
        Ok(())
    }
}

impl Drop for Copies {
    /// Waits until what is left is copied.
    fn drop(&mut self) {
        for (stop, thread) in &mut self.threads {
            // Nobody listens any more when the thread panicked, which has told so itself.
            stop.send(()).unwrap_or_default();
            if let Some(thread) = thread.take() {
                drop(thread.join());
            }
        }
    }
}

/// Whether the program goes on after a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Usual,
    Last,
}

/// Checkpoints, and the copy in files if there is one.
struct Files {
    log: Arc<AuditLog>,
    clock: Arc<dyn Clock>,
    notary: Duty,
    export: Option<(Export, Arc<Follower>)>,
    /// Whether the key of the checkpoints stands beside them.
    key_shown: bool,
    checkpoint: Latest,
    leaves: Box<dyn Fn(u64) + Send>,
    waited: Box<dyn Fn(f64) + Send>,
}

/// The latest checkpoint.
struct Latest {
    /// Its text, until it stands in the files.
    note: Option<String>,
    size: u64,
    signed_at: UnixTime,
}

impl Files {
    fn open(followed: &Followed<'_>) -> Result<Self, Failure> {
        let Followed { log, clock, config, metrics, notary, .. } = followed;
        let mut key_shown = false;
        let export = match &config.export_directory {
            Some(directory) => {
                let export = Export::open(directory, &log.store).map_err(|error| refused(&error))?;
                key_shown = match show_key(&export, log) {
                    Err(failure) if failure.code == SIGNER_AWAY => false,
                    shown => shown.map(|()| true)?,
                };
                let follower = log.store.follow("export", config.allowance, export.reached());
                Some((export, follower))
            }
            None => None,
        };
        let leaves = metrics.counter("audit_leaves_total", &[]);
        let waited = metrics.gauge("audit_checkpoint_age_seconds", &[]);
        let checkpoint = Latest { note: None, size: 0, signed_at: clock.now() };
        Ok(Self {
            log: Arc::clone(log),
            clock: Arc::clone(clock),
            notary: notary.clone(),
            export,
            key_shown,
            checkpoint,
            leaves: Box::new(move |count| leaves.absolute(count)),
            waited: Box::new(move |seconds| waited.set(seconds)),
        })
    }

    fn passes(mut self) -> impl FnMut(Pass) {
        let mut told = Told::default();
        move |pass| told.tell("audit export", self.pass(pass))
    }

    fn pass(&mut self, pass: Pass) -> Result<(), Failure> {
        let end = self.log.store.audit_end().map_err(unavailable)?.sequence();
        (self.leaves)(end);
        let copied = self.copy();
        let signed = self.sign(end, pass);
        copied.and(signed)
    }

    /// Copies records up to the end.
    fn copy(&mut self) -> Result<(), Failure> {
        let Some((export, follower)) = &mut self.export else { return Ok(()) };
        loop {
            let records = self.log.store.audit_copy(export.reached(), PAGE).map_err(unavailable)?;
            if records.is_empty() {
                follower.reached(export.reached());
                return Ok(());
            }
            if let Err(error) = export.append(&records) {
                follower.failed(error.to_string());
                return Err(Failure::new(Exit::Unavailable, "audit.export", error));
            }
            follower.reached(export.reached());
        }
    }

    /// Signs a checkpoint when records came since the last one, at most once a second, or takes the one that another node signed;
    /// the files get it when they hold its records.
    fn sign(&mut self, end: u64, pass: Pass) -> Result<(), Failure> {
        if self.log.notary.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        if end != self.checkpoint.size && (now != self.checkpoint.signed_at || pass == Pass::Last) {
            if self.notary.is_ours().map_err(unavailable)? {
                let (note, size) = self.log.checkpoint()?;
                self.checkpoint = Latest { note: Some(note), size, signed_at: now };
            } else {
                self.take_checkpoint(now)?;
            }
        }
        let latest = &self.checkpoint;
        let waiting = if end == latest.size { 0 } else { now.seconds() - latest.signed_at.seconds() };
        (self.waited)(f64::from(i32::try_from(waiting).unwrap_or(i32::MAX)));
        self.export_checkpoint()
    }

    /// Takes the checkpoint that another node signed, if there is a later one than before.
    fn take_checkpoint(&mut self, now: UnixTime) -> Result<(), Failure> {
        let kept = self.log.store.checkpoint().map_err(unavailable)?;
        let kept = kept.and_then(|note| Some((size_of(&note)?, note)));
        match kept.filter(|(size, _)| *size > self.checkpoint.size) {
            Some((size, note)) => self.checkpoint = Latest { note: Some(note), size, signed_at: now },
            None => self.checkpoint.signed_at = now,
        }
        Ok(())
    }

    fn export_checkpoint(&mut self) -> Result<(), Failure> {
        let Some((export, follower)) = &mut self.export else { return Ok(()) };
        let Some(note) = self.checkpoint.note.take_if(|_| export.reached() >= self.checkpoint.size) else {
            return Ok(());
        };
        // Its token was away at the start.
        if !self.key_shown {
            if let Err(failure) = show_key(export, &self.log) {
                self.checkpoint.note = Some(note);
                return Err(failure);
            }
            self.key_shown = true;
        }
        export.append_checkpoint(&note).map_err(|error| {
            follower.failed(error.to_string());
            self.checkpoint.note = Some(note);
            Failure::new(Exit::Unavailable, "audit.export", error)
        })
    }
}

/// Puts the key of the checkpoints beside them.
fn show_key(export: &Export, log: &AuditLog) -> Result<(), Failure> {
    let Some(notary) = &log.notary else { return Ok(()) };
    let shown = export.show_key(&pem(notary.public_key()?));
    shown.map_err(|error| Failure::new(Exit::Failed, "audit.export", error))
}

/// Tells each fault once, and once that it is over.
#[derive(Default)]
pub(super) struct Told(Option<Failure>);

impl Told {
    pub(super) fn tell(&mut self, what: &str, outcome: Result<(), Failure>) {
        match (outcome.err(), &self.0) {
            (Some(failure), before) if before.as_ref() != Some(&failure) => {
                tracing::error!(%failure, "the {what} cannot go on; it is tried again");
                self.0 = Some(failure);
            }
            (None, Some(_)) => {
                tracing::info!("the {what} goes on");
                self.0 = None;
            }
            (Some(_) | None, _) => {}
        }
    }
}

fn refused(error: &OpenExportError) -> Failure {
    let integrity =
        "stop, and keep ledger and export as they are; `meter-pki audit verify --export` checks the export";
    match error {
        OpenExportError::Ahead { .. } | OpenExportError::Differs { .. } | OpenExportError::Unreadable => {
            Failure::new(Exit::Integrity, "audit.export", error).then(integrity)
        }
        OpenExportError::Ledger { .. } | OpenExportError::Io { .. } => {
            Failure::new(Exit::Failed, "audit.export", error)
                .then("look at audit.export_directory in the configuration")
        }
    }
}

/// Tells whether every copy keeps up, for the health check.
pub(crate) fn condition(log: &AuditLog) -> Condition {
    Condition::from(log.store.check_followers())
}
