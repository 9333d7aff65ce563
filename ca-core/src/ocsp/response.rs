//! `OCSPResponse`: the envelope of an answer, signed or not (RFC 6960 §4.2.1).
//!
//! Puts octets together; neither signs nor decides.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, OctetString};
use der::{Decode, Encode, Enumerated, Sequence};
use spki::AlgorithmIdentifierRef;

use crate::certificate::Certificate;
use crate::oid;
use crate::signature::EcdsaSignature;

/// ```text
/// OCSPResponse ::= SEQUENCE {
///     responseStatus     OCSPResponseStatus,
///     responseBytes  [0] EXPLICIT ResponseBytes OPTIONAL }
/// ```
#[derive(Sequence)]
struct WireResponse {
    response_status: OcspResponseStatus,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    response_bytes: Option<ResponseBytes>,
}

/// ```text
/// OCSPResponseStatus ::= ENUMERATED {
///     successful       (0),
///     malformedRequest (1),
///     internalError    (2),
///     tryLater         (3),
///     sigRequired      (5),
///     unauthorized     (6) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum OcspResponseStatus {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

/// ```text
/// ResponseBytes ::= SEQUENCE {
///     responseType OBJECT IDENTIFIER,
///     response     OCTET STRING }
/// ```
#[derive(Sequence)]
struct ResponseBytes {
    response_type: ObjectIdentifier,
    response: OctetString,
}

/// ```text
/// BasicOCSPResponse ::= SEQUENCE {
///     tbsResponseData    ResponseData,
///     signatureAlgorithm AlgorithmIdentifier,
///     signature          BIT STRING,
///     certs          [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// ```
#[derive(Sequence)]
struct BasicOcspResponse<'a> {
    tbs_response_data: AnyRef<'a>,
    signature_algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certs: Option<Vec<AnyRef<'a>>>,
}

/// Puts a signed response together, with the responder's certificate in it.
pub(super) fn successful(
    tbs: &[u8],
    signature: &EcdsaSignature,
    responder: &Certificate,
) -> der::Result<Vec<u8>> {
    let value = signature.to_der()?;
    let basic = BasicOcspResponse {
        tbs_response_data: AnyRef::from_der(tbs)?,
        // RFC 5758 §3.2: the parameters field is absent.
        signature_algorithm: AlgorithmIdentifierRef {
            oid: signature.curve().signature_algorithm(),
            parameters: None,
        },
        signature: BitStringRef::from_bytes(&value)?,
        certs: Some(vec![AnyRef::from_der(responder.der())?]),
    };
    WireResponse {
        response_status: OcspResponseStatus::Successful,
        response_bytes: Some(ResponseBytes {
            response_type: oid::OCSP_BASIC,
            response: OctetString::new(basic.to_der()?)?,
        }),
    }
    .to_der()
}

/// Why there is no signed answer, in the words of RFC 6960 §2.3. We never ask for signed requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorStatus {
    /// The request is not one.
    MalformedRequest,
    /// We failed, and trying again will not help soon.
    InternalError,
    /// We cannot answer now.
    TryLater,
    /// None of the certificates asked for is of an issuer that we answer for.
    Unauthorized,
}

impl ErrorStatus {
    /// Returns the DER of the unsigned `OCSPResponse` that says so: 5 octets.
    #[must_use]
    pub const fn to_der(self) -> [u8; 5] {
        let status = match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        };
        // RFC 6960 §4.2.1: an error has no responseBytes.
        [0x30, 3, 0x0A, 1, status]
    }

    /// Returns the name as RFC 6960 prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::Unauthorized => "unauthorized",
        }
    }
}
