//! Who sent a message: by its signature and the certificate that goes with it, or by a MAC under a shared secret.
//!
//! It proves an identity and decides nothing else. RFC 9483 §3.2, §3.5, §4.1.5.

use ca_core::actor::{Actor, Identity};
use ca_core::certificate::Certificate;
use ca_core::ports::Registry;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::trust::IdentifyError;
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::header::PkiHeader;
use cmp_messages::message::PkiMessage;
use cmp_messages::protection::MacAlgorithm;
use der::asn1::OctetString;
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::config::Label;
use crate::memory;
use crate::refusal::Refusal;

/// A sender that is known.
pub(crate) struct Sender {
    /// Who it is.
    pub(crate) actor: Actor,
    /// What names its transactions: the key that it signs with, or its reference.
    pub(crate) client: Vec<u8>,
    /// How it is answered.
    pub(crate) means: Means,
}

/// How a message is protected, and so its answer (RFC 9483 §3.2).
pub(crate) enum Means {
    /// By signature.
    Signature,
    /// By MAC.
    Mac(SharedKey),
}

/// A shared secret with its name and use.
pub(crate) struct SharedKey {
    pub(crate) reference: Vec<u8>,
    pub(crate) secret: Zeroizing<Vec<u8>>,
    pub(crate) algorithm: MacAlgorithm,
}

/// What a message is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) label: &'a Label,
    pub(crate) registry: &'a dyn Registry,
    pub(crate) now: UnixTime,
}

/// Nobody who is known, and how he can be answered all the same.
pub(crate) struct Unproven {
    /// Why not.
    pub(crate) refusal: Refusal,
    /// How the answer is protected; `None` where nobody knows what the sender could verify (RFC 9483 §3.6.4).
    pub(crate) means: Option<Box<Means>>,
}

impl Unproven {
    /// What a message could be answered by whose protection proves nothing: a signature, as all answers but those to who speaks
    /// of a shared secret, and could verify none.
    pub(crate) fn without_proof(header: &PkiHeader, refusal: Refusal) -> Self {
        Self { refusal, means: (!is_under_mac(header)).then(|| Box::new(Means::Signature)) }
    }
}

/// Tells whether a message says that a MAC protects it.
pub(crate) fn is_under_mac(header: &PkiHeader) -> bool {
    header.protection_alg.as_ref().is_some_and(MacAlgorithm::is_mac)
}

/// Proves who sent a message.
///
/// # Errors
/// [`Unproven`].
pub(crate) fn prove(gate: &Gate<'_>, message: &PkiMessage) -> Result<Sender, Unproven> {
    let without_proof = |refusal| Unproven::without_proof(message.header(), refusal);
    // RFC 9483 §3.5: messages without protection MUST be rejected.
    let (Some(protection), Some(algorithm)) = (message.protection(), &message.header().protection_alg) else {
        return Err(without_proof(Refusal::NotProtected));
    };
    if !MacAlgorithm::is_mac(algorithm) {
        return by_signature(gate, message, (protection, algorithm)).map_err(without_proof);
    }
    let key = shared_key(gate, message, (protection, algorithm)).map_err(without_proof)?;
    match holder(gate, message, &key.secret) {
        Ok(actor) => Ok(Sender { actor, client: by_reference(&key.reference), means: Means::Mac(key) }),
        // RFC 9483 §3.6.4: the MAC was right, so that its sender verifies ours.
        Err(refusal) => Err(Unproven { refusal, means: Some(Box::new(Means::Mac(key))) }),
    }
}

