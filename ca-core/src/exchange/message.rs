//! What both messages have in common: a SIGNED structure, its kind and version, its nonce, its age, its text form.
//!
//! Not what the messages say. RFC 5280 §4.1.1 (the shape of SIGNED), RFC 7468 (text).

use core::fmt;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime};
use der::pem::{self, LineEnding};
use der::{DateTime, Decode, Enumerated, Sequence};
use spki::AlgorithmIdentifierRef;

use super::{AHEAD_SECONDS, FRESH_SECONDS};
use crate::certificate::to_be_signed;
use crate::fault::Fault;
use crate::key_ref::KeyRef;
use crate::ports::{Entropy, Signer, Unavailable};
use crate::public_key::PublicKey;
use crate::signature::EcdsaSignature;
use crate::signing::{IntegerLength, SignFailure, assemble, sign_verified};
use crate::suite::Curve;
use crate::validity::UnixTime;

/// Which message it is.
///
/// It is the first field of what is signed, and no certificate, CRL, certification request or OCSP answer begins with an
/// ENUMERATED: a signature over a message can never pass for one over anything else that the same key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enumerated)]
#[repr(u8)]
pub enum MessageKind {
    /// From the sub-CA to the ceremony.
    SubordinateRequest = 0,
    /// From the ceremony to the sub-CA.
    SubordinateResponse = 1,
}

impl MessageKind {
    /// The version of both messages that is written and read.
    pub(super) const VERSION: u8 = 1;

    /// Returns the label of its text form (RFC 7468 §2).
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SubordinateRequest => "METER PKI SUBORDINATE REQUEST",
            Self::SubordinateResponse => "METER PKI SUBORDINATE RESPONSE",
        }
    }

    /// Returns the longest message that is read, in octets of DER. A response may carry a CRL.
    #[must_use]
    pub const fn max_octets(self) -> usize {
        match self {
            Self::SubordinateRequest => 32_768,
            Self::SubordinateResponse => 1_048_576,
        }
    }

    /// Writes the text form: lines for people, which no program reads, and the message.
    pub(super) fn armour(self, explanation: &str, der: &[u8]) -> Result<String, MessageError> {
        let block = pem::encode_string(self.label(), LineEnding::LF, der).map_err(|_| MessageError::Text)?;
        Ok(format!(
            "{explanation}\nThe lines above are for readers; what is signed stands below and nowhere else.\n\n{block}"
        ))
    }

    /// Reads the text form; returns the DER octets of the one message in it.
    pub(super) fn unarmour(self, text: &str) -> Result<Vec<u8>, MessageError> {
        // Base64 adds a third, line ends and the lines for people a little.
        if text.len() > 2 * self.max_octets() {
            return Err(MessageError::TooLong { octets: text.len(), kind: self });
        }
        // RFC 7468 §2: text before the encapsulation boundary is allowed and not read.
        let (label, der) = pem::decode_vec(text.trim_end().as_bytes())
            .map_err(|_| MessageError::NotText { wanted: self })?;
        if label == self.label() { Ok(der) } else { Err(MessageError::NotText { wanted: self }) }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubordinateRequest => "request for a subordinate CA",
            Self::SubordinateResponse => "response to a subordinate CA",
        })
    }
}

/// What binds a response to its request: 32 random octets, used once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeNonce([u8; 32]);

impl ExchangeNonce {
    /// Draws a nonce.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        let mut octets = [0; 32];
        entropy.fill(&mut octets)?;
        Ok(Self(octets))
    }

    /// Returns the 32 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn from_octets(octets: &[u8]) -> Result<Self, MessageError> {
        octets.try_into().map(Self).map_err(|_| MessageError::Field { name: "nonce" })
    }
}

impl fmt::Display for ExchangeNonce {
    /// Writes 64 hexadecimal digits in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for ExchangeNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeNonce({self})")
    }
}

/// ```text
/// SIGNED ::= SEQUENCE { toBeSigned ANY, algorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
#[derive(Sequence)]
struct SignedMessage<'a> {
    body: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// A message taken apart: the octets that are signed, and the signature. It is not verified yet.
pub(super) struct OpenedMessage<'a> {
    pub(super) body: &'a [u8],
    signature: EcdsaSignature,
}

impl<'a> OpenedMessage<'a> {
    /// Takes a DER message apart.
    pub(super) fn read(kind: MessageKind, der: &'a [u8]) -> Result<Self, MessageError> {
        if der.len() > kind.max_octets() {
            return Err(MessageError::TooLong { octets: der.len(), kind });
        }
        let signed = SignedMessage::from_der(der).map_err(not_der)?;
        let curve = Curve::from_signature_algorithm(signed.algorithm.oid)
            .filter(|_| signed.algorithm.parameters.is_none())
            .ok_or(MessageError::Field { name: "algorithm" })?;
        let signature = signed
            .signature
            .as_bytes()
            .and_then(|octets| EcdsaSignature::from_der(curve, octets).ok())
            .ok_or(MessageError::Field { name: "signature" })?;
        let body = to_be_signed(der).map_err(|_| MessageError::Field { name: "toBeSigned" })?;
        Ok(Self { body, signature })
    }

