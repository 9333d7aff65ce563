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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// After so many flushes.
    Idle(u64),
    /// The flush of this number.
    Flushing(u64),
    Closed,
}

impl Phase {
    const fn begun(self) -> Self {
        match self {
            Self::Idle(before) | Self::Flushing(before) => Self::Flushing(before.wrapping_add(1)),
            Self::Closed => Self::Closed,
        }
    }

    const fn ended(self) -> Self {
        match self {
            Self::Idle(number) | Self::Flushing(number) => Self::Idle(number),
            Self::Closed => Self::Closed,
        }
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self::Idle(0)
    }
}

impl Shared {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the phase that follows.
    fn enter(&self, next: impl FnOnce(Phase) -> Phase) {
        let mut phase = self.phase();
        *phase = next(*phase);
        self.changed.notify_all();
    }

    /// Calls for help at each flush that takes long, and again after twice the time as long as it lasts; until the end.
    fn watch(&self, help: impl Fn()) {
        let (mut watched, mut patience) = (*self.phase(), LONG);
        while watched != Phase::Closed {
            let unchanged = |phase: &mut Phase| *phase == watched;
            let waited = if let Phase::Idle(_) = watched {
                let phase = self.changed.wait_while(self.phase(), unchanged);
                *phase.unwrap_or_else(PoisonError::into_inner)
            } else {
                let phase = self.changed.wait_timeout_while(self.phase(), patience, unchanged);
                *phase.unwrap_or_else(PoisonError::into_inner).0
            };
            if waited == watched {
                help();
                patience = patience.saturating_mul(2);
            } else {
                patience = LONG;
            }
            watched = waited;
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
        self.shared.enter(Phase::begun);
        let flushed = database.flush();
        self.shared.enter(Phase::ended);
        flushed
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.shared.enter(|_| Phase::Closed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_flush_that_lasts_is_helped_again_and_again() {
        let shared = Arc::<Shared>::default();
        let (help, helped) = channel();
        let watching = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.watch(|| help.send(*shared.phase() == Phase::Flushing(1_001)).unwrap())
        });
        for _ in 0..1_000 {
            shared.enter(Phase::begun);
            shared.enter(Phase::ended);
        }
        shared.enter(Phase::begun);
        // On a machine that stalls, one before it may have been helped as well.
        let of_the_last = helped.iter().skip_while(|is_of_the_last| !is_of_the_last).take(2);
        assert_eq!(of_the_last.collect::<Vec<_>>(), [true, true]);
        shared.enter(Phase::ended);
        shared.enter(|_| Phase::Closed);
        watching.join().unwrap();
    }
}