fn by_signature(
    gate: &Gate<'_>,
    message: &PkiMessage,
    (protection, algorithm): (&[u8], &AlgorithmIdentifierOwned),
) -> Result<Sender, Refusal> {
    let hash = Curve::from_signature_algorithm(algorithm.oid);
    let hash = hash.filter(|_| algorithm.parameters.is_none()).ok_or(Refusal::Algorithm)?;
    let (certificate, others) = certificates(gate, message)?;
    check_names(message, &certificate)?;
    let key = certificate.public_key();
    // A client that goes from suite 1 to 2 may know one hash for both keys, the longer (RFC 9481 §3.2 leaves it free).
    if hash < key.curve() {
        return Err(Refusal::Algorithm);
    }
    // One verification with the key that is shown, before up to a hundred for its path.
    let signature = EcdsaSignature::from_der(key.curve(), protection).map_err(|_| Refusal::BadSignature)?;
    key.verify_with_hash_of(hash, message.protected_part(), &signature).map_err(|_| Refusal::BadSignature)?;
    let owner = gate.label.parts().authority.issuer().tenant();
    let client = client(certificate.subject_key_identifier().as_deref(), certificate.der());
    let actor = gate.label.trust().identify_read(certificate, &others, owner, gate.now)?;
    Ok(Sender { actor, client, means: Means::Signature })
}

/// Returns the certificate whose key protects a message, and the others that go with it.
///
/// RFC 9483 §3.3: it stands first, but any order is taken; and after the first message they may be left out.
fn certificates(gate: &Gate<'_>, message: &PkiMessage) -> Result<(Certificate, Vec<Vec<u8>>), Refusal> {
    let mut shown = message.extra_certs().to_vec();
    let wanted = message.header().sender_kid.as_ref().map(|identifier| identifier.as_bytes().to_vec());
    if shown.is_empty() {
        shown = remembered(gate, message, wanted.as_deref())?;
    }
    let named =
        |der: &Vec<u8>| Certificate::from_der(der).ok().filter(|one| one.subject_key_identifier() == wanted);
    let protecting = wanted
        .as_ref()
        .and_then(|_| shown.iter().enumerate().find_map(|(place, der)| Some((place, named(der)?))));
    let (place, certificate) = match protecting {
        Some(found) => found,
        None => {
            let first = shown.first().ok_or(IdentifyError::NoCertificate)?;
            (0, Certificate::from_der(first).map_err(IdentifyError::from)?)
        }
    };
    shown.remove(place);
    Ok((certificate, shown))
}

/// Returns the certificates that came with the first message of a transaction, where this is a later one.
fn remembered(
    gate: &Gate<'_>,
    message: &PkiMessage,
    key_identifier: Option<&[u8]>,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let (Some(identifier), Some(id), true) =
        (key_identifier, &message.header().transaction_id, message.body().is_later())
    else {
        return Ok(Vec::new());
    };
    let transactions = gate.label.parts().authority.transactions();
    let begun = memory::begun(transactions, &client(Some(identifier), &[]), id.as_bytes())?;
    Ok(begun.map(|begun| begun.extra_certs().to_vec()).unwrap_or_default())
}

/// RFC 9483 §3.5: the sender is the subject of the certificate; senderKID, where it is there, its subject key identifier.
fn check_names(message: &PkiMessage, certificate: &Certificate) -> Result<(), Refusal> {
    let sender = message.header().sender.as_directory();
    if !sender.is_some_and(|name| name.matches(certificate.subject())) {
        return Err(Refusal::SenderName);
    }
    match (&message.header().sender_kid, certificate.subject_key_identifier()) {
        (Some(named), Some(identifier)) if named.as_bytes() != identifier => Err(Refusal::SenderKid),
        (Some(_), None) => Err(Refusal::SenderKid),
        (Some(_) | None, _) => Ok(()),
    }
}

/// Returns who a message says that it is from, as it names its transactions. Nothing of it is proved.
pub(crate) fn claimed_client(message: &PkiMessage) -> Option<Vec<u8>> {
    let named = message.header().sender_kid.as_ref().map(OctetString::as_bytes);
    if is_under_mac(message.header()) {
        return named.map(by_reference);
    }
    let shown = message.extra_certs().first();
    let of_certificate = || {
        let certificate = Certificate::from_der(shown?).ok()?;
        Some(client(certificate.subject_key_identifier().as_deref(), shown?))
    };
    named.map(|identifier| client(Some(identifier), &[])).or_else(of_certificate)
}

