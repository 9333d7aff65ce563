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

/// How often things go wrong between a head-end and its meters, of a thousand calls each, and how slow the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallFaults {
    /// Calls that do not arrive.
    pub lost_requests: u16,
    /// Answers that do not come back.
    pub lost_answers: u16,
    /// Meters that start anew before a call, and forget what waits for its certificate.
    pub restarts: u16,
    /// Answers that are brought wrongly: of another call, under another number, cut off, or with another meter's request.
    pub wrong_answers: u16,
    /// Exports that show a certificate which is another meter's.
    pub other_certificates: u16,
    /// The longest that a call is under way, in milliseconds; the shortest is none.
    pub delay: u32,
}

/// What befalls one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallMishap {
    None,
    RequestLost,
    AnswerLost,
    Restart,
    WrongAnswer,
    OtherCertificate,
}

impl CallFaults {
    /// Draws what befalls a call; one thing at most.
    pub(crate) fn mishap(&self, luck: Luck, occasion: Occasion<'_>) -> CallMishap {
        let shares = [
            (self.lost_requests, CallMishap::RequestLost),
            (self.lost_answers, CallMishap::AnswerLost),
            (self.restarts, CallMishap::Restart),
            (self.wrong_answers, CallMishap::WrongAnswer),
            (self.other_certificates, CallMishap::OtherCertificate),
        ];
        one_of(luck.below(1_000, occasion), shares).unwrap_or(CallMishap::None)
    }

    /// Draws how long a call is under way.
    pub(crate) fn delay(&self, luck: Luck, occasion: Occasion<'_>) -> Duration {
        delay(self.delay, luck, occasion)
    }
}

/// Returns what a number below a thousand falls on, each of these having its share of the thousand.
fn one_of<T>(drawn: u64, shares: impl IntoIterator<Item = (u16, T)>) -> Option<T> {
    let mut bound = 0_u64;
    shares.into_iter().find_map(|(share, mishap)| {
        bound = bound.saturating_add(share.into());
        (drawn < bound).then_some(mishap)
    })
}

fn delay(longest: u32, luck: Luck, occasion: Occasion<'_>) -> Duration {
    let bound = u64::from(longest).saturating_add(1);
    Duration::from_millis(luck.below(bound, Occasion { about: "delay", ..occasion }))
}

impl Faults {
    /// Draws what befalls a message; one thing at most.
    pub(crate) fn mishap(&self, luck: Luck, occasion: Occasion<'_>) -> Mishap {
        let which = luck.draw(Occasion { about: "which wrong request", ..occasion });
        let shares = [
            (self.lost_requests, Mishap::RequestLost),
            (self.lost_answers, Mishap::AnswerLost),
            (self.restarts, Mishap::Restart),
            (self.wrong_requests, Mishap::Wrong(Wrong::of(which))),
        ];
        one_of(luck.below(1_000, occasion), shares).unwrap_or(Mishap::None)
    }

    /// Draws how long a message is under way.
    pub(crate) fn delay(&self, luck: Luck, occasion: Occasion<'_>) -> Duration {
        delay(self.delay, luck, occasion)
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
        let calls = CallFaults { lost_requests: 500, other_certificates: 500, ..CallFaults::default() };
        let befall = |attempt| calls.mishap(Luck::new(5), Occasion { title: &title, about: "tls", attempt });
        let lost = (0..2_000).filter(|attempt| befall(*attempt) == CallMishap::RequestLost).count();
        let shown = (0..2_000).filter(|attempt| befall(*attempt) == CallMishap::OtherCertificate).count();
        assert!(lost.abs_diff(1_000) < 100 && lost + shown == 2_000, "{lost}, {shown}");
        let none =
            Faults::default().mishap(Luck::new(5), Occasion { title: &title, about: "tls", attempt: 0 });
        assert_eq!(none, Mishap::None);
    }
}
