//! The message as a whole (RFC 9810 §5.1), and which of its octets are protected (§5.1.3).
//!
//! A received message keeps its octets, because its protection covers them as they were sent.

use ca_core::crowding::is_crowded;
use der::asn1::{Any, AnyRef, BitString};
use der::{Decode, Encode, Header, Reader, Sequence, SliceReader, Tag};

use crate::body::PkiBody;
use crate::header::PkiHeader;

/// The most certificates beside a message that are looked at: the end entity's and 16 others.
pub const MAX_EXTRA_CERTS: usize = 17;

/// ```text
/// PKIMessage ::= SEQUENCE {
///     header         PKIHeader,
///     body           PKIBody,
///     protection [0] PKIProtection                            OPTIONAL,
///     extraCerts [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate OPTIONAL }
///
/// PKIProtection ::= BIT STRING
/// ```
#[derive(Sequence)]
struct WireMessage<'a> {
    header: AnyRef<'a>,
    body: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    protection: Option<BitString>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extra_certs: Option<Vec<Any>>,
}

/// ```text
/// ProtectedPart ::= SEQUENCE { header PKIHeader, body PKIBody }
/// ```
#[derive(Sequence)]
struct ProtectedPart<'a> {
    header: AnyRef<'a>,
    body: AnyRef<'a>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkiMessage {
    header: PkiHeader,
    body: PkiBody,
    protected_part: Vec<u8>,
    protection: Option<Vec<u8>>,
    extra_certs: Vec<Vec<u8>>,
}

impl PkiMessage {
    /// Reads one DER message with nothing after it.
    ///
    /// # Errors
    /// [`DecodeMessageError`].
    pub fn decode(der: &[u8]) -> Result<Self, DecodeMessageError> {
        check_crowding(der)?;
        let wire = WireMessage::from_der(der)?;
        let header = wire.header.decode_as()?;
        let body = PkiBody::from_der(body_octets(der)?)?;
        let protection = match &wire.protection {
            Some(bits) => Some(bits.as_bytes().ok_or(DecodeMessageError::Protection)?.to_vec()),
            None => None,
        };
        let certificates = wire.extra_certs.unwrap_or_default();
        if certificates.len() > MAX_EXTRA_CERTS {
            return Err(DecodeMessageError::TooManyCertificates { count: certificates.len() });
        }
        let extra_certs = certificates.iter().map(Encode::to_der).collect::<der::Result<_>>()?;
        let protected_part = ProtectedPart { header: wire.header, body: wire.body }.to_der()?;
        Ok(Self { header, body, protected_part, protection, extra_certs })
    }

    /// Makes a message that is not protected yet, or is not to be.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn new(header: PkiHeader, body: PkiBody) -> der::Result<Self> {
        let (header_octets, body_octets) = (header.to_der()?, body.to_der()?);
        let part = ProtectedPart {
            header: AnyRef::from_der(&header_octets)?,
            body: AnyRef::from_der(&body_octets)?,
        };
        let protected_part = part.to_der()?;
        Ok(Self { header, body, protected_part, protection: None, extra_certs: Vec::new() })
    }

    /// Adds what protects it: a signature or a MAC over [`Self::protected_part`].
    #[must_use]
    pub fn protected(self, protection: Vec<u8>) -> Self {
        Self { protection: Some(protection), ..self }
    }

    /// Adds certificates, each DER.
    #[must_use]
    pub fn with_certificates(self, extra_certs: Vec<Vec<u8>>) -> Self {
        Self { extra_certs, ..self }
    }

    /// Encodes it, DER.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn encode(&self) -> der::Result<Vec<u8>> {
        let part = ProtectedPart::from_der(&self.protected_part)?;
        let certificates: Vec<Any> =
            self.extra_certs.iter().map(|der| Any::from_der(der)).collect::<der::Result<_>>()?;
        WireMessage {
            header: part.header,
            body: part.body,
            protection: self.protection.as_deref().map(BitString::from_bytes).transpose()?,
            extra_certs: (!certificates.is_empty()).then_some(certificates),
        }
        .to_der()
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &PkiHeader {
        &self.header
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &PkiBody {
        &self.body
    }

    /// Returns the octets that a protection covers: header and body, as they came.
    #[must_use]
    pub fn protected_part(&self) -> &[u8] {
        &self.protected_part
    }

    /// Returns the signature or MAC.
    #[must_use]
    pub fn protection(&self) -> Option<&[u8]> {
        self.protection.as_deref()
    }

    /// Returns the certificates that came along, at most [`MAX_EXTRA_CERTS`], each DER.
    #[must_use]
    pub fn extra_certs(&self) -> &[Vec<u8>] {
        &self.extra_certs
    }
}

