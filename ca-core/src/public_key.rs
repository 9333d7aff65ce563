//! Subject public keys: an uncompressed point on P-256 or P-384, checked to lie on its curve (RFC 5480).
//!
//! Verification of ECDSA signatures is asked of aws-lc-rs, point validation of p256 and p384; nothing is computed here.

use core::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA512_ASN1,
    UnparsedPublicKey,
};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::asn1::AnyRef;
use der::{Decode, Encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::key_ref::KeyRef;
use crate::signature::EcdsaSignature;
use crate::suite::Curve;
use crate::to_be_signed::MessageDigest;

/// A public key that is known to be a point of its curve, with the SubjectPublicKeyInfo octets it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    curve: Curve,
    spki: Vec<u8>,
    point: Vec<u8>,
}

/// How a key identifier is computed from a key (RFC 5280 §4.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyIdentifierMethod {
    /// Method 1: SHA-1 of the point, 20 octets.
    Sha1Full,
    /// Method 2: 0100 and the last 60 bits of the SHA-1, 8 octets.
    Sha1Short,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`PublicKeyError`] for any key that is not an uncompressed, valid point on P-256 or P-384 with a named curve.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| PublicKeyError::NotDer)?;
        let curve = named_curve(&spki.algorithm)?;
        let point = spki.subject_public_key.as_bytes().ok_or(PublicKeyError::NotDer)?;
        check_point(curve, point)?;
        Ok(Self { curve, spki: der.to_vec(), point: point.to_vec() })
    }

    /// Makes a key of an uncompressed point: 0x04, x, y; 65 or 97 octets.
    ///
    /// # Errors
    /// As [`Self::from_spki_der`].
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, PublicKeyError> {
        check_point(curve, point)?;
        let parameters = curve.oid();
        let spki = SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef {
                oid: rfc5912::ID_EC_PUBLIC_KEY,
                parameters: Some(AnyRef::from(&parameters)),
            },
            subject_public_key: der::asn1::BitStringRef::from_bytes(point)
                .map_err(|_| PublicKeyError::NotDer)?,
        };
        let spki = spki.to_der().map_err(|_| PublicKeyError::NotDer)?;
        Ok(Self { curve, spki, point: point.to_vec() })
    }

    /// Returns the curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// Returns the SubjectPublicKeyInfo as received: 91 octets for P-256, 120 for P-384.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Returns the uncompressed point: 65 or 97 octets.
    #[must_use]
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// Returns the name of this key inside the suite.
    #[must_use]
    pub fn key_ref(&self) -> KeyRef {
        KeyRef::new(Sha1::digest(&self.point).into())
    }

    /// Returns the SHA-256 of the SubjectPublicKeyInfo: the key of every "is this key known" look-up.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.spki).into()
    }

    /// Returns the key identifier by the given method: 20 or 8 octets.
    #[must_use]
    pub fn key_identifier(&self, method: KeyIdentifierMethod) -> Vec<u8> {
        let digest: [u8; 20] = Sha1::digest(&self.point).into();
        match method {
            KeyIdentifierMethod::Sha1Full => digest.to_vec(),
            // RFC 5280 §4.2.1.2: four bits 0100 followed by the least significant 60 bits.
            KeyIdentifierMethod::Sha1Short => {
                let [.., a, b, c, d, e, f, g, h] = digest;
                vec![0x40 | a & 0x0F, b, c, d, e, f, g, h]
            }
        }
    }

    /// Verifies an ECDSA signature over `message` with the hash that the curve fixes.
    ///
    /// # Errors
    /// [`BadSignature`] when it was not made by this key over these octets.
    pub fn verify(&self, message: &[u8], signature: &EcdsaSignature) -> Result<(), BadSignature> {
        let algorithm = match self.curve {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED,
        };
        UnparsedPublicKey::new(algorithm, &self.point)
            .verify(message, signature.fixed())
            .map_err(|_| BadSignature)
    }

    /// Verifies an ECDSA signature over `message` with the hash that another curve fixes: its own, or a longer one (FIPS 186-5 §6.4.2
    /// takes the leftmost bits of it).
    ///
    /// # Errors
    /// [`BadSignature`] when it was not made by this key over these octets, or the hash is shorter than that of the key's curve.
    pub fn verify_with_hash_of(
        &self,
        hash: Curve,
        message: &[u8],
        signature: &EcdsaSignature,
    ) -> Result<(), BadSignature> {
        match (self.curve, hash) {
            (Curve::P256, Curve::P256) | (Curve::P384, Curve::P384) => self.verify(message, signature),
            (Curve::P256, Curve::P384) => {
                let der = signature.to_der().map_err(|_| BadSignature)?;
                UnparsedPublicKey::new(&ECDSA_P256_SHA384_ASN1, &self.point)
                    .verify(message, &der)
                    .map_err(|_| BadSignature)
            }
            (Curve::P384, Curve::P256) => Err(BadSignature),
        }
    }

    /// Verifies a signature that another program made with this key, under whichever SHA-2 it took: RFC 5758 §3.2 ties no hash to a
    /// curve, and programs that do not look take SHA-256 with P-384.
    ///
    /// # Errors
    /// [`BadSignature`] when it was not made by this key over these octets, or by an algorithm that is none of these.
    pub fn verify_of_another(
        &self,
        algorithm: ObjectIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let verification = match (self.curve, algorithm) {
            (Curve::P256, rfc5912::ECDSA_WITH_SHA_256) => &ECDSA_P256_SHA256_ASN1,
            (Curve::P256, rfc5912::ECDSA_WITH_SHA_384) => &ECDSA_P256_SHA384_ASN1,
            (Curve::P256, rfc5912::ECDSA_WITH_SHA_512) => &ECDSA_P256_SHA512_ASN1,
            (Curve::P384, rfc5912::ECDSA_WITH_SHA_256) => &ECDSA_P384_SHA256_ASN1,
            (Curve::P384, rfc5912::ECDSA_WITH_SHA_384) => &ECDSA_P384_SHA384_ASN1,
            (Curve::P384, rfc5912::ECDSA_WITH_SHA_512) => &ECDSA_P384_SHA512_ASN1,
            _ => return Err(BadSignature),
        };
        UnparsedPublicKey::new(verification, &self.point).verify(message, signature).map_err(|_| BadSignature)
    }

    /// Verifies an ECDSA signature over the message of which this is the digest.
    ///
    /// # Errors
    /// [`BadSignature`] when it was not made by this key over such a message, or the digest is that of another curve.
    pub fn verify_digest(
        &self,
        digest: &MessageDigest,
        signature: &EcdsaSignature,
    ) -> Result<(), BadSignature> {
        use aws_lc_rs::digest::{Digest, SHA256, SHA384};
        let (algorithm, hash) = match self.curve {
            Curve::P256 => (&ECDSA_P256_SHA256_FIXED, &SHA256),
            Curve::P384 => (&ECDSA_P384_SHA384_FIXED, &SHA384),
        };
        // The import looks at the length alone; the digest was made from a message by the one function that makes them.
        let digest = Digest::import_less_safe(digest.octets(), hash).map_err(|_| BadSignature)?;
        UnparsedPublicKey::new(algorithm, &self.point)
            .verify_digest(&digest, signature.fixed())
            .map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.curve, self.key_ref())
    }
}

