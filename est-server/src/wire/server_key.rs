//! The body of `/serverkeygen`, and the key as it is delivered under signature (RFC 7030 §4.4).

use ca_core::csr::KeyRequest;
use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode};
use zeroize::Zeroizing;

use super::base64::BodyForm;
use super::simple_enroll::DecodeBodyError;
use super::submitted::SubmittedBody;

/// id-ct-KP-aKeyPackage (RFC 5958 §2).
pub const KEY_PACKAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.2.1.2.78.5");

/// A request and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedKeyRequest {
    /// The request.
    pub request: KeyRequest,
    /// How the body was written.
    pub form: BodyForm,
}

/// Decodes a body: one certification request in DER, nothing after it, whatever its key and signature.
///
/// # Errors
/// [`DecodeBodyError`].
pub fn decode(body: &SubmittedBody) -> Result<SubmittedKeyRequest, DecodeBodyError> {
    let decoded = body.decode()?;
    Ok(SubmittedKeyRequest { request: KeyRequest::from_der(&decoded.octets)?, form: decoded.form })
}

/// ```text
/// AsymmetricKeyPackage ::= SEQUENCE SIZE (1..MAX) OF OneAsymmetricKey   -- RFC 5958 §2
/// ```
///
/// Encodes a package of one key, given as PKCS#8.
///
/// # Errors
/// What the DER codec says.
pub fn package(pkcs8: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(vec![AnyRef::from_der(pkcs8)?].to_der()?))
}
