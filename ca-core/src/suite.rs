//! DLMS/COSEM security suites and the curve each one fixes.
//!
//! Not a list of what TLS may negotiate: only what certificates and their signatures are made of.
//! Green Book 9.2.3.7; RFC 5480 (curves), RFC 5758 §3.2 (ecdsa-with-SHA256, ecdsa-with-SHA384).

use core::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;

/// A DLMS/COSEM security suite that has public-key cryptography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecuritySuite {
    /// Suite 1: P-256, SHA-256.
    Suite1,
    /// Suite 2: P-384, SHA-384.
    Suite2,
}

impl SecuritySuite {
    /// Both suites, in their numeric order.
    pub const ALL: [Self; 2] = [Self::Suite1, Self::Suite2];

    /// Returns the curve of every key of this suite.
    #[must_use]
    pub const fn curve(self) -> Curve {
        match self {
            Self::Suite1 => Curve::P256,
            Self::Suite2 => Curve::P384,
        }
    }

    /// Returns the ending that profile ids of this suite carry: `s1` or `s2`.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Suite1 => "s1",
            Self::Suite2 => "s2",
        }
    }

    /// Returns the suite number as DLMS writes it: 1 or 2.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Suite1 => 1,
            Self::Suite2 => 2,
        }
    }

    /// Returns the suite whose keys are on a curve.
    #[must_use]
    pub const fn of_curve(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::Suite1,
            Curve::P384 => Self::Suite2,
        }
    }

    /// Returns the suite with this number, if it is one with public-key cryptography.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Suite1),
            2 => Some(Self::Suite2),
            _ => None,
        }
    }
}

impl fmt::Display for SecuritySuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "suite {}", self.number())
    }
}

/// An elliptic curve; it fixes the hash of signatures made with its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// secp256r1; signatures use SHA-256.
    P256,
    /// secp384r1; signatures use SHA-384.
    P384,
}

impl Curve {
    /// Returns the length of a field element, and of r and s, in octets: 32 or 48.
    #[must_use]
    pub const fn field_octets(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// Returns the length of a symmetric key that is as strong as keys of this curve, in bits (RFC 5480 §4).
    #[must_use]
    pub const fn strength_bits(self) -> u16 {
        match self {
            Self::P256 => 128,
            Self::P384 => 192,
        }
    }

    /// Returns the named-curve identifier of RFC 5480 §2.1.1.1.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => rfc5912::SECP_256_R_1,
            Self::P384 => rfc5912::SECP_384_R_1,
        }
    }

    /// Returns the signature algorithm identifier that goes with keys of this curve (RFC 5758 §3.2).
    #[must_use]
    pub const fn signature_algorithm(self) -> ObjectIdentifier {
        match self {
            Self::P256 => rfc5912::ECDSA_WITH_SHA_256,
            Self::P384 => rfc5912::ECDSA_WITH_SHA_384,
        }
    }

    /// Returns the curve whose signatures have this algorithm identifier, if it is one of ours.
    #[must_use]
    pub fn from_signature_algorithm(oid: ObjectIdentifier) -> Option<Self> {
        [Self::P256, Self::P384].into_iter().find(|curve| curve.signature_algorithm() == oid)
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        })
    }
}
