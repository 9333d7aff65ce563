//! Key pairs by number, on both curves, and signatures by them: good ones, and ones whose integers are short.

use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ecdsa::hazmat::sign_prehashed_rfc6979;
use p256::NistP256;
use p384::NistP384;
use sha2::{Digest, Sha256, Sha384};

#[derive(Clone)]
enum Secret {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
}

/// A key pair. The same number on the same curve is the same pair.
#[derive(Clone)]
pub(crate) struct KeyPair {
    secret: Secret,
    public_key: PublicKey,
}

impl KeyPair {
    pub(crate) fn new(curve: Curve, number: u16) -> Self {
        let mut scalar = vec![1; curve.field_octets()];
        let end = scalar.len() - 2;
        scalar[end..].copy_from_slice(&number.to_be_bytes());
        let (secret, point) = match curve {
            Curve::P256 => {
                let secret = p256::SecretKey::from_slice(&scalar).unwrap();
                let point = secret.public_key().to_sec1_bytes();
                (Secret::P256(secret), point)
            }
            Curve::P384 => {
                let secret = p384::SecretKey::from_slice(&scalar).unwrap();
                let point = secret.public_key().to_sec1_bytes();
                (Secret::P384(secret), point)
            }
        };
        Self { secret, public_key: PublicKey::from_point(curve, &point).unwrap() }
    }

    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Signs; another `draw` gives another signature.
    pub(crate) fn sign(&self, message: &[u8], draw: u32) -> EcdsaSignature {
        let draw = draw.to_be_bytes();
        let (curve, octets) = match &self.secret {
            Secret::P256(secret) => {
                let hash = Sha256::digest(message);
                let scalar = secret.to_nonzero_scalar();
                let signature = sign_prehashed_rfc6979::<NistP256, Sha256>(&scalar, &hash, &draw).0;
                (Curve::P256, signature.to_bytes().to_vec())
            }
            Secret::P384(secret) => {
                let hash = Sha384::digest(message);
                let scalar = secret.to_nonzero_scalar();
                let signature = sign_prehashed_rfc6979::<NistP384, Sha384>(&scalar, &hash, &draw).0;
                (Curve::P384, signature.to_bytes().to_vec())
            }
        };
        EcdsaSignature::from_fixed(curve, &octets).unwrap()
    }

    /// Signs until r and s are of full length.
    pub(crate) fn sign_full(&self, message: &[u8]) -> EcdsaSignature {
        self.sign_until(message, EcdsaSignature::has_full_length_integers)
    }

    /// Signs until r or s is an octet short.
    pub(crate) fn sign_short(&self, message: &[u8]) -> EcdsaSignature {
        self.sign_until(message, |signature| !signature.has_full_length_integers())
    }

    /// Signs until the signature is as wanted.
    pub(crate) fn sign_until(
        &self,
        message: &[u8],
        wanted: impl Fn(&EcdsaSignature) -> bool,
    ) -> EcdsaSignature {
        (0..100_000).map(|draw| self.sign(message, draw)).find(wanted).unwrap()
    }
}
