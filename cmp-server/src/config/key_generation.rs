//! Who signs the keys that are made here: not the authority and not the signer of messages, but one with id-kp-cmKGA
//! (RFC 9810 §4.5, RFC 9483 §4.1.6).

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::ports::Signer;
use cms_messages::PasswordWrap;
use cms_messages::key_package::KEY_PACKAGE;
use cms_messages::signed::{Draft, SignerName};
use der::Encode;
use zeroize::Zeroizing;

use super::signer::{MessageSignerFault, SignMessageError, holds};

/// A key generation authority.
#[derive(Clone)]
pub struct KeyGenerationAuthority {
    certificate: Certificate,
    chain: Vec<Certificate>,
    signer: Arc<dyn Signer>,
    password_wrap: PasswordWrap,
}

impl core::fmt::Debug for KeyGenerationAuthority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyGenerationAuthority")
            .field("subject", &self.certificate.subject().to_string())
            .finish_non_exhaustive()
    }
}

impl KeyGenerationAuthority {
    /// Takes a certificate with digitalSignature, id-kp-cmKGA and a subject key identifier, whose key the signer holds, and
    /// the certificates between it and a root; and how keys are wrapped for those who share a secret.
    ///
    /// # Errors
    /// [`MessageSignerFault`].
    pub fn new(
        certificate: Certificate,
        chain: Vec<Certificate>,
        signer: Arc<dyn Signer>,
        password_wrap: PasswordWrap,
    ) -> Result<Self, MessageSignerFault> {
        let signs = certificate.key_usage().is_some_and(|usage| usage.digital_signature());
        if !signs || !certificate.extended_key_usages().contains(&oid::CM_KGA) {
            return Err(MessageSignerFault::KeyGenerationUsage);
        }
        certificate.subject_key_identifier().ok_or(MessageSignerFault::NoKeyIdentifier)?;
        holds(&*signer, &certificate)?;
        Ok(Self { certificate, chain, signer, password_wrap })
    }

    pub(crate) const fn password_wrap(&self) -> PasswordWrap {
        self.password_wrap
    }

    /// Signs a package of keys: DER of a `SignedData`.
    pub(crate) fn sign(&self, package: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignMessageError> {
        let key = self.certificate.public_key();
        let draft = Draft::new(key.curve(), KEY_PACKAGE, package.to_vec())?;
        let signature = self.signer.sign(&key.key_ref(), &draft.to_be_signed()?)?;
        // RFC 9483 §4.1.6: its certificate first, with its chain; self-signed ones should not be there.
        let above = self.chain.iter().filter(|one| one.issuer() != one.subject());
        let chain: Vec<&[u8]> = above.map(Certificate::der).collect();
        // RFC 9483 §4.1.6: the signer is named by its subject key identifier.
        let signer = (&self.certificate, SignerName::KeyIdentifier);
        Ok(Zeroizing::new(draft.signed(signer, &signature, &chain)?.to_der()?))
    }
}
