//! Who signs our messages: not the authority's key, whose certificate has no digitalSignature, but one with id-kp-cmcCA
//! (RFC 9810 §4.5, RFC 9483 §3.2).

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::ports::{SignError, Signer};
use cmp_messages::protection::signature_algorithm;
use spki::AlgorithmIdentifierOwned;

/// The signer of messages.
#[derive(Clone)]
pub struct MessageSigner {
    certificate: Certificate,
    chain: Vec<Certificate>,
    key_identifier: Vec<u8>,
    signer: Arc<dyn Signer>,
}

impl core::fmt::Debug for MessageSigner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessageSigner")
            .field("subject", &self.certificate.subject().to_string())
            .finish_non_exhaustive()
    }
}

impl MessageSigner {
    /// Takes a certificate with digitalSignature, id-kp-cmcCA and a subject key identifier, whose key the signer holds, and the
    /// certificates between it and a root.
    ///
    /// # Errors
    /// [`MessageSignerFault`].
    pub fn new(
        certificate: Certificate,
        chain: Vec<Certificate>,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, MessageSignerFault> {
        let signs = certificate.key_usage().is_some_and(|usage| usage.digital_signature());
        if !signs || !certificate.extended_key_usages().contains(&oid::CMC_CA) {
            return Err(MessageSignerFault::Usage);
        }
        let key_identifier =
            certificate.subject_key_identifier().ok_or(MessageSignerFault::NoKeyIdentifier)?;
        holds(&*signer, &certificate)?;
        Ok(Self { certificate, chain, key_identifier, signer })
    }

    /// Returns the name of the sender that the messages have.
    pub(crate) const fn name(&self) -> &DistinguishedName {
        self.certificate.subject()
    }

    /// RFC 9483 §3.1: senderKID is the subject key identifier, exactly.
    pub(crate) fn key_identifier(&self) -> &[u8] {
        &self.key_identifier
    }

    pub(crate) const fn algorithm(&self) -> AlgorithmIdentifierOwned {
        signature_algorithm(self.certificate.public_key().curve())
    }

    /// RFC 9483 §3.3: its certificate first, each then certified by the next; self-signed ones are left out.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        core::iter::once(&self.certificate)
            .chain(self.chain.iter().filter(|certificate| certificate.issuer() != certificate.subject()))
    }

    /// Tells whether it is known that it cannot sign now; asks nobody.
    pub(crate) fn check_at_hand(&self) -> Result<(), SignMessageError> {
        Ok(self.signer.check_at_hand(&self.certificate.public_key().key_ref())?)
    }

    /// Signs a protected part.
    pub(crate) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, SignMessageError> {
        Ok(self.signer.sign(&self.certificate.public_key().key_ref(), octets)?.to_der()?)
    }
}

/// Checks that a signer holds the key of a certificate, as far as it can be asked.
pub(super) fn holds(signer: &dyn Signer, certificate: &Certificate) -> Result<(), MessageSignerFault> {
    let key = certificate.public_key();
    match signer.public_key(&key.key_ref()) {
        Ok(held) if held == *key => Ok(()),
        // A token that is away now says nothing of its keys; it is asked again for each message.
        Err(SignError::Unavailable { .. }) => Ok(()),
        Ok(_) | Err(_) => Err(MessageSignerFault::NoKey),
    }
}

/// What is wrong with a signer of messages, or of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageSignerFault {
    /// Its certificate is for something else.
    #[error("the certificate lacks digitalSignature or id-kp-cmcCA, as the profile cmp-signer gives them")]
    Usage,
    /// The same, of who signs keys.
    #[error("the certificate lacks digitalSignature or id-kp-cmKGA, as the profile kga-signer gives them")]
    KeyGenerationUsage,
    /// Its certificate has no subject key identifier, by which clients know it.
    #[error("the certificate has no subject key identifier")]
    NoKeyIdentifier,
    /// Its key is not there.
    #[error("the signer does not hold the key of the certificate")]
    NoKey,
}

/// Why a message is not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignMessageError {
    #[error(transparent)]
    Signer(#[from] SignError),
    #[error("the message cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
}
