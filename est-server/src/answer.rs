//! What is sent back to a request that was answered as it wished: DER, not yet written for a transport.

use zeroize::Zeroizing;

/// An answer, whatever its request came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// RFC 7030 §4.1.3.
    CaCertificates {
        /// A certs-only message, DER.
        certs_only: Vec<u8>,
    },
    /// RFC 8951 §4, RFC 9908 §3: what a certification request should say.
    CsrAttributes {
        /// `CsrAttrs`, DER.
        der: Vec<u8>,
    },
    /// RFC 7030 §4.2.3: the certificate that was issued and no other.
    Issued {
        /// The certificate, DER.
        certificate: Vec<u8>,
        /// A certs-only message that holds it, DER.
        certs_only: Vec<u8>,
    },
    /// RFC 7030 §4.4.2: a key that the server made, and its certificate.
    KeyMade {
        /// The key.
        key: DeliveredKey,
        /// The certificate, DER.
        certificate: Vec<u8>,
        /// A certs-only message that holds it, DER.
        certs_only: Vec<u8>,
    },
    /// RFC 7030 §4.3.2: a signed response to requests of which one at least was answered as it wished.
    CmcResponse {
        /// A `ContentInfo`, DER.
        der: Vec<u8>,
    },
}

/// A private key on its way to whom it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveredKey {
    /// PKCS#8, DER, that nothing but the transport encrypts.
    Pkcs8(PrivateOctets),
    /// `SignedData` of a key package inside `EnvelopedData`, DER.
    Enveloped(Vec<u8>),
}

/// Octets that are wiped when they are dropped and that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateOctets(Zeroizing<Vec<u8>>);

impl PrivateOctets {
    pub(crate) const fn new(octets: Zeroizing<Vec<u8>>) -> Self {
        Self(octets)
    }

    /// Returns the octets, to be written to whom they are for and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for PrivateOctets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateOctets(..)")
    }
}
