//! The header of a message: what of it is checked before anybody is known (RFC 9483 §3.5), and that of the answer (§3.1).

use ca_core::ports::{Entropy, Unavailable};
use ca_core::validity::UnixTime;
use cmp_messages::header::{
    CMP_2000, CMP_2021, CONFIRM_WAIT_TIME, InfoTypeAndValue, PkiHeader, RANDOM_OCTETS,
};
use cmp_messages::name::GeneralName;
use der::asn1::{GeneralizedTime, OctetString};
use spki::AlgorithmIdentifierOwned;

use crate::refusal::Refusal;

/// How long a transactionID may be, in octets. RFC 9483 §3.1 wants 16; more than one client that is in use sends fewer.
const TRANSACTION_ID_OCTETS: core::ops::RangeInclusive<usize> = 8..=64;
/// How long a nonce may be, in octets (RFC 9483 §3.5: at least 128 bits).
const NONCE_OCTETS: core::ops::RangeInclusive<usize> = RANDOM_OCTETS..=64;

/// Checks what needs no knowledge of the sender, and returns the transactionID. The first fault is told, in the order of
/// RFC 9483 §3.5.
pub(crate) fn check(header: &PkiHeader, now: UnixTime, window_seconds: i64) -> Result<Vec<u8>, Refusal> {
    // RFC 9483 §3.5: pvno MUST be cmp2000 or cmp2021.
    if !(CMP_2000..=CMP_2021).contains(&header.pvno) {
        return Err(Refusal::Version { pvno: header.pvno });
    }
    // RFC 9483 §3.5: transactionID MUST be present.
    let transaction_id = header.transaction_id.as_ref().ok_or(Refusal::NoTransactionId)?.as_bytes();
    if !TRANSACTION_ID_OCTETS.contains(&transaction_id.len()) {
        return Err(Refusal::TransactionId);
    }
    // RFC 9483 §3.5: senderNonce MUST be present and have at least 128 bits.
    let sender_nonce = header.sender_nonce.as_ref().ok_or(Refusal::SenderNonce)?.as_bytes();
    if !NONCE_OCTETS.contains(&sender_nonce.len()) {
        return Err(Refusal::SenderNonce);
    }
    // RFC 9483 §3.1: messageTime MUST be present if confirmWaitTime is.
    if header.message_time.is_none() && header.information(CONFIRM_WAIT_TIME).next().is_some() {
        return Err(Refusal::NoTime);
    }
    // RFC 9483 §3.5: messageTime, where it is present, MUST be close to the time here.
    if let Some(time) = &header.message_time {
        let theirs = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        if theirs.abs_diff(now.seconds()) > window_seconds.unsigned_abs() {
            return Err(Refusal::Time { window_seconds });
        }
    }
    Ok(transaction_id.to_vec())
}

/// What the header of an answer says of who sends it.
pub(crate) struct Signature {
    pub(crate) sender: GeneralName,
    pub(crate) algorithm: Option<AlgorithmIdentifierOwned>,
    pub(crate) key: Option<OctetString>,
}

/// Makes the header of an answer and the fresh nonce that stands in it.
pub(crate) fn answering(
    request: &PkiHeader,
    signature: Signature,
    general_info: Vec<InfoTypeAndValue>,
    (now, entropy): (UnixTime, &dyn Entropy),
) -> Result<(PkiHeader, Vec<u8>), Refusal> {
    let nonce = fresh(entropy)?;
    // RFC 9810 §5.1.1: without a transactionID the server makes one.
    let transaction_id = match &request.transaction_id {
        Some(id) => id.clone(),
        None => OctetString::new(fresh(entropy)?)?,
    };
    let since_1970 = core::time::Duration::from_secs(u64::try_from(now.seconds()).unwrap_or_default());
    let header = PkiHeader {
        // RFC 9810 §7: the version of the request, or the nearest one that is spoken here.
        pvno: request.pvno.clamp(CMP_2000, CMP_2021),
        sender: signature.sender,
        // RFC 9483 §3.1: the recipient is the sender of the message before.
        recipient: request.sender.clone(),
        message_time: Some(GeneralizedTime::from_unix_duration(since_1970)?),
        protection_alg: signature.algorithm,
        sender_kid: signature.key,
        recip_kid: None,
        transaction_id: Some(transaction_id),
        // RFC 9483 §3.1: senderNonce MUST be 128 fresh random bits.
        sender_nonce: Some(OctetString::new(nonce.as_slice())?),
        // RFC 9483 §3.1: recipNonce MUST be the senderNonce of the message before.
        recip_nonce: request.sender_nonce.clone(),
        free_text: None,
        general_info: (!general_info.is_empty()).then_some(general_info),
    };
    Ok((header, nonce))
}

fn fresh(entropy: &dyn Entropy) -> Result<Vec<u8>, Unavailable> {
    let mut octets = [0; RANDOM_OCTETS];
    entropy.fill(&mut octets)?;
    Ok(octets.to_vec())
}
