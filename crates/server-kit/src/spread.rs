//! Waits that are told to many at once, spread so that those who were refused together do not come back together (case K-14).

use std::sync::atomic::{AtomicU64, Ordering};

/// How many were told so far.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// Returns a number of seconds from `least` to its double: whoever asks next gets another one, spread evenly by the golden ratio.
#[must_use]
pub fn spread_seconds(least: u64) -> u64 {
    spread(least, TOLD.fetch_add(1, Ordering::Relaxed))
}

fn spread(least: u64, number: u64) -> u64 {
    const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
    let part = number.wrapping_mul(GOLDEN_RATIO) >> 48;
    least.saturating_add(least.saturating_mul(part) / 0x1_0000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_14_whoever_is_refused_at_once_is_told_to_come_back_over_a_span() {
        let told: Vec<u64> = (0..300).map(|number| spread(30, number)).collect();
        assert!(told.iter().all(|seconds| (30..60).contains(seconds)));
        for second in 30..60 {
            let count = told.iter().filter(|told| **told == second).count();
            assert!((8..=12).contains(&count), "{count} come back after {second} seconds");
        }
    }
}
