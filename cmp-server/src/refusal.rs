//! Every way in which a request to this server is refused.
//!
//! What the requester is told of it is said in `reply`.

use ca_core::ports::Unavailable;

use crate::wire::header::{CMP_2000, CMP_2021, PkiHeader};
use crate::wire::message::{DecodeMessageError, PkiMessage};

/// Why a request is refused before there is a message to answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferRefusal {
    /// No such path.
    #[error("there is no such path")]
    NoSuchPath,
    /// Not POST.
    #[error("messages are sent by POST")]
    Method,
    /// Not announced as a CMP message.
    #[error("the body is not announced as application/pkixcmp")]
    MediaType,
    /// The body is too large.
    #[error("the body has more than {max_octets} octets")]
    BodyTooLarge {
        /// The most it may have, in octets.
        max_octets: usize,
    },
    /// The body did not arrive whole.
    #[error("the body did not arrive whole")]
    BodyIncomplete,
    /// The body is no message.
    #[error(transparent)]
    NotDecoded(#[from] DecodeMessageError),
    /// The message announces something, and nobody listens.
    #[error("announcements are not taken")]
    Announcement,
    /// There is no randomness for a nonce.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The answer cannot be encoded.
    #[error("the answer cannot be encoded: {cause}")]
    NotEncoded {
        /// What the encoder says.
        cause: der::Error,
    },
}

impl TransferRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchPath => "operation.unknown",
            Self::Method => "operation.method",
            Self::MediaType => "body.media-type",
            Self::BodyTooLarge { .. } => "body.too-large",
            Self::BodyIncomplete => "body.incomplete",
            Self::NotDecoded(_) => "message.not-der",
            Self::Announcement => "message.announcement",
            Self::Unavailable(_) => "unavailable",
            Self::NotEncoded { .. } => "answer.not-encoded",
        }
    }
}

/// Why a message is refused: the first check of RFC 9483 §3.5 that fails. The last one always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageRefusal {
    /// The version is not spoken here.
    #[error("the version is {pvno}, neither 2 nor 3")]
    Version {
        /// The version.
        pvno: u64,
    },
    /// The message belongs to no transaction.
    #[error("the transactionID is missing")]
    NoTransaction,
    /// The sender's nonce is missing or short.
    #[error("the senderNonce is missing or has fewer than 16 octets")]
    SenderNonce,
    /// No operation takes such a body here.
    #[error("messages of this type are not served here")]
    NotServed,
}

impl MessageRefusal {
    /// The shortest senderNonce, in octets (RFC 9483 §3.5).
    const NONCE_OCTETS: usize = 16;

    /// Finds out why a message is refused.
    #[must_use]
    pub(crate) fn of(message: &PkiMessage) -> Self {
        let PkiHeader { pvno, transaction_id, sender_nonce, .. } = &message.header;
        // RFC 9483 §3.5: pvno is cmp2000 or cmp2021.
        if !(CMP_2000..=CMP_2021).contains(pvno) {
            return Self::Version { pvno: *pvno };
        }
        // RFC 9483 §3.5: transactionID is present.
        if transaction_id.is_none() {
            return Self::NoTransaction;
        }
        // RFC 9483 §3.5: senderNonce is present and has at least 128 bits.
        let long_enough =
            sender_nonce.as_ref().is_some_and(|nonce| nonce.as_bytes().len() >= Self::NONCE_OCTETS);
        if !long_enough {
            return Self::SenderNonce;
        }
        Self::NotServed
    }

    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Version { .. } => "header.version",
            Self::NoTransaction => "header.transaction-id",
            Self::SenderNonce => "header.sender-nonce",
            Self::NotServed => "operation.not-served",
        }
    }
}
