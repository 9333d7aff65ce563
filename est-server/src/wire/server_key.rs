//! The body of `/serverkeygen` (RFC 7030 §4.4).

use ca_core::csr::{KeyDelivery, KeyRequest};

use super::base64::BodyForm;
use super::simple_enroll::DecodeBodyError;
use super::submitted::SubmittedBody;

/// A request and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedKeyRequest {
    /// The request.
    pub request: KeyRequest,
    /// How the key is to be delivered.
    pub delivery: KeyDelivery,
    /// How the body was written.
    pub form: BodyForm,
}

/// Decodes a body: one certification request in DER, nothing after it, whatever its key and signature.
///
/// # Errors
/// [`DecodeBodyError`].
pub fn decode(body: &SubmittedBody) -> Result<SubmittedKeyRequest, DecodeBodyError> {
    let decoded = body.decode()?;
    let (request, delivery) = KeyRequest::from_der(&decoded.octets)?;
    Ok(SubmittedKeyRequest { request, delivery, form: decoded.form })
}
