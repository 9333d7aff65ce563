//! Why a conversation ends without what was asked for.

use core::fmt;

use ca_core::ports::{SignError, Unavailable};
use cmp_messages::error_message::ErrorMsgContent;
use cmp_messages::message::DecodeMessageError;
use cmp_messages::status::{PkiFailureInfo, PkiStatusInfo};

/// Why a conversation ends without what was asked for. RFC 9483 §3.6.1: an end entity sends no error messages.
#[derive(Debug, thiserror::Error)]
pub enum CmpError {
    /// The authority says no.
    #[error("the authority refused: {0}")]
    Refused(Refusal),
    /// The answer is no message, or not one that may come now.
    #[error("the answer of the authority cannot be used: {0}")]
    Answer(&'static str),
    /// The answer is not a message.
    #[error("the answer of the authority cannot be used: {0}")]
    NotDecoded(#[from] DecodeMessageError),
    /// The answer does not show that it is the authority's, and the one to this request.
    #[error("the answer is not shown to be the authority's: {0}")]
    Unproven(String),
    /// The certificate is not the one asked for, or nobody vouches for it.
    #[error("the certificate is not accepted: {0}")]
    Certificate(String),
    /// The shared secret does not go with this request: RFC 9483 §4.1.3, §4.2 want a signature.
    #[error("an update or a revocation is signed by a certificate, never by a shared secret")]
    SignatureWanted,
    /// The client's own certificate cannot be read.
    #[error("the client's own certificate cannot be read")]
    OwnCertificate,
    /// The key did not sign.
    #[error("the key did not sign: {0}")]
    NotSigned(#[from] SignError),
    /// There is no randomness.
    #[error(transparent)]
    NoRandomness(#[from] Unavailable),
    /// The DER codec refused.
    #[error("the message cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// What was kept of a conversation is none.
    #[error("this is not a conversation that was kept")]
    NotKept,
}

/// What a negative answer says (RFC 9483 §3.6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number of `PKIStatus`; 2 is rejection.
    pub status: u8,
    /// The failures it names.
    pub failures: Vec<PkiFailureInfo>,
    /// What it says to human readers.
    pub text: Vec<String>,
    /// Whether the message as a whole was refused, rather than what it asks for.
    pub is_of_message: bool,
    /// Whether its protection was verified: an error message without protection is what anybody can send.
    pub is_proven: bool,
}

impl Refusal {
    pub(crate) fn of(status: &PkiStatusInfo) -> Self {
        Self {
            status: status.status,
            failures: status.failures(),
            text: status.status_string.clone().unwrap_or_default(),
            is_of_message: false,
            is_proven: true,
        }
    }

    pub(crate) fn of_error(content: &ErrorMsgContent, is_proven: bool) -> Self {
        let mut refusal = Self { is_of_message: true, is_proven, ..Self::of(&content.pki_status_info) };
        refusal.text.extend(content.error_details.clone().unwrap_or_default());
        refusal
    }

    /// Returns the failures by their names in RFC 9810.
    #[must_use]
    pub fn failure_names(&self) -> Vec<&'static str> {
        self.failures.iter().map(|failure| failure.name()).collect()
    }

    /// Tells whether it may help to ask anew after some time (RFC 9483 §3.6.4).
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let passing = [PkiFailureInfo::SystemUnavail, PkiFailureInfo::SystemFailure];
        self.failures.iter().any(|failure| passing.contains(failure))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The names of `PKIStatus` in RFC 9810 §5.2.3, each at its number.
        const NAMES: [&str; 7] = [
            "accepted",
            "grantedWithMods",
            "rejection",
            "waiting",
            "revocationWarning",
            "revocationNotification",
            "keyUpdateWarning",
        ];
        f.write_str(NAMES.get(usize::from(self.status)).unwrap_or(&"an unknown status"))?;
        if !self.failures.is_empty() {
            write!(f, ", {}", self.failure_names().join(", "))?;
        }
        if !self.text.is_empty() {
            let printable: String =
                self.text.join("; ").chars().filter(|c| !c.is_control()).take(300).collect();
            write!(f, ": {printable}")?;
        }
        if self.is_proven { Ok(()) } else { f.write_str(" (said without protection, by whoever answered)") }
    }
}
