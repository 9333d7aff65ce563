//! A signer whose every signature is verified by a second implementation before it is given on.
//!
//! Whatever signed, and whatever ca-core verifies with, the crates p256 and p384 look at the signature here: one broken
//! library, or one broken token, does not make a broken root. Nothing is signed here.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use p256::ecdsa::signature::Verifier;

/// A signer with a second opinion on each signature.
#[derive(Debug)]
pub(crate) struct SecondOpinion<S>(S);

impl<S: Signer> SecondOpinion<S> {
    pub(crate) const fn on(signer: S) -> Self {
        Self(signer)
    }
}

impl<S: Signer> Signer for SecondOpinion<S> {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.0.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let public_key = self.0.public_key(key)?;
        let signature = self.0.sign(key, message)?;
        if agrees(&public_key, message, &signature) {
            return Ok(signature);
        }
        // There is a signature, and it is not one: the intent stays uncertain.
        Err(SignError::OutcomeUnknown { cause: Box::new(DisagreeError { key: *key }) })
    }
}

/// Verifies a signature with p256 or p384.
pub(crate) fn agrees(key: &PublicKey, message: &[u8], signature: &EcdsaSignature) -> bool {
    if key.curve() != signature.curve() {
        return false;
    }
    let verified = match key.curve() {
        Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(key.point())
            .and_then(|key| key.verify(message, &p256::ecdsa::Signature::from_slice(signature.fixed())?)),
        Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(key.point())
            .and_then(|key| key.verify(message, &p384::ecdsa::Signature::from_slice(signature.fixed())?)),
    };
    verified.is_ok()
}

/// The second implementation does not take the signature for one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the second implementation does not accept the signature by key {key}: stop, and have the signer examined"
)]
struct DisagreeError {
    key: KeyRef,
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::Signer as _;

    /// Signs with one key of each curve; `spoils` turns a bit of each signature.
    struct Keys {
        p256: p256::ecdsa::SigningKey,
        p384: p384::ecdsa::SigningKey,
        spoils: bool,
    }

    impl Keys {
        fn new(spoils: bool) -> Self {
            Self {
                p256: p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap(),
                p384: p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap(),
                spoils,
            }
        }

        fn public_keys(&self) -> [PublicKey; 2] {
            let p256 = self.p256.verifying_key().to_sec1_point(false);
            let p384 = self.p384.verifying_key().to_sec1_point(false);
            [
                PublicKey::from_point(Curve::P256, p256.as_bytes()).unwrap(),
                PublicKey::from_point(Curve::P384, p384.as_bytes()).unwrap(),
            ]
        }
    }

    impl Signer for Keys {
        fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
            let found = self.public_keys().into_iter().find(|public_key| public_key.key_ref() == *key);
            found.ok_or(SignError::KeyNotFound { key: *key })
        }

        fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
            let curve = self.public_key(key)?.curve();
            let mut octets = match curve {
                Curve::P256 => {
                    let signature: p256::ecdsa::Signature = self.p256.sign(message);
                    signature.to_bytes().to_vec()
                }
                Curve::P384 => {
                    let signature: p384::ecdsa::Signature = self.p384.sign(message);
                    signature.to_bytes().to_vec()
                }
            };
            octets[40] ^= u8::from(self.spoils);
            Ok(EcdsaSignature::from_fixed(curve, &octets).unwrap())
        }
    }

    #[test]
    fn gives_on_what_both_implementations_verify() {
        let keys = Keys::new(false);
        for public_key in keys.public_keys() {
            let signer = SecondOpinion::on(Keys::new(false));
            let signature = signer.sign(&public_key.key_ref(), b"octets").unwrap();
            public_key.verify(b"octets", &signature).unwrap();
            assert!(agrees(&public_key, b"octets", &signature));
            assert!(!agrees(&public_key, b"other octets", &signature));
        }
    }

    #[test]
    fn h_06_a_corrupted_signature_leaves_the_outcome_unknown() {
        let keys = Keys::new(true);
        for public_key in keys.public_keys() {
            let signed = SecondOpinion::on(Keys::new(true)).sign(&public_key.key_ref(), b"octets");
            assert!(matches!(signed, Err(SignError::OutcomeUnknown { .. })));
        }
    }
}
