//! The one thread that writes: it takes what waits, decides it in order, makes one batch durable for all, and then answers.
//!
//! Not what an act is: those are closures over a transaction. A group is on disk whole before any of its askers hears of it.
//! When nobody knows whether its commit was done, none of them hears anything but "unavailable", for ever after: a failed fsync
//! is never tried again, since a second one may succeed although the data are gone. The process is to end; the next start
//! recovers. When an engine that is elsewhere cannot be reached, or is known to have written nothing, askers hear that it is
//! away, and the next group tries again.
//!
//! On an engine that several nodes share, others write between two groups: each group begins at the end of the trail as it
//! stands in its turn, and what was acknowledged here must still be in it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ca_core::audit::AuditTrail;

use crate::acknowledged::Acknowledged;
use crate::act::wants::Wants;
use crate::engine::{Durability, Engine, NotWritten, Turn, Write};
use crate::keyspace::Keyspace;
use crate::queue::{NotQueued, Queue};
use crate::tap::Tap;
use crate::transaction::{ActFault, Transaction};

/// How many commands share one commit at most.
const GROUP: usize = 512;

/// How long after an engine could not be reached it is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// The ledger cannot go on: what is on disk is unknown until the next start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger stopped and must be opened again: {cause}")]
pub struct FatalError {
    /// What happened, for the log.
    pub cause: String,
}

/// What is called, once, when the ledger cannot go on. A server ends its process here, without unwinding.
pub type FatalHook = Box<dyn FnOnce(&FatalError) + Send>;

/// How often the ledger wrote since it was opened. The mean group is `commands / commits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCounters {
    /// Batches written.
    pub commits: u64,
    /// Those of them that were synced to disk.
    pub durable_commits: u64,
    /// Commands answered from those batches.
    pub commands: u64,
    /// Rows written or removed by those batches.
    pub rows: u64,
    /// Questions asked of a database one by one, each a journey of its own, since nobody knew of them when the group began.
    pub read_alone: u64,
    /// Commands of the largest group.
    pub largest_group: u64,
    /// Commands that were given up because too many waited.
    pub given_up: u64,
    /// Commands that wait at this moment.
    pub waiting: u64,
}

