//! CMC: the request that a signed message carries, and the response that is signed for it (RFC 5272 §3, §6, RFC 6402).
//!
//! Only what a PKI request of certification requests needs is known. A control that is not known is not looked past: its
//! kind is told, and whoever answers refuses it.

use ca_core::crowding::is_crowded;
use cms_messages::signed::{SignedData, VerifySignedError};
use const_oid::ObjectIdentifier;
use der::asn1::{Any, OctetString, SetOfVec, Utf8StringRef};
use der::{Choice, Decode, Encode, Sequence};

const fn cmc(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-cct-PKIData (RFC 5272 §3.2.1).
pub const PKI_DATA: ObjectIdentifier = cmc("1.3.6.1.5.5.7.12.2");
/// id-cct-PKIResponse (RFC 5272 §4.2).
pub const PKI_RESPONSE: ObjectIdentifier = cmc("1.3.6.1.5.5.7.12.3");
/// id-cmc-identification (RFC 5272 §6.2.3).
const IDENTIFICATION: ObjectIdentifier = cmc("1.3.6.1.5.5.7.7.2");
/// id-cmc-transactionId (RFC 5272 §6.6).
const TRANSACTION_ID: ObjectIdentifier = cmc("1.3.6.1.5.5.7.7.5");
/// id-cmc-senderNonce (RFC 5272 §6.6).
const SENDER_NONCE: ObjectIdentifier = cmc("1.3.6.1.5.5.7.7.6");
/// id-cmc-recipientNonce (RFC 5272 §6.6).
const RECIPIENT_NONCE: ObjectIdentifier = cmc("1.3.6.1.5.5.7.7.7");
/// id-cmc-statusInfoV2 (RFC 5272 §6.1.1).
const STATUS_INFO: ObjectIdentifier = cmc("1.3.6.1.5.5.7.7.25");

/// The most certification requests in one message.
pub const MAX_REQUESTS: usize = 16;
/// The most controls in one message.
const MAX_CONTROLS: usize = 16;
/// The most octets of a nonce that is given back.
const MAX_NONCE: usize = 64;

/// ```text
/// PKIData ::= SEQUENCE {
///     controlSequence  SEQUENCE SIZE(0..MAX) OF TaggedAttribute,
///     reqSequence      SEQUENCE SIZE(0..MAX) OF TaggedRequest,
///     cmsSequence      SEQUENCE SIZE(0..MAX) OF TaggedContentInfo,
///     otherMsgSequence SEQUENCE SIZE(0..MAX) OF OtherMsg }
/// ```
#[derive(Sequence)]
struct WireData {
    controls: Vec<WireControl>,
    requests: Vec<WireTagged>,
    contents: Vec<Any>,
    others: Vec<Any>,
}

/// ```text
/// TaggedAttribute ::= SEQUENCE { bodyPartID BodyPartID, attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }
/// ```
#[derive(Sequence)]
struct WireControl {
    body_part: u32,
    kind: ObjectIdentifier,
    values: SetOfVec<Any>,
}

/// ```text
/// TaggedRequest ::= CHOICE { tcr [0] TaggedCertificationRequest, crm [1] CertReqMsg, orm [2] SEQUENCE { ... } }
/// ```
///
/// IMPLICIT tags; the last two are not certification requests of PKCS#10 and are refused.
#[derive(Choice)]
enum WireTagged {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    Pkcs10(WireRequest),
}

/// ```text
/// TaggedCertificationRequest ::= SEQUENCE { bodyPartID BodyPartID, certificationRequest CertificationRequest }
/// ```
#[derive(Sequence)]
struct WireRequest {
    body_part: u32,
    request: Any,
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkiData {
    /// What its answer gives back.
    pub transaction: Transaction,
    /// Its certification requests, DER, each with the number that its answer names.
    pub requests: Vec<(u32, Vec<u8>)>,
    /// The first control that is not known here, with its number.
    pub unknown_control: Option<(u32, ObjectIdentifier)>,
}

/// What ties an answer to its request (RFC 5272 §6.6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// transactionId, as it came.
    pub id: Option<Any>,
    /// The senderNonce of the request, which is the recipientNonce of the answer.
    pub nonce: Option<Vec<u8>>,
}

impl PkiData {
    /// Reads the content of a signed message.
    ///
    /// # Errors
    /// [`CmcError`].
    pub fn from_der(der: &[u8]) -> Result<Self, CmcError> {
        if is_crowded(der) {
            return Err(CmcError::Crowded);
        }
        let wire = WireData::from_der(der).map_err(|_| CmcError::NotDer)?;
        let again = wire.to_der().map_err(|_| CmcError::NotDer)?;
        // The decoder sorts what DER wants sorted (X.690 §11.6): whatever it changed was not DER.
        if again != der {
            return Err(CmcError::NotDer);
        }
        if wire.requests.is_empty() || wire.requests.len() > MAX_REQUESTS {
            return Err(CmcError::Requests { count: wire.requests.len() });
        }
        if !wire.contents.is_empty() || !wire.others.is_empty() || wire.controls.len() > MAX_CONTROLS {
            return Err(CmcError::NotSupported);
        }
        check_numbers(&wire)?;
        let (transaction, unknown_control) = read_controls(&wire.controls)?;
        let requests = wire
            .requests
            .iter()
            .map(|WireTagged::Pkcs10(tagged)| Ok((tagged.body_part, tagged.request.to_der()?)))
            .collect::<der::Result<_>>()
            .map_err(|_| CmcError::NotDer)?;
        Ok(Self { transaction, requests, unknown_control })
    }
}

/// RFC 5272 §3.2: numbers of body parts are not 0, which is the whole, and each is there once.
fn check_numbers(wire: &WireData) -> Result<(), CmcError> {
    let of_requests = wire.requests.iter().map(|WireTagged::Pkcs10(tagged)| tagged.body_part);
    let mut all: Vec<u32> =
        wire.controls.iter().map(|control| control.body_part).chain(of_requests).collect();
    all.sort_unstable();
    let doubled = all.windows(2).any(|pair| pair.first() == pair.last());
    if doubled || all.first() == Some(&0) { Err(CmcError::BodyPart) } else { Ok(()) }
}

type Unknown = Option<(u32, ObjectIdentifier)>;

fn read_controls(controls: &[WireControl]) -> Result<(Transaction, Unknown), CmcError> {
    let mut transaction = Transaction::default();
    let mut unknown = None;
    let mut kinds = Vec::new();
    for control in controls {
        let [value] = control.values.as_slice() else { return Err(CmcError::Control { kind: control.kind }) };
        if kinds.contains(&control.kind) {
            return Err(CmcError::Control { kind: control.kind });
        }
        kinds.push(control.kind);
        match control.kind {
            TRANSACTION_ID => transaction.id = Some(read_transaction(value)?),
            SENDER_NONCE => transaction.nonce = Some(read_nonce(value)?),
            // Who asks is known by what it signs with, and answers are not kept: neither is looked at.
            IDENTIFICATION | RECIPIENT_NONCE => {}
            kind => unknown = unknown.or(Some((control.body_part, kind))),
        }
    }
    Ok((transaction, unknown))
}

fn read_transaction(value: &Any) -> Result<Any, CmcError> {
    use der::{Tag, Tagged};
    let sound = value.tag() == Tag::Integer && value.value().len() <= MAX_NONCE;
    sound.then(|| value.clone()).ok_or(CmcError::Control { kind: TRANSACTION_ID })
}

fn read_nonce(value: &Any) -> Result<Vec<u8>, CmcError> {
    let malformed = CmcError::Control { kind: SENDER_NONCE };
    let nonce: OctetString = value.decode_as().map_err(|_| malformed)?;
    if nonce.as_bytes().len() > MAX_NONCE { Err(malformed) } else { Ok(nonce.as_bytes().to_vec()) }
}

/// Why octets are not a message that we work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CmcError {
    /// More elements than messages have, or deeper ones.
    #[error("the message has more elements than any of its length, or deeper ones")]
    Crowded,
    /// Not DER of a signed message, or of what it should hold.
    #[error("the message is not DER of a signed PKIData")]
    NotDer,
    /// It is signed by nobody or by several, or in a way that is not supported.
    #[error("the message does not have exactly one signature, of the kind that is supported")]
    Signatures,
    /// It was not signed with the certificate that opened the connection.
    #[error("the message is not signed with the certificate that its sender shows")]
    OtherSigner,
    /// The signature does not verify.
    #[error("the signature of the message does not verify")]
    BadSignature,
    /// It holds no certification request, or too many, or others than PKCS#10.
    #[error("the message has {count} certification requests of PKCS#10, not 1 to {MAX_REQUESTS}")]
    Requests {
        /// How many.
        count: usize,
    },
    /// It holds messages inside, or more controls than are read.
    #[error("the message holds other messages, or too many controls")]
    NotSupported,
    /// The number of a body part is 0 or is there twice.
    #[error("the number of a body part is 0 or is there twice")]
    BodyPart,
    /// A control is not known.
    #[error("the control {kind} is not supported")]
    UnknownControl {
        /// Which.
        kind: ObjectIdentifier,
        /// Its number.
        body_part: u32,
    },
    /// A control is malformed or there twice.
    #[error("the control {kind} is malformed, or there twice")]
    Control {
        /// Which.
        kind: ObjectIdentifier,
    },
}

