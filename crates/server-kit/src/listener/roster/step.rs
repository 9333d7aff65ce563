//! One step of clients on their way to their first request, and whether it moves. It displaces nobody.

use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// A step is at a standstill where fewer than one in so many come to its end.
const SHARE: f64 = 4.0;

/// A step on the way to the first request: who is at it, and how many are getting through it.
#[derive(Debug)]
pub(super) struct Step {
    /// By turn, since when.
    pub(super) begun: BTreeMap<u64, Instant>,
    /// How many are at it at a time of those who come to its end, over the last second or so: as often as one does, times as long
    /// as it takes.
    moving: f64,
    moved: Instant,
    /// A client is given at least this time before it is said to stall.
    least: Duration,
}

impl Step {
    pub(super) fn new(least: Duration) -> Self {
        Self { begun: BTreeMap::new(), moving: 0.0, moved: Instant::now(), least }
    }

    pub(super) fn took(&mut self, time: Duration) {
        self.moving = self.moving_now() + time.as_secs_f64();
        self.moved = Instant::now();
    }

    /// What is a second old counts a third.
    fn moving_now(&self) -> f64 {
        self.moving * (-self.moved.elapsed().as_secs_f64()).exp()
    }

    /// Who may be given up for a newcomer first, and when: the oldest, after its time; and while those who come to the end account
    /// for a quarter of all who are at it, nobody.
    pub(super) fn next_to_stall(&self) -> Option<(u64, Instant)> {
        let (turn, since) = self.begun.first_key_value()?;
        Some((*turn, self.stalls_at(*since)))
    }

    /// When whoever has been at it since then may be given up.
    pub(super) fn stalls_at(&self, since: Instant) -> Instant {
        let at_it = u32::try_from(self.begun.len()).map_or(f64::MAX, f64::from);
        let standstill =
            if SHARE * self.moving_now() < at_it { Instant::now() } else { Instant::now() + self.least };
        standstill.max(since + self.least)
    }
}
