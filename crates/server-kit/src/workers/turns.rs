//! When those who found the queue full had better ask again: one after another, as fast as the threads have been working.
//!
//! An estimate and no promise: who comes again is served if there is room, whatever it was told. It knows of whoever asks only
//! the party, whose turns follow one another.

use crate::workers::lanes::Party;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// The book of turns that were told.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How long a job takes, as far as is known: the mean of the last ones.
    takes: Duration,
    /// How many that are, at most [`REMEMBERED`].
    known: u32,
    /// The last turn that each party was told, as long as it holds back the next.
    last: HashMap<Party, Instant>,
}

/// Who works, and for how many in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Threads.
    pub(super) workers: usize,
    /// Parties that have jobs waiting, whoever asks included.
    pub(super) parties: usize,
}

impl Turns {
    /// Notes how long a job took.
    pub(super) fn took(&mut self, time: Duration) {
        self.known = (self.known + 1).min(REMEMBERED);
        self.takes = (self.takes * (self.known - 1) + time) / self.known;
    }

    /// Estimates how long so many jobs take.
    pub(super) fn wait(&self, jobs: usize, workers: usize) -> Duration {
        self.each(workers).saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX)).min(LONGEST)
    }

    /// Tells the next turn: after so many jobs that are in the queue already, and after all of this party who were told a turn
    /// before, as fast as the threads work for one party of those.
    pub(super) fn next(&mut self, now: Instant, party: Party, ahead: usize, pace: Pace) -> Duration {
        let those_are_done = now + self.wait(ahead, pace.workers);
        let each = self.wait(pace.parties, pace.workers);
        self.last.retain(|_, last| *last + each > now);
        let after_the_last = self.last.get(&party).map_or(now, |last| *last + each);
        let turn = those_are_done.max(after_the_last).min(now + LONGEST);
        self.last.insert(party, turn);
        turn.saturating_duration_since(now)
    }

    fn each(&self, workers: usize) -> Duration {
        self.takes / u32::try_from(workers).unwrap_or(u32::MAX).max(1)
    }
}

/// So many that one slow sync of the disk, which holds up every thread once, does not make the queue look endless.
const REMEMBERED: u32 = 64;

/// Beyond this nobody has been measuring anything.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { workers: 4, parties: 1 };

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
        let told: Vec<Duration> = (0..10_000).map(|_| turns.next(now, Party::default(), 100, PACE)).collect();
        assert_eq!(told.first(), Some(&millis(500)), "a hundred jobs of 20 ms on four threads");
        assert_eq!(told.last(), Some(&millis(500 + 9_999 * 5)));
        assert!(told.is_sorted());
    }

    #[test]
    fn turns_that_have_passed_are_forgotten() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        turns.took(millis(40));
        for _ in 0..1_000 {
            turns.next(now, Party::default(), 4, PACE);
        }
        assert_eq!(turns.next(now + millis(60_000), Party::default(), 4, PACE), millis(40));
    }

    #[test]
    fn what_jobs_take_is_learnt_from_many_and_no_stall_of_a_few_counts_for_all() {
        let mut turns = Turns::default();
        turns.took(millis(1_000));
        for _ in 0..200 {
            turns.took(millis(10));
        }
        assert!(turns.takes < millis(13), "{:?}", turns.takes);
        for _ in 0..4 {
            turns.took(millis(300));
        }
        assert!(turns.takes < millis(40), "{:?}", turns.takes);
    }

    #[test]
    fn a_pool_that_never_finished_a_job_tells_nothing_of_its_own() {
        assert_eq!(Turns::default().next(Instant::now(), Party::default(), 1_000, PACE), Duration::ZERO);
    }
}
