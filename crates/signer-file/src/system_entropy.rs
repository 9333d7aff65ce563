//! The [`Entropy`] port on the random generator of aws-lc-rs, which the operating system seeds.
//!
//! No generator of our own: nothing is mixed, cached or re-seeded here.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use ca_core::ports::{Entropy, Unavailable};

/// Random octets of the operating system, through the generator of aws-lc-rs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        SystemRandom::new()
            .fill(octets)
            .map_err(|cause| Unavailable { port: "source of randomness", cause: Box::new(cause) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_octet_and_never_the_same_way() {
        let (mut first, mut second) = ([0; 64], [0; 64]);
        SystemEntropy.fill(&mut first).unwrap();
        SystemEntropy.fill(&mut second).unwrap();
        assert_ne!(first, second);
        assert!(first.chunks(16).all(|part| part != [0; 16]), "a part was left unfilled");
    }
}
