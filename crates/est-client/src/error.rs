//! Why the client has no answer.

use ca_core::exchange::DraftCsrError;
use ca_core::ports::SignError;
use client_kit::TlsError;

/// Why there is no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum EstError {
    /// The server cannot be reached, or the connection broke.
    #[error("the EST server cannot be reached: {0}")]
    Unreachable(#[from] std::io::Error),
    /// The TLS settings, or the names in them, cannot be used.
    #[error("the TLS connection cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP exchange broke.
    #[error("the EST server broke the exchange off: {0}")]
    Http(#[from] hyper::Error),
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(String),
    /// Accepted, and not decided yet (RFC 7030 §4.2.3).
    #[error("the request waits for approval: ask again in {retry_after} s")]
    Pending {
        /// After how many seconds to ask again.
        retry_after: u64,
    },
    /// The server has no time now.
    #[error("the EST server asks to come again in {retry_after} s: {text}")]
    Busy {
        /// After how many seconds to ask again.
        retry_after: u64,
        /// What the server says.
        text: String,
    },
    /// The server refused.
    #[error("the EST server refused with {status}: {text}")]
    Refused {
        /// The status code.
        status: u16,
        /// What the server says.
        text: String,
    },
    /// The server is elsewhere, and the client does not go there by itself (RFC 7030 §3.2.1).
    #[error("the EST server sends elsewhere with {status}: {location}")]
    Redirected {
        /// The status code.
        status: u16,
        /// Where it sends; empty where it does not say.
        location: String,
    },
    /// The answer is not what the operation answers with.
    #[error("the answer of the EST server cannot be used: {0}")]
    Answer(&'static str),
    /// The certification request was not made.
    #[error(transparent)]
    NotMade(#[from] DraftCsrError),
    /// The key did not sign.
    #[error("the key did not sign: {0}")]
    NotSigned(#[from] SignError),
    /// The DER codec refused.
    #[error("the request cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}

impl From<TlsError> for EstError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Settings(error) => Self::Tls(error),
            TlsError::Key(error) => Self::NotSigned(error),
        }
    }
}
