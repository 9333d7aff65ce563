//! What a relying party asks an OCSP responder and believes of the answer: only what is signed (RFC 6960 §3.2).
//!
//! Its own reading of the structures, so that it does not share a mistake with the responder. Octets in, octets out; whoever
//! asks brings them there.

use anyhow::{Context, bail, ensure};
use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::oid;
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::validity::UnixTime;
use der::asn1::{Any, AnyRef, BitStringRef, GeneralizedTime, Null, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use sha1::Sha1;
use sha2::Digest;

/// What the responder says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Issued and not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// The responder does not know it.
    Unknown,
}

#[derive(Sequence)]
struct AlgorithmIdentifier {
    algorithm: const_oid::ObjectIdentifier,
    parameters: Null,
}

#[derive(Sequence)]
struct CertId {
    hash_algorithm: AlgorithmIdentifier,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial_number: Any,
}

/// An answer that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) this_update: UnixTime,
    pub(crate) next_update: Option<UnixTime>,
    /// The end of the responder's certificate.
    pub(crate) responder_ends: UnixTime,
    /// Whether it has the nonce of the question: then it was signed after it.
    pub(crate) is_fresh: bool,
}

/// `OCSPRequest` with one request and no signature (RFC 6960 §4.1.1); with a nonce of 1 to 128 octets, if there is one
/// (RFC 9654 §2.1).
///
/// # Errors
/// What cannot be encoded.
pub(crate) fn request(
    serial: &SerialNumber,
    issuer: &Certificate,
    nonce: Option<&[u8]>,
) -> anyhow::Result<Vec<u8>> {
    let id = CertId {
        hash_algorithm: AlgorithmIdentifier { algorithm: oid::SHA_1, parameters: Null },
        issuer_name_hash: OctetString::new(Sha1::digest(issuer.subject().der()).to_vec())?,
        issuer_key_hash: OctetString::new(issuer.public_key().key_ref().octets().to_vec())?,
        serial_number: Any::new(Tag::Integer, serial.octets())?,
    };
    // OCSPRequest { TBSRequest { requestList { Request { reqCert } }, [2] requestExtensions } }
    let mut tbs = nest(nest(id.to_der()?)?)?;
    if let Some(nonce) = nonce {
        let value = OctetString::new(OctetString::new(nonce)?.to_der()?)?.to_der()?;
        let extension = nest([oid::OCSP_NONCE.to_der()?, value].concat())?;
        let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(2) };
        tbs.extend(Any::new(tag, nest(extension)?)?.to_der()?);
    }
    nest(nest(tbs)?)
}

fn nest(inner: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    Ok(Any::new(Tag::Sequence, inner)?.to_der()?)
}

/// Checks the signature and the responder's delegation, then reads the one answer.
///
/// # Errors
/// Why it is not to be believed.
pub(crate) fn read(octets: &[u8], issuer: &Certificate, nonce: Option<&[u8]>) -> anyhow::Result<Answered> {
    // OCSPResponse { responseStatus, [0] { ResponseBytes { responseType, response } } }
    let mut outer = children(octets)?.into_iter();
    let status = outer.next().context("the OCSP response is empty")?;
    ensure!(status == [0x0A, 1, 0], "the responder did not succeed: {status:02x?}");
    let tagged = AnyRef::from_der(outer.next().context("there are no response octets")?)?;
    let response_bytes = children(tagged.value())?;
    let [_, wrapped] = response_bytes.as_slice() else { bail!("malformed response octets") };
    let basic = OctetString::from_der(wrapped)?;
    let parts = children(basic.as_bytes())?;
    let [tbs, _, signature, certificates] = parts.as_slice() else {
        bail!("the response carries no certificate")
    };
    let responder = responder(certificates)?;
    ensure!(
        issuer.public_key().verify(responder.tbs(), responder.signature()).is_ok()
            && responder.extended_key_usages() == [oid::OCSP_SIGNING],
        "the responder is not delegated by the issuer"
    );
    let bits = BitStringRef::from_der(signature)?;
    let value = EcdsaSignature::from_der(responder.public_key().curve(), bits.raw_bytes())?;
    ensure!(to_be_signed(basic.as_bytes())? == *tbs, "malformed response");
    ensure!(responder.public_key().verify(tbs, &value).is_ok(), "the response's signature does not verify");
    let (answer, this_update, next_update) = single(tbs)?;
    let is_fresh = nonce.is_some_and(|nonce| tbs.windows(nonce.len()).any(|window| window == nonce));
    let responder_ends = responder.validity().not_after();
    Ok(Answered { answer, this_update, next_update, responder_ends, is_fresh })
}

fn responder(certificates: &[u8]) -> anyhow::Result<Certificate> {
    let explicit = AnyRef::from_der(certificates)?;
    let list = children(explicit.value())?;
    Ok(Certificate::from_der(list.first().context("the response carries no certificate")?)?)
}

/// `ResponseData { [responderID], producedAt, responses { SingleResponse { certID, certStatus, thisUpdate, [0] nextUpdate } } }`
fn single(tbs: &[u8]) -> anyhow::Result<(Answer, UnixTime, Option<UnixTime>)> {
    let fields = children(tbs)?;
    let responses = fields
        .iter()
        .find(|field| field.first() == Some(&0x30))
        .context("the response has no single responses")?;
    let singles = children(responses)?;
    let single = children(singles.first().context("the response is empty")?)?;
    let [_, status, this_update, rest @ ..] = single.as_slice() else {
        bail!("the response has no status, or no thisUpdate")
    };
    let answer = match AnyRef::from_der(status)?.tag().number().value() {
        0 => Answer::Good,
        1 => Answer::Revoked,
        2 => Answer::Unknown,
        other => bail!("the responder says {other}"),
    };
    let tagged = rest.iter().find(|field| field.first() == Some(&0xA0));
    let next_update = match tagged {
        Some(tagged) => Some(time(AnyRef::from_der(tagged)?.value())?),
        None => None,
    };
    Ok((answer, time(this_update)?, next_update))
}

fn time(der: &[u8]) -> anyhow::Result<UnixTime> {
    let seconds = GeneralizedTime::from_der(der)?.to_unix_duration().as_secs();
    Ok(UnixTime::from_seconds(i64::try_from(seconds)?))
}

/// Splits a constructed value into the DER octets of its elements.
fn children(der: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    let outer = AnyRef::from_der(der)?;
    let mut reader = SliceReader::new(outer.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes()?);
    }
    Ok(elements)
}
