//! Whether a message is the authority's, and the answer to the one we sent (RFC 9483 §3.5).
//!
//! What it says is looked at elsewhere.

use ca_core::certificate::Certificate;
use ca_core::path::{Purpose, validate};
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use cmp_messages::body::PkiBody;
use cmp_messages::header::{CMP_2000, CMP_2021, PkiHeader, RANDOM_OCTETS};
use cmp_messages::message::PkiMessage;
use cmp_messages::protection::{MacAlgorithm, MacFamily};
use der::asn1::OctetString;
use spki::AlgorithmIdentifierOwned;

use crate::client::{CmpClient, Means, SharedSecret};
use crate::error::{CmpError, Refusal};

/// What an answer is held against.
pub(crate) struct Expected<'a> {
    pub(crate) client: &'a CmpClient,
    /// The message that is answered.
    pub(crate) last: &'a PkiHeader,
    /// The one whose answer was delayed, while it is asked for again (RFC 9483 §4.4).
    pub(crate) delayed: Option<&'a PkiHeader>,
    /// The certificates that came with an earlier answer, each DER: later ones may leave them out.
    pub(crate) earlier: &'a [Vec<u8>],
}

/// Who answered.
#[derive(Debug)]
pub(crate) enum Author {
    /// Who shares the secret.
    SecretHolder,
    /// Whose certificate says that it speaks for a CA.
    Appointed,
    /// A CA by its own key: it speaks for itself alone.
    Authority(Box<Certificate>),
}

/// Proves who answered, and that it answers this.
pub(crate) fn inspect(expected: &Expected<'_>, message: &PkiMessage) -> Result<Author, CmpError> {
    let header = message.header();
    // RFC 9483 §3.5: pvno MUST be cmp2000 or cmp2021.
    if !(CMP_2000..=CMP_2021).contains(&header.pvno) {
        return Err(CmpError::Answer("it is of a version that is not spoken here"));
    }
    let (Some(protection), Some(algorithm)) = (message.protection(), &header.protection_alg) else {
        // RFC 9483 §3.5: messages without protection MUST be rejected except for error messages.
        return Err(if let PkiBody::Error(content) = message.body() {
            CmpError::Refused(Refusal::of_error(content, false))
        } else {
            unproven("it is not protected")
        });
    };
    check_numbers(expected, header)?;
    check_time(expected.client, header)?;
    match &expected.client.means {
        Means::Mac(shared) => by_mac(shared, message, (protection, algorithm)),
        Means::Signature(_) => by_signature(expected, message, (protection, algorithm)),
    }
}

fn unproven(why: &str) -> CmpError {
    CmpError::Unproven(why.to_owned())
}

fn check_numbers(expected: &Expected<'_>, header: &PkiHeader) -> Result<(), CmpError> {
    // RFC 9483 §3.5: transactionID MUST be present, and is that of the request (§3.1).
    if header.transaction_id.is_none() || header.transaction_id != expected.last.transaction_id {
        return Err(unproven("it belongs to another transaction"));
    }
    // RFC 9483 §3.5: senderNonce MUST be present and have at least 128 bits.
    let is_long = |nonce: &OctetString| nonce.as_bytes().len() >= RANDOM_OCTETS;
    if !header.sender_nonce.as_ref().is_some_and(is_long) {
        return Err(unproven("its senderNonce is absent or too short"));
    }
    // RFC 9483 §3.5: recipNonce MUST be the senderNonce of the message before, or of the one whose response was delayed.
    let nonces = [Some(expected.last), expected.delayed];
    let answers = |ours: &PkiHeader| ours.sender_nonce == header.recip_nonce;
    if header.recip_nonce.is_none() || !nonces.into_iter().flatten().any(answers) {
        return Err(unproven("its recipNonce is not the senderNonce of the request"));
    }
    Ok(())
}

