//! Keys of a simulated meter, which follow from its seed, and the certification requests they sign.
//!
//! The requests are put together here, not by the code that reads them: version 0, the title as only attribute of the subject,
//! an empty attributes field, as real meters send them.

use core::fmt;

use ca_core::distinguished_name::DistinguishedName;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use der::asn1::AnyRef;
use der::{Encode, Tag};
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest, Sha384};

use super::Fault;

/// A private key of a simulated meter.
pub(super) struct SimulatedKey {
    private: Private,
    point: Vec<u8>,
}

enum Private {
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
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
            if let Some(key) = Self::of_scalar(curve, &hash.finalize()) {
                return key;
            }
            attempt = attempt.wrapping_add(1);
        }
    }

    fn of_scalar(curve: Curve, octets: &[u8]) -> Option<Self> {
        let octets = octets.get(..curve.field_octets())?;
        let (private, point) = match curve {
            Curve::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(octets).ok()?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                (Private::P256(Box::new(key)), point)
            }
            Curve::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(octets).ok()?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                (Private::P384(Box::new(key)), point)
            }
        };
        Some(Self { private, point })
    }

    /// Returns the public point, uncompressed.
    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    const fn curve(&self) -> Curve {
        match self.private {
            Private::P256(_) => Curve::P256,
            Private::P384(_) => Curve::P384,
        }
    }

    /// Signs with the hash of the curve; r followed by s. The nonce follows from key and message (RFC 6979).
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }

    /// Makes the certification request of a device for this key, with what is wrong about it.
    pub(super) fn request(&self, title: &SystemTitle, fault: Option<&Fault>) -> Option<Vec<u8>> {
        let subject = DistinguishedName::of_device(title).ok()?;
        let key = PublicKey::from_point(self.curve(), &self.point).ok()?;
        let version = [2, 1, 0];
        let no_attributes = [0xA0, 0];
        let info = sequence(&[&version[..], subject.der(), key.spki_der(), &no_attributes[..]])?;
        let signed = match fault {
            Some(Fault::SignWithOtherKey) => {
                let other = Self::drawn(self.curve(), &[0xA5; 32], 0);
                other.sign(&info)
            }
            _ => self.sign(&info),
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
