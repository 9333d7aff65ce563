//! Why content is not sealed, or does not come out.

use ca_core::ports::Unavailable;

/// Why content is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// A cipher refused a key.
    #[error("a cipher refused a key")]
    Cipher,
    /// The envelope cannot be encoded.
    #[error("the envelope cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
}

/// The key or the secret is another, or the envelope was altered: nobody learns which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not open the envelope, or the envelope was altered")]
pub struct NotOpened;
