//! A key of aws-lc-rs that signs, and its public half that verifies, always the same octets. Uses nothing of our own code.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm,
    KeyPair, Signature, UnparsedPublicKey,
};
use ca_core::suite::Curve;

/// As long as the to-be-signed part of a meter's certificate, about.
const MESSAGE: [u8; 400] = [0x30; 400];

/// A key pair and a signature by it.
pub(crate) struct RawKey {
    pub(crate) curve: Curve,
    pair: EcdsaKeyPair,
    signature: Signature,
}

impl RawKey {
    /// Makes a new one.
    pub(crate) fn new(curve: Curve) -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(signing(curve))?;
        let signature = pair.sign(&SystemRandom::new(), &MESSAGE)?;
        Ok(Self { curve, pair, signature })
    }

    /// Signs.
    pub(crate) fn sign(&self) -> anyhow::Result<Signature> {
        Ok(self.pair.sign(&SystemRandom::new(), &MESSAGE)?)
    }

    /// Verifies its signature.
    pub(crate) fn verify(&self) -> anyhow::Result<()> {
        let point = self.pair.public_key().as_ref();
        Ok(UnparsedPublicKey::new(verifying(self.curve), point).verify(&MESSAGE, self.signature.as_ref())?)
    }
}

const fn signing(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
    }
}

const fn verifying(curve: Curve) -> &'static EcdsaVerificationAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED,
    }
}