/// Why a command was not done. Nothing of it is on disk, unless the ledger stopped: then the next start tells.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    #[error(transparent)]
    Fault(#[from] ActFault),
    #[error(transparent)]
    Queue(#[from] NotQueued),
    #[error(transparent)]
    Away(#[from] Away),
    #[error(transparent)]
    Stopped(#[from] FatalError),
}

/// Where the ledger is kept cannot be reached. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger cannot be written at this moment: {cause}")]
pub struct Away {
    /// What the engine says.
    pub cause: String,
}

/// An act on its way to the committer. It returns what answers its asker, to be called when the batch is on disk or never will.
struct Command {
    durability: Durability,
    wants: Wants,
    decide: Box<dyn FnOnce(&mut Transaction<'_>) -> Answer + Send>,
}

/// How often an act says what it will read.
const STEPS: usize = 3;

/// Tells an asker what became of its act.
type Answer = Box<dyn FnOnce(Result<(), Away>) + Send>;

/// Why a group was not committed.
enum Halt {
    /// The next one may be.
    Away(Away),
    /// None will be.
    Fatal(FatalError),
}

impl From<NotWritten> for Halt {
    fn from(cause: NotWritten) -> Self {
        match cause {
            NotWritten::Nothing(cause) => Self::Away(Away { cause: cause.to_string() }),
            NotWritten::Unknown(cause) => Self::Fatal(FatalError { cause: cause.to_string() }),
        }
    }
}

/// How the committer is set up.
pub(crate) struct CommitterSetup {
    /// How many commands may wait.
    pub(crate) queue_length: usize,
    /// How long a command waits, first for room in the queue and then in it.
    pub(crate) patience: Duration,
    /// Called when the ledger cannot go on.
    pub(crate) on_fatal: FatalHook,
    /// Where a backup hears of what is committed.
    pub(crate) tap: Arc<Tap>,
}

/// The handle of the committer's thread. Dropping it lets the commands that wait be done first.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    engine: Arc<dyn Engine>,
    patience: Duration,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Queue<Command>,
    stopped: OnceLock<FatalError>,
    /// Why nothing can be written at this moment.
    away: Mutex<Option<Away>>,
    /// The number of the last audit record on disk.
    trail_end: AtomicU64,
    /// How often batches were written that change the status of issued certificates.
    statuses: AtomicU64,
    on_fatal: Mutex<Option<FatalHook>>,
    tap: Arc<Tap>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    commits: AtomicU64,
    durable_commits: AtomicU64,
    commands: AtomicU64,
    rows: AtomicU64,
    read_alone: AtomicU64,
    largest_group: AtomicU64,
    given_up: AtomicU64,
}

impl Committer {
    /// Starts the thread; `trail` is the end of the audit trail on disk.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        trail: AuditTrail,
        setup: CommitterSetup,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Queue::new(setup.queue_length),
            stopped: OnceLock::new(),
            away: Mutex::default(),
            trail_end: AtomicU64::new(trail.sequence()),
            statuses: AtomicU64::new(0),
            on_fatal: Mutex::new(Some(setup.on_fatal)),
            tap: setup.tap,
            counters: Counters::default(),
        });
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            let (engine, acknowledged) = (Arc::clone(&engine), Acknowledged(trail));
            move || run(&*engine, acknowledged, &shared)
        })?;
        Ok(Self { shared, engine, patience: setup.patience, thread: Some(thread) })
    }

    /// Has an act done; returns when it is on disk as `durability` says, or when nothing was written.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        (durability, wants): (Durability, Wants),
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault> + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, outcome) = sync_channel(1);
        let command = Command { durability, wants, decide: Box::new(move |tx| decide(tx, act, answer)) };
        let ticket =
            self.shared.queue.push(command, self.patience).map_err(|refusal| self.refused(refusal))?;
        let outcome = match outcome.recv_timeout(self.patience) {
            Ok(done) => Some(done),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                if self.shared.queue.take_back(ticket).is_some() {
                    return Err(self.refused(NotQueued::Full));
                }
                outcome.recv().ok()
            }
        };
        match outcome {
            Some(done) => done,
            // A command that was taken out of the queue goes without an answer only when the ledger stops.
            None => Err(self.shared.stopped.wait().clone().into()),
        }
    }

    /// Says why the ledger cannot go on, if it cannot.
    pub(crate) fn check(&self) -> Result<(), FatalError> {
        match self.shared.stopped.get() {
            Some(fatal) => Err(fatal.clone()),
            None => Ok(()),
        }
    }

    /// Says why nothing can be written at this moment, if so.
    pub(crate) fn away(&self) -> Option<Away> {
        self.shared.away().clone()
    }

    /// Returns the number of the last audit record on disk.
    pub(crate) fn trail_end(&self) -> u64 {
        self.shared.trail_end.load(Ordering::Relaxed)
    }

    /// Returns how often batches were written that change the status of issued certificates, since the ledger was opened.
    pub(crate) fn statuses(&self) -> u64 {
        self.shared.statuses.load(Ordering::Acquire)
    }

    /// Returns how often the ledger wrote.
    pub(crate) fn counters(&self) -> StoreCounters {
        let counters = &self.shared.counters;
        StoreCounters {
            commits: counters.commits.load(Ordering::Relaxed),
            durable_commits: counters.durable_commits.load(Ordering::Relaxed),
            commands: counters.commands.load(Ordering::Relaxed),
            rows: counters.rows.load(Ordering::Relaxed),
            read_alone: counters.read_alone.load(Ordering::Relaxed),
            largest_group: counters.largest_group.load(Ordering::Relaxed),
            given_up: counters.given_up.load(Ordering::Relaxed),
            waiting: count(self.shared.queue.waiting()),
        }
    }

    fn refused(&self, refusal: NotQueued) -> NotDone {
        match self.check() {
            Err(fatal) => fatal.into(),
            Ok(()) => {
                self.shared.counters.given_up.fetch_add(1, Ordering::Relaxed);
                self.away().map_or_else(|| refusal.into(), Into::into)
            }
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.queue.close();
        self.engine.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was caught there and has been told.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn away(&self) -> MutexGuard<'_, Option<Away>> {
        // Nothing can panic while the lock is held.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whether the engine can be reached, and tells each change once.
    fn reached(&self, outcome: Result<(), Away>) {
        let mut away = self.away();
        match (away.as_ref(), &outcome) {
            (None, Err(now)) => tracing::error!(cause = now.cause, "the ledger is away: nothing is recorded"),
            (Some(_), Ok(())) => tracing::info!("the ledger is back"),
            _ => {}
        }
        *away = outcome.err();
    }
}

/// Decides one act and makes its answer. An act that fails leaves nothing in the transaction.
fn decide<T: Send + 'static>(
    tx: &mut Transaction<'_>,
    act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ActFault>,
    answer: SyncSender<Result<T, NotDone>>,
) -> Answer {
    let outcome = tx.attempt(act);
    // An asker always waits for its answer, so there is somebody to send it to.
    Box::new(move |written| {
        drop(answer.send(match written {
            Ok(()) => outcome.map_err(NotDone::Fault),
            Err(away) => Err(NotDone::Away(away)),
        }));
    })
}