    /// Verifies the signature over the octets as they were read.
    pub(super) fn verify(&self, key: &PublicKey) -> Result<(), MessageError> {
        if self.signature.curve() != key.curve() {
            return Err(MessageError::BadSignature);
        }
        key.verify(self.body, &self.signature).map_err(|_| MessageError::BadSignature)
    }
}

/// Checks that a body is of the kind and version that are read.
pub(super) fn check_form(found: MessageKind, wanted: MessageKind, version: u8) -> Result<(), MessageError> {
    if found != wanted {
        return Err(MessageError::OtherKind { found, wanted });
    }
    if version != MessageKind::VERSION {
        return Err(MessageError::Version { version });
    }
    Ok(())
}

/// Checks the age of a message.
pub(super) fn check_fresh(created: UnixTime, now: UnixTime) -> Result<(), MessageError> {
    if now > created.plus_seconds(FRESH_SECONDS) {
        return Err(MessageError::Stale { created, now });
    }
    if created > now.plus_seconds(AHEAD_SECONDS) {
        return Err(MessageError::FromTheFuture { created, now });
    }
    Ok(())
}

/// Signs a body and puts the message together.
pub(super) fn sign(body: &[u8], key: &PublicKey, signer: &dyn Signer) -> Result<Vec<u8>, SignFailure> {
    let key_ref: KeyRef = key.key_ref();
    let made = sign_verified(signer, &key_ref, key, body, IntegerLength::Any)?;
    // The body came from our encoder, so this is what a broken signature would look like.
    assemble(body, &made.signature).map_err(|_| SignFailure::DoesNotVerify { key: key_ref })
}

pub(super) fn encode_time(time: UnixTime) -> der::Result<GeneralizedTime> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    let since_1970 = core::time::Duration::from_secs(seconds);
    Ok(GeneralizedTime::from_date_time(DateTime::from_unix_duration(since_1970)?))
}

pub(super) fn decode_time(time: GeneralizedTime) -> Result<UnixTime, MessageError> {
    i64::try_from(time.to_unix_duration().as_secs())
        .map(UnixTime::from_seconds)
        .map_err(|_| MessageError::Field { name: "created" })
}

pub(super) fn not_der(cause: der::Error) -> MessageError {
    MessageError::NotDer { position: cause.position().map(u32::from) }
}

/// What can be wrong with a message, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not the text form of this message.
    #[error("the file is not the text form of one {wanted} and nothing after it")]
    NotText {
        /// Which message was to be read.
        wanted: MessageKind,
    },
    /// Too long to be read.
    #[error("the {kind} has {octets} octets, more than is read of one")]
    TooLong {
        /// Its length.
        octets: usize,
        /// Which message it should be.
        kind: MessageKind,
    },
    /// Not DER of the structure.
    #[error("the message is not DER of its structure (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// A field has a value that is never written.
    #[error("the field {name} of the message has an impossible value")]
    Field {
        /// Its name in the ASN.1 definition.
        name: &'static str,
    },
    /// The other message.
    #[error("this is a {found}, not a {wanted}")]
    OtherKind {
        /// What it is.
        found: MessageKind,
        /// What it should be.
        wanted: MessageKind,
    },
    /// A version that is not known here.
    #[error("the message has version {version}, and version 1 is what is known here")]
    Version {
        /// Which.
        version: u8,
    },
    /// The signature was not made by the key that the message names, or the message was altered.
    #[error("the message was altered: its signature does not verify")]
    BadSignature,
    /// Made too long ago.
    #[error("the message was made at {created}, more than 14 days before {now}")]
    Stale {
        /// When it was made.
        created: UnixTime,
        /// The present.
        now: UnixTime,
    },
    /// Made after the present.
    #[error("the message was made at {created}, which is more than a day after {now}: check both clocks")]
    FromTheFuture {
        /// When it was made, by its maker's clock.
        created: UnixTime,
        /// The present.
        now: UnixTime,
    },
    /// The message cannot be written.
    #[error("the message cannot be written as text")]
    Text,
}

impl MessageError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotText { .. } => "exchange.not-text",
            Self::TooLong { .. } => "exchange.too-long",
            Self::NotDer { .. } | Self::Field { .. } => "exchange.malformed",
            Self::OtherKind { .. } => "exchange.kind",
            Self::Version { .. } => "exchange.version",
            Self::BadSignature => "exchange.signature",
            Self::Stale { .. } => "exchange.stale",
            Self::FromTheFuture { .. } => "exchange.future",
            Self::Text => "exchange.text",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Text => Fault::Ours,
            Self::NotText { .. }
            | Self::TooLong { .. }
            | Self::NotDer { .. }
            | Self::Field { .. }
            | Self::OtherKind { .. }
            | Self::Version { .. }
            | Self::BadSignature
            | Self::Stale { .. }
            | Self::FromTheFuture { .. } => Fault::Requester,
        }
    }
}
