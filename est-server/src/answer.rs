//! What is sent back to a request that was answered as it wished: DER, not yet written for a transport.

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
}
