//! What is to be signed: the octets, and their digest by the hash that the curve of the key fixes (RFC 5758 §3.2).
//!
//! The digest is made in one place, here, by reading the octets once in order; so they may be too many to hold. Signs and
//! verifies nothing.

use sha2::{Digest, Sha256, Sha384};

use crate::octets::{Octets, OctetsError};
use crate::suite::Curve;

/// The digest of a message by the hash of a curve: SHA-256 with P-256, SHA-384 with P-384.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDigest {
    curve: Curve,
    octets: Vec<u8>,
}

impl MessageDigest {
    /// Makes the digest of octets at hand.
    #[must_use]
    pub fn of(curve: Curve, message: &[u8]) -> Self {
        let octets = match curve {
            Curve::P256 => Sha256::digest(message).to_vec(),
            Curve::P384 => Sha384::digest(message).to_vec(),
        };
        Self { curve, octets }
    }

    /// Makes the digest of octets that are read page by page.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn read(curve: Curve, message: &Octets) -> Result<Self, OctetsError> {
        let octets = match curve {
            Curve::P256 => hashed::<Sha256>(message)?,
            Curve::P384 => hashed::<Sha384>(message)?,
        };
        Ok(Self { curve, octets })
    }

    /// Returns the curve whose hash it is.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// Returns the digest: 32 or 48 octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

fn hashed<H: Digest>(message: &Octets) -> Result<Vec<u8>, OctetsError> {
    let mut hash = H::new();
    for page in message.pages() {
        hash.update(page?);
    }
    Ok(hash.finalize().to_vec())
}

/// Octets that are to be signed, with their digest.
#[derive(Debug, Clone)]
pub struct ToBeSigned {
    octets: Octets,
    digest: MessageDigest,
}

impl ToBeSigned {
    /// Reads the octets once, for a key on `curve`.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn read(curve: Curve, octets: Octets) -> Result<Self, OctetsError> {
        Ok(Self { digest: MessageDigest::read(curve, &octets)?, octets })
    }

    /// Returns the octets.
    #[must_use]
    pub const fn octets(&self) -> &Octets {
        &self.octets
    }

    /// Returns their SHA-256: the digest, or with P-384 made by reading them again.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn sha256(&self) -> Result<Vec<u8>, OctetsError> {
        match self.digest.curve {
            Curve::P256 => Ok(self.digest.octets.clone()),
            Curve::P384 => Ok(self.octets.sha256()?.to_vec()),
        }
    }

    /// Returns their digest.
    #[must_use]
    pub const fn digest(&self) -> &MessageDigest {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_same_whether_the_octets_are_held_or_read() {
        let message = vec![0xA5; 200_000];
        for curve in [Curve::P256, Curve::P384] {
            let read = ToBeSigned::read(curve, Octets::from(message.clone())).unwrap();
            assert_eq!(*read.digest(), MessageDigest::of(curve, &message));
            assert_eq!(read.digest().octets().len(), curve.field_octets());
            assert_eq!(read.sha256().unwrap(), Sha256::digest(&message).to_vec());
        }
    }
}
