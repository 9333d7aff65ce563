//! What may go wrong on the way of one message, and how often.

use std::time::Duration;

use crate::luck::{Luck, Occasion};
use crate::wrong::Wrong;

/// How often things go wrong, of a thousand messages each, and how slow the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Requests that do not arrive.
    pub lost_requests: u16,
    /// Answers that do not arrive.
    pub lost_answers: u16,
    /// Meters that start anew before they ask, and lose their connection.
    pub restarts: u16,
    /// Requests that no server may answer: of another meter, without proof of possession, on another curve, or not a request.
    pub wrong_requests: u16,
    /// The longest that a message is under way, in milliseconds; the shortest is none.
    pub delay: u32,
}

/// What befalls one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    None,
    RequestLost,
    AnswerLost,
    Restart,
    Wrong(Wrong),
}

impl Faults {
    /// Draws what befalls a message; one thing at most.
    pub(crate) fn mishap(&self, luck: Luck, occasion: Occasion<'_>) -> Mishap {
        let drawn = luck.below(1_000, Occasion { attempt: occasion.attempt, ..occasion });
        let mut bound = 0_u64;
        let which = luck.draw(Occasion { about: "which wrong request", ..occasion });
        for (share, mishap) in [
            (self.lost_requests, Mishap::RequestLost),
            (self.lost_answers, Mishap::AnswerLost),
            (self.restarts, Mishap::Restart),
            (self.wrong_requests, Mishap::Wrong(Wrong::of(which))),
        ] {
            bound = bound.saturating_add(share.into());
            if drawn < bound {
                return mishap;
            }
        }
        Mishap::None
    }

    /// Draws how long a message is under way.
    pub(crate) fn delay(&self, luck: Luck, occasion: Occasion<'_>) -> Duration {
        let bound = u64::from(self.delay).saturating_add(1);
        Duration::from_millis(luck.below(bound, Occasion { about: "delay", ..occasion }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::system_title::SystemTitle;

    #[test]
    fn each_mishap_comes_as_often_as_it_was_asked_for() {
        let faults =
            Faults { lost_requests: 100, lost_answers: 200, restarts: 50, wrong_requests: 150, delay: 0 };
        let title = SystemTitle::new([9; 8]);
        let mut counts = [0_u32; 5];
        for attempt in 0..20_000 {
            let place = match faults.mishap(Luck::new(5), Occasion { title: &title, about: "tls", attempt }) {
                Mishap::None => 0,
                Mishap::RequestLost => 1,
                Mishap::AnswerLost => 2,
                Mishap::Restart => 3,
                Mishap::Wrong(_) => 4,
            };
            counts[place] += 1;
        }
        let wanted = [10_000, 2_000, 4_000, 1_000, 3_000];
        for (count, wanted) in counts.into_iter().zip(wanted) {
            assert!(count.abs_diff(wanted) < 250, "{counts:?}");
        }
        let none =
            Faults::default().mishap(Luck::new(5), Occasion { title: &title, about: "tls", attempt: 0 });
        assert_eq!(none, Mishap::None);
    }
}
