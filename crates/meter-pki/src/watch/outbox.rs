//! What is still to be delivered, to whom, and when it is tried again.

use serde::{Deserialize, Serialize};

use super::notice::Notice;
use super::target::Target;

/// After the first failure it is tried again after so many seconds; twice as long after each further one.
const FIRST_PAUSE: i64 = 15;

/// The longest pause after a failure, in seconds.
const LONGEST_PAUSE: i64 = 900;

/// How many notices wait for one target at most; the oldest go first.
const MOST: usize = 1_000;

/// One notice for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    target: String,
    notice: Notice,
    attempts: u32,
    /// In seconds since 1970; 0: at once.
    again_at: i64,
}

/// All of them, in the order in which they came.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outbox {
    waiting: Vec<Waiting>,
}

impl Outbox {
    /// Puts a notice in for each target that wants it.
    pub(super) fn add(&mut self, notice: &Notice, targets: &[Target]) {
        for target in targets.iter().filter(|target| target.wants(notice)) {
            let name = target.name();
            if self.waiting.iter().filter(|one| one.target == name).count() >= MOST
                && let Some(oldest) = self.waiting.iter().position(|one| one.target == name)
            {
                let lost = self.waiting.remove(oldest);
                tracing::error!(
                    target = name,
                    id = lost.notice.id,
                    "a notice was never delivered: too many wait"
                );
            }
            let waiting =
                Waiting { target: name.to_owned(), notice: notice.clone(), attempts: 0, again_at: 0 };
            self.waiting.push(waiting);
        }
    }

    /// Returns how many wait.
    pub(super) const fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns when the next is to be tried.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.waiting.iter().map(|one| one.again_at).min()
    }

    /// Tries what is due; tells whether anything changed. A target that failed is not tried again for the others in this round,
    /// and gets them in their order.
    pub(super) async fn deliver(&mut self, targets: &[Target], now: i64) -> bool {
        let before = self.waiting.len();
        let mut left = Vec::with_capacity(before);
        let mut failing: Vec<(String, i64)> = Vec::new();
        let mut tried = false;
        for mut one in std::mem::take(&mut self.waiting) {
            // Whoever is not in the configuration any more is told nothing.
            let Some(target) = targets.iter().find(|target| target.name() == one.target) else { continue };
            if let Some((_, again_at)) = failing.iter().find(|(name, _)| *name == one.target) {
                one.again_at = *again_at;
                left.push(one);
                continue;
            }
            if one.again_at > now {
                failing.push((one.target.clone(), one.again_at));
                left.push(one);
                continue;
            }
            tried = true;
            if let Err(why) = target.send(&one.notice, now).await {
                one.attempts = one.attempts.saturating_add(1);
                one.again_at = now.saturating_add(pause(one.attempts));
                tracing::error!(target = one.target, attempts = one.attempts, %why, "a notice is not delivered");
                failing.push((one.target.clone(), one.again_at));
                left.push(one);
            }
        }
        self.waiting = left;
        tried || self.waiting.len() != before
    }
}

fn pause(attempts: u32) -> i64 {
    FIRST_PAUSE.saturating_mul(2_i64.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{CheckedTarget, NoticeLog, Way};
    use crate::doctor::Severity;
    use crate::watch::notice::tests::notice;

    /// Nobody listens there.
    fn nowhere(least: Severity) -> Target {
        let way =
            Way::Syslog { collector: NoticeLog::Socket(PathBuf::from("/nowhere/log")), roots_file: None };
        Target::new(&CheckedTarget { least, way }).unwrap()
    }

    fn socket(directory: &std::path::Path) -> (Target, std::os::unix::net::UnixDatagram) {
        let place: PathBuf = directory.join("log");
        let listener = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
        let way = Way::Syslog { collector: NoticeLog::Socket(place), roots_file: None };
        (Target::new(&CheckedTarget { least: Severity::Warning, way }).unwrap(), listener)
    }

    #[tokio::test]
    async fn what_is_not_delivered_is_tried_again_ever_later_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let targets = [nowhere(Severity::Warning)];
        let mut outbox = Outbox::default();
        let (first, mut second) = (notice(), notice());
        second.id = "second".to_owned();
        outbox.add(&first, &targets);
        outbox.add(&second, &targets);
        let mut now = 1_000;
        for pause in [15, 30, 60, 120, 240, 480, 900, 900] {
            assert!(outbox.deliver(&targets, now).await);
            assert_eq!((outbox.len(), outbox.next_at()), (2, Some(now + pause)));
            assert!(!outbox.deliver(&targets, now + pause - 1).await, "nothing is due");
            now += pause;
        }
        // It is there again, under the name it has.
        let (target, listener) = socket(directory.path());
        outbox.waiting.iter_mut().for_each(|one| one.target = target.name().to_owned());
        assert!(outbox.deliver(std::slice::from_ref(&target), now).await);
        assert_eq!((outbox.len(), outbox.next_at()), (0, None));
        for id in [first.id, second.id] {
            let mut octets = [0; 4_096];
            let count = listener.recv(&mut octets).unwrap();
            assert!(String::from_utf8_lossy(&octets[..count]).contains(&id));
        }
    }

    #[tokio::test]
    async fn one_target_that_fails_holds_no_other_up() {
        let directory = tempfile::tempdir().unwrap();
        let (good, listener) = socket(directory.path());
        let targets = [nowhere(Severity::Warning), good];
        let mut outbox = Outbox::default();
        outbox.add(&notice(), &targets);
        assert_eq!(outbox.len(), 2);
        assert!(outbox.deliver(&targets, 0).await);
        assert_eq!(outbox.len(), 1);
        assert!(listener.recv(&mut [0; 4_096]).unwrap() > 0);
        // Whoever is not configured any more is told nothing.
        assert!(outbox.deliver(&targets[1..], 1_000).await);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn each_gets_what_is_bad_enough_and_never_more_than_can_wait() {
        let targets = [nowhere(Severity::Fault)];
        let mut outbox = Outbox::default();
        let mut warning = notice();
        warning.severity = Severity::Warning;
        outbox.add(&warning, &targets);
        assert_eq!(outbox.len(), 0);
        for number in 0..=MOST {
            outbox.add(&Notice { id: number.to_string(), ..notice() }, &targets);
        }
        assert_eq!(outbox.len(), MOST);
        assert_eq!(outbox.waiting.first().map(|one| one.notice.id.as_str()), Some("1"));
    }
}
