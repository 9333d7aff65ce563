//! Why a signer gave no signature: what each case means for whoever asked.

use core::time::Duration;

use crate::key_ref::KeyRef;

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The signer has no such key; nothing was signed.
    #[error("the signer holds no key {key}")]
    KeyNotFound {
        /// The key asked for.
        key: KeyRef,
    },
    /// The signer looked at what it was to sign, and does not sign that with this key; nothing was signed.
    #[error("the signer refuses: {cause}")]
    Refused {
        /// What the adapter says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The signer could not be asked; nothing was signed.
    #[error("the signer is unavailable: {cause}")]
    Unavailable {
        /// What the adapter says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
        /// When it is worth asking again, where the adapter knows.
        again_in: Option<Duration>,
    },
    /// The signer was asked and no answer came: a signature may exist.
    #[error("the outcome of a signing call is unknown: {cause}")]
    OutcomeUnknown {
        /// What the adapter says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

impl SignError {
    /// Says that the signer could not be asked, without a time after which it is worth asking again.
    pub fn unavailable(cause: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { cause: cause.into(), again_in: None }
    }

    /// Returns when it is worth asking again, where that is known.
    #[must_use]
    pub const fn again_in(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { again_in, .. } => *again_in,
            Self::KeyNotFound { .. } | Self::Refused { .. } | Self::OutcomeUnknown { .. } => None,
        }
    }
}
