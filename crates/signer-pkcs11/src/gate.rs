//! Sessions that are opened and closed one at a time, each closed when it is dropped.
//!
//! PKCS#11 lets threads open sessions at once where the module was told that there are threads, and modules are known that
//! cannot: tpm2-pkcs11 up to 1.9 looks for a free place in its table of sessions without holding its lock, and two threads
//! then work in one session. A call that hangs holds nobody up for longer than [`PATIENCE`]: the next one goes on without
//! its turn.

use core::ops::Deref;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use cryptoki::session::Session;

/// How long a turn is waited for: far longer than a session takes to open or to close, shorter than a call may hang.
const PATIENCE: Duration = Duration::from_millis(500);

/// Lets one thread through at a time.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    taken: Mutex<bool>,
    free: Condvar,
}

/// A session of a gate.
pub(crate) struct GatedSession {
    // Closed before the turn, which its drop has taken, ends: fields are dropped in this order.
    session: Session,
    turn: Turn,
}

/// A turn at the gate, from when it is taken to when it is dropped.
struct Turn {
    gate: Arc<Gate>,
    taken: bool,
}

impl Gate {
    /// Opens a session in a turn of its own.
    pub(crate) fn open<E>(
        self: &Arc<Self>,
        open: impl FnOnce() -> Result<Session, E>,
    ) -> Result<GatedSession, E> {
        let opened = {
            let mut turn = Turn { gate: Arc::clone(self), taken: false };
            turn.take();
            open()
        };
        opened.map(|session| GatedSession { session, turn: Turn { gate: Arc::clone(self), taken: false } })
    }

    fn taken(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for its turn, and goes on without one where it does not come.
    fn take(&mut self) {
        let waited = self.gate.free.wait_timeout_while(self.gate.taken(), PATIENCE, |taken| *taken);
        let (mut taken, result) = waited.unwrap_or_else(PoisonError::into_inner);
        self.taken = !result.timed_out();
        *taken = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.taken {
            *self.gate.taken() = false;
            self.gate.free.notify_one();
        }
    }
}

impl Deref for GatedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for GatedSession {
    fn drop(&mut self) {
        self.turn.take();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn turn(gate: &Arc<Gate>) -> Turn {
        let mut turn = Turn { gate: Arc::clone(gate), taken: false };
        turn.take();
        turn
    }

    #[test]
    fn lets_one_through_at_a_time() {
        let (gate, inside) = (Arc::<Gate>::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _turn = turn(&gate);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn goes_on_without_a_turn_where_one_does_not_end_and_ends_none_but_its_own() {
        let gate = Arc::<Gate>::default();
        let hangs = turn(&gate);
        let second = turn(&gate);
        assert!(hangs.taken && !second.taken);
        drop(second);
        assert!(*gate.taken(), "the first one is still inside");
        drop(hangs);
        assert!(turn(&gate).taken);
    }
}
