//! Whether the database gave an answer when it was last asked: while it gives none, who asks is told so at once, and one at a time
//! finds out whether it is there again. So nobody else waits, and no thread is lost to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::session::SessionFault;

/// How long after a failure it is asked again.
const REST: Duration = Duration::from_secs(1);

/// How long whoever asks may take before another one asks as well.
const ASKING: Duration = Duration::from_secs(5);

/// What is known of the database.
#[derive(Default)]
pub(super) struct Presence(Mutex<Option<Away>>);

/// A database that gave no answer.
#[derive(Clone, Copy)]
struct Away {
    since: Instant,
    /// When the next one may ask.
    again: Instant,
}

impl Presence {
    /// Lets somebody ask: whoever comes while the database is there; one now and then while it is not.
    pub(super) fn admit(&self) -> Result<(), SessionFault> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Result<(), SessionFault> {
        let mut state = self.lock();
        let Some(away) = state.as_mut() else { return Ok(()) };
        if now < away.again {
            return Err(SessionFault::Away { since: now.duration_since(away.since) });
        }
        away.again = later(now, ASKING);
        Ok(())
    }

    /// Hears that it gave an answer.
    pub(super) fn answered(&self) {
        *self.lock() = None;
    }

    /// Hears that it gave none.
    pub(super) fn silent(&self) {
        self.silent_at(Instant::now());
    }

    fn silent_at(&self, now: Instant) {
        let mut state = self.lock();
        let since = state.map_or(now, |away| away.since);
        *state = Some(Away { since, again: later(now, REST) });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        // Nothing can panic while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_04_while_it_is_away_one_at_a_time_asks_and_the_others_hear_so_at_once() {
        let (presence, start) = (Presence::default(), Instant::now());
        let asks = |seconds| presence.admit_at(start + Duration::from_secs(seconds));
        asks(0).unwrap();
        asks(0).unwrap();
        presence.silent_at(start);
        assert!(matches!(asks(0), Err(SessionFault::Away { .. })));
        asks(1).unwrap();
        asks(5).unwrap_err();
        asks(6).unwrap();
        presence.silent_at(start + Duration::from_secs(7));
        let told = asks(7).unwrap_err().to_string();
        assert!(told.contains("7 seconds"), "since it was first away: {told}");
        asks(8).unwrap();
        presence.answered();
        asks(8).unwrap();
        asks(8).unwrap();
    }
}
