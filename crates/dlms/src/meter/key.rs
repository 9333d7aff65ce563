//! Keys of a simulated meter, which follow from its seed or come from its memory, and the certification requests they sign.
//!
//! The requests are put together here, not by the code that reads them: version 0, the title as only attribute of the subject,
//! an empty attributes field, as real meters send them.

use core::fmt;
use std::sync::OnceLock;

use ca_core::distinguished_name::DistinguishedName;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use der::asn1::AnyRef;
use der::{Encode, Tag};
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use sha2::{Digest, Sha384};

use super::Fault;

/// A private key of a simulated meter. One from its memory is read when it is used, since most calls use none.
pub(super) struct SimulatedKey {
    curve: Curve,
    /// PKCS#8, DER, of a key that was kept.
    kept: Option<Vec<u8>>,
    ready: OnceLock<Option<Ready>>,
}

struct Ready {
    private: Private,
    /// The public point, uncompressed.
    point: Vec<u8>,
}

enum Private {
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
}

impl Ready {
    fn of_p256(key: p256::ecdsa::SigningKey) -> Self {
        let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Self { private: Private::P256(Box::new(key)), point }
    }

    fn of_p384(key: p384::ecdsa::SigningKey) -> Self {
        let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Self { private: Private::P384(Box::new(key)), point }
    }

    fn of_scalar(curve: Curve, octets: &[u8]) -> Option<Self> {
        let octets = octets.get(..curve.field_octets())?;
        match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(octets).ok().map(Self::of_p256),
            Curve::P384 => p384::ecdsa::SigningKey::from_slice(octets).ok().map(Self::of_p384),
        }
    }

    fn of_pkcs8(curve: Curve, der: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_pkcs8_der(der).ok().map(Self::of_p256),
            Curve::P384 => p384::ecdsa::SigningKey::from_pkcs8_der(der).ok().map(Self::of_p384),
        }
    }
}

impl SimulatedKey {
    /// Draws the key of this number: a hash of seed and number, again until it is one of the curve's scalars.
    pub(super) fn drawn(curve: Curve, seed: &[u8; 32], number: u32) -> Self {
        let mut attempt = 0_u32;
        loop {
            let mut hash = Sha384::new();
            hash.update(seed);
            hash.update(number.to_be_bytes());
            hash.update(attempt.to_be_bytes());
            if let Some(ready) = Ready::of_scalar(curve, &hash.finalize()) {
                return Self { curve, kept: None, ready: OnceLock::from(Some(ready)) };
            }
            attempt = attempt.wrapping_add(1);
        }
    }

    /// Takes a key from memory: PKCS#8, DER. One that cannot be read is none when it is used.
    pub(super) const fn kept(curve: Curve, pkcs8: Vec<u8>) -> Self {
        Self { curve, kept: Some(pkcs8), ready: OnceLock::new() }
    }

    /// Returns it for a memory: PKCS#8, DER.
    pub(super) fn pkcs8(&self) -> Option<Vec<u8>> {
        if let Some(kept) = &self.kept {
            return Some(kept.clone());
        }
        let document = match &self.ready()?.private {
            Private::P256(key) => key.to_pkcs8_der(),
            Private::P384(key) => key.to_pkcs8_der(),
        };
        Some(document.ok()?.as_bytes().to_vec())
    }

    fn ready(&self) -> Option<&Ready> {
        let read = || self.kept.as_ref().and_then(|der| Ready::of_pkcs8(self.curve, der));
        self.ready.get_or_init(read).as_ref()
    }

    /// Returns the public point, uncompressed.
    pub(super) fn point(&self) -> Option<&[u8]> {
        self.ready().map(|ready| ready.point.as_slice())
    }

    const fn curve(&self) -> Curve {
        self.curve
    }

    /// Signs with the hash of the curve; r followed by s. The nonce follows from key and message (RFC 6979).
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(match &self.ready()?.private {
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        })
    }

    /// Makes the certification request of a device for this key, with what is wrong about it.
    pub(super) fn request(&self, title: &SystemTitle, fault: Option<&Fault>) -> Option<Vec<u8>> {
        let subject = DistinguishedName::of_device(title).ok()?;
        let key = PublicKey::from_point(self.curve(), self.point()?).ok()?;
        let version = [2, 1, 0];
        let no_attributes = [0xA0, 0];
        let info = sequence(&[&version[..], subject.der(), key.spki_der(), &no_attributes[..]])?;
        let signed = match fault {
            Some(Fault::SignWithOtherKey) => {
                let other = Self::drawn(self.curve(), &[0xA5; 32], 0);
                other.sign(&info)?
            }
            _ => self.sign(&info)?,
        };
        let (r, s) = signed.split_at_checked(self.curve().field_octets())?;
        let integer = |octets: &[u8]| match fault {
            Some(Fault::UnsignedIntegers) => element(Tag::Integer, octets),
            _ => unsigned(octets),
        };
        let signature = sequence(&[&integer(r)?, &integer(s)?])?;
        let algorithm = sequence(&[&self.curve().signature_algorithm().to_der().ok()?])?;
        let bits = element(Tag::BitString, &[&[0], signature.as_slice()].concat())?;
        let mut request = sequence(&[&info, &algorithm, &bits])?;
        if fault == Some(&Fault::CutRequest) {
            request.truncate(request.len().saturating_sub(7));
        }
        Some(request)
    }
}

impl fmt::Debug for SimulatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedKey({})", self.curve())
    }
}

/// A DER INTEGER of a number without sign.
fn unsigned(octets: &[u8]) -> Option<Vec<u8>> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let number = octets.get(zeros..)?;
    let padded = number.first().is_none_or(|first| *first >= 0x80);
    let content = if padded { [&[0], number].concat() } else { number.to_vec() };
    element(Tag::Integer, &content)
}

fn sequence(parts: &[&[u8]]) -> Option<Vec<u8>> {
    element(Tag::Sequence, &parts.concat())
}

fn element(tag: Tag, content: &[u8]) -> Option<Vec<u8>> {
    AnyRef::new(tag, content).and_then(|element| element.to_der()).ok()
}
