//! Sessions for reading, lent to one view after the other. A session on which anything went wrong does not come back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Database;
use super::presence::Presence;
use super::session::{Session, SessionFault, Wire};

/// How many sessions there are at most.
const SESSIONS: usize = 16;

/// How long a view waits for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sessions for reading.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    returned: Condvar,
    pub(super) presence: Presence,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    lent: usize,
}

impl Pool {
    /// Lends a session; opens one where none is idle.
    pub(super) fn lend(&self, wire: &Wire, database: &Database) -> Result<Session, SessionFault> {
        self.presence.admit()?;
        let (mut state, _) = self
            .returned
            .wait_timeout_while(self.lock(), PATIENCE, |state| {
                state.idle.is_empty() && state.lent >= SESSIONS
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.lent >= SESSIONS {
            return Err(SessionFault::Silent { limit: PATIENCE });
        }
        state.lent = state.lent.saturating_add(1);
        while let Some(session) = state.idle.pop() {
            if !session.is_closed() {
                return Ok(session);
            }
        }
        drop(state);
        wire.connect(database).inspect_err(|_| self.lose_silent())
    }

    /// Takes back a session on which all went well.
    pub(super) fn take_back(&self, session: Session) {
        let mut state = self.lock();
        state.lent = state.lent.saturating_sub(1);
        state.idle.push(session);
        drop(state);
        self.presence.answered();
        self.returned.notify_one();
    }

    /// Hears of a session that does not come back.
    pub(super) fn lose(&self) {
        let mut state = self.lock();
        state.lent = state.lent.saturating_sub(1);
        drop(state);
        self.returned.notify_one();
    }

    /// Hears of a session on which nothing was said, or that could not be had.
    pub(super) fn lose_silent(&self) {
        self.presence.silent();
        // Those that are idle lead to the same silence.
        self.forget();
        self.lose();
    }

    /// Lets go of idle sessions: the host that takes writes is another one now.
    pub(super) fn forget(&self) {
        let idle = core::mem::take(&mut self.lock().idle);
        drop(idle);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
