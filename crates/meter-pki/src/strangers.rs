//! Refusals of which anybody at all can be the cause: counted, and told once a minute, so that they do not fill the audit trail.

use std::sync::{Mutex, PoisonError};

use ca_core::validity::UnixTime;

/// How often strangers are on record, in seconds.
const PAUSE: i64 = 60;

/// Counts refusals of which anybody can be the cause, so that they do not fill the audit trail.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    /// When one was last put on record, and how many came since.
    since: Mutex<Option<(UnixTime, u64)>>,
}

impl Strangers {
    /// Counts one; returns how many were not put on record before it, if it is to be.
    pub(crate) fn told(&self, now: UnixTime) -> Option<u64> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match since.as_mut() {
            Some((last, others)) if now < last.plus_seconds(PAUSE) && *last <= now => {
                *others = others.saturating_add(1);
                None
            }
            _ => since.replace((now, 0)).map_or(Some(0), |(_, others)| Some(others)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_on_record_once_a_minute_with_the_number_of_the_others() {
        let (strangers, at) = (Strangers::default(), UnixTime::from_seconds);
        assert_eq!(strangers.told(at(1_000)), Some(0));
        assert_eq!([1_000, 1_001, 1_059].map(|now| strangers.told(at(now))), [None; 3]);
        assert_eq!(strangers.told(at(1_060)), Some(3));
        assert_eq!(strangers.told(at(1_061)), None);
        assert_eq!(strangers.told(at(900)), Some(1), "a clock that was set back");
    }
}
