//! The other form of a request: a CMP message of type p10cr, as a CMP client writes it to a `.pki` file.
//!
//! It asks the same of the ceremony when it says the same: who signed it holds the key of its certification request, it is
//! dated, it has nonces, and it names a profile. A message that leaves one of these out is refused, although CMP would let it.
//! Nothing else of CMP is here. RFC 9810 §5.1, §5.3.4; RFC 9483 §4.1.4, §6.4.1.

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use spki::AlgorithmIdentifierRef;

use super::message::{ExchangeNonce, MessageError, MessageKind, decode_time, not_der};
use super::request::{RequestError, RequestParts, SubordinateRequest};
use crate::csr::CertificationRequest;
use crate::profile::ProfileId;
use crate::signature::EcdsaSignature;
use crate::suite::Curve;

/// id-it-certProfile (RFC 9810 §5.1.1.4): the profile that a message asks for.
const CERT_PROFILE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.4.21");

/// ```text
/// PKIMessage ::= SEQUENCE {
///     header         PKIHeader,
///     body           PKIBody,                                 -- here p10cr [4]
///     protection [0] PKIProtection                            OPTIONAL,
///     extraCerts [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate OPTIONAL }
/// ```
#[derive(Sequence)]
struct Message<'a> {
    header: Header<'a>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT")]
    request: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    protection: Option<BitStringRef<'a>>,
    // A certificate for the key that signed, by whomever: the certification request states the key already.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extra_certs: Option<AnyRef<'a>>,
}

/// The header (RFC 9810 §5.1.1); what is not used here is not looked into.
#[derive(Sequence)]
struct Header<'a> {
    version: u8,
    sender: AnyRef<'a>,
    recipient: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    message_time: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    protection_algorithm: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    sender_key: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    recipient_key: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    transaction: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    sender_nonce: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    recipient_nonce: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    free_text: Option<AnyRef<'a>>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    general_info: Option<Vec<InfoTypeAndValue<'a>>>,
}

/// ```text
/// InfoTypeAndValue ::= SEQUENCE { infoType OBJECT IDENTIFIER, infoValue ANY OPTIONAL }
/// ```
#[derive(Sequence)]
struct InfoTypeAndValue<'a> {
    info_type: ObjectIdentifier,
    #[asn1(optional = "true")]
    info_value: Option<AnyRef<'a>>,
}

/// Tells a CMP message by its first field: its version is an INTEGER, while our messages begin with an ENUMERATED.
pub(super) fn is_transfer(der: &[u8]) -> bool {
    let first = || {
        let message = AnyRef::from_der(der).ok()?;
        let header = AnyRef::from_der(SliceReader::new(message.value()).ok()?.tlv_bytes().ok()?).ok()?;
        let version = SliceReader::new(header.value()).ok()?.tlv_bytes().ok()?;
        Some(AnyRef::from_der(version).ok()?.tag())
    };
    first() == Some(Tag::Integer)
}

/// Reads a message and verifies its protection under the key of its certification request.
pub(super) fn read(der: &[u8]) -> Result<SubordinateRequest, RequestError> {
    if der.len() > MessageKind::SubordinateRequest.max_octets() {
        return Err(MessageError::TooLong { octets: der.len(), kind: MessageKind::SubordinateRequest }.into());
    }
    let message = Message::from_der(der).map_err(not_der)?;
    let csr = CertificationRequest::from_der(&message.request.to_der().map_err(not_der)?)?;
    verify_protection(der, &message, &csr)?;
    csr.prove_possession().map_err(|_| RequestError::NotPossessed)?;
    let header = &message.header;
    // RFC 9810 §5.1.1: cmp2000 or cmp2021.
    if !matches!(header.version, 2 | 3) {
        return Err(MessageError::Version { version: header.version }.into());
    }
    let absent = |name| MessageError::Field { name };
    // RFC 9483 §3.1: transactionID and senderNonce have 128 bits of randomness each; together they are our nonce.
    let transaction = header.transaction.ok_or_else(|| absent("transactionID"))?.as_bytes();
    let nonce = header.sender_nonce.ok_or_else(|| absent("senderNonce"))?.as_bytes();
    if transaction.len() != 16 || nonce.len() != 16 {
        return Err(absent("senderNonce").into());
    }
    let parts = RequestParts {
        nonce: ExchangeNonce::from_octets(&[transaction, nonce].concat())?,
        created: decode_time(header.message_time.ok_or_else(|| absent("messageTime"))?)?,
        profile: profile(header)?,
        subject: csr.subject().clone(),
        csr,
    };
    Ok(SubordinateRequest::of(der.to_vec(), parts))
}

/// RFC 9810 §5.1.3: the protection covers the DER of header and body, as SEQUENCE.
fn verify_protection(
    der: &[u8],
    message: &Message<'_>,
    csr: &CertificationRequest,
) -> Result<(), MessageError> {
    let algorithm = message.header.protection_algorithm.as_ref();
    let curve = algorithm
        .filter(|algorithm| algorithm.parameters.is_none())
        .and_then(|algorithm| Curve::from_signature_algorithm(algorithm.oid))
        .filter(|curve| *curve == csr.public_key().curve())
        .ok_or(MessageError::Field { name: "protectionAlg" })?;
    let protection = message.protection.and_then(|bits| bits.as_bytes());
    let signature = protection
        .and_then(|octets| EcdsaSignature::from_der(curve, octets).ok())
        .ok_or(MessageError::Field { name: "protection" })?;
    let outer = AnyRef::from_der(der).map_err(not_der)?;
    let mut reader = SliceReader::new(outer.value()).map_err(not_der)?;
    let header = reader.tlv_bytes().map_err(not_der)?;
    let body = reader.tlv_bytes().map_err(not_der)?;
    let covered = [header, body].concat();
    let covered = AnyRef::new(Tag::Sequence, &covered).and_then(|part| part.to_der()).map_err(not_der)?;
    csr.public_key().verify(&covered, &signature).map_err(|_| MessageError::BadSignature)
}

/// RFC 9810 §5.1.1.4: one profile for the one certificate that is asked for.
fn profile(header: &Header<'_>) -> Result<ProfileId, RequestError> {
    let mut values = header.general_info.iter().flatten().filter(|info| info.info_type == CERT_PROFILE);
    let (Some(info), None) = (values.next(), values.next()) else { return Err(RequestError::Profile) };
    let names: Vec<String> =
        info.info_value.as_ref().and_then(|value| value.decode_as().ok()).ok_or(RequestError::Profile)?;
    match names.as_slice() {
        [name] => Ok(ProfileId::parse(name)?),
        _ => Err(RequestError::Profile),
    }
}

#[cfg(test)]
mod tests;
