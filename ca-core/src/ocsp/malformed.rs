//! Why octets are not a request that is answered (RFC 6960 §2.3: malformedRequest).

use const_oid::ObjectIdentifier;

/// Why octets are not a request that is answered. Each is the requester's fault, and is answered with malformedRequest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeRequestError {
    /// Not DER of an `OCSPRequest`.
    #[error("the OCSP request is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// Not version 1.
    #[error("the OCSP request has version number {version}, not 0 for v1")]
    Version {
        /// The number found.
        version: u8,
    },
    /// No certificate, or too many.
    #[error("the OCSP request asks for {asked} certificates, not 1 to {max_requests}")]
    Count {
        /// How many.
        asked: usize,
        /// How many are answered at most.
        max_requests: u8,
    },
    /// A certificate is named with a hash function other than SHA-1 and SHA-256.
    #[error("the OCSP request names a certificate with the hash algorithm {algorithm}, not SHA-1 or SHA-256")]
    HashAlgorithm {
        /// Which.
        algorithm: ObjectIdentifier,
    },
    /// The nonce is empty or longer than 128 octets.
    #[error("the nonce of the OCSP request has {octets} octets, not 1 to 128")]
    NonceLength {
        /// How many.
        octets: usize,
    },
    /// An extension appears twice.
    #[error("the OCSP request has the extension {oid} twice")]
    DoubledExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An extension is critical and not understood.
    #[error("the OCSP request has the critical extension {oid}, which is not understood")]
    CriticalExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
}

impl DecodeRequestError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotDer { .. } => "ocsp.not-der",
            Self::Version { .. } => "ocsp.version",
            Self::Count { .. } => "ocsp.count",
            Self::HashAlgorithm { .. } => "ocsp.hash-algorithm",
            Self::NonceLength { .. } => "ocsp.nonce",
            Self::DoubledExtension { .. } | Self::CriticalExtension { .. } => "ocsp.extension",
        }
    }
}

impl From<der::Error> for DecodeRequestError {
    fn from(cause: der::Error) -> Self {
        Self::NotDer { position: cause.position().map(u32::from) }
    }
}
