//! Who writes for whom: the first that comes writes what there is, and those that come meanwhile wait for the next turn, which one
//! of them takes. So nobody is waited for, and no thread is there for the writing alone.
//!
//! What writing is, is not known here.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Those who want something written.
#[derive(Debug)]
pub(super) struct Gathering<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// What the next turn is to write.
    waiting: Vec<T>,
    /// Whoever waits for it.
    next: Arc<Batch>,
    /// Somebody has the turn.
    is_writing: bool,
    /// A turn was not brought to its end: there are to be no more.
    has_ended: bool,
}

/// Those whose entries are written together.
#[derive(Debug, Default)]
struct Batch {
    fate: Mutex<Fate>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    #[default]
    Waits,
    /// One of them is to write.
    MayWrite,
    Written,
    Ended,
}

/// What became of whoever joined.
pub(super) enum Turn<'a, T> {
    /// Somebody else has written it.
    Written,
    /// Nothing is written any more.
    Ended,
    /// It is for him to write.
    Writes(Writes<'a, T>),
}

/// The turn of one who is to write for all who wait. Dropped before it was passed on, it is the last one.
pub(super) struct Writes<'a, T> {
    gathering: &'a Gathering<T>,
    /// Whoever waits for what is being written.
    batch: Option<Arc<Batch>>,
    is_passed_on: bool,
}

impl<T> Default for Gathering<T> {
    fn default() -> Self {
        let state = State { waiting: Vec::new(), next: Arc::default(), is_writing: false, has_ended: false };
        Self { state: Mutex::new(state) }
    }
}

impl<T> Gathering<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until an entry is written, or until it is the caller's turn to write.
    pub(super) fn join(&self, entry: T) -> Turn<'_, T> {
        let mut state = self.state();
        if state.has_ended {
            return Turn::Ended;
        }
        state.waiting.push(entry);
        if state.is_writing {
            let batch = Arc::clone(&state.next);
            drop(state);
            match batch.wait() {
                Fate::Written => return Turn::Written,
                Fate::Ended => return Turn::Ended,
                Fate::Waits | Fate::MayWrite => {}
            }
        } else {
            state.is_writing = true;
        }
        Turn::Writes(Writes { gathering: self, batch: None, is_passed_on: false })
    }
}

impl<T> Writes<'_, T> {
    /// Returns what is to be written; whoever comes from now on waits for the next turn.
    pub(super) fn close(mut self) -> (Vec<T>, Self) {
        let mut state = self.gathering.state();
        let entries = core::mem::take(&mut state.waiting);
        self.batch = Some(core::mem::take(&mut state.next));
        drop(state);
        (entries, self)
    }

    /// Tells those who wait for it that it is written.
    pub(super) fn written(mut self) -> Self {
        if let Some(batch) = self.batch.take() {
            batch.tell(Fate::Written);
        }
        self
    }

    /// Gives the turn to one of those who have come meanwhile, if anybody has.
    pub(super) fn pass_on(mut self) {
        self.is_passed_on = true;
        let mut state = self.gathering.state();
        if state.waiting.is_empty() {
            state.is_writing = false;
        } else {
            state.next.call_one();
        }
    }
}

impl<T> Drop for Writes<'_, T> {
    fn drop(&mut self) {
        if self.is_passed_on {
            return;
        }
        let mut state = self.gathering.state();
        state.has_ended = true;
        state.waiting.clear();
        state.next.tell(Fate::Ended);
        drop(state);
        if let Some(batch) = self.batch.take() {
            batch.tell(Fate::Ended);
        }
    }
}

impl Batch {
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what becomes of it; of those who may write, it tells only one.
    fn wait(&self) -> Fate {
        let waited = self.changed.wait_while(self.fate(), |fate| *fate == Fate::Waits);
        let mut fate = waited.unwrap_or_else(PoisonError::into_inner);
        let told = *fate;
        if told == Fate::MayWrite {
            *fate = Fate::Waits;
        }
        told
    }

    fn tell(&self, fate: Fate) {
        *self.fate() = fate;
        self.changed.notify_all();
    }

    fn call_one(&self) {
        *self.fate() = Fate::MayWrite;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn everything_is_written_once_by_one_at_a_time() {
        let (gathering, written) = (Gathering::default(), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for number in 0..16 {
                let (gathering, written) = (&gathering, &written);
                scope.spawn(move || {
                    for round in 0..100 {
                        match gathering.join((number, round)) {
                            Turn::Written => {}
                            Turn::Ended => panic!("nobody has ended it"),
                            Turn::Writes(turn) => {
                                let (entries, turn) = turn.close();
                                // Whoever else writes holds this.
                                written.try_lock().expect("one writes at a time").extend(entries);
                                turn.written().pass_on();
                            }
                        }
                    }
                });
            }
        });
        let mut written = written.into_inner().unwrap();
        written.sort_unstable();
        written.dedup();
        assert_eq!(written.len(), 1_600);
    }

    #[test]
    fn a_turn_that_is_not_brought_to_its_end_ends_it_for_all_who_wait() {
        let gathering = Gathering::default();
        let Turn::Writes(turn) = gathering.join(0) else { panic!("nobody else writes") };
        thread::scope(|scope| {
            let join = |one| matches!(gathering.join(one), Turn::Ended);
            let waiting: Vec<_> = (1..4).map(|one| scope.spawn(move || join(one))).collect();
            while gathering.state().waiting.len() < 4 {
                thread::yield_now();
            }
            drop(turn);
            assert!(waiting.into_iter().all(|one| one.join().unwrap()));
        });
        assert!(matches!(gathering.join(5), Turn::Ended));
    }
}
