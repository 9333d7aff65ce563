//! The queue before the threads: bounded, closable, and aware of who has been at work since when and for how long at a time.
//!
//! It is *not* fair between tenants: first come, first served.

use crate::workers::turns::Turns;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Does the work, and returns what tells the requester. That is done last, when the thread counts as free again: who
/// has an answer and asks anew must not find the pool still busy with the first question.
pub(super) type Job = Box<dyn FnOnce() -> Reply + Send>;
pub(super) type Reply = Box<dyn FnOnce()>;

pub(super) struct Queue {
    workers: usize,
    capacity: usize,
    state: Mutex<State>,
    wake: Condvar,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    at_work: HashMap<u64, Instant>,
    begun: u64,
    closed: bool,
    turns: Turns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There will be room for whoever asks after this time.
    Full(Duration),
    Closed,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Queue {
    /// Holds as many jobs as there are workers, and `waiting` more.
    pub(super) fn new(workers: NonZeroUsize, waiting: usize) -> Self {
        let (open, _) = watch::channel(0);
        let workers = workers.get();
        let capacity = workers.saturating_add(waiting);
        Self { workers, capacity, state: Mutex::default(), wake: Condvar::new(), open }
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    pub(super) fn push(&self, job: Job) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if state.open() >= self.capacity {
            let ahead = state.open();
            return Err(Refusal::Full(state.turns.next(Instant::now(), ahead, self.workers)));
        }
        state.waiting.push_back(job);
        self.open.send_replace(state.open());
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// No more jobs come in; those inside are still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// How many jobs wait or run, as it changes.
    pub(super) fn watch_open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }

    /// How many threads have been at their job for longer than `patience`.
    pub(super) fn at_work_longer_than(&self, patience: Duration) -> usize {
        self.lock().at_work.values().filter(|since| since.elapsed() > patience).count()
    }

    /// The life of one thread: takes jobs until the queue is closed and empty.
    pub(super) fn work(&self) {
        while let Some((number, job)) = self.next() {
            // The job catches its own panics; this one keeps the thread should a result panic when it is dropped.
            let kept = catch_unwind(AssertUnwindSafe(|| {
                let reply = job();
                self.free(number);
                reply();
            }));
            if kept.is_err() {
                self.free(number);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn learn(&self, time: Duration) {
        self.lock().turns.took(time);
    }

    fn free(&self, number: u64) {
        let mut state = self.lock();
        if let Some(begun) = state.at_work.remove(&number) {
            state.turns.took(begun.elapsed());
        }
        self.open.send_replace(state.open());
    }

    fn next(&self) -> Option<(u64, Job)> {
        let mut state = self
            .wake
            .wait_while(self.lock(), |state| state.waiting.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let job = state.waiting.pop_front()?;
        let number = state.begun;
        state.begun += 1;
        state.at_work.insert(number, Instant::now());
        Some((number, job))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&self) -> usize {
        self.waiting.len() + self.at_work.len()
    }
}