/// The tag of `nested` in `PKIBody`.
const NESTED: u8 = 0xB4;
/// The most that any other body lists: RFC 9483 §4 has one request in a message, and some questions; many requests are nested
/// messages (§5.2.2.2). Read, each entry takes hundreds of octets, however few octets of DER it has.
pub const MAX_ENTRIES: usize = 16;
/// A nested message is not shorter, in octets: less is no header.
const SHORTEST_NESTED: usize = 64;

/// Looks at how many elements there are before an object is made of each. Nested messages stay octets here: what is in them is
/// looked at when each is read.
fn check_crowding(der: &[u8]) -> Result<(), DecodeMessageError> {
    let mut reader = SliceReader::new(der)?;
    let _outer = Header::decode(&mut reader)?;
    let header = reader.tlv_bytes()?;
    let crowded = if reader.peek_byte() == Some(NESTED) {
        let body = reader.tlv_bytes()?;
        let rest = reader.read_slice(reader.remaining_len())?;
        is_crowded(header) || is_crowded(rest) || entries(body)? > body.len() / SHORTEST_NESTED
    } else {
        is_crowded(der) || entries(reader.tlv_bytes()?)? > MAX_ENTRIES
    };
    if crowded { Err(DecodeMessageError::Crowded) } else { Ok(()) }
}

/// Finds the body where it stands: a batch is long, and is not copied to be read.
fn body_octets(der: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(der)?;
    let (_outer, _header) = (Header::decode(&mut reader)?, reader.tlv_bytes()?);
    reader.tlv_bytes()
}

/// Counts what a body lists, such as requests or nested messages, without looking into it.
fn entries(body: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(body)?;
    let (_explicit, _sequence) = (Header::decode(&mut reader)?, Header::decode(&mut reader)?);
    let mut count = 0;
    while !reader.is_finished() {
        let _entry = reader.tlv_bytes()?;
        count += 1;
    }
    Ok(count)
}

/// Reads the header of a message whose rest is none, so that its sender can be told.
#[must_use]
pub fn header_of(der: &[u8]) -> Option<PkiHeader> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = Header::decode(&mut reader).ok()?;
    if outer.tag() != Tag::Sequence {
        return None;
    }
    let mut ahead = reader.clone();
    if ahead.tlv_bytes().is_ok_and(is_crowded) {
        return None;
    }
    PkiHeader::decode(&mut reader).ok()
}

/// Why octets are not a CMP message that we work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeMessageError {
    /// Not DER of a message.
    #[error("the message is not DER (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// More elements than any message of its length has.
    #[error("the message has more elements than any of its length")]
    Crowded,
    /// A protection of a number of bits that is no number of octets.
    #[error("the protection is not whole octets")]
    Protection,
    /// Too many certificates.
    #[error("there are {count} certificates beside the message, more than {MAX_EXTRA_CERTS}")]
    TooManyCertificates {
        /// How many.
        count: usize,
    },
}

impl From<der::Error> for DecodeMessageError {
    fn from(cause: der::Error) -> Self {
        Self::NotDer { position: cause.position().map(u32::from) }
    }
}
