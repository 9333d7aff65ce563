//! A key pair that is made here for a subject that cannot make its own (RFC 7030 §4.4).
//!
//! The private half is handed out once, is wiped when it is dropped, and is written nowhere: not to the ledger, not to a log.
//! Whoever can make keys itself should: a key that two parties had proves nothing about either.

use core::fmt;

use p256::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

use crate::ports::{Entropy, Unavailable};
use crate::profile::KeyPurpose;
use crate::public_key::PublicKey;
use crate::suite::Curve;

/// How often a candidate is drawn before the randomness is taken to be broken: one in 2^32 is no private key.
const DRAWS: usize = 4;

/// A key pair that was made here.
pub struct MadeKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: MadePublicKey,
}

/// The public half of a key pair that was made here, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadePublicKey(PublicKey);

impl MadeKey {
    /// Tells whether a key that the server made may serve a purpose: key agreement and TLS, never signatures that speak for
    /// their signer, and no authority.
    #[must_use]
    pub const fn may_serve(purpose: KeyPurpose) -> bool {
        match purpose {
            KeyPurpose::KeyAgreement | KeyPurpose::Tls => true,
            KeyPurpose::Signature | KeyPurpose::CertificateSigning => false,
        }
    }

    /// Makes a key pair: candidates of randomness, of which the first that is a private key is one (FIPS 186-5 A.2.2).
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn make(curve: Curve, entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        for _ in 0..DRAWS {
            let made = match curve {
                Curve::P256 => draw_p256(entropy)?,
                Curve::P384 => draw_p384(entropy)?,
            };
            if let Some(key) = made {
                return Ok(key);
            }
        }
        Err(broken("no candidate is a private key"))
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public(&self) -> &MadePublicKey {
        &self.public
    }

    /// Gives the private half away: PKCS#8 `PrivateKeyInfo`, DER (RFC 5208 §5, RFC 5915 §3).
    #[must_use]
    pub fn into_pkcs8(self) -> Zeroizing<Vec<u8>> {
        self.pkcs8
    }
}

impl MadePublicKey {
    /// Returns it as any other public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.0
    }
}

impl fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeKey").field("public", &self.public).finish_non_exhaustive()
    }
}

fn draw_p256(entropy: &dyn Entropy) -> Result<Option<MadeKey>, Unavailable> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let mut candidate = Zeroizing::new([0; 32]);
    entropy.fill(&mut *candidate)?;
    let Ok(secret) = p256::SecretKey::from_slice(&*candidate) else { return Ok(None) };
    let point = secret.public_key().to_sec1_point(false);
    let pkcs8 = secret.to_pkcs8_der().map_err(|_| broken("the key cannot be written"))?;
    finish(Curve::P256, point.as_bytes(), pkcs8.as_bytes()).map(Some)
}

fn draw_p384(entropy: &dyn Entropy) -> Result<Option<MadeKey>, Unavailable> {
    use p384::elliptic_curve::sec1::ToSec1Point as _;
    let mut candidate = Zeroizing::new([0; 48]);
    entropy.fill(&mut *candidate)?;
    let Ok(secret) = p384::SecretKey::from_slice(&*candidate) else { return Ok(None) };
    let point = secret.public_key().to_sec1_point(false);
    let pkcs8 = secret.to_pkcs8_der().map_err(|_| broken("the key cannot be written"))?;
    finish(Curve::P384, point.as_bytes(), pkcs8.as_bytes()).map(Some)
}

fn finish(curve: Curve, point: &[u8], pkcs8: &[u8]) -> Result<MadeKey, Unavailable> {
    let public = PublicKey::from_point(curve, point).map_err(|_| broken("the point is not on its curve"))?;
    Ok(MadeKey { pkcs8: Zeroizing::new(pkcs8.to_vec()), public: MadePublicKey(public) })
}

fn broken(cause: &'static str) -> Unavailable {
    Unavailable { port: "key generation", cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use p256::pkcs8::DecodePrivateKey as _;

    /// Fills with one octet, another each time.
    struct Steps(AtomicU8);

    impl Entropy for Steps {
        fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
            octets.fill(self.0.fetch_sub(1, Ordering::SeqCst));
            Ok(())
        }
    }

    #[test]
    fn the_two_halves_belong_together_on_both_curves() {
        let key = MadeKey::make(Curve::P256, &Steps(AtomicU8::new(7))).unwrap();
        let public = key.public().public_key().clone();
        let secret = p256::SecretKey::from_pkcs8_der(&key.into_pkcs8()).unwrap();
        assert_eq!(secret.public_key().to_sec1_bytes().as_ref(), public.point());
        let key = MadeKey::make(Curve::P384, &Steps(AtomicU8::new(7))).unwrap();
        let public = key.public().public_key().clone();
        let secret = p384::SecretKey::from_pkcs8_der(&key.into_pkcs8()).unwrap();
        assert_eq!(secret.public_key().to_sec1_bytes().as_ref(), public.point());
    }

    // FIPS 186-5 A.2.2: a candidate that is 0 or not below the order is thrown away, never reduced.
    #[test]
    fn a_candidate_outside_the_order_is_drawn_again() {
        let key = MadeKey::make(Curve::P256, &Steps(AtomicU8::new(0xFF))).unwrap();
        let secret = p256::SecretKey::from_pkcs8_der(&key.into_pkcs8()).unwrap();
        assert_eq!(secret.to_bytes().as_slice(), [0xFE; 32]);
    }

    #[test]
    fn the_private_half_is_not_shown() {
        let key = MadeKey::make(Curve::P256, &Steps(AtomicU8::new(7))).unwrap();
        assert!(!format!("{key:?}").contains("7, 7"));
        assert!(!format!("{key:?}").contains("0707"));
    }
}
