//! Certificates that were seen to be signed by a key, so that one which is shown again and again is verified once.
//!
//! Whether a signature fits is the same for ever: nothing else is remembered here. Periods, usages and revocations are looked at each
//! time. What does not fit is not remembered, so that nobody drives out what does by showing rubbish.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::certificate::Certificate;
use crate::public_key::PublicKey;

/// How many certificates of each of two generations are remembered, 32 octets of each.
const GENERATION: usize = 2_048;

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);

/// Tells whether a key has signed a certificate.
pub(super) fn has_signed(key: &PublicKey, certificate: &Certificate) -> bool {
    if certificate.signature().curve() != key.curve() {
        return false;
    }
    let pair = pair(key, certificate);
    if with_seen(|seen| seen.has(&pair)) {
        return true;
    }
    let fits = key.verify(certificate.tbs(), certificate.signature()).is_ok();
    if fits {
        with_seen(|seen| seen.add(pair));
    }
    fits
}

/// Names a key and a certificate: both are DER, so that where the one ends is told by itself.
fn pair(key: &PublicKey, certificate: &Certificate) -> [u8; 32] {
    Sha256::new().chain_update(key.spki_der()).chain_update(certificate.der()).finalize().into()
}

fn with_seen<T>(act: impl FnOnce(&mut Seen) -> T) -> T {
    act(SEEN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Pairs in two generations: when the younger is full, the older is forgotten.
#[derive(Default)]
struct Seen {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Seen {
    fn has(&mut self, pair: &[u8; 32]) -> bool {
        if self.young.contains(pair) {
            return true;
        }
        let is_old = self.old.contains(pair);
        if is_old {
            self.add(*pair);
        }
        is_old
    }

    fn add(&mut self, pair: [u8; 32]) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> [u8; 32] {
        Sha256::digest(number.to_be_bytes()).into()
    }

    #[test]
    fn what_is_shown_again_stays_and_what_is_not_goes_when_two_generations_are_full() {
        let mut seen = Seen::default();
        seen.add(pair(0));
        for number in 1..10 * GENERATION {
            seen.add(pair(number));
            assert!(seen.has(&pair(0)), "{number}");
        }
        assert!(!seen.has(&pair(1)));
        assert!(seen.young.len() <= GENERATION && seen.old.len() <= GENERATION);
    }
}
