//! How long signatures take, counted where they are made: what plans are reckoned with, since nobody should have to guess it.
//!
//! A signer in front of the signer. It changes nothing, and knows of no message but how long it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::ToBeSigned;

/// The longest that counts, in octets: no certificate is longer.
const SHORT: u64 = 4_096;

/// How many signatures were counted, and how long they took together.
#[derive(Debug, Default)]
pub(crate) struct SigningPace {
    signatures: AtomicU64,
    nanoseconds: AtomicU64,
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

    #[expect(clippy::disallowed_methods, reason = "a duration is measured, no time of day is taken")]
    fn count<T>(&self, sign: impl FnOnce() -> Result<T, SignError>) -> Result<T, SignError> {
        let begun = Instant::now();
        let signed = sign()?;
        let elapsed = begun.elapsed();
        metrics::histogram!("pki_sign_duration_seconds").record(elapsed.as_secs_f64());
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        self.signatures.fetch_add(1, Ordering::Relaxed);
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
        self.pace.count(|| self.inner.sign(key, message))
    }

    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        // A long CRL is read for longer than it is signed: that is no measure of certificates.
        if tbs.octets().length() > SHORT {
            return self.inner.sign_read(key, tbs);
        }
        self.pace.count(|| self.inner.sign_read(key, tbs))
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
}
