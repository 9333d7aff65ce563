//! What came lately and what was answered, so that a message that comes twice is acted on once (RFC 7252 §4.5).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// RFC 7252 §4.8.2: for how long a message ID is not used for another message.
const EXCHANGE_LIFETIME: Duration = Duration::from_secs(247);
/// How many are remembered. A client has one request under way (RFC 7252 §4.7), and repeats no older one.
const CAPACITY: usize = 32;

#[derive(Debug)]
struct Entry {
    id: u16,
    heard: Instant,
    answer: Option<Vec<u8>>,
}

/// Message IDs of one peer.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<Entry>,
}

/// What is known of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is new, and from now on it is not.
    New,
    /// It came before, and this was the answer, if there is one yet.
    Before(Option<Vec<u8>>),
}

impl Recent {
    /// Notes a message.
    pub(super) fn see(&mut self, id: u16, now: Instant) -> Seen {
        self.entries.retain(|entry| now.duration_since(entry.heard) < EXCHANGE_LIFETIME);
        if let Some(entry) = self.entries.iter().find(|entry| entry.id == id) {
            return Seen::Before(entry.answer.clone());
        }
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { id, heard: now, answer: None });
        Seen::New
    }

    /// Notes what a message is answered by if it comes again.
    pub(super) fn answered(&mut self, id: u16, answer: &[u8]) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.answer = Some(answer.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_comes_twice_gets_the_same_answer() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        assert_eq!(recent.see(7, now), Seen::New);
        assert_eq!(recent.see(7, now), Seen::Before(None));
        recent.answered(7, &[1]);
        assert_eq!(recent.see(7, now), Seen::Before(Some(vec![1])));
        assert_eq!(recent.see(8, now), Seen::New);
    }

    // RFC 7252 §4.8.2: 247 s.
    #[test]
    fn a_message_id_may_be_used_again_after_the_lifetime_of_an_exchange() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        assert_eq!(recent.see(7, now), Seen::New);
        assert_eq!(recent.see(7, now + Duration::from_secs(246)), Seen::Before(None));
        assert_eq!(recent.see(7, now + Duration::from_secs(247)), Seen::New);
    }

    #[test]
    fn remembers_no_more_than_its_capacity() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        for id in 0..1_000 {
            assert_eq!(recent.see(id, now), Seen::New);
        }
        assert_eq!(recent.entries.len(), CAPACITY);
    }
}