/// What names the transactions of who shares a secret.
fn by_reference(reference: &[u8]) -> Vec<u8> {
    [b"reference ", reference].concat()
}

/// What names the transactions of who signs: its key identifier, so that the later messages need not carry its certificate.
fn client(key_identifier: Option<&[u8]>, certificate: &[u8]) -> Vec<u8> {
    match key_identifier {
        Some(identifier) => [b"key ", identifier].concat(),
        None => [b"certificate ", Sha256::digest(certificate).as_slice()].concat(),
    }
}

/// Returns the shared secret whose MAC protects a message.
fn shared_key(
    gate: &Gate<'_>,
    message: &PkiMessage,
    (protection, algorithm): (&[u8], &AlgorithmIdentifierOwned),
) -> Result<SharedKey, Refusal> {
    let secrets = gate.label.parts().secrets.as_deref().ok_or(Refusal::WrongIntegrity)?;
    let algorithm = MacAlgorithm::read(algorithm)?;
    // RFC 9483 §3.1: senderKID names the secret. The sender's common name is the same, but in what OpenSSL sends.
    let reference = message.header().sender_kid.as_ref().map(|octets| octets.as_bytes().to_vec());
    let reference = reference.unwrap_or_default();
    let is_mac_under = |secret: &[u8]| algorithm.verify(secret, message.protected_part(), protection);
    let secret = proven(secrets.secret(&reference)?, is_mac_under).ok_or(Refusal::BadMac)?;
    Ok(SharedKey { reference, secret, algorithm })
}

/// C-32: a reference that is not known costs what a wrong MAC costs: one MAC, of as many iterations.
fn proven(
    secret: Option<Zeroizing<Vec<u8>>>,
    is_mac_under: impl FnOnce(&[u8]) -> bool,
) -> Option<Zeroizing<Vec<u8>>> {
    let stand_in = Zeroizing::new(vec![0; 16]);
    let is_right = is_mac_under(secret.as_ref().unwrap_or(&stand_in));
    secret.filter(|_| is_right)
}

/// A shared secret is that of a one-time token, which says for which device and profile. What began in its time may end after.
fn holder(gate: &Gate<'_>, message: &PkiMessage, secret: &[u8]) -> Result<Actor, Refusal> {
    // RFC 9483 §4.1.3, §4.2: an update and a revocation MUST be signed.
    if matches!(message.body(), PkiBody::Kur(_) | PkiBody::Rr(_) | PkiBody::Nested(_)) {
        return Err(Refusal::WrongIntegrity);
    }
    let later = message.body().is_later();
    let hash: [u8; 32] = Sha256::digest(secret).into();
    let owner = gate.label.parts().authority.issuer().tenant();
    let token = gate.registry.token(&hash)?;
    let token = token.filter(|token| token.tenant == *owner && (later || gate.now <= token.expires_at));
    let token = token.ok_or(Refusal::SecretOver)?;
    let identity = Identity::OneTimeToken { hash, title: token.title, profile: token.profile };
    Ok(Actor { tenant: token.tenant, identity })
}

#[cfg(test)]
mod tests {
    use super::*;

    // C-32: one MAC is computed whether the reference is known or not, and a stand-in never proves anybody.
    #[test]
    fn c_32_an_unknown_reference_costs_one_mac_as_a_known_one_does() {
        for known in [Some(Zeroizing::new(b"secret".to_vec())), None] {
            for is_right in [true, false] {
                let mut computed = 0;
                let found = proven(known.clone(), |secret| {
                    computed += 1;
                    assert!(!secret.is_empty());
                    is_right
                });
                assert_eq!(computed, 1, "{known:?}");
                assert_eq!(found, known.clone().filter(|_| is_right));
            }
        }
    }
}
