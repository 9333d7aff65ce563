//! The hashes of a CRL and of what was signed of it, made as it comes, and the signature over the latter (RFC 5758 §3.2).

use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use sha2::{Digest, Sha256, Sha384};

use super::{ReadCrlError, values};

/// ecdsa-with-SHA256 and ecdsa-with-SHA384, parameters absent.
const WITH_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
const WITH_SHA384: &[u8] = &[0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];

/// The hashes of what went by.
pub(super) struct Hashes {
    pub(super) whole: Sha256,
    pub(super) tbs: TbsHash,
    /// Whether what goes by was signed.
    pub(super) within_signed: bool,
}

impl Hashes {
    pub(super) fn for_key_on(curve: Curve) -> Self {
        Self { whole: Sha256::new(), tbs: TbsHash::of(curve), within_signed: false }
    }

    pub(super) fn update(&mut self, octets: &[u8]) {
        self.whole.update(octets);
        if self.within_signed {
            self.tbs.update(octets);
        }
    }
}

/// The hash that the curve of the key fixes.
pub(super) enum TbsHash {
    Sha256(Sha256),
    Sha384(Sha384),
}

impl TbsHash {
    fn of(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::Sha256(Sha256::new()),
            Curve::P384 => Self::Sha384(Sha384::new()),
        }
    }

    fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(octets),
            Self::Sha384(hash) => hash.update(octets),
        }
    }

    /// Verifies a signature, a BIT STRING, over what was hashed.
    pub(super) fn verify(
        self,
        key: &PublicKey,
        algorithm: &[u8],
        signature: &[u8],
    ) -> Result<(), ReadCrlError> {
        let (_, content) = values::split(signature)?;
        let Some((0, signature)) = content.split_first() else { return Err(ReadCrlError::Signature) };
        let (expected, good) = match self {
            Self::Sha256(hash) => (WITH_SHA256, p256_verifies(key.point(), &hash.finalize(), signature)),
            Self::Sha384(hash) => (WITH_SHA384, p384_verifies(key.point(), &hash.finalize(), signature)),
        };
        if algorithm != expected {
            return Err(ReadCrlError::Algorithm);
        }
        good.ok_or(ReadCrlError::Signature)
    }
}

fn p256_verifies(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?.verify_prehash(digest, &signature).ok()
}

fn p384_verifies(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    use p384::ecdsa::signature::hazmat::PrehashVerifier;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?.verify_prehash(digest, &signature).ok()
}
