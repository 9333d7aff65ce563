//! The key that wraps a content key, by ephemeral-static ECDH (RFC 5753 §3.1, RFC 9481 §4.1.2) and the KDF of X9.63.

use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{Encode, Sequence};
use sha2::{Sha256, Sha384};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::wrap::KeyWrap;

/// ```text
/// ECC-CMS-SharedInfo ::= SEQUENCE {             -- RFC 5753 §7.2
///     keyInfo      AlgorithmIdentifier,
///     entityUInfo  [0] EXPLICIT OCTET STRING OPTIONAL,
///     suppPubInfo  [2] EXPLICIT OCTET STRING }  -- length of the key in bits, 32 bits
/// ```
#[derive(Sequence)]
struct SharedInfo {
    key_info: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    entity_u_info: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    supp_pub_info: OctetString,
}

/// The private half of a key for key agreement, wherever it is.
pub trait AgreementKey {
    /// Agrees with a public point, uncompressed as SEC 1 writes it; `None` where it is none on the key's curve.
    fn agree(&self, point: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

/// The hash inside the KDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Sha256,
    Sha384,
}

impl Scheme {
    /// The one that suits a curve.
    pub(crate) const fn of(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::Sha256,
            Curve::P384 => Self::Sha384,
        }
    }

    /// dhSinglePass-stdDH-sha256kdf-scheme, dhSinglePass-stdDH-sha384kdf-scheme (RFC 5753 §7.1.4).
    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => ObjectIdentifier::new_unwrap("1.3.132.1.11.1"),
            Self::Sha384 => ObjectIdentifier::new_unwrap("1.3.132.1.11.2"),
        }
    }

    pub(crate) fn by_oid(oid: ObjectIdentifier) -> Option<Self> {
        [Self::Sha256, Self::Sha384].into_iter().find(|scheme| scheme.oid() == oid)
    }

    /// Derives the key that wraps, named as `algorithm`, from what was agreed.
    pub(crate) fn derive(
        self,
        agreed: &[u8],
        (wrap, algorithm): (KeyWrap, &AlgorithmIdentifierOwned),
        ukm: Option<&[u8]>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let info = SharedInfo {
            key_info: algorithm.clone(),
            entity_u_info: ukm.map(OctetString::new).transpose().ok()?,
            supp_pub_info: OctetString::new(u32::from(wrap.bits()).to_be_bytes()).ok()?,
        };
        let info = info.to_der().ok()?;
        let mut key = Zeroizing::new(vec![0; wrap.octets()]);
        match self {
            Self::Sha256 => ansi_x963_kdf::derive_key_into::<Sha256>(agreed, &info, &mut key),
            Self::Sha384 => ansi_x963_kdf::derive_key_into::<Sha384>(agreed, &info, &mut key),
        }
        .ok()?;
        Some(key)
    }
}

/// One side of an agreement that was made for one message.
pub(crate) struct Ephemeral {
    /// The public half, as SEC 1 writes it.
    pub(crate) point: Vec<u8>,
    /// What was agreed.
    pub(crate) agreed: Zeroizing<Vec<u8>>,
}

/// Draws a key and agrees with another.
pub(crate) fn meet(theirs: &PublicKey) -> Option<Ephemeral> {
    use p256::elliptic_curve::Generate as _;
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    Some(match theirs.curve() {
        Curve::P256 => {
            let theirs = p256::PublicKey::from_sec1_bytes(theirs.point()).ok()?;
            let ours = p256::ecdh::EphemeralSecret::generate();
            let agreed = Zeroizing::new(ours.diffie_hellman(&theirs).raw_secret_bytes().to_vec());
            Ephemeral { point: ours.public_key().to_sec1_point(false).as_bytes().to_vec(), agreed }
        }
        Curve::P384 => {
            let theirs = p384::PublicKey::from_sec1_bytes(theirs.point()).ok()?;
            let ours = p384::ecdh::EphemeralSecret::generate();
            let agreed = Zeroizing::new(ours.diffie_hellman(&theirs).raw_secret_bytes().to_vec());
            Ephemeral { point: ours.public_key().to_sec1_point(false).as_bytes().to_vec(), agreed }
        }
    })
}

impl AgreementKey for p256::SecretKey {
    fn agree(&self, point: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let theirs = p256::PublicKey::from_sec1_bytes(point).ok()?;
        let agreed = p256::ecdh::diffie_hellman(self.to_nonzero_scalar(), theirs.as_affine());
        Some(Zeroizing::new(agreed.raw_secret_bytes().to_vec()))
    }
}

impl AgreementKey for p384::SecretKey {
    fn agree(&self, point: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let theirs = p384::PublicKey::from_sec1_bytes(point).ok()?;
        let agreed = p384::ecdh::diffie_hellman(self.to_nonzero_scalar(), theirs.as_affine());
        Some(Zeroizing::new(agreed.raw_secret_bytes().to_vec()))
    }
}
