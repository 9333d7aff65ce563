//! The bounded queue between those who ask and the one committer. Knows nothing of what waits in it.
//!
//! Whoever waits too long takes its command back. A command that was taken out to be done cannot be taken back: its asker
//! waits for the outcome, so that "unavailable" always means "nothing was done".

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A first-in first-out queue of bounded length.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    work: Condvar,
    length: usize,
}

struct State<T> {
    waiting: VecDeque<(Ticket, T)>,
    next: u64,
    closed: bool,
    /// Whether somebody who waits was overtaken by the last that were taken.
    has_overtaken: bool,
}

/// The name of a command in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Why a command is not in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotQueued {
    #[error("too many requests wait for the ledger")]
    Full,
    #[error("the ledger is closed")]
    Closed,
}

impl<T> Queue<T> {
    /// Makes an empty queue for at most `length` commands.
    pub(crate) const fn new(length: usize) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                next: 0,
                closed: false,
                has_overtaken: false,
            }),
            room: Condvar::new(),
            work: Condvar::new(),
            length,
        }
    }

    /// Puts a command into the queue; waits for room as long as `patience`.
    pub(crate) fn push(&self, command: T, patience: Duration) -> Result<Ticket, NotQueued> {
        let (mut state, _) = self
            .room
            .wait_timeout_while(self.lock(), patience, |state| {
                !state.closed && state.waiting.len() >= self.length
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if state.waiting.len() >= self.length {
            return Err(NotQueued::Full);
        }
        let ticket = Ticket(state.next);
        state.next = state.next.wrapping_add(1);
        state.waiting.push_back((ticket, command));
        drop(state);
        self.work.notify_one();
        Ok(ticket)
    }

    /// Takes a command back that still waits.
    pub(crate) fn take_back(&self, ticket: Ticket) -> Option<T> {
        let mut state = self.lock();
        let place = state.waiting.iter().position(|(waiting, _)| *waiting == ticket)?;
        let taken = state.waiting.remove(place);
        drop(state);
        self.room.notify_one();
        taken.map(|(_, command)| command)
    }

    /// Waits until a command waits; `false` once the queue is closed and empty.
    pub(crate) fn wait(&self) -> bool {
        let state = self
            .work
            .wait_while(self.lock(), |state| state.waiting.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.waiting.is_empty()
    }

    /// Takes out what waits at this moment, at most `limit`.
    pub(crate) fn take_group(&self, limit: usize) -> Vec<T> {
        let mut state = self.lock();
        let count = state.waiting.len().min(limit);
        let group = state.waiting.drain(..count).map(|(_, command)| command).collect();
        drop(state);
        self.room.notify_all();
        group
    }

    /// Takes out what waits at this moment and is wanted, at most `limit`; the rest keeps its order. After a call by which
    /// somebody was overtaken the next one takes nothing: nobody is overtaken twice.
    pub(crate) fn take_ahead(&self, limit: usize, is_wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut state = self.lock();
        if core::mem::take(&mut state.has_overtaken) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for (ticket, command) in core::mem::take(&mut state.waiting) {
            if taken.len() < limit && is_wanted(&command) {
                taken.push(command);
            } else {
                state.waiting.push_back((ticket, command));
            }
        }
        state.has_overtaken = !taken.is_empty() && !state.waiting.is_empty();
        drop(state);
        if !taken.is_empty() {
            self.room.notify_all();
        }
        taken
    }

    /// Waits for `pause`, or until the queue is closed; tells whether it is.
    pub(crate) fn closes_within(&self, pause: Duration) -> bool {
        let (state, _) = self
            .work
            .wait_timeout_while(self.lock(), pause, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.closed
    }

    /// Lets nothing more in. What waits stays until it is taken out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
        self.work.notify_all();
    }

    /// Throws away what waits.
    pub(crate) fn clear(&self) {
        let waiting = core::mem::take(&mut self.lock().waiting);
        drop(waiting);
    }

    /// Returns how many commands wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing can panic while the lock is held, save for lack of memory, which leaves the queue whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[test]
    fn gives_out_in_order_what_was_put_in_up_to_the_limit() {
        let queue = Queue::new(4);
        for number in 0..4 {
            queue.push(number, NONE).unwrap();
        }
        assert_eq!(queue.push(4, NONE), Err(NotQueued::Full));
        assert_eq!(queue.take_group(3), [0, 1, 2]);
        assert_eq!(queue.take_group(3), [3]);
        assert_eq!(queue.take_group(3), []);
    }

    #[test]
    fn gives_out_those_that_are_wanted_and_the_rest_in_its_order() {
        let queue = Queue::new(6);
        for number in 0..6 {
            queue.push(number, NONE).unwrap();
        }
        let odd = |number: &i32| number % 2 == 1;
        assert_eq!(queue.take_ahead(2, odd), [1, 3]);
        assert_eq!(queue.take_ahead(2, odd), [], "nobody is overtaken twice");
        assert_eq!(queue.take_ahead(2, |number| *number > 9), []);
        assert_eq!(queue.take_ahead(2, odd), [5]);
        assert_eq!(queue.take_group(9), [0, 2, 4]);
    }

    #[test]
    fn a_command_is_taken_back_only_while_it_waits() {
        let queue = Queue::new(2);
        let first = queue.push('a', NONE).unwrap();
        let second = queue.push('b', NONE).unwrap();
        assert_eq!(queue.take_group(1), ['a']);
        assert_eq!(queue.take_back(first), None);
        assert_eq!(queue.take_back(second), Some('b'));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn whoever_waits_for_room_gets_it_when_a_group_is_taken_out() {
        let queue = Arc::new(Queue::new(1));
        queue.push(1, NONE).unwrap();
        let waiter = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(2, Duration::from_secs(3_600))
        });
        assert!(queue.wait());
        assert_eq!(queue.take_group(1), [1]);
        assert!(waiter.join().unwrap().is_ok());
        assert_eq!(queue.take_group(1), [2]);
    }

    #[test]
    fn a_closed_queue_lets_nothing_in_and_gives_out_the_rest() {
        let queue = Queue::new(2);
        queue.push(1, NONE).unwrap();
        queue.close();
        assert_eq!(queue.push(2, NONE), Err(NotQueued::Closed));
        assert!(queue.wait() && queue.closes_within(NONE));
        assert_eq!(queue.take_group(9), [1]);
        assert!(!queue.wait());
    }
}
