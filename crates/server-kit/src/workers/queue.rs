//! The queue before the threads: bounded, closable, and aware of who has been at work since when and for how long at a time.
//!
//! The bound is one of time: what is taken in can be answered while its requester still waits, as far as the last jobs tell.
//! It is fair between parties ([`lanes`](super::lanes)): nobody is refused because of what another has waiting, as long as it
//! has less than its share of the places waiting itself.

use crate::workers::lanes::{Lanes, Party};
use crate::workers::turns::{Pace, Turns};
use std::{
    collections::HashMap,
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
    places: usize,
    patience: Duration,
    state: Mutex<State>,
    wake: Condvar,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    waiting: Lanes,
    at_work: HashMap<u64, Instant>,
    begun: u64,
    closed: bool,
    turns: Turns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Holds as many jobs as there are workers, and others in as many places as are given, of which none is expected to wait
    /// longer than `patience`. Where one party has all the places, others still find their shares: never more than twice as many.
    pub(super) fn new(workers: NonZeroUsize, places: usize, patience: Duration) -> Self {
        let (open, _) = watch::channel(0);
        let workers = workers.get();
        Self { workers, places, patience, state: Mutex::default(), wake: Condvar::new(), open }
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    pub(super) fn push(&self, party: Party, job: Job) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if self.is_full(&state, &party) {
            // When half of what is ahead is done: then the threads never run out of work before those who were refused return.
            let ahead = state.ahead_of(&party) / 2;
            let pace = Pace { workers: self.workers, parties: state.waiting.parties_with(&party) };
            return Err(Refusal::Full(state.turns.next(Instant::now(), party, ahead, pace)));
        }
        state.waiting.push(party, job);
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

    /// Whoever finds a thread without work is taken in, whatever jobs took before.
    fn is_full(&self, state: &State, party: &Party) -> bool {
        if state.open() < self.workers {
            return false;
        }
        let share = self.places / state.waiting.parties_with(party);
        let no_place = state.open() - self.workers >= self.places && state.waiting.of(party) >= share;
        no_place || state.turns.wait(state.ahead_of(party), self.workers) > self.patience
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
            .wait_while(self.lock(), |state| state.waiting.waiting() == 0 && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let job = state.waiting.pop()?;
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
        self.waiting.waiting() + self.at_work.len()
    }

    /// How many jobs are done or begun before one more of this party is begun.
    fn ahead_of(&self, party: &Party) -> usize {
        self.at_work.len() + self.waiting.ahead_of(party)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn push(queue: &Queue) -> Result<(), Refusal> {
        push_for(queue, "")
    }

    fn push_for(queue: &Queue, party: &str) -> Result<(), Refusal> {
        queue.push(Party::from(party), Box::new(|| Box::new(|| ())))
    }

    // K-14: what is taken in can be answered in time, so the queue is as long as jobs are short; whoever does not get in comes back
    // when half of it is done.
    #[test]
    fn k_14_the_queue_holds_what_can_be_begun_in_its_time() {
        for (takes, room, told) in [(0, 65, 0), (1, 65, 32), (100, 11, 500), (500, 3, 500), (2_000, 1, 0)] {
            let queue = Queue::new(NonZeroUsize::MIN, 64, millis(1_000));
            queue.learn(millis(takes));
            let refused = (0..).find_map(|taken| push(&queue).err().map(|refusal| (taken, refusal)));
            assert_eq!(refused, Some((room, Refusal::Full(millis(told)))), "jobs of {takes} ms");
        }
    }

    // T-18, H-09: whoever floods finds the queue full; whoever does not finds room behind one job of the flood.
    #[test]
    fn t_18_a_party_that_fills_the_queue_keeps_nobody_else_out() {
        let queue = Queue::new(NonZeroUsize::MIN, 8, millis(1_000));
        let taken = |party| (0..).find_map(|taken| push_for(&queue, party).err().map(|_| taken)).unwrap();
        assert_eq!(taken("noisy"), 9);
        assert_eq!(taken("quiet"), 4, "its share of eight places");
        assert_eq!(taken("another"), 2);
        assert_eq!(queue.lock().open(), 15);
        assert_eq!(taken("noisy"), 0);
    }

    // K-14: one crowd's turns do not follow those of another.
    #[test]
    fn t_18_a_party_is_told_turns_behind_its_own_and_nobody_elses() {
        let queue = Queue::new(NonZeroUsize::MIN, 8, millis(1_000));
        queue.learn(millis(100));
        let told = |party| (0..100).filter_map(|_| push_for(&queue, party).err()).collect::<Vec<_>>();
        let (noisy, quiet) = (told("noisy"), told("quiet"));
        assert!(noisy.last() >= Some(&Refusal::Full(millis(8_000))), "{noisy:?}");
        assert!(quiet.first() <= Some(&Refusal::Full(millis(500))), "{quiet:?}");
    }
}
