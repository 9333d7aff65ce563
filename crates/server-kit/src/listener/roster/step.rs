//! One step of clients on their way to their first request, and whether it moves. It displaces nobody.

use super::fading::Fading;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// A step is at a standstill where fewer than one in so many come to its end.
const SHARE: f64 = 4.0;

/// More than one in so many who were given up are no accident.
const GIVEN_UP: f64 = 10.0;

/// Over what time a step looks at who gets through it, and over what time at who was given up at it.
const LATELY: Duration = Duration::from_secs(1);
const RECENTLY: Duration = Duration::from_secs(10);

/// How long a client is given at least before it is said to stall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leeway {
    /// As long as nearly all come to the end: enough for the slowest, and for a crowd that has only just come.
    pub(super) usual: Duration,
    /// While many had to be given up.
    pub(super) in_a_flood: Duration,
}

/// A step on the way to the first request: who is at it, and how many are getting through it.
#[derive(Debug)]
pub(super) struct Step {
    /// By turn, since when.
    pub(super) begun: BTreeMap<u64, Instant>,
    /// How many are at it at a time of those who come to its end: as often as one does, times as long as it takes.
    moving: Fading,
    /// How many came to its end, and how many were given up.
    came: Fading,
    given_up: Fading,
    leeway: Leeway,
}

impl Step {
    pub(super) fn new(leeway: Leeway) -> Self {
        let [moving, came, given_up] = [LATELY, RECENTLY, RECENTLY].map(Fading::new);
        Self { begun: BTreeMap::new(), moving, came, given_up, leeway }
    }

    pub(super) fn took(&mut self, time: Duration) {
        self.moving.add(time.as_secs_f64());
        self.came.add(1.0);
    }

    pub(super) fn gave_up(&mut self) {
        self.given_up.add(1.0);
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
        let least = self.least();
        let standstill =
            if SHARE * self.moving.now() < at_it { Instant::now() } else { Instant::now() + least };
        standstill.max(since + least)
    }

    fn least(&self) -> Duration {
        let is_flooded = GIVEN_UP * self.given_up.now() > self.came.now();
        if is_flooded { self.leeway.in_a_flood } else { self.leeway.usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEEWAY: Leeway = Leeway { usual: Duration::from_secs(3), in_a_flood: Duration::from_secs(1) };

    fn given(step: &Step) -> Duration {
        let now = Instant::now();
        step.stalls_at(now) - now
    }

    #[tokio::test(start_paused = true)]
    async fn who_stalls_among_many_who_were_given_up_has_less_time_until_that_is_past() {
        let mut step = Step::new(LEEWAY);
        assert_eq!(given(&step), LEEWAY.usual, "nothing is known yet");
        (0..20).for_each(|_| step.took(Duration::from_millis(100)));
        step.gave_up();
        assert_eq!(given(&step), LEEWAY.usual, "one in twenty");
        (0..2).for_each(|_| step.gave_up());
        assert_eq!(given(&step), LEEWAY.in_a_flood, "three in twenty");
        tokio::time::advance(3 * RECENTLY).await;
        (0..20).for_each(|_| step.took(Duration::from_millis(100)));
        assert_eq!(given(&step), LEEWAY.usual, "that was half a minute ago");
    }
}
