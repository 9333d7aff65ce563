//! A signer whose every signature is verified by a second implementation before it is given on.
//!
//! Whatever signed, and whatever ca-core verifies with, the crates p256 and p384 look at the signature here: one broken
//! library, or one broken token, does not make a broken root. What was signed amiss is put aside under `quarantine/`, with the
//! octets that it should have signed, for whoever examines the incident (case R-11). Nothing is signed here.

use std::path::{Path, PathBuf};

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::signing::SignFailure;
use ca_core::suite::Curve;
use p256::ecdsa::signature::Verifier;

use crate::fingerprint;
use crate::new_file::{self, NewFileError, Readers};

/// The name of the directory of what was signed amiss, in that of the root.
pub(crate) const QUARANTINE: &str = "quarantine";

/// A signer with a second opinion on each signature.
#[derive(Debug)]
pub(crate) struct SecondOpinion<S> {
    signer: S,
    quarantine: PathBuf,
}

impl<S: Signer> SecondOpinion<S> {
    /// Returns the signer whose signatures are looked at.
    pub(crate) const fn inner(&self) -> &S {
        &self.signer
    }

    /// Doubts a signer; what is signed amiss goes below the directory of the root.
    pub(crate) fn on(signer: S, root: &Path) -> Self {
        Self { signer, quarantine: root.join(QUARANTINE) }
    }

    /// Returns the signer.
    pub(crate) const fn signer(&self) -> &S {
        &self.signer
    }

    /// Puts aside what was signed amiss: the octets and the signature, in one file each, named by the SHA-256 of the octets.
    fn put_aside(&self, message: &[u8], signature: &EcdsaSignature) -> Result<PathBuf, NewFileError> {
        if !self.quarantine.is_dir() {
            new_file::directory(&self.quarantine)?;
        }
        let name = self.quarantine.join(fingerprint::of(message));
        let (octets, signed) = (name.with_extension("tbs"), name.with_extension("signature"));
        // The same octets were perhaps put aside before, with another signature.
        if !octets.exists() {
            new_file::create(&octets, message, Readers::Owner)?;
        }
        if !signed.exists() {
            new_file::create(&signed, signature.fixed(), Readers::Owner)?;
        }
        Ok(octets)
    }
}

impl<S: Signer> Signer for SecondOpinion<S> {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.signer.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let public_key = self.signer.public_key(key)?;
        let signature = self.signer.sign(key, message)?;
        if agrees(&public_key, message, &signature) {
            return Ok(signature);
        }
        // There is a signature, and it is not one: the intent stays uncertain.
        let aside = self.put_aside(message, &signature).map_err(|error| error.to_string());
        Err(SignError::OutcomeUnknown { cause: Box::new(Quarantined { key: *key, aside }) })
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.signer.check_at_hand(key)
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

/// An incident: the second implementation does not take the signature for one, or it is over other octets.
#[derive(Debug, thiserror::Error)]
#[error(
    "incident: the signature by key {key} is not one over the octets that were checked; {}",
    place(aside)
)]
pub(crate) struct Quarantined {
    key: KeyRef,
    /// Where it was put aside, or why it could not be.
    aside: Result<PathBuf, String>,
}

fn place(aside: &Result<PathBuf, String>) -> String {
    match aside {
        Ok(path) => format!("both are put aside in {}", path.display()),
        Err(why) => format!("they could not be put aside: {why}"),
    }
}

/// Tells whether what failed to sign signed amiss.
pub(crate) fn is_incident(failure: &SignFailure) -> bool {
    match failure {
        SignFailure::DoesNotVerify { .. } => true,
        SignFailure::Signer(SignError::OutcomeUnknown { cause }) => cause.is::<Quarantined>(),
        SignFailure::Signer(
            SignError::KeyNotFound { .. } | SignError::Refused { .. } | SignError::Unavailable { .. },
        )
        | SignFailure::NeverFullLength { .. } => false,
    }
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

        fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
            Ok(())
        }
    }

    #[test]
    fn gives_on_what_both_implementations_verify() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::new(false);
        for public_key in keys.public_keys() {
            let signer = SecondOpinion::on(Keys::new(false), folder.path());
            let signature = signer.sign(&public_key.key_ref(), b"octets").unwrap();
            public_key.verify(b"octets", &signature).unwrap();
            assert!(agrees(&public_key, b"octets", &signature));
            assert!(!agrees(&public_key, b"other octets", &signature));
        }
    }

    #[test]
    fn h_06_r_11_a_corrupted_signature_leaves_the_outcome_unknown_and_is_put_aside_as_an_incident() {
        let keys = Keys::new(true);
        for public_key in keys.public_keys() {
            let folder = tempfile::tempdir().unwrap();
            let signer = SecondOpinion::on(Keys::new(true), folder.path());
            // Twice: what was put aside stays.
            for _ in 0..2 {
                let failure = SignFailure::from(signer.sign(&public_key.key_ref(), b"octets").unwrap_err());
                assert!(is_incident(&failure));
                assert!(matches!(failure, SignFailure::Signer(SignError::OutcomeUnknown { .. })));
                let place = folder.path().join(QUARANTINE).join(fingerprint::of(b"octets"));
                let told = format!("{failure:?}");
                assert!(told.contains(&place.display().to_string()), "{told}");
                assert_eq!(std::fs::read(place.with_extension("tbs")).unwrap(), b"octets");
                let fixed = std::fs::read(place.with_extension("signature")).unwrap();
                let signature = EcdsaSignature::from_fixed(public_key.curve(), &fixed).unwrap();
                assert!(public_key.verify(b"octets", &signature).is_err());
            }
        }
    }

    #[test]
    fn a_signer_that_is_merely_away_is_no_incident() {
        let folder = tempfile::tempdir().unwrap();
        let other = KeyRef::parse(&"00".repeat(20)).unwrap();
        let failure = SecondOpinion::on(Keys::new(true), folder.path()).sign(&other, b"octets").unwrap_err();
        assert!(!is_incident(&failure.into()));
        assert!(!folder.path().join(QUARANTINE).exists());
    }
}
