//! A clock that stands until it is set, and counts how often it is looked at.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;

/// 2026-11-21T10:00:00Z.
pub(crate) const NOW: i64 = 1_795_255_200;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;

pub(crate) const fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

pub(crate) struct SetClock {
    seconds: AtomicI64,
    looks: AtomicUsize,
}

impl SetClock {
    pub(crate) const fn at(seconds: i64) -> Self {
        Self { seconds: AtomicI64::new(seconds), looks: AtomicUsize::new(0) }
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixTime {
        self.looks.fetch_add(1, Ordering::SeqCst);
        at(self.seconds.load(Ordering::SeqCst))
    }
}
