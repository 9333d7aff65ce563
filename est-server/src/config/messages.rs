//! Who signs what the server says in CMS: CMC responses, and keys that it made.
//!
//! Not the authority's key, whose certificate has no digitalSignature, but one with id-kp-cmcCA (RFC 6402 §2.10).

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::ports::{SignError, Signer};
use cms_messages::signed::{Draft, SignedData, SignerName};
use const_oid::ObjectIdentifier;

/// The signer of messages.
#[derive(Clone)]
pub struct MessageSigner {
    certificate: Certificate,
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
    /// Takes a certificate with digitalSignature and id-kp-cmcCA, whose key the signer holds, as far as it can be asked.
    ///
    /// # Errors
    /// [`MessageSignerFault`].
    pub fn new(certificate: Certificate, signer: Arc<dyn Signer>) -> Result<Self, MessageSignerFault> {
        let signs = certificate.key_usage().is_some_and(|usage| usage.digital_signature());
        if !signs || !certificate.extended_key_usages().contains(&oid::CMC_CA) {
            return Err(MessageSignerFault::Usage);
        }
        let key = certificate.public_key();
        match signer.public_key(&key.key_ref()) {
            Ok(held) if held == *key => Ok(Self { certificate, signer }),
            // A token that is away now says nothing of its keys; it is asked again for each message.
            Err(SignError::Unavailable { .. }) => Ok(Self { certificate, signer }),
            Ok(_) | Err(_) => Err(MessageSignerFault::NoKey),
        }
    }

    /// Signs content of a type.
    pub(crate) fn sign(
        &self,
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        others: &[&[u8]],
    ) -> Result<SignedData, SignMessageError> {
        let key = self.certificate.public_key();
        let draft = Draft::new(key.curve(), content_type, content)?;
        let signature = self.signer.sign(&key.key_ref(), &draft.to_be_signed()?)?;
        let signer = (&self.certificate, SignerName::IssuerAndSerialNumber);
        Ok(draft.signed(signer, &signature, others)?.in_der_order()?)
    }
}

/// What is wrong with a signer of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageSignerFault {
    /// Its certificate is for something else.
    #[error("the certificate lacks digitalSignature or id-kp-cmcCA, as the profile cmp-signer gives them")]
    Usage,
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
