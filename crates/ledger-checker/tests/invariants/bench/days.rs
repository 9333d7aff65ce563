//! What is counted by days in the sound ledger: two certificates that were issued on one day, one of them revoked on it, and that
//! end on one day.

use super::der::{integer, row, sequence};
use super::{Bench, ISSUER, NOW};

/// The key of the counts of a day.
pub(crate) fn counted_on(time: i64) -> Vec<u8> {
    let sorted = u64::from_be_bytes(time.to_be_bytes()) ^ (1 << 63);
    [b"tenant\0".as_slice(), &sorted.to_be_bytes(), &ISSUER].concat()
}

/// Midnight before the certificates end.
pub(crate) const END: i64 = NOW + 31_536_000;

impl Bench {
    /// Says that days are counted, and counts them.
    pub(crate) fn count_days(&mut self) {
        self.rows.insert((1, b"days".to_vec()), vec![1]);
        self.count_day(NOW, [2, 1, 0, 0]);
        self.count_day(END, [0, 0, 2, 1]);
    }

    /// Counts a day: issued, revoked, ending, and revoked of those that end.
    pub(crate) fn count_day(&mut self, time: i64, counts: [u8; 4]) {
        let numbers = counts.map(|count| integer(&[count]));
        self.rows.insert((59, counted_on(time)), row(&sequence(&numbers)));
    }
}