fn run(engine: &dyn Engine, mut acknowledged: Acknowledged, shared: &Shared) {
    while shared.queue.wait() {
        let done = catch_unwind(AssertUnwindSafe(|| commit(engine, &mut acknowledged, shared)));
        match done {
            Ok(Ok(())) => shared.reached(Ok(())),
            Ok(Err(Halt::Away(away))) => {
                shared.reached(Err(away.clone()));
                if shared.queue.closes_within(AGAIN) {
                    return close(shared, FatalError { cause: away.to_string() });
                }
            }
            Ok(Err(Halt::Fatal(fatal))) => return stop(shared, fatal),
            Err(_) => return stop(shared, FatalError { cause: "the committer panicked".to_owned() }),
        }
    }
}

/// Decides a group, makes it durable and answers. Where that is fatal, nobody was answered.
fn commit(engine: &dyn Engine, acknowledged: &mut Acknowledged, shared: &Shared) -> Result<(), Halt> {
    let fatal = |cause: &dyn core::error::Error| Halt::Fatal(FatalError { cause: cause.to_string() });
    let turn = engine.turn()?;
    let trail = acknowledged.look_again(turn.view())?;
    // What others wrote may be seen before it is safe: somebody let a commit not wait, or the primary crashed while it did. Whoever
    // is answered from it waits behind it.
    let others_wrote = trail.sequence() > acknowledged.0.sequence();
    let group = next_group(engine, &shared.queue);
    fetch(&*turn, &group);
    let durability = group.iter().map(|command| command.durability).max().unwrap_or(Durability::Durable);
    let sealed_before = trail.sequence();
    let mut tx = Transaction::new(turn.view(), trail, turn.token());
    let answers: Vec<Answer> = group.into_iter().map(|command| (command.decide)(&mut tx)).collect();
    shared.counters.read_alone.fetch_add(turn.read_alone(), Ordering::Relaxed);
    let (batch, trail) = tx.into_batch().map_err(|cause| fatal(&cause))?;
    // A batch with audit records is always synced: by this the engine on fjall tells what a power cut may have torn.
    let durability = if trail.sequence() > sealed_before { Durability::Durable } else { durability };
    let rows = batch.len();
    if let Err(halt) = write(turn, (batch, durability), (others_wrote, shared)).map_err(Halt::from) {
        if let Halt::Away(away) = &halt {
            answers.into_iter().for_each(|answer| answer(Err(away.clone())));
        }
        return Err(halt);
    }
    shared.trail_end.store(trail.sequence(), Ordering::Relaxed);
    *acknowledged = Acknowledged(trail);
    let counters = &shared.counters;
    counters.rows.fetch_add(count(rows), Ordering::Relaxed);
    counters.commands.fetch_add(count(answers.len()), Ordering::Relaxed);
    counters.largest_group.fetch_max(count(answers.len()), Ordering::Relaxed);
    answers.into_iter().for_each(|answer| answer(Ok(())));
    Ok(())
}

