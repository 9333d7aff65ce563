//! From a body to the octets of a message: its header, its protection, its certificates (RFC 9483 §3.1 – §3.3).

use core::time::Duration;

use ca_core::certificate::Certificate;
use client_kit::Credential;
use cmp_messages::body::PkiBody;
use cmp_messages::header::{InfoTypeAndValue, PkiHeader, RANDOM_OCTETS};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::{MacAlgorithm, signature_algorithm};
use der::asn1::{GeneralizedTime, OctetString};
use spki::AlgorithmIdentifierOwned;

use crate::client::{CmpClient, Means, SharedSecret};
use crate::error::CmpError;

/// A message to be.
pub(crate) struct Draft<'a> {
    pub(crate) body: PkiBody,
    /// RFC 9483 §3.1: pvno MUST be 2 where neither `EnvelopedData` nor hashAlg is used.
    pub(crate) version: u64,
    pub(crate) general_info: Vec<InfoTypeAndValue>,
    /// The message of ours before it, and the one that answered that; none where it is the first.
    pub(crate) before: Option<(&'a PkiHeader, &'a PkiHeader)>,
}

/// What a header says of who sends it.
struct Sender {
    name: GeneralName,
    algorithm: AlgorithmIdentifierOwned,
    key: Option<OctetString>,
}

/// Makes the message.
pub(crate) fn seal(client: &CmpClient, draft: Draft<'_>) -> Result<PkiMessage, CmpError> {
    match &client.means {
        Means::Signature(credential) => signed(client, draft, credential),
        Means::Mac(shared) => under_mac(client, draft, shared),
    }
}

fn signed(client: &CmpClient, draft: Draft<'_>, credential: &Credential) -> Result<PkiMessage, CmpError> {
    let own = credential.certificates.first().and_then(|der| Certificate::from_der(der).ok());
    let own = own.ok_or(CmpError::OwnCertificate)?;
    let sender = Sender {
        // RFC 9483 §3.1: sender MUST be the subject of the protecting certificate.
        name: GeneralName::directory(own.subject())?,
        algorithm: signature_algorithm(own.public_key().curve()),
        // RFC 9483 §3.1: senderKID MUST be its SubjectKeyIdentifier, if it has one.
        key: own.subject_key_identifier().map(OctetString::new).transpose()?,
    };
    let message = message(client, draft, sender)?;
    let signature = credential.signer.sign(&credential.key, message.protected_part())?.to_der()?;
    // RFC 9483 §3.3: the protecting certificate first, then its chain; self-signed certificates should be left out.
    let goes_along = |der: &&Vec<u8>| {
        Certificate::from_der(der).is_ok_and(|one| one == own || one.issuer() != one.subject())
    };
    let certificates = credential.certificates.iter().filter(goes_along).cloned().collect();
    Ok(message.protected(signature).with_certificates(certificates))
}

/// RFC 9483 §4.1.5: the common name of the sender and senderKID name the secret; there are no protecting certificates.
fn under_mac(client: &CmpClient, draft: Draft<'_>, shared: &SharedSecret) -> Result<PkiMessage, CmpError> {
    // RFC 9483 §4.1.5: the parameters should remain constant throughout.
    let used = draft.before.and_then(|(last, _)| MacAlgorithm::read(last.protection_alg.as_ref()?).ok());
    let algorithm = match used {
        Some(used) => used,
        None => MacAlgorithm::new(shared.family, fresh(client)?),
    };
    let sender = Sender {
        name: GeneralName::common_name(&shared.reference)?,
        algorithm: algorithm.identifier()?,
        key: Some(OctetString::new(shared.reference.as_bytes())?),
    };
    let message = message(client, draft, sender)?;
    let mac = algorithm.mac(&shared.secret, message.protected_part());
    Ok(message.protected(mac))
}

fn message(client: &CmpClient, draft: Draft<'_>, sender: Sender) -> Result<PkiMessage, CmpError> {
    let (transaction_id, recipient, recip_nonce) = match draft.before {
        // RFC 9483 §3.1: transactionID MUST be 128 random bits at first, and recipNonce MUST be absent.
        None => (octets(fresh(client)?)?, GeneralName::directory(&client.recipient)?, None),
        // RFC 9483 §3.1: later it MUST be the same; the recipient is the sender of the message before, whose nonce comes back.
        Some((ours, theirs)) => (
            ours.transaction_id.clone().ok_or(CmpError::NotKept)?,
            theirs.sender.clone(),
            theirs.sender_nonce.clone(),
        ),
    };
    let now = Duration::from_secs(u64::try_from(client.clock.now().seconds()).unwrap_or_default());
    let header = PkiHeader {
        pvno: draft.version,
        sender: sender.name,
        recipient,
        message_time: Some(GeneralizedTime::from_unix_duration(now)?),
        protection_alg: Some(sender.algorithm),
        sender_kid: sender.key,
        recip_kid: None,
        transaction_id: Some(transaction_id),
        // RFC 9483 §3.1: senderNonce MUST be 128 fresh random bits.
        sender_nonce: Some(octets(fresh(client)?)?),
        recip_nonce,
        free_text: None,
        general_info: (!draft.general_info.is_empty()).then_some(draft.general_info),
    };
    Ok(PkiMessage::new(header, draft.body)?)
}

fn fresh(client: &CmpClient) -> Result<[u8; RANDOM_OCTETS], CmpError> {
    let mut octets = [0; RANDOM_OCTETS];
    client.entropy.fill(&mut octets)?;
    Ok(octets)
}

fn octets(octets: [u8; RANDOM_OCTETS]) -> der::Result<OctetString> {
    OctetString::new(octets.to_vec())
}
