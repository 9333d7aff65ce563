//! The body of `/simpleenroll` and `/simplereenroll`: one certification request (RFC 7030 §4.2.1, §4.2.2).
//!
//! Reading it proves nothing: possession of the key is proved in ca-core.

use ca_core::csr::{CertificationRequest, CsrError};

use super::base64::{Base64Error, BodyForm};
use super::submitted::SubmittedBody;

/// A certification request and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleRequest {
    /// The request.
    pub csr: CertificationRequest,
    /// How the body was written.
    pub form: BodyForm,
}

/// Decodes a body: one certification request in DER, nothing after it.
///
/// # Errors
/// [`DecodeBodyError`].
pub fn decode(body: &SubmittedBody) -> Result<SimpleRequest, DecodeBodyError> {
    let decoded = body.decode()?;
    Ok(SimpleRequest { csr: CertificationRequest::from_der(&decoded.octets)?, form: decoded.form })
}

/// Why a body is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeBodyError {
    /// The text is wrong.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// The octets it stands for are wrong.
    #[error(transparent)]
    Csr(#[from] CsrError),
}

impl DecodeBodyError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Base64(Base64Error::Empty) => "body.empty",
            Self::Base64(Base64Error::NotBase64 { .. }) => "body.not-base64",
            Self::Csr(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::Engine as _;

    fn base64(text: &[u8]) -> SubmittedBody {
        SubmittedBody::Base64(text.to_vec())
    }

    #[test]
    fn refuses_text_that_is_not_base64_and_octets_that_are_no_request() {
        assert_eq!(decode(&base64(b"\x30\x82\x01\x00")).unwrap_err().code(), "body.not-base64");
        assert_eq!(decode(&base64(b"")).unwrap_err().code(), "body.empty");
        assert_eq!(decode(&base64(b"MAA=")).unwrap_err().code(), "csr.not-der");
    }

    #[test]
    fn refuses_a_request_of_more_than_16384_octets_before_reading_it() {
        let body = ::base64::engine::general_purpose::STANDARD.encode([0x30; 16_385]);
        assert_eq!(decode(&base64(body.as_bytes())), Err(CsrError::TooLong { octets: 16_385 }.into()));
    }
}