/// Takes what waits, but first what needs no sync: whoever is about to sign does not wait for the disk of others meanwhile. None of
/// those who wait was answered, so that none of them can have asked for what overtakes it; and each is overtaken once at most.
fn next_group(engine: &dyn Engine, queue: &Queue<Command>) -> Vec<Command> {
    let at_once = match engine.writes_at_once() {
        true => queue.take_ahead(GROUP, |command| command.durability == Durability::ProcessCrash),
        false => Vec::new(),
    };
    if at_once.is_empty() { queue.take_group(GROUP) } else { at_once }
}

/// Has read at once what a group will read, where several write. What cannot be read is told to each by what it decides: nobody
/// goes without an answer.
fn fetch(turn: &dyn Turn, group: &[Command]) {
    if turn.token().is_none() {
        return;
    }
    for _ in 0..STEPS {
        let mut keys = Vec::new();
        for command in group {
            // What cannot be read now is told when it is read in earnest.
            keys.extend((command.wants)(turn.view()).unwrap_or_default());
        }
        if turn.fetch(keys).is_err() {
            return;
        }
    }
}

/// Writes a batch that is not empty, or that answers from what others wrote, and lets a backup hear of it.
fn write(
    turn: Box<dyn Turn + '_>,
    (batch, durability): (Vec<Write>, Durability),
    (others_wrote, shared): (bool, &Shared),
) -> Result<(), NotWritten> {
    if batch.is_empty() && !others_wrote {
        return Ok(());
    }
    let copy = shared.tap.copy(&batch);
    let changes_statuses = batch.iter().any(changes_a_status);
    timed(|| turn.commit(batch, durability))?;
    // Before anybody is answered: who hears of a revocation finds no older status told as unchanged.
    if changes_statuses {
        shared.statuses.fetch_add(1, Ordering::AcqRel);
    }
    // After the commit, so that a row that a backup reads is never older than a batch it was told of.
    if let Some(batch) = copy {
        shared.tap.keep(batch);
    }
    let counters = &shared.counters;
    counters.commits.fetch_add(1, Ordering::Relaxed);
    let synced = u64::from(durability == Durability::Durable);
    counters.durable_commits.fetch_add(synced, Ordering::Relaxed);
    Ok(())
}

/// What was issued stays so until it is revoked, or its row goes.
fn changes_a_status(write: &Write) -> bool {
    write.keyspace == Keyspace::Revocations
        || write.keyspace == Keyspace::Certificates && write.value.is_none()
}

/// Measures how long a commit takes.
#[expect(clippy::disallowed_methods, reason = "a duration is measured, no time of day is taken")]
fn timed<T>(commit: impl FnOnce() -> T) -> T {
    let begun = std::time::Instant::now();
    let committed = commit();
    metrics::histogram!("pki_store_commit_duration_seconds").record(begun.elapsed().as_secs_f64());
    committed
}

/// Lets nobody in any more, calls the hook, and leaves those who wait without an answer.
fn stop(shared: &Shared, fatal: FatalError) {
    let told = shared.stopped.get_or_init(|| fatal.clone());
    shared.queue.close();
    tracing::error!(cause = %told.cause, "the ledger stopped");
    let hook = shared.on_fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(hook) = hook {
        hook(told);
    }
    close(shared, fatal);
}

/// Tells those who wait that nothing is done for them any more.
fn close(shared: &Shared, why: FatalError) {
    shared.stopped.get_or_init(|| why);
    shared.queue.clear();
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
