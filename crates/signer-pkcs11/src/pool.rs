//! A bounded number of things that one thread at a time may use; who finds none waits (case H-14).
//!
//! Knows nothing of PKCS#11: the things are sessions there and numbers in the tests. It makes none itself, it hands out
//! the right to have one.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Things at rest, and a count of those in use.
pub(crate) struct Pool<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
}

struct State<T> {
    at_rest: Vec<T>,
    permits: usize,
    limit: NonZeroUsize,
}

/// The right to use one thing until it is dropped.
pub(crate) struct Permit<'a, T> {
    pool: &'a Pool<T>,
}

impl<T> Pool<T> {
    /// Makes a pool of at most `limit` things in use at once.
    pub(crate) const fn new(limit: NonZeroUsize) -> Self {
        Self { state: Mutex::new(State { at_rest: Vec::new(), permits: 0, limit }), returned: Condvar::new() }
    }

    /// Waits until one more may be in use. Hands over the one that came to rest last, if there is one; otherwise the
    /// caller makes it.
    pub(crate) fn permit(&self) -> (Permit<'_, T>, Option<T>) {
        let mut state = self
            .returned
            .wait_while(self.state(), |state| state.permits >= state.limit.get())
            .unwrap_or_else(PoisonError::into_inner);
        state.permits += 1;
        (Permit { pool: self }, state.at_rest.pop())
    }

    /// Drops what is at rest.
    pub(crate) fn forget(&self) {
        let at_rest = core::mem::take(&mut self.state().at_rest);
        drop(at_rest);
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Every change of the state is one statement that cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Permit<'_, T> {
    /// Puts the thing to rest for the next one.
    pub(crate) fn put_to_rest(self, thing: T) {
        self.pool.state().at_rest.push(thing);
    }

    /// Lowers the limit to the others that there are, in use or at rest, since there is no room for one more. Answers
    /// whether there are others: then waiting for one of them helps.
    pub(crate) fn narrow(self) -> bool {
        let mut state = self.pool.state();
        let others = NonZeroUsize::new(state.permits.saturating_sub(1) + state.at_rest.len());
        if let Some(others) = others {
            state.limit = state.limit.min(others);
        }
        drop(state);
        others.is_some()
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.permits = state.permits.saturating_sub(1);
        drop(state);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn pool(limit: usize) -> Pool<usize> {
        Pool::new(NonZeroUsize::new(limit).unwrap())
    }

    // Case H-14: more requests than sessions wait, none is refused and none is lost.
    #[test]
    fn serves_more_threads_than_there_are_things_and_never_makes_more_things() {
        let pool = pool(3);
        let (made, in_use) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Barrier::new(12);
        let served: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..12)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        for _ in 0..200 {
                            let (permit, thing) = pool.permit();
                            let thing = thing.unwrap_or_else(|| made.fetch_add(1, Ordering::SeqCst));
                            assert!(in_use.fetch_add(1, Ordering::SeqCst) < 3);
                            thread::yield_now();
                            in_use.fetch_sub(1, Ordering::SeqCst);
                            permit.put_to_rest(thing);
                        }
                        200
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(served, 12 * 200);
        assert!(made.load(Ordering::SeqCst) <= 3);
    }

    #[test]
    fn hands_out_what_came_to_rest_unless_told_to_forget_it() {
        let pool = pool(2);
        let (permit, none) = pool.permit();
        assert_eq!(none, None);
        permit.put_to_rest(7);
        let (permit, thing) = pool.permit();
        assert_eq!(thing, Some(7));
        permit.put_to_rest(8);
        pool.forget();
        assert_eq!(pool.permit().1, None);
    }

    #[test]
    fn narrows_to_what_the_token_has_room_for() {
        let pool = pool(8);
        let (first, _) = pool.permit();
        let (second, _) = pool.permit();
        assert!(second.narrow(), "waiting for the first helps");
        assert_eq!(pool.state().limit.get(), 1);
        drop(first);
        let (third, _) = pool.permit();
        pool.state().at_rest.push(7);
        assert!(third.narrow(), "one came to rest meanwhile");
        pool.forget();
        let (alone, _) = pool.permit();
        assert!(!alone.narrow(), "there is no other to wait for");
        assert_eq!(pool.state().limit.get(), 1);
    }

    #[test]
    fn gives_a_permit_back_when_its_user_panics() {
        let pool = pool(1);
        let panicked = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let (_permit, _) = pool.permit();
                    panic!("as a fault in signing would");
                })
                .join()
        });
        assert!(panicked.is_err());
        assert_eq!(pool.permit().1, None);
    }
}