/// RFC 9483 §3.5: messageTime, where it is present, MUST be close to the time here.
fn check_time(client: &CmpClient, header: &PkiHeader) -> Result<(), CmpError> {
    let (Some(window), Some(time)) = (client.clock_window, &header.message_time) else { return Ok(()) };
    let theirs = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    if theirs.abs_diff(client.clock.now().seconds()) > window {
        let why = format!("its messageTime is more than {window} s from the clock here");
        return Err(CmpError::Unproven(why));
    }
    Ok(())
}

/// RFC 9483 §4.1.5: every message is protected by the shared secret.
fn by_mac(
    shared: &SharedSecret,
    message: &PkiMessage,
    (protection, algorithm): (&[u8], &AlgorithmIdentifierOwned),
) -> Result<Author, CmpError> {
    if !MacAlgorithm::is_mac(algorithm) {
        return Err(unproven("it is signed, and the request was protected by a shared secret"));
    }
    // RFC 9483 §3.5: senderKID, where it is present, MUST identify the secret.
    let named = message.header().sender_kid.as_ref();
    if named.is_some_and(|named| named.as_bytes() != shared.reference.as_bytes()) {
        return Err(unproven("its senderKID names another secret"));
    }
    let read = match shared.family {
        MacFamily::PasswordBasedMac => MacAlgorithm::read_of_old_peer(algorithm),
        MacFamily::Pbmac1 => MacAlgorithm::read(algorithm),
    };
    let read = read.map_err(|error| CmpError::Unproven(error.to_string()))?;
    if read.verify(&shared.secret, message.protected_part(), protection) {
        Ok(Author::SecretHolder)
    } else {
        Err(unproven("its MAC is not made with the shared secret"))
    }
}

fn by_signature(
    expected: &Expected<'_>,
    message: &PkiMessage,
    (protection, algorithm): (&[u8], &AlgorithmIdentifierOwned),
) -> Result<Author, CmpError> {
    let client = expected.client;
    let curve = Curve::from_signature_algorithm(algorithm.oid).filter(|_| algorithm.parameters.is_none());
    let curve = curve.ok_or_else(|| unproven("its protection is no signature of a kind that is taken"))?;
    let mut shown: Vec<Certificate> = message
        .extra_certs()
        .iter()
        .chain(expected.earlier)
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let place = place(message.header(), &shown)?;
    let signer = shown.remove(place);
    shown.truncate(cmp_messages::message::MAX_EXTRA_CERTS - 1);
    // RFC 9483 §3.5: the sender MUST be the subject of the protecting certificate.
    let sender = message.header().sender.as_directory();
    if !sender.is_some_and(|name| name.matches(signer.subject())) {
        return Err(unproven("its sender is not the subject of the certificate that it is signed by"));
    }
    let signature = EcdsaSignature::from_der(curve, protection).ok();
    let signature = signature.filter(|_| signer.public_key().curve() == curve);
    let verified =
        signature.is_some_and(|one| signer.public_key().verify(message.protected_part(), &one).is_ok());
    if !verified {
        return Err(unproven("its signature is wrong"));
    }
    let bags = (shown.as_slice(), client.anchors());
    let path = validate(signer, Purpose::CmpAuthority, (bags.0, &bags.1), client.clock.now());
    let path = path.map_err(|error| CmpError::Unproven(format!("who signed it is not trusted: {error}")))?;
    let signer = path.end_entity();
    let purposes = signer.extended_key_usages();
    let appointed = [ca_core::oid::CMC_CA, ca_core::oid::CMC_RA].iter().any(|one| purposes.contains(one));
    Ok(if appointed { Author::Appointed } else { Author::Authority(Box::new(signer.clone())) })
}

/// Finds the protecting certificate: the one that senderKID names (RFC 9483 §3.5), or the first (§3.3).
fn place(header: &PkiHeader, shown: &[Certificate]) -> Result<usize, CmpError> {
    match &header.sender_kid {
        Some(identifier) => shown
            .iter()
            .position(|one| one.subject_key_identifier().as_deref() == Some(identifier.as_bytes()))
            .ok_or_else(|| unproven("the certificate that its senderKID names is not with it")),
        None if shown.is_empty() => Err(unproven("there is no certificate with it")),
        None => Ok(0),
    }
}
