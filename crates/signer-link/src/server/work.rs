//! What is going on: connections, requests at work, and whether there are to be more.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts connections and requests at work.
#[derive(Debug, Default)]
pub(super) struct Work {
    counts: Mutex<Counts>,
    fewer: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    stopping: bool,
    /// The connections by their numbers.
    connections: BTreeMap<u64, UnixStream>,
    last_number: u64,
    requests: usize,
}

impl Work {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Numbers are whole after every panic of ours.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more requests.
    pub(super) fn stop(&self) {
        self.counts().stopping = true;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.counts().stopping
    }

    /// Takes one of so many connections, unless all are taken.
    pub(super) fn seat(self: &Arc<Self>, most: usize, stream: UnixStream) -> Option<Seat> {
        let mut counts = self.counts();
        if counts.connections.len() >= most {
            return None;
        }
        counts.last_number += 1;
        let number = counts.last_number;
        counts.connections.insert(number, stream);
        Some(Seat { work: Arc::clone(self), number })
    }

    /// Ends all connections.
    pub(super) fn hang_up(&self) {
        for stream in self.counts().connections.values() {
            // One that has ended already cannot be ended.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Begins a request, unless there are to be no more.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Begun> {
        let mut counts = self.counts();
        if counts.stopping {
            return None;
        }
        counts.requests += 1;
        Some(Begun { work: Arc::clone(self) })
    }

    /// Waits until no request is at work; tells whether that was in time.
    pub(super) fn finished_within(&self, time: Duration) -> bool {
        let waited = self.fewer.wait_timeout_while(self.counts(), time, |counts| counts.requests > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.requests == 0
    }
}

/// A connection that is served; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    work: Arc<Work>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.work.counts().connections.remove(&self.number);
    }
}

/// A request at work; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    work: Arc<Work>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.work.counts().requests -= 1;
        self.work.fewer.notify_all();
    }
}
