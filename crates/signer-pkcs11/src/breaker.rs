//! When a token that failed is left alone, and for how long.
//!
//! The decisions only; time is handed in. Who asks the token again is `keeper.rs`.

use core::time::Duration;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

/// Whether the token is asked.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// How often it failed since it last worked.
    failures: u32,
    since: Option<Instant>,
    shortest: Duration,
    longest: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    Probing,
    Stopped,
}

/// How a token stands, for readiness and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is asked.
    Serving,
    /// It failed and is left alone.
    Resting {
        /// When it is asked again at the earliest.
        again_in: Duration,
    },
    /// It failed, and one signature is asked of it to see whether it works again.
    Probing,
    /// It refused the PIN: it is not asked until this program is started anew.
    Stopped,
}

impl Breaker {
    /// The token has not failed yet. After a failure it rests `shortest`, twice as long after each further one, and never
    /// longer than `longest`.
    pub(crate) const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { state: State::Closed, failures: 0, since: None, shortest, longest }
    }

    /// The token failed. Tells whether it worked before, so that someone must see to it from now on.
    pub(crate) fn trip(&mut self, now: Instant) -> bool {
        let worked = self.state == State::Closed;
        if worked || self.state == State::Probing {
            self.failures = self.failures.saturating_add(1);
            self.since.get_or_insert(now);
            self.state = State::Open { until: now + jittered(self.rest()) };
        }
        worked
    }

    /// The token is asked for one signature. Answers whether its rest is over; else, how long it still lasts.
    pub(crate) fn probe(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Open { until } if now < until => Err(until - now),
            State::Closed | State::Open { .. } | State::Probing | State::Stopped => {
                self.state = State::Probing;
                Ok(())
            }
        }
    }

    /// Tells for how long the token has not worked.
    pub(crate) fn away(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// The token works again.
    pub(crate) const fn close(&mut self) {
        self.state = State::Closed;
        self.failures = 0;
        self.since = None;
    }

    /// Nothing that this program may try will help.
    pub(crate) const fn stop(&mut self) {
        self.state = State::Stopped;
    }

    pub(crate) fn state(&self, now: Instant) -> TokenState {
        match self.state {
            State::Closed => TokenState::Serving,
            State::Open { until } => {
                TokenState::Resting { again_in: until.saturating_duration_since(now).max(self.shortest) }
            }
            State::Probing => TokenState::Probing,
            State::Stopped => TokenState::Stopped,
        }
    }

    /// What a requester who comes while the token is probed is told to wait.
    pub(crate) const fn shortest(&self) -> Duration {
        self.shortest
    }

    fn rest(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        self.shortest.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// Half of it to all of it, so that many programs do not come back to one token at once.
fn jittered(rest: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1024;
    let part = u32::try_from(random).unwrap_or_default();
    rest / 2 + rest / 2 * part / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, Instant) {
        #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
        let now = Instant::now();
        (Breaker::new(SECOND, 60 * SECOND), now)
    }

    #[test]
    fn rests_longer_after_each_failure_and_never_longer_than_a_minute() {
        let (mut breaker, mut now) = breaker();
        for longest in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            breaker.trip(now);
            let rest = breaker.probe(now).unwrap_err();
            assert!(rest >= longest * SECOND / 2 && rest <= longest * SECOND, "{rest:?} of {longest} s");
            now += rest;
            breaker.probe(now).unwrap();
        }
    }

    #[test]
    fn begins_anew_once_the_token_works() {
        let (mut breaker, now) = breaker();
        assert!(breaker.trip(now), "it worked before");
        assert!(!breaker.trip(now), "those who asked at the same time change nothing");
        breaker.probe(now + SECOND).unwrap();
        assert!(!breaker.trip(now + SECOND));
        breaker.probe(now + 3 * SECOND).unwrap();
        assert_eq!(breaker.away(now + 3 * SECOND), 3 * SECOND);
        breaker.close();
        assert_eq!(breaker.away(now + 3 * SECOND), Duration::ZERO);
        assert_eq!(breaker.state(now + 3 * SECOND), TokenState::Serving);
        assert!(breaker.trip(now + 4 * SECOND));
        assert!(breaker.probe(now + 4 * SECOND).unwrap_err() <= SECOND);
    }

    #[test]
    fn does_not_come_back_at_the_same_time_everywhere() {
        let rests: std::collections::BTreeSet<Duration> = (0..64).map(|_| jittered(SECOND)).collect();
        assert!(rests.len() > 8, "{rests:?}");
    }
}
