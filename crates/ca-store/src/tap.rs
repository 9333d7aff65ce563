//! What was committed while a backup copies rows: every batch, in order, until the backup has taken it.
//!
//! Not a log: nothing is kept when no backup listens, and a backup that does not keep up is given up, never waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::Write;

/// How many octets of keys and values may wait for the backup.
const MAX_WAITING_OCTETS: usize = 128 * 1024 * 1024;

/// Where the committer leaves what it committed.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        writes: Vec<Write>,
        octets: usize,
    },
    Overrun,
}

impl Tap {
    /// Begins to keep what is committed; `false` when another backup listens.
    pub(crate) fn open(&self) -> bool {
        let mut state = self.lock();
        let free = matches!(*state, State::Closed);
        if free {
            *state = State::Open { writes: Vec::new(), octets: 0 };
        }
        free
    }

    /// Keeps nothing from now on.
    pub(crate) fn close(&self) {
        *self.lock() = State::Closed;
    }

    /// Returns a copy of a batch that is about to be committed, if somebody listens.
    pub(crate) fn copy(&self, batch: &[Write]) -> Option<Vec<Write>> {
        matches!(*self.lock(), State::Open { .. }).then(|| batch.to_vec())
    }

    /// Keeps a batch that is committed.
    pub(crate) fn keep(&self, batch: Vec<Write>) {
        let mut state = self.lock();
        if let State::Open { writes, octets } = &mut *state {
            let more: usize = batch.iter().map(size).sum();
            *octets = octets.saturating_add(more);
            if *octets > MAX_WAITING_OCTETS {
                *state = State::Overrun;
            } else {
                writes.extend(batch);
            }
        }
    }

    /// Takes what waits; `None` when it became too much.
    pub(crate) fn take(&self) -> Option<Vec<Write>> {
        match &mut *self.lock() {
            State::Open { writes, octets } => {
                *octets = 0;
                Some(core::mem::take(writes))
            }
            State::Closed | State::Overrun => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(write: &Write) -> usize {
    write.key.len().saturating_add(write.value.as_ref().map_or(0, Vec::len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Keyspace;

    fn write(octets: usize) -> Write {
        Write { keyspace: Keyspace::Keys, key: Vec::new(), value: Some(vec![0; octets]) }
    }

    #[test]
    fn keeps_batches_in_order_only_while_somebody_listens() {
        let tap = Tap::default();
        assert_eq!(tap.copy(&[write(1)]), None);
        assert!(tap.open());
        assert!(!tap.open(), "one backup at a time");
        tap.keep(vec![write(1)]);
        tap.keep(vec![write(2), write(3)]);
        assert_eq!(tap.take(), Some(vec![write(1), write(2), write(3)]));
        assert_eq!(tap.take(), Some(Vec::new()));
        tap.close();
        assert_eq!(tap.take(), None);
    }

    #[test]
    fn a_backup_that_does_not_keep_up_is_given_up_and_its_memory_freed() {
        let tap = Tap::default();
        assert!(tap.open());
        tap.keep(vec![write(MAX_WAITING_OCTETS)]);
        assert!(tap.copy(&[]).is_some());
        tap.keep(vec![write(1)]);
        assert_eq!(tap.copy(&[]), None);
        assert_eq!(tap.take(), None);
    }
}
