//! A request that is made of a template and a proof, CRMF (RFC 4211), as far as issuing goes by it.
//!
//! The front end reads its octets; here is what they come to, and the proof of possession over them.

use sha2::{Digest, Sha256};

use super::{NotPossessed, ProofOfPossession, RequestContent};
use crate::public_key::PublicKey;
use crate::signature::EcdsaSignature;

/// A request for a certificate of this content for this key. Possession of the key is not yet proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRequest {
    /// The DER of the `CertRequest`, as received: what the proof signs (RFC 4211 §4.1).
    pub octets: Vec<u8>,
    /// What is asked for.
    pub content: RequestContent,
    /// For which key.
    pub public_key: PublicKey,
    /// What shows that it is held.
    pub proof: TemplateProof,
}

/// What shows that the key of a template is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateProof {
    /// The key has signed the request.
    Signature(EcdsaSignature),
    /// A registration authority says that it has seen a proof (RFC 9483 §5.1.1).
    RaVerified,
}

impl TemplateRequest {
    /// Returns the SHA-256 of the request as received.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.octets).into()
    }

    /// Proves that the subject holds the private key, by its signature or by the word of who asks, where that counts.
    ///
    /// A key-agreement key signs here once and never again (RFC 4211 §4.1).
    ///
    /// # Errors
    /// [`NotPossessed`].
    pub fn prove_possession(&self, word_counts: bool) -> Result<ProofOfPossession, NotPossessed> {
        match &self.proof {
            TemplateProof::Signature(signature) => {
                self.public_key.verify(&self.octets, signature).map_err(|_| NotPossessed)?;
            }
            TemplateProof::RaVerified if word_counts => {}
            TemplateProof::RaVerified => return Err(NotPossessed),
        }
        Ok(ProofOfPossession { _private: () })
    }
}
