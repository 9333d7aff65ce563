//! The recovery key pair, on P-384: the public half encrypts backups, the private half is only ever put together from shares.

use std::path::Path;

use p384::elliptic_curve::Generate;
use p384::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use p384::{PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The name of a recovery key: the first 20 octets of the SHA-256 of its SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecoveryKeyId(pub(crate) [u8; 20]);

impl std::fmt::Display for RecoveryKeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The public half.
#[derive(Debug, Clone)]
pub(crate) struct RecoveryPublicKey(pub(super) PublicKey);

impl RecoveryPublicKey {
    /// Reads a PEM file with a SubjectPublicKeyInfo.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        PublicKey::from_public_key_pem(&text)
            .map(Self)
            .map_err(|_| format!("{} holds no P-384 public key in PEM", path.display()))
    }

    /// Writes the key as PEM.
    pub(crate) fn to_pem(&self) -> Option<String> {
        self.0.to_public_key_pem(LineEnding::LF).ok()
    }

    /// Returns its name.
    pub(crate) fn id(&self) -> RecoveryKeyId {
        let spki = self.0.to_public_key_der().map(|der| Sha256::digest(der.as_bytes())).unwrap_or_default();
        let mut id = [0; 20];
        id.copy_from_slice(spki.first_chunk::<20>().unwrap_or(&[0; 20]));
        RecoveryKeyId(id)
    }
}

/// The private half. Wiped when it is dropped.
pub(crate) struct RecoveryKey(pub(super) SecretKey);

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecoveryKey").field("id", &self.public().id()).finish_non_exhaustive()
    }
}

impl RecoveryKey {
    /// Makes a new key.
    pub(crate) fn generate() -> Self {
        Self(SecretKey::generate())
    }

    /// Takes the 48 octets of a private key; `None` when they are none.
    pub(crate) fn from_octets(octets: &[u8]) -> Option<Self> {
        SecretKey::from_slice(octets).ok().map(Self)
    }

    /// Returns the 48 octets of the private key.
    pub(crate) fn octets(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_bytes().to_vec())
    }

    /// Returns the public half.
    pub(crate) fn public(&self) -> RecoveryPublicKey {
        RecoveryPublicKey(self.0.public_key())
    }
}
