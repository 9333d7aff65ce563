//! How long a provider's keys are used and when they are fetched: pure, by times that are given.
//!
//! A stranger who sends tokens with names of keys that nobody has causes one fetch a minute. A provider that is away costs
//! nobody his session sooner than his token would end: keys serve an hour on, which is the longest life of a token.

use std::sync::Arc;

use ca_core::validity::UnixTime;

use super::keys::Keys;

/// After how many seconds keys are fetched anew, beside the requests.
pub(super) const FRESH: i64 = 600;
/// How many seconds they are used at most.
const USABLE: i64 = 3_600;
/// How many seconds lie between two fetches at least, the first of which brought keys.
const PAUSE: i64 = 60;
/// The same after one that brought none.
pub(super) const PAUSE_AFTER_FAILURE: i64 = 5;

/// The keys that are at hand.
#[derive(Debug, Default)]
pub(super) struct KeyRing {
    kept: Option<(Arc<Keys>, UnixTime)>,
    /// When a fetch was last tried, and whether it failed.
    tried: Option<(UnixTime, Option<String>)>,
}

/// What is to be done for a token.
#[derive(Debug, Clone)]
pub(super) enum Course {
    /// These keys say what the token is worth.
    Use(Arc<Keys>),
    /// The same; and newer ones are to be fetched meanwhile.
    UseAndRefresh(Arc<Keys>),
    /// Newer ones are to be fetched first.
    Fetch,
    /// There are none, and it is too early for another fetch.
    Away {
        /// Why the last fetch failed.
        why: String,
    },
}

impl KeyRing {
    /// Says what is to be done; `knows` tells whether keys have the one that the token names.
    pub(super) fn course(&self, now: UnixTime, knows: impl FnOnce(&Keys) -> bool) -> Course {
        let may_fetch = self.tried.as_ref().is_none_or(|(at, failed)| {
            let pause = if failed.is_some() { PAUSE_AFTER_FAILURE } else { PAUSE };
            !within(*at, pause, now)
        });
        let Some((keys, at)) = self.kept.as_ref().filter(|(_, at)| within(*at, USABLE, now)) else {
            let why = || self.tried.as_ref().and_then(|(_, failed)| failed.clone()).unwrap_or_default();
            return if may_fetch { Course::Fetch } else { Course::Away { why: why() } };
        };
        match (knows(keys), may_fetch) {
            (true, true) if !within(*at, FRESH, now) => Course::UseAndRefresh(Arc::clone(keys)),
            (false, true) => Course::Fetch,
            (true | false, _) => Course::Use(Arc::clone(keys)),
        }
    }

    /// Notes what a fetch brought.
    pub(super) fn note(&mut self, now: UnixTime, fetched: Result<Keys, String>) {
        self.tried = Some((now, fetched.as_ref().err().cloned()));
        if let Ok(keys) = fetched {
            self.kept = Some((Arc::new(keys), now));
        }
    }
}

/// Tells whether now is within so many seconds after; never for a clock that was set back.
pub(super) fn within(at: UnixTime, seconds: i64, now: UnixTime) -> bool {
    at <= now && now < at.plus_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(1_795_255_200 + seconds)
    }

    fn course(ring: &KeyRing, seconds: i64, knows: bool) -> &'static str {
        match ring.course(at(seconds), |_| knows) {
            Course::Use(_) => "use",
            Course::UseAndRefresh(_) => "use and refresh",
            Course::Fetch => "fetch",
            Course::Away { .. } => "away",
        }
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_a_minute_and_known_ones_never_wait() {
        let mut ring = KeyRing::default();
        assert_eq!(course(&ring, 0, true), "fetch");
        ring.note(at(0), Ok(Keys::default()));
        assert_eq!([0, 59, 60].map(|now| course(&ring, now, false)), ["use", "use", "fetch"]);
        assert_eq!([0, 599, 600].map(|now| course(&ring, now, true)), ["use", "use", "use and refresh"]);
    }

    #[test]
    fn a_provider_that_is_away_is_asked_again_after_five_seconds_and_its_keys_serve_an_hour() {
        let mut ring = KeyRing::default();
        ring.note(at(0), Err("no answer".to_owned()));
        assert_eq!([0, 4, 5].map(|now| course(&ring, now, true)), ["away", "away", "fetch"]);
        let Course::Away { why } = ring.course(at(1), |_| true) else { panic!("away") };
        assert_eq!(why, "no answer");
        ring.note(at(100), Ok(Keys::default()));
        ring.note(at(3_698), Err("no answer".to_owned()));
        assert_eq!([3_699, 3_700, 3_703].map(|now| course(&ring, now, true)), ["use", "away", "fetch"]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_key_last_longer() {
        let mut ring = KeyRing::default();
        ring.note(at(1_000), Ok(Keys::default()));
        assert_eq!(course(&ring, 0, true), "fetch");
    }
}