fn named_curve(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Curve, PublicKeyError> {
    if algorithm.oid != rfc5912::ID_EC_PUBLIC_KEY {
        return Err(PublicKeyError::NotEllipticCurve { algorithm: algorithm.oid });
    }
    let parameters = algorithm.parameters.ok_or(PublicKeyError::NoNamedCurve)?;
    // RFC 5480 §2.1.1: implicitCurve and specifiedCurve must not be used.
    let curve: ObjectIdentifier = parameters.decode_as().map_err(|_| PublicKeyError::NoNamedCurve)?;
    [Curve::P256, Curve::P384]
        .into_iter()
        .find(|known| known.oid() == curve)
        .ok_or(PublicKeyError::CurveNotSupported { curve })
}

fn check_point(curve: Curve, point: &[u8]) -> Result<(), PublicKeyError> {
    match point.first() {
        Some(0x04) if point.len() == 1 + 2 * curve.field_octets() => {}
        Some(0x02 | 0x03) => return Err(PublicKeyError::CompressedPoint),
        Some(0x00) if point.len() == 1 => return Err(PublicKeyError::PointAtInfinity),
        _ => return Err(PublicKeyError::PointLength { octets: point.len() }),
    }
    let on_curve = match curve {
        Curve::P256 => p256::PublicKey::from_sec1_bytes(point).is_ok(),
        Curve::P384 => p384::PublicKey::from_sec1_bytes(point).is_ok(),
    };
    on_curve.then_some(()).ok_or(PublicKeyError::PointNotOnCurve)
}

/// The signature was not made by this key over these octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// Why a public key is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not a DER SubjectPublicKeyInfo.
    #[error("the public key is not a DER SubjectPublicKeyInfo")]
    NotDer,
    /// The algorithm is not id-ecPublicKey.
    #[error("the public key algorithm {algorithm} is not id-ecPublicKey")]
    NotEllipticCurve {
        /// What it is instead.
        algorithm: ObjectIdentifier,
    },
    /// The parameters are absent, implicit or explicit.
    #[error("the public key does not name its curve")]
    NoNamedCurve,
    /// The curve is neither P-256 nor P-384.
    #[error("the curve {curve} is neither P-256 nor P-384")]
    CurveNotSupported {
        /// The curve named.
        curve: ObjectIdentifier,
    },
    /// The point is compressed.
    #[error("the public key is a compressed point")]
    CompressedPoint,
    /// The point is the identity.
    #[error("the public key is the point at infinity")]
    PointAtInfinity,
    /// The point has the wrong length or form.
    #[error("the public key point has {octets} octets or an unknown form")]
    PointLength {
        /// How many octets there were.
        octets: usize,
    },
    /// The coordinates do not satisfy the curve equation.
    #[error("the public key is not a point of its curve")]
    PointNotOnCurve,
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::hazmat::PrehashSigner;
    use sha2::{Sha384, Sha512};

    use super::*;

    // RFC 5758 §3.2.
    #[test]
    fn verifies_what_another_program_signed_under_any_hash_of_sha_2_and_nothing_else() {
        let hashes = |message: &[u8]| {
            [
                (rfc5912::ECDSA_WITH_SHA_256, Sha256::digest(message).to_vec()),
                (rfc5912::ECDSA_WITH_SHA_384, Sha384::digest(message).to_vec()),
                (rfc5912::ECDSA_WITH_SHA_512, Sha512::digest(message).to_vec()),
            ]
        };
        let small = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let large = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
        for (algorithm, hash) in hashes(b"what is signed") {
            let by_small: p256::ecdsa::Signature = small.sign_prehash(&hash).unwrap();
            let by_large: p384::ecdsa::Signature = large.sign_prehash(&hash).unwrap();
            for (curve, point, signature) in [
                (Curve::P256, small.verifying_key().to_sec1_bytes(), by_small.to_der().as_bytes().to_vec()),
                (Curve::P384, large.verifying_key().to_sec1_bytes(), by_large.to_der().as_bytes().to_vec()),
            ] {
                let key = PublicKey::from_point(curve, &point).unwrap();
                let verified =
                    |algorithm, message: &[u8]| key.verify_of_another(algorithm, message, &signature);
                assert_eq!(verified(algorithm, b"what is signed"), Ok(()), "{curve} {algorithm}");
                assert!(verified(algorithm, b"what was not").is_err(), "{curve} {algorithm}");
                assert!(verified(rfc5912::ID_EC_PUBLIC_KEY, b"what is signed").is_err());
            }
        }
    }
}
