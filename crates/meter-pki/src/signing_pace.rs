//! How long signatures take, counted where they are made: what plans are reckoned with, since nobody should have to guess it.
//!
//! A signer in front of the signer. It changes nothing, and knows of no message but how long it took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::ToBeSigned;

/// The longest that counts, in octets: no certificate is longer.
const SHORT: u64 = 4_096;

/// Upper bounds in microseconds by which signatures are told apart: those of the metric.
pub(crate) const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// How many signatures were counted, and how long they took together; the same of each key, by how long they took.
#[derive(Debug, Default)]
pub(crate) struct SigningPace {
    signatures: AtomicU64,
    nanoseconds: AtomicU64,
    keys: RwLock<BTreeMap<KeyRef, Arc<KeyPace>>>,
}

/// The signatures of a key.
#[derive(Debug, Default)]
struct KeyPace {
    nanoseconds: AtomicU64,
    counts: [AtomicU64; BOUNDS.len() + 1],
}

/// What was measured of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MeasuredKey {
    /// The key.
    pub(crate) key: KeyRef,
    /// How long its signatures took together, in nanoseconds.
    pub(crate) nanoseconds: u64,
    /// How many took at most as long as each bound, and longer than the one before; the last, how many took longer.
    pub(crate) counts: Vec<u64>,
}

impl MeasuredKey {
    /// Returns how many signatures.
    pub(crate) fn signatures(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MeasuredPace {
    /// How many signatures.
    pub(crate) signatures: u64,
    /// How long one took in the mean, in nanoseconds, from the call to the answer.
    pub(crate) nanoseconds_each: u64,
}

impl MeasuredPace {
    /// Returns how many can be made in a minute, one after the other.
    pub(crate) fn per_minute(self) -> u32 {
        let most = 60_000_000_000_u64.checked_div(self.nanoseconds_each).unwrap_or(u64::MAX);
        u32::try_from(most).unwrap_or(u32::MAX).max(1)
    }

    /// Returns how long so many take, one after the other, in seconds, begun ones counted.
    pub(crate) const fn seconds_for(self, certificates: u64) -> u64 {
        certificates.saturating_mul(self.nanoseconds_each).div_ceil(1_000_000_000)
    }
}

impl SigningPace {
    /// Returns what was measured since the start, once anything was signed.
    pub(crate) fn measured(&self) -> Option<MeasuredPace> {
        let signatures = self.signatures.load(Ordering::Relaxed);
        let nanoseconds_each = self.nanoseconds.load(Ordering::Relaxed).checked_div(signatures)?;
        Some(MeasuredPace { signatures, nanoseconds_each: nanoseconds_each.max(1) })
    }

    /// Returns what was measured of each key since the start.
    pub(crate) fn by_key(&self) -> Vec<MeasuredKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let measured = |(key, pace): (&KeyRef, &Arc<KeyPace>)| MeasuredKey {
            key: *key,
            nanoseconds: pace.nanoseconds.load(Ordering::Relaxed),
            counts: pace.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
        };
        keys.iter().map(measured).collect()
    }

    /// Returns the counts of a key.
    fn of(&self, key: &KeyRef) -> Arc<KeyPace> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        known.unwrap_or_else(|| {
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(keys.entry(*key).or_default())
        })
    }

    fn record(&self, key: &KeyRef, elapsed: std::time::Duration) {
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        self.signatures.fetch_add(1, Ordering::Relaxed);
        let pace = self.of(key);
        pace.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        let place = BOUNDS.partition_point(|bound| bound.saturating_mul(1_000) < nanoseconds);
        if let Some(count) = pace.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a duration is measured, no time of day is taken")]
    fn count<T>(&self, key: &KeyRef, sign: impl FnOnce() -> Result<T, SignError>) -> Result<T, SignError> {
        let begun = Instant::now();
        let signed = sign()?;
        let elapsed = begun.elapsed();
        metrics::histogram!("pki_sign_duration_seconds").record(elapsed.as_secs_f64());
        self.record(key, elapsed);
        Ok(signed)
    }
}

/// A signer whose signatures are counted.
pub(crate) struct PacedSigner {
    inner: Arc<dyn Signer>,
    pace: Arc<SigningPace>,
}

impl PacedSigner {
    pub(crate) const fn new(inner: Arc<dyn Signer>, pace: Arc<SigningPace>) -> Self {
        Self { inner, pace }
    }
}

impl Signer for PacedSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.inner.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.pace.count(key, || self.inner.sign(key, message))
    }

    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        // A long CRL is read for longer than it is signed: that is no measure of certificates.
        if tbs.octets().length() > SHORT {
            return self.inner.sign_read(key, tbs);
        }
        self.pace.count(key, || self.inner.sign_read(key, tbs))
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.inner.check_at_hand(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_reckoned_with_before_anything_was_signed() {
        let pace = SigningPace::default();
        assert_eq!(pace.measured(), None);
        pace.signatures.store(4, Ordering::Relaxed);
        pace.nanoseconds.store(8_000_000, Ordering::Relaxed);
        let measured = pace.measured().unwrap();
        assert_eq!(measured, MeasuredPace { signatures: 4, nanoseconds_each: 2_000_000 });
        assert_eq!((measured.per_minute(), measured.seconds_for(3_000_001)), (30_000, 6_001));
    }

    #[test]
    fn signatures_are_counted_by_key_and_by_how_long_they_took() {
        let (pace, key, other) = (SigningPace::default(), KeyRef::new([1; 20]), KeyRef::new([2; 20]));
        for micros in [1, 500, 501, 20_000_000] {
            pace.record(&key, std::time::Duration::from_micros(micros));
        }
        pace.record(&other, std::time::Duration::from_millis(3));
        let [first, second] = pace.by_key().try_into().unwrap();
        assert_eq!((first.key, first.signatures(), first.nanoseconds), (key, 4, 20_001_002_000));
        assert_eq!((first.counts[0], first.counts[1], first.counts[BOUNDS.len()]), (2, 1, 1));
        assert_eq!((second.key, second.counts[3]), (other, 1));
        assert_eq!(pace.measured().unwrap().signatures, 5);
    }
}
