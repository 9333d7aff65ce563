//! A device's key in a file: PKCS#8 in PEM, not encrypted, as gateways and hand-held units keep it (RFC 5958, RFC 7468 §10).
//!
//! Who reads the file has the key: its mode and the disk under it are its protection. Where there is a token, the key is better
//! there.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use cms_messages::AgreementKey;
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use zeroize::Zeroizing;

/// A key in memory, wiped when it is dropped.
pub struct FileKey {
    secret: Secret,
    public_key: PublicKey,
}

enum Secret {
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
}

impl core::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FileKey({})", self.public_key.key_ref())
    }
}

impl FileKey {
    /// Draws a key.
    ///
    /// # Errors
    /// [`ReadKeyError`] has no cause here; it is what the codec could say.
    pub fn generate(curve: Curve) -> Result<Self, ReadKeyError> {
        match curve {
            Curve::P256 => Self::of(Secret::P256(Box::new(p256::SecretKey::generate().into()))),
            Curve::P384 => Self::of(Secret::P384(Box::new(p384::SecretKey::generate().into()))),
        }
    }

    /// Reads the PRIVATE KEY of a PEM text.
    ///
    /// # Errors
    /// [`ReadKeyError`] for any other key than one on P-256 or P-384, unencrypted.
    pub fn from_pem(pem: &str) -> Result<Self, ReadKeyError> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_pem(pem) {
            return Self::of(Secret::P256(Box::new(key.into())));
        }
        let key = p384::SecretKey::from_pkcs8_pem(pem).map_err(|_| ReadKeyError)?;
        Self::of(Secret::P384(Box::new(key.into())))
    }

    /// Reads PKCS#8 in DER.
    ///
    /// # Errors
    /// [`ReadKeyError`] for any other key than one on P-256 or P-384, unencrypted.
    pub fn from_der(der: &[u8]) -> Result<Self, ReadKeyError> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            return Self::of(Secret::P256(Box::new(key.into())));
        }
        let key = p384::SecretKey::from_pkcs8_der(der).map_err(|_| ReadKeyError)?;
        Self::of(Secret::P384(Box::new(key.into())))
    }

    fn of(secret: Secret) -> Result<Self, ReadKeyError> {
        let spki = match &secret {
            Secret::P256(key) => key.verifying_key().to_public_key_der(),
            Secret::P384(key) => key.verifying_key().to_public_key_der(),
        }
        .map_err(|_| ReadKeyError)?;
        let public_key = PublicKey::from_spki_der(spki.as_bytes()).map_err(|_| ReadKeyError)?;
        Ok(Self { secret, public_key })
    }

    /// Writes PEM.
    ///
    /// # Errors
    /// [`ReadKeyError`] has no cause here; it is what the codec could say.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, ReadKeyError> {
        match &self.secret {
            Secret::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            Secret::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
        }
        .map_err(|_| ReadKeyError)
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public_key
    }
}

impl AgreementKey for FileKey {
    fn agree(&self, point: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match &self.secret {
            Secret::P256(key) => p256::SecretKey::from(key.as_nonzero_scalar()).agree(point),
            Secret::P384(key) => p384::SecretKey::from(key.as_nonzero_scalar()).agree(point),
        }
    }
}

impl Signer for FileKey {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        if *key == self.public_key.key_ref() {
            Ok(self.public_key.clone())
        } else {
            Err(SignError::KeyNotFound { key: *key })
        }
    }

    /// By RFC 6979: who asks again sends the same request, octet for octet, and is known by it.
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        use p256::ecdsa::signature::Signer as _;
        let curve = self.public_key(key)?.curve();
        let fixed = match &self.secret {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        };
        EcdsaSignature::from_fixed(curve, &fixed)
            .map_err(|cause| SignError::OutcomeUnknown { cause: Box::new(cause) })
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// The text has no private key of a kind that is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no unencrypted PKCS#8 private key on P-256 or P-384 in it")]
pub struct ReadKeyError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_written_and_read_signs_what_its_public_half_verifies() {
        for curve in [Curve::P256, Curve::P384] {
            let key = FileKey::generate(curve).unwrap();
            let again = FileKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(again.public(), key.public());
            let signature = again.sign(&key.public().key_ref(), b"message").unwrap();
            assert!(key.public().verify(b"message", &signature).is_ok());
            assert!(key.public().verify(b"massage", &signature).is_err());
        }
    }

    #[test]
    fn another_key_is_not_found_and_what_is_no_key_is_refused() {
        let key = FileKey::generate(Curve::P256).unwrap();
        assert!(matches!(key.sign(&KeyRef::new([0; 20]), b""), Err(SignError::KeyNotFound { .. })));
        assert_eq!(FileKey::from_pem("-----BEGIN PRIVATE KEY-----").err(), Some(ReadKeyError));
    }
}
