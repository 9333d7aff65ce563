//! How a key is named inside the suite: by the SHA-1 of its public point (RFC 5280 §4.2.1.2, method 1).
//!
//! A name, never the key: private keys live behind the [`Signer`](crate::ports::Signer) port only.

use core::fmt;

/// The 20-octet subject key identifier of a key, whatever its certificate carries.
///
/// PKCS#11 tokens keep it as `CKA_ID`; OCSP calls it issuerKeyHash when it is computed with SHA-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef([u8; 20]);

impl KeyRef {
    /// Makes a reference of its 20 octets.
    #[must_use]
    pub const fn new(octets: [u8; 20]) -> Self {
        Self(octets)
    }

    /// Returns the 20 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 20] {
        &self.0
    }

    /// Parses the 40 hexadecimal characters that [`Display`](fmt::Display) writes, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = [0; 20];
        if text.len() != 40 || !text.is_ascii() {
            return None;
        }
        for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *octet = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(octets))
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef({self})")
    }
}
