//! A message of ours that the peer has not acknowledged yet, and when it is sent again (RFC 7252 §4.2).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// RFC 7252 §4.8: `ACK_TIMEOUT`, and that much by chance of `ACK_RANDOM_FACTOR` 1.5.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
const RANDOM_MILLISECONDS: u64 = 1_000;
/// RFC 7252 §4.8: `MAX_RETRANSMIT`.
const MAX_RETRANSMIT: u32 = 4;

/// A message under way.
#[derive(Debug)]
pub(super) struct Unconfirmed {
    pub(super) id: u16,
    octets: Vec<u8>,
    sent: u32,
    timeout: Duration,
    due: Instant,
}

impl Unconfirmed {
    /// Notes a message that was just sent.
    pub(super) fn sent(id: u16, octets: Vec<u8>, now: Instant) -> Self {
        // RFC 7252 §4.2: chosen by chance, so that those who lost together do not come together.
        let chance = Duration::from_millis(RandomState::new().hash_one(id) % RANDOM_MILLISECONDS);
        let timeout = ACK_TIMEOUT + chance;
        Self { id, octets, sent: 0, timeout, due: now + timeout }
    }

    /// When it is to be looked at.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Once it is due: what to send again, or nothing when it was sent often enough and is given up.
    pub(super) fn again(&mut self, now: Instant) -> Option<&[u8]> {
        if self.sent == MAX_RETRANSMIT {
            return None;
        }
        self.sent += 1;
        // RFC 7252 §4.2: the timeout is doubled.
        self.timeout *= 2;
        self.due = now + self.timeout;
        Some(&self.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7252 §4.2, §4.8: four times again, each after twice the time.
    #[test]
    fn is_sent_again_four_times_in_doubled_times() {
        let start = Instant::now();
        let mut message = Unconfirmed::sent(1, vec![9], start);
        let first = message.due() - start;
        assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&first), "{first:?}");
        let (mut now, mut wait) = (message.due(), first);
        for _ in 0..4 {
            assert_eq!(message.again(now), Some(&[9][..]));
            wait *= 2;
            assert_eq!(message.due() - now, wait);
            now = message.due();
        }
        assert_eq!(message.again(now), None);
        // RFC 7252 §4.8.2: MAX_TRANSMIT_WAIT is 93 s.
        assert!(now - start <= Duration::from_secs(93));
    }
}
