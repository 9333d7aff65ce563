//! Wakes a flush of sled that sleeps on although a write has failed.
//!
//! sled notes a failed write and then wakes whoever waits for it, except where the last part of a batch leaves its buffer: there
//! it only notes it, and when a later buffer was written before, the flush that waits is never woken. Another flush sees the
//! note, and wakes all who wait. So a flush that takes long is flushed once more, from another thread. It does *not* look at
//! what becomes of that: whoever committed is told.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ::sled::Db;

/// Longer than a flush takes on a disk that is well.
const LONG: Duration = Duration::from_millis(500);

/// The thread that looks after the flushes of a database. Dropping it ends the thread.
pub(super) struct Waker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    Flushing,
    Closed,
}

impl Shared {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        *self.phase() = phase;
        self.changed.notify_all();
    }

    /// Calls for help at each flush that takes long, and again after twice the time as long as it lasts; until the end.
    fn watch(&self, help: impl Fn()) {
        let mut phase = self.phase();
        let mut patience = LONG;
        while *phase != Phase::Closed {
            if *phase == Phase::Idle {
                patience = LONG;
                phase = self.changed.wait(phase).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let flushing = |phase: &mut Phase| *phase == Phase::Flushing;
            let waited = self.changed.wait_timeout_while(phase, patience, flushing);
            let (now, time) = waited.unwrap_or_else(PoisonError::into_inner);
            phase = now;
            if time.timed_out() {
                drop(phase);
                help();
                patience = patience.saturating_mul(2);
                phase = self.phase();
            }
        }
    }
}

/// Flushes once more, in a thread of its own: should the write fail only when this one sleeps as well, the next one wakes both.
fn flush_again(database: &Db) {
    let database = database.clone();
    let flush = move || drop(database.flush());
    drop(thread::Builder::new().name("sled flush".to_owned()).spawn(flush));
}

impl Waker {
    /// Starts the thread.
    pub(super) fn start(database: &Db) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let thread = thread::Builder::new().name("sled waker".to_owned()).spawn({
            let (shared, database) = (Arc::clone(&shared), database.clone());
            move || shared.watch(|| flush_again(&database))
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Flushes, and is woken.
    pub(super) fn flush(&self, database: &Db) -> sled::Result<usize> {
        self.shared.enter(Phase::Flushing);
        let flushed = database.flush();
        self.shared.enter(Phase::Idle);
        flushed
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.shared.enter(Phase::Closed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
