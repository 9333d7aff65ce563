//! Who is in a module: the calls that are made of it, the sessions that are open, and one that opens or closes at a time.
//!
//! PKCS#11 lets threads open sessions at once where the module was told that there are threads, and modules are known that
//! cannot: tpm2-pkcs11 up to 1.9 looks for a free place in its table of sessions without holding its lock, and two threads
//! then work in one session. A call that hangs holds nobody up for longer than [`PATIENCE`]: the next one takes its turn away.
//!
//! A module may be ended and begun anew only while nobody is in it (PKCS#11 v3.1 §5.4): threads that hang in it are, too.

use core::ops::Deref;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use cryptoki::session::Session;

/// How long a turn is waited for: far longer than a session takes to open or to close, shorter than a call may hang.
const PATIENCE: Duration = Duration::from_millis(500);

/// The gate of a module, for everyone in this process.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whose turn it is.
    turn: Option<u64>,
    last_turn: u64,
    sessions: usize,
    calls: usize,
    begins_anew: bool,
}

/// A session of a gate.
pub(crate) struct GatedSession {
    // Closed before the turn that its drop has taken ends: fields are dropped in this order.
    session: Session,
    closing: Turn,
}

/// A turn at the gate, once it is taken, until it is dropped.
struct Turn {
    gate: Arc<Gate>,
    number: Option<u64>,
    /// Whether a session is closed in it.
    closes: bool,
}

/// Whoever makes calls, for as long as this lives.
pub(crate) struct Inside(Arc<Gate>);

impl Gate {
    /// Goes in, to make calls; waits while the module begins anew.
    pub(crate) fn enter(self: &Arc<Self>) -> Inside {
        let state = self.changed.wait_while(self.state(), |state| state.begins_anew);
        state.unwrap_or_else(PoisonError::into_inner).calls += 1;
        Inside(Arc::clone(self))
    }

    /// Opens a session in a turn of its own.
    pub(crate) fn open<E>(
        self: &Arc<Self>,
        open: impl FnOnce() -> Result<Session, E>,
    ) -> Result<GatedSession, E> {
        let session = {
            let _turn = Turn::taken(self);
            open()?
        };
        self.state().sessions += 1;
        let closing = Turn { gate: Arc::clone(self), number: None, closes: true };
        Ok(GatedSession { session, closing })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one statement that cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Does something while nobody else is in the module, and no session is open; nothing, when somebody is.
    pub(crate) fn alone<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        {
            let mut state = self.0.state();
            if state.calls > 1 || state.sessions > 0 || state.begins_anew {
                return None;
            }
            state.begins_anew = true;
        }
        let done = work();
        self.0.state().begins_anew = false;
        self.0.changed.notify_all();
        Some(done)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.calls = state.calls.saturating_sub(1);
    }
}

impl Turn {
    fn taken(gate: &Arc<Gate>) -> Self {
        let mut turn = Self { gate: Arc::clone(gate), number: None, closes: false };
        turn.take();
        turn
    }

    /// Waits for its turn, and takes it away from one that does not end.
    fn take(&mut self) {
        let waited =
            self.gate.changed.wait_timeout_while(self.gate.state(), PATIENCE, |state| state.turn.is_some());
        let (mut state, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        state.last_turn += 1;
        state.turn = Some(state.last_turn);
        self.number = state.turn;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if self.number.is_some() && state.turn == self.number {
            state.turn = None;
        }
        if self.closes {
            state.sessions = state.sessions.saturating_sub(1);
        }
        drop(state);
        self.gate.changed.notify_all();
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
        self.closing.take();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn lets_one_through_at_a_time() {
        let (gate, inside) = (Arc::<Gate>::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _turn = Turn::taken(&gate);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn a_turn_that_does_not_end_is_taken_away_once() {
        let gate = Arc::<Gate>::default();
        let hangs = Turn::taken(&gate);
        let second = Turn::taken(&gate);
        drop(hangs);
        assert_eq!(gate.state().turn, second.number, "it ends no turn but its own");
        drop(second);
        assert_eq!(gate.state().turn, None);
    }

    #[test]
    fn is_left_to_one_alone_only_while_nobody_calls_and_no_session_is_open() {
        let gate = Arc::<Gate>::default();
        let (first, second) = (gate.enter(), gate.enter());
        assert_eq!(first.alone(|| 7), None);
        drop(second);
        gate.state().sessions = 1;
        assert_eq!(first.alone(|| 7), None);
        gate.state().sessions = 0;
        assert_eq!(first.alone(|| gate.state().begins_anew), Some(true));
        assert!(!gate.state().begins_anew);
        drop(first);
        drop(gate.enter());
        assert_eq!(gate.state().calls, 0);
    }
}
