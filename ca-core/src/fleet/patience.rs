//! How long is waited for whom, and how often something is tried again: data of a campaign, never the state of a process.

use sha2::{Digest, Sha256};

use crate::profile::KeyPurpose;
use crate::system_title::SystemTitle;

/// How long is waited, and how often is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a head-end has for a call that was given to it, in seconds.
    pub lease_seconds: u32,
    /// How long is waited after the first attempt that failed, in seconds; twice as long after each further one.
    pub pause_seconds: u32,
    /// The longest such pause, in seconds.
    pub longest_pause_seconds: u32,
    /// How often one step is tried before a person has to look at it.
    pub attempts: u8,
    /// How often a device begins anew with another key.
    pub restarts: u8,
    /// How long is waited for a device that asks by itself, at each of its steps, in seconds.
    pub device_seconds: u32,
}

impl Default for Patience {
    /// An hour for a head-end, pauses of five minutes to six hours, five attempts, two restarts, a week for a device.
    fn default() -> Self {
        Self {
            lease_seconds: 3_600,
            pause_seconds: 300,
            longest_pause_seconds: 21_600,
            attempts: 5,
            restarts: 2,
            device_seconds: 604_800,
        }
    }
}

impl Patience {
    /// Returns how long is waited after so many failed attempts, in seconds. It differs from device to device by up to a quarter
    /// either way, so that those who failed together do not come back together, and is the same however often it is asked.
    #[must_use]
    pub fn pause(&self, title: &SystemTitle, purpose: KeyPurpose, attempt: u8) -> i64 {
        let doublings = u32::from(attempt.saturating_sub(1)).min(31);
        let factor = 1_i64.checked_shl(doublings).unwrap_or(i64::MAX);
        let full =
            i64::from(self.pause_seconds).saturating_mul(factor).min(i64::from(self.longest_pause_seconds));
        let quarter = full / 4;
        let spread = quarter.saturating_mul(2).saturating_add(1);
        let drawn = i64::from(draw(title, purpose, attempt)) % spread;
        full.saturating_sub(quarter).saturating_add(drawn)
    }
}

/// The first four octets of a SHA-256 over whom and which attempt it is.
fn draw(title: &SystemTitle, purpose: KeyPurpose, attempt: u8) -> u32 {
    let mut hash = Sha256::new_with_prefix("meter-pki pause 1");
    hash.update(title.octets());
    hash.update(purpose.name());
    hash.update([attempt]);
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(title: u8, attempt: u8) -> i64 {
        Patience::default().pause(&SystemTitle::new([title; 8]), KeyPurpose::Signature, attempt)
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_stay_within_a_quarter() {
        for (attempt, full) in [(1, 300), (2, 600), (3, 1_200), (7, 19_200), (8, 21_600), (255, 21_600)] {
            for title in 0..50 {
                let pause = pause(title, attempt);
                assert!((full - full / 4..=full + full / 4).contains(&pause), "{attempt}: {pause}");
            }
        }
    }

    #[test]
    fn pauses_are_the_same_again_and_differ_between_devices() {
        assert_eq!(pause(1, 1), pause(1, 1));
        let different: std::collections::BTreeSet<i64> = (0..50).map(|title| pause(title, 1)).collect();
        assert!(different.len() > 25);
    }
}