impl CmcError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Crowded => "cmc.crowded",
            Self::NotDer => "cmc.not-der",
            Self::Signatures => "cmc.signatures",
            Self::OtherSigner => "cmc.signer",
            Self::BadSignature => "cmc.signature",
            Self::Requests { .. } => "cmc.requests",
            Self::NotSupported => "cmc.not-supported",
            Self::BodyPart => "cmc.body-part",
            Self::UnknownControl { .. } | Self::Control { .. } => "cmc.control",
        }
    }
}

/// ```text
/// CMCFailInfo ::= INTEGER { badAlg(0), badMessageCheck(1), badRequest(2), badTime(3), badCertId(4), unsupportedExt(5),
///     mustArchiveKeys(6), badIdentity(7), popRequired(8), popFailed(9), noKeyReuse(10), internalCAError(11), tryLater(12),
///     authDataFail(13) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailInfo {
    /// The signature of the message.
    BadMessageCheck,
    /// The request.
    BadRequest,
    /// An extension that is not given.
    UnsupportedExtension,
    /// Who asks, or for whom.
    BadIdentity,
    /// The proof of possession.
    PopFailed,
    /// The key was certified before.
    NoKeyReuse,
    /// A fault of ours.
    InternalCaError,
    /// Not now.
    TryLater,
}

