//! The message as a whole (RFC 9810 §5.1) and the types of its body (§5.1.2).
//!
//! A body is told by its tag and not looked into; neither are protection and certificates.

use der::asn1::Any;
use der::{Decode, Encode, Sequence, Tag, TagNumber, Tagged};

use super::error_message::ErrorMsgContent;
use super::header::{PkiHeader, is_general_name};

/// ```text
/// PKIMessage ::= SEQUENCE {
///     header         PKIHeader,
///     body           PKIBody,
///     protection [0] PKIProtection                            OPTIONAL,
///     extraCerts [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PkiMessage {
    /// The header.
    pub header: PkiHeader,
    /// The body, one of 27 alternatives, each under the context-specific tag of its number.
    pub body: Any,
    /// The protection, not looked into.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub protection: Option<Any>,
    /// Certificates, not looked into.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub extra_certs: Option<Any>,
}

/// The names of the alternatives of `PKIBody`, each at its number.
const BODY_TYPES: [&str; 27] = [
    "ir", "ip", "cr", "cp", "p10cr", "popdecc", "popdecr", "kur", "kup", "krr", "krp", "rr", "rp", "ccr",
    "ccp", "ckuann", "cann", "rann", "crlann", "pkiconf", "nested", "genm", "genp", "error", "certConf",
    "pollReq", "pollRep",
];

/// The number of `error` among them.
const ERROR: TagNumber = TagNumber(23);

impl PkiMessage {
    /// Reads one DER message with nothing after it.
    ///
    /// # Errors
    /// [`DecodeMessageError`].
    pub fn decode(der: &[u8]) -> Result<Self, DecodeMessageError> {
        let message = Self::from_der(der)
            .map_err(|cause| DecodeMessageError::NotDer { position: cause.position().map(u32::from) })?;
        if !is_general_name(&message.header.sender) || !is_general_name(&message.header.recipient) {
            return Err(DecodeMessageError::Name);
        }
        if message.body_type().is_none() {
            return Err(DecodeMessageError::Body);
        }
        Ok(message)
    }

    /// Makes an error message, which has no protection.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn error(header: PkiHeader, content: &ErrorMsgContent) -> der::Result<Self> {
        let tag = Tag::ContextSpecific { constructed: true, number: ERROR };
        Ok(Self { header, body: Any::new(tag, content.to_der()?)?, protection: None, extra_certs: None })
    }

    /// Returns the type of the body; `None` when it is none.
    #[must_use]
    pub fn body_type(&self) -> Option<&'static str> {
        let tag = self.body.tag();
        let number = usize::try_from(tag.number().value()).ok()?;
        BODY_TYPES.get(number).copied().filter(|_| tag.is_context_specific() && tag.is_constructed())
    }

    /// Tells whether the message announces something, which asks for no CMP answer (RFC 9811 §3.5).
    #[must_use]
    pub fn is_announcement(&self) -> bool {
        self.body_type().is_some_and(|name| matches!(name, "ckuann" | "cann" | "rann" | "crlann"))
    }
}

/// Why octets are not a CMP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeMessageError {
    /// Not DER of a message.
    #[error("the message is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// Sender or recipient is not a general name.
    #[error("sender or recipient is not a general name")]
    Name,
    /// The body has no type of RFC 9810.
    #[error("the body has no type that RFC 9810 names")]
    Body,
}
