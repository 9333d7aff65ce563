//! When those who found the queue full had better ask again: one after another, as fast as the threads have been working.
//!
//! An estimate and no promise: who comes again is served if there is room, whatever it was told. It does *not* know who asks.

use std::time::Duration;
use tokio::time::Instant;

/// The book of turns that were told.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How long a job takes, as far as is known: the mean of the last few.
    takes: Duration,
    /// The last turn that was told.
    last: Option<Instant>,
}

impl Turns {
    /// Notes how long a job took.
    pub(super) fn took(&mut self, time: Duration) {
        self.takes = if self.takes.is_zero() { time } else { (self.takes * 7 + time) / 8 };
    }

    /// Tells the next turn: after the jobs that are in the queue already, and after all who were told a turn before.
    pub(super) fn next(&mut self, now: Instant, ahead: usize, workers: usize) -> Duration {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
        let each = self.takes / workers;
        let queue_ends = now + each.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX)).min(LONGEST);
        let after_the_last = self.last.map_or(now, |last| last + each);
        let turn = queue_ends.max(after_the_last).min(now + LONGEST);
        self.last = Some(turn);
        turn.saturating_duration_since(now)
    }
}

/// Beyond this nobody has been measuring anything.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    // K-14: ten thousand who are refused at once come back one by one, at the pace of the threads.
    #[test]
    fn k_14_turns_follow_one_another_at_the_measured_pace_behind_the_queue() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        for _ in 0..100 {
            turns.took(millis(20));
        }
        let told: Vec<Duration> = (0..10_000).map(|_| turns.next(now, 100, 4)).collect();
        assert_eq!(told.first(), Some(&millis(500)), "a hundred jobs of 20 ms on four threads");
        assert_eq!(told.last(), Some(&millis(500 + 9_999 * 5)));
        assert!(told.is_sorted());
    }

    #[test]
    fn turns_that_have_passed_are_forgotten() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        turns.took(millis(40));
        for _ in 0..1_000 {
            turns.next(now, 4, 4);
        }
        assert_eq!(turns.next(now + millis(60_000), 4, 4), millis(40));
    }

    #[test]
    fn what_jobs_take_is_learnt_within_a_few() {
        let mut turns = Turns::default();
        turns.took(millis(1_000));
        for _ in 0..40 {
            turns.took(millis(10));
        }
        assert!(turns.takes < millis(20), "{:?}", turns.takes);
    }

    #[test]
    fn a_pool_that_never_finished_a_job_tells_nothing_of_its_own() {
        assert_eq!(Turns::default().next(Instant::now(), 1_000, 4), Duration::ZERO);
    }
}
