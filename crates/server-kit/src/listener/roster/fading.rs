//! A sum that forgets.

use std::time::Duration;
use tokio::time::Instant;

/// A sum of what was added lately: what is as old as its time counts a third.
#[derive(Debug)]
pub(super) struct Fading {
    sum: f64,
    at: Instant,
    time: Duration,
}

impl Fading {
    pub(super) fn new(time: Duration) -> Self {
        Self { sum: 0.0, at: Instant::now(), time }
    }

    pub(super) fn add(&mut self, amount: f64) {
        self.sum = self.now() + amount;
        self.at = Instant::now();
    }

    pub(super) fn now(&self) -> f64 {
        self.sum * (-self.at.elapsed().as_secs_f64() / self.time.as_secs_f64()).exp()
    }
}
