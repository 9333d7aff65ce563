//! A small secret that is no key, sealed under a passphrase: PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2), then AES-256-GCM
//! (NIST SP 800-38D).
//!
//! Unlike a key file it tells damage, and it is bound to public octets that stand beside it. How the parts are written
//! down is the caller's affair. No file is touched here.

use core::fmt;
use core::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use ca_core::ports::{Entropy, Unavailable};
use zeroize::Zeroizing;

use crate::key_file::Iterations;
use crate::passphrase::Passphrase;
use crate::system_entropy::SystemEntropy;

/// A secret that only its passphrase gives back.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    salt: [u8; Self::SALT_OCTETS],
    iterations: Iterations,
    octets: Vec<u8>,
}

impl SealedSecret {
    /// The length of a salt in octets.
    pub const SALT_OCTETS: usize = 16;

    /// By how many octets a sealed secret is longer than the secret.
    pub const TAG_OCTETS: usize = 16;

    /// Seals a secret. It will only be opened beside the same `bound_to`.
    ///
    /// # Errors
    /// [`SealSecretError`].
    pub fn seal(
        secret: &[u8],
        bound_to: &[u8],
        passphrase: &Passphrase,
        iterations: Iterations,
    ) -> Result<Self, SealSecretError> {
        let mut salt = [0; Self::SALT_OCTETS];
        SystemEntropy.fill(&mut salt)?;
        // Room for the tag from the start: a vector that grows leaves copies behind. Sealing writes over what is in it.
        let mut octets = Vec::with_capacity(secret.len().saturating_add(Self::TAG_OCTETS));
        octets.extend_from_slice(secret);
        key(passphrase, &salt, iterations)
            .and_then(|key| key.seal_in_place_append_tag(only_nonce(), Aad::from(bound_to), &mut octets).ok())
            .ok_or(SealSecretError::NotSealed)?;
        Ok(Self { salt, iterations, octets })
    }

    /// Takes the parts of a sealed secret as they were written down.
    #[must_use]
    pub const fn from_parts(salt: [u8; Self::SALT_OCTETS], iterations: Iterations, octets: Vec<u8>) -> Self {
        Self { salt, iterations, octets }
    }

    /// Opens the secret.
    ///
    /// # Errors
    /// [`OpenSecretError`].
    pub fn open(
        &self,
        bound_to: &[u8],
        passphrase: &Passphrase,
    ) -> Result<Zeroizing<Vec<u8>>, OpenSecretError> {
        let key = key(passphrase, &self.salt, self.iterations).ok_or(OpenSecretError)?;
        let mut octets = Zeroizing::new(self.octets.clone());
        let length = key
            .open_in_place(only_nonce(), Aad::from(bound_to), &mut octets)
            .map_err(|_| OpenSecretError)?
            .len();
        octets.truncate(length);
        Ok(octets)
    }

    /// Returns the salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8; Self::SALT_OCTETS] {
        &self.salt
    }

    /// Returns how dear the passphrase is to guess.
    #[must_use]
    pub const fn iterations(&self) -> Iterations {
        self.iterations
    }

    /// Returns the encrypted octets with their tag.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(not shown)")
    }
}

fn key(passphrase: &Passphrase, salt: &[u8], iterations: Iterations) -> Option<LessSafeKey> {
    let mut octets = Zeroizing::new([0; 32]);
    let iterations = NonZeroU32::new(iterations.count())?;
    pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, salt, passphrase.octets(), octets.as_mut());
    UnboundKey::new(&AES_256_GCM, octets.as_ref()).ok().map(LessSafeKey::new)
}

/// A key seals one secret, since every sealing draws its salt: no nonce is ever used twice with it.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Why a secret was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealSecretError {
    /// No random octets.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// The library refuses; a fault of this program.
    #[error("the secret could not be sealed")]
    NotSealed,
}

/// The passphrase is wrong, or what was written down is not what was sealed; which of both is not told, and cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase does not open it, or it is damaged")]
pub struct OpenSecretError;

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.as_bytes().to_vec().into()).unwrap()
    }

    fn sealed() -> SealedSecret {
        SealedSecret::seal(b"secret", b"header", &passphrase("right"), Iterations::LEAST).unwrap()
    }

    #[test]
    fn the_right_passphrase_opens_it_and_no_other() {
        let sealed = sealed();
        assert_eq!(sealed.open(b"header", &passphrase("right")).unwrap().as_slice(), b"secret");
        assert_eq!(sealed.open(b"header", &passphrase("wrong")), Err(OpenSecretError));
        assert_eq!(sealed.open(b"another header", &passphrase("right")), Err(OpenSecretError));
    }

    #[test]
    fn no_changed_part_opens() {
        let SealedSecret { salt, iterations, octets } = sealed();
        let opens = |salt, iterations, octets| {
            SealedSecret::from_parts(salt, iterations, octets).open(b"header", &passphrase("right")).is_ok()
        };
        assert!(opens(salt, iterations, octets.clone()));
        for place in 0..octets.len() {
            let mut octets = octets.clone();
            octets[place] ^= 1;
            assert!(!opens(salt, iterations, octets));
        }
        let mut other_salt = salt;
        other_salt[15] ^= 1;
        assert!(!opens(other_salt, iterations, octets.clone()));
        assert!(!opens(salt, Iterations::new(10_001).unwrap(), octets.clone()));
        assert!(!opens(salt, iterations, octets[1..].to_vec()) && !opens(salt, iterations, Vec::new()));
    }

    #[test]
    fn two_sealings_have_nothing_in_common() {
        let (one, other) = (sealed(), sealed());
        assert_ne!(one.salt(), other.salt());
        assert_ne!(one.octets(), other.octets());
        assert_eq!(one.octets().len(), b"secret".len() + SealedSecret::TAG_OCTETS);
    }
}
