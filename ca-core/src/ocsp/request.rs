//! `OCSPRequest` (RFC 6960 §4.1), with the nonce of RFC 9654.
//!
//! Decoding is strict and bounded, and decides nothing. A signature on a request is neither checked nor needed: the status of
//! a certificate is told to everybody.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;

use super::cert_id::CertId;
use super::malformed::DecodeRequestError;
use crate::oid;

/// ```text
/// OCSPRequest ::= SEQUENCE {
///     tbsRequest            TBSRequest,
///     optionalSignature [0] EXPLICIT Signature OPTIONAL }
/// ```
#[derive(Sequence)]
struct WireRequest<'a> {
    tbs_request: TbsRequest<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    optional_signature: Option<RequestSignature<'a>>,
}

/// ```text
/// Signature ::= SEQUENCE {
///     signatureAlgorithm AlgorithmIdentifier,
///     signature          BIT STRING,
///     certs          [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// ```
#[derive(Sequence)]
struct RequestSignature<'a> {
    signature_algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certs: Option<Vec<AnyRef<'a>>>,
}

/// ```text
/// TBSRequest ::= SEQUENCE {
///     version           [0] EXPLICIT Version DEFAULT v1,
///     requestorName     [1] EXPLICIT GeneralName OPTIONAL,
///     requestList           SEQUENCE OF Request,
///     requestExtensions [2] EXPLICIT Extensions OPTIONAL }
/// Version ::= INTEGER { v1(0) }
/// ```
#[derive(Sequence)]
struct TbsRequest<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    version: u8,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requestor_name: Option<AnyRef<'a>>,
    request_list: Vec<SingleRequest<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    request_extensions: Option<Vec<Extension>>,
}

/// ```text
/// Request ::= SEQUENCE {
///     reqCert                     CertID,
///     singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Sequence)]
struct SingleRequest<'a> {
    req_cert: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    single_request_extensions: Option<Vec<Extension>>,
}

/// A decoded request: at least one certificate, and a nonce if one was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest {
    certificates: Vec<CertId>,
    nonce: Option<Nonce>,
}

impl OcspRequest {
    /// Reads a DER `OCSPRequest` that asks for at most `max_requests` certificates.
    ///
    /// # Errors
    /// [`DecodeRequestError`]; each is answered with malformedRequest.
    pub fn from_der(der: &[u8], max_requests: u8) -> Result<Self, DecodeRequestError> {
        let tbs = WireRequest::from_der(der)?.tbs_request;
        if tbs.version != 0 {
            return Err(DecodeRequestError::Version { version: tbs.version });
        }
        let asked = tbs.request_list.len();
        if asked == 0 || asked > usize::from(max_requests) {
            return Err(DecodeRequestError::Count { asked, max_requests });
        }
        let certificates = tbs
            .request_list
            .iter()
            .map(|request| {
                check_extensions(request.single_request_extensions.as_deref(), &[])?;
                CertId::from_der(&request.req_cert.to_der()?)
            })
            .collect::<Result<_, DecodeRequestError>>()?;
        let extensions = tbs.request_extensions.as_deref();
        check_extensions(extensions, &UNDERSTOOD)?;
        check_wishes(extensions.unwrap_or_default())?;
        let nonce =
            value_of(extensions.unwrap_or_default(), oid::OCSP_NONCE).map(Nonce::from_der).transpose()?;
        Ok(Self { certificates, nonce })
    }

    /// Returns the certificates asked for, in the order they stand; at least one.
    #[must_use]
    pub fn certificates(&self) -> &[CertId] {
        &self.certificates
    }

    /// Returns the nonce, if one was sent.
    #[must_use]
    pub const fn nonce(&self) -> Option<&Nonce> {
        self.nonce.as_ref()
    }
}

/// What a request may ask for beside statuses.
const UNDERSTOOD: [ObjectIdentifier; 3] =
    [oid::OCSP_NONCE, oid::OCSP_PREFERRED_SIGNATURE_ALGORITHMS, oid::OCSP_ACCEPTABLE_RESPONSES];

/// ```text
/// PreferredSignatureAlgorithm ::= SEQUENCE {
///     sigIdentifier       AlgorithmIdentifier,
///     pubKeyAlgIdentifier SMIMECapability OPTIONAL }
/// ```
#[derive(Sequence)]
struct PreferredSignatureAlgorithm<'a> {
    signature: AlgorithmIdentifierRef<'a>,
    /// An `SMIMECapability` has the form of an `AlgorithmIdentifier`.
    #[asn1(optional = "true")]
    public_key: Option<AlgorithmIdentifierRef<'a>>,
}

/// Reads what the requester would like. Either wish has one outcome, so that no answer depends on it and none is kept from
/// being given again: a CA's responder has one key, and a key one algorithm.
fn check_wishes(extensions: &[Extension]) -> Result<(), DecodeRequestError> {
    // RFC 6960 §4.4.7.2: the requester's preference counts among the algorithms that we sign with, and there is one. Nothing
    // weaker is ever signed with, whoever prefers it.
    if let Some(value) = value_of(extensions, oid::OCSP_PREFERRED_SIGNATURE_ALGORITHMS) {
        Vec::<PreferredSignatureAlgorithm<'_>>::from_der(value)?;
    }
    // RFC 6960 §4.4.3: id-pkix-ocsp-basic, which every client must accept, is the one type there is.
    if let Some(value) = value_of(extensions, oid::OCSP_ACCEPTABLE_RESPONSES) {
        Vec::<ObjectIdentifier>::from_der(value)?;
    }
    Ok(())
}

fn value_of(extensions: &[Extension], oid: ObjectIdentifier) -> Option<&[u8]> {
    extensions
        .iter()
        .find(|extension| extension.extn_id == oid)
        .map(|extension| extension.extn_value.as_bytes())
}

// RFC 5280 §4.2: an extension appears once. RFC 6960 §4.1.2: one that is critical and not understood is not ignored.
fn check_extensions(
    extensions: Option<&[Extension]>,
    understood: &[ObjectIdentifier],
) -> Result<(), DecodeRequestError> {
    let mut seen = Vec::new();
    for extension in extensions.unwrap_or_default() {
        let oid = extension.extn_id;
        if seen.contains(&oid) {
            return Err(DecodeRequestError::DoubledExtension { oid });
        }
        if extension.critical && !understood.contains(&oid) {
            return Err(DecodeRequestError::CriticalExtension { oid });
        }
        seen.push(oid);
    }
    Ok(())
}

/// The nonce of a request, 1 to 128 octets: `Nonce ::= OCTET STRING (SIZE (1..128))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    // RFC 9654 §2.1: 0 octets and more than 128 must be answered with malformedRequest; 16 to 32 must be accepted, and the
    // lengths between and beside may be. All are.
    fn from_der(der: &[u8]) -> Result<Self, DecodeRequestError> {
        let octets = <&OctetStringRef>::from_der(der)?.as_bytes();
        if (1..=128).contains(&octets.len()) {
            Ok(Self(octets.to_vec()))
        } else {
            Err(DecodeRequestError::NonceLength { octets: octets.len() })
        }
    }

    /// Returns the octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}
