//! The body of a request, in the form that its transport has: base64 over HTTP (RFC 8951 §3), DER over CoAP (RFC 9148 §4.3).

use super::base64::{self, Base64Error, BodyForm, DecodedBody};

/// A body, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmittedBody {
    /// Base64.
    Base64(Vec<u8>),
    /// The octets themselves.
    Octets(Vec<u8>),
}

impl SubmittedBody {
    /// Returns what the body stands for.
    ///
    /// # Errors
    /// [`Base64Error`].
    pub fn decode(&self) -> Result<DecodedBody, Base64Error> {
        match self {
            Self::Base64(text) => base64::decode(text),
            Self::Octets(octets) if octets.is_empty() => Err(Base64Error::Empty),
            Self::Octets(octets) => Ok(DecodedBody { octets: octets.clone(), form: BodyForm::Plain }),
        }
    }
}
