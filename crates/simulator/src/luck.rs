//! Chance by seed: the same occasion draws the same number, whatever was drawn before it and in whichever order meters come.

use ca_core::system_title::SystemTitle;
use sha2::{Digest, Sha256};

/// What draws.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck {
    seed: u64,
}

/// When something is drawn: for which meter, about what, and at which try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) title: &'a SystemTitle,
    pub(crate) about: &'a str,
    pub(crate) attempt: u32,
}

impl Luck {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Draws a number, evenly from all there are.
    pub(crate) fn draw(self, occasion: Occasion<'_>) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(occasion.title.octets())
            .chain_update(occasion.attempt.to_be_bytes())
            .chain_update(occasion.about)
            .finalize();
        digest.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }

    /// Draws a number below `bound`; 0 where that is 0.
    pub(crate) fn below(self, bound: u64, occasion: Occasion<'_>) -> u64 {
        self.draw(occasion).checked_rem(bound).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occasion(title: &SystemTitle, attempt: u32) -> Occasion<'_> {
        Occasion { title, about: "request", attempt }
    }

    #[test]
    fn the_same_occasion_draws_the_same_and_every_part_of_it_counts() {
        let (one, other) = (SystemTitle::new([1; 8]), SystemTitle::new([2; 8]));
        let drawn = Luck::new(7).draw(occasion(&one, 0));
        assert_eq!(drawn, Luck::new(7).draw(occasion(&one, 0)));
        assert_ne!(drawn, Luck::new(8).draw(occasion(&one, 0)));
        assert_ne!(drawn, Luck::new(7).draw(occasion(&other, 0)));
        assert_ne!(drawn, Luck::new(7).draw(occasion(&one, 1)));
        assert_ne!(drawn, Luck::new(7).draw(Occasion { about: "answer", ..occasion(&one, 0) }));
    }

    #[test]
    fn numbers_below_a_bound_come_about_equally_often() {
        let title = SystemTitle::new([3; 8]);
        let mut counts = [0_u32; 10];
        for attempt in 0..10_000 {
            let drawn = Luck::new(1).below(10, occasion(&title, attempt));
            counts[usize::try_from(drawn).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(Luck::new(1).below(0, occasion(&title, 0)), 0);
    }
}
