//! From every refusal to its answer: HTTP status before there is a message, `PKIStatus` and `PKIFailureInfo` after. The only
//! file naming either.
//!
//! RFC 9810 §5.2.3, §7; RFC 9811 §3.1; RFC 9483 §3.1, §3.5, §3.6.

use ca_core::ports::Entropy;
use der::Encode;
use der::asn1::OctetString;

use crate::refusal::{MessageRefusal, TransferRefusal};
use crate::wire::error_message::ErrorMsgContent;
use crate::wire::header::{CMP_2000, CMP_2021, PkiHeader};
use crate::wire::message::PkiMessage;
use crate::wire::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};

/// The HTTP answer to what is no message.
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// One sentence with the reason code, ended by LF; nothing for an announcement.
    pub(crate) text: String,
    /// For Allow.
    pub(crate) allow: Option<&'static str>,
    /// For Retry-After, in seconds.
    pub(crate) retry_after: Option<u64>,
}

/// Returns the answer to a request that held no message to answer.
pub(crate) fn reply(refusal: &TransferRefusal) -> Reply {
    let (status, sentence) = match refusal {
        TransferRefusal::NoSuchPath => (404, "there is no such operation here"),
        TransferRefusal::Method => (405, "messages are sent by POST"),
        TransferRefusal::MediaType => (415, "the body must be announced as application/pkixcmp"),
        TransferRefusal::BodyTooLarge { .. } => (413, "the body is too large"),
        TransferRefusal::BodyIncomplete => (400, "the body did not arrive whole"),
        TransferRefusal::NotDecoded(_) => (400, "the body is not one CMP message in DER"),
        // RFC 9811 §3.5: an announcement is answered by a status code and an empty content.
        TransferRefusal::Announcement => {
            return Reply { status: 501, text: String::new(), allow: None, retry_after: None };
        }
        TransferRefusal::Unavailable(_) => (503, "the service is not available at this moment"),
        TransferRefusal::NotEncoded { .. } => (500, "internal error"),
    };
    let code = if status == 500 { "internal" } else { refusal.code() };
    Reply {
        status,
        text: format!("{sentence} ({code})\n"),
        allow: matches!(refusal, TransferRefusal::Method).then_some("POST"),
        retry_after: matches!(refusal, TransferRefusal::Unavailable(_)).then_some(30),
    }
}

/// Returns what a refused message is told. RFC 9483 §3.5 names the bit of each check.
///
/// A body of a type that is not served is badRequest, "transaction not permitted or supported": not systemUnavail, after
/// which the sender should try again, and not notAuthorized, which speaks of the sender.
pub(crate) const fn failure(refusal: MessageRefusal) -> PkiFailureInfo {
    match refusal {
        MessageRefusal::Version { .. } => PkiFailureInfo::UnsupportedVersion,
        MessageRefusal::NoTransaction => PkiFailureInfo::BadDataFormat,
        MessageRefusal::SenderNonce => PkiFailureInfo::BadSenderNonce,
        MessageRefusal::NotServed => PkiFailureInfo::BadRequest,
    }
}

/// Makes the error message that answers a message.
///
/// It has no protection: there is no operation, hence no key and no shared secret to protect it with, which is the exception
/// of RFC 9483 §3.6.4.
///
/// # Errors
/// [`TransferRefusal::Unavailable`] without randomness, [`TransferRefusal::NotEncoded`] if it cannot be encoded.
pub(crate) fn error_message(
    request: &PkiMessage,
    refusal: MessageRefusal,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, TransferRefusal> {
    let header = answering_header(&request.header, entropy)?;
    let encode = || {
        let content = ErrorMsgContent {
            pki_status_info: PkiStatusInfo {
                // RFC 9483 §3.6.4: the status is rejection.
                status: PkiStatus::Rejection.number(),
                status_string: Some(vec![refusal.to_string()]),
                fail_info: Some(failure(refusal).bits()?),
            },
            error_code: None,
            error_details: None,
        };
        PkiMessage::error(header, &content)?.to_der()
    };
    encode().map_err(|cause| TransferRefusal::NotEncoded { cause })
}

fn answering_header(request: &PkiHeader, entropy: &dyn Entropy) -> Result<PkiHeader, TransferRefusal> {
    // RFC 9810 §5.1.1: without a transactionID the server makes one.
    let transaction_id = match &request.transaction_id {
        Some(id) => id.clone(),
        None => fresh(entropy)?,
    };
    Ok(PkiHeader {
        // RFC 9810 §7: the version of the request, or the nearest one that is spoken here.
        pvno: request.pvno.clamp(CMP_2000, CMP_2021),
        // RFC 9483 §3.1: the recipient is the sender of the message before.
        sender: request.recipient.clone(),
        recipient: request.sender.clone(),
        message_time: None,
        protection_alg: None,
        sender_kid: None,
        recip_kid: None,
        transaction_id: Some(transaction_id),
        // RFC 9483 §3.1: 128 fresh random bits.
        sender_nonce: Some(fresh(entropy)?),
        // RFC 9483 §3.1: the senderNonce of the message before.
        recip_nonce: request.sender_nonce.clone(),
        free_text: None,
        general_info: None,
    })
}

fn fresh(entropy: &dyn Entropy) -> Result<OctetString, TransferRefusal> {
    let mut octets = [0; 16];
    entropy.fill(&mut octets)?;
    OctetString::new(octets).map_err(|cause| TransferRefusal::NotEncoded { cause })
}