impl FailInfo {
    const fn number(self) -> u8 {
        match self {
            Self::BadMessageCheck => 1,
            Self::BadRequest => 2,
            Self::UnsupportedExtension => 5,
            Self::BadIdentity => 7,
            Self::PopFailed => 9,
            Self::NoKeyReuse => 10,
            Self::InternalCaError => 11,
            Self::TryLater => 12,
        }
    }
}

/// What became of body parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The parts; 0 is the whole message.
    pub body_parts: Vec<u32>,
    /// What went wrong with them, if anything, and one sentence about it.
    pub failure: Option<(FailInfo, String)>,
}

/// ```text
/// CMCStatusInfoV2 ::= SEQUENCE {
///     cMCStatus    CMCStatus,                    -- success(0), failed(2)
///     bodyList     SEQUENCE SIZE (1..MAX) OF BodyPartReference,
///     statusString UTF8String OPTIONAL,
///     otherInfo    CHOICE { failInfo CMCFailInfo, ... } OPTIONAL }
/// ```
///
/// A `BodyPartReference` is here always a `BodyPartID`.
#[derive(Sequence)]
struct WireStatus<'a> {
    status: u8,
    body_list: Vec<u32>,
    text: Option<Utf8StringRef<'a>>,
    fail_info: Option<u8>,
}

/// ```text
/// PKIResponse ::= SEQUENCE {
///     controlSequence  SEQUENCE SIZE(0..MAX) OF TaggedAttribute,
///     cmsSequence      SEQUENCE SIZE(0..MAX) OF TaggedContentInfo,
///     otherMsgSequence SEQUENCE SIZE(0..MAX) OF OtherMsg }
/// ```
#[derive(Sequence)]
struct WireResponse {
    controls: Vec<WireControl>,
    contents: Vec<Any>,
    others: Vec<Any>,
}

/// Encodes the content of a response, DER: what became of each part, and what ties it to its request. A nonce is given
/// back; one of our own would be good for nothing, as no further message follows.
///
/// # Errors
/// What the DER codec says.
pub fn response(statuses: &[Status], transaction: &Transaction) -> der::Result<Vec<u8>> {
    let mut values: Vec<(ObjectIdentifier, Any)> = Vec::new();
    for status in statuses {
        values.push((STATUS_INFO, wire_status(status)?));
    }
    if let Some(id) = &transaction.id {
        values.push((TRANSACTION_ID, id.clone()));
    }
    // RFC 5272 §6.6: the sender's nonce of the request is the recipient's nonce of the response.
    if let Some(nonce) = &transaction.nonce {
        values.push((RECIPIENT_NONCE, Any::encode_from(&OctetString::new(nonce.as_slice())?)?));
    }
    let controls = (1..)
        .zip(values)
        .map(|(body_part, (kind, value))| {
            Ok(WireControl { body_part, kind, values: SetOfVec::try_from(vec![value])? })
        })
        .collect::<der::Result<_>>()?;
    WireResponse { controls, contents: Vec::new(), others: Vec::new() }.to_der()
}

fn wire_status(status: &Status) -> der::Result<Any> {
    let (text, fail_info) = match &status.failure {
        Some((info, text)) => (Some(Utf8StringRef::new(text)?), Some(info.number())),
        None => (None, None),
    };
    let status_code = if status.failure.is_some() { 2 } else { 0 };
    Any::encode_from(&WireStatus {
        status: status_code,
        body_list: status.body_parts.clone(),
        text,
        fail_info,
    })
}

impl From<VerifySignedError> for CmcError {
    fn from(error: VerifySignedError) -> Self {
        match error {
            VerifySignedError::Signatures => Self::Signatures,
            VerifySignedError::OtherSigner => Self::OtherSigner,
            VerifySignedError::BadSignature => Self::BadSignature,
        }
    }
}

/// Reads a signed message and returns it with the octets of what it holds. Its signature is not checked.
///
/// # Errors
/// [`CmcError`].
pub fn open(der: &[u8]) -> Result<(SignedData, Vec<u8>), CmcError> {
    if is_crowded(der) {
        return Err(CmcError::Crowded);
    }
    let message = SignedData::from_content_info(der).map_err(|_| CmcError::NotDer)?;
    let content = message.content(PKI_DATA).ok_or(CmcError::NotDer)?;
    let octets = content.as_bytes().to_vec();
    Ok((message, octets))
}
