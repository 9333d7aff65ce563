//! The [`Signer`] port on a PKCS#11 token.
//!
//! The hash is made here and the token signs it: `CKM_ECDSA` is on every token, the mechanisms that hash as well are not.
//! P-256 with SHA-256, P-384 with SHA-384 (RFC 5758 §3.2). Signatures are not verified here: the issuance does that with
//! the issuer's public key, for every signer alike.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::to_be_signed::{MessageDigest, ToBeSigned};

use super::TokenSigner;
use crate::breaker::TokenState;
use crate::call::Standing;
use crate::key::TokenKey;
use crate::session::UseTokenError;

impl TokenSigner {
    fn sign_digest(&self, key: &TokenKey, digest: &MessageDigest) -> Result<EcdsaSignature, SignError> {
        let (key, hash) = (key.clone(), digest.octets().to_vec());
        let signed = self.keeper.call(move |sessions, ticket| sessions.sign(ticket, &key, &hash));
        let r_and_s = signed.map_err(into_sign_error)?;
        // The token has signed; what it answered is of no use, but it exists.
        EcdsaSignature::from_fixed(digest.curve(), &r_and_s)
            .map_err(|cause| SignError::OutcomeUnknown { cause: Box::new(cause) })
    }

    fn sign_digest_of(&self, key: &TokenKey, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        let (curve, digest) = (key.public_key.curve(), tbs.digest());
        if digest.curve() != curve {
            return Err(SignError::unavailable(OtherHash { curve, digest: digest.curve() }));
        }
        self.sign_digest(key, digest)
    }

    /// Counts what became of a signature, and says of the one at which the token failed when it is asked again, as of those after it.
    fn counted(&self, signed: Result<EcdsaSignature, SignError>) -> Result<EcdsaSignature, SignError> {
        let tally = &self.keeper.tally;
        match signed {
            Ok(signature) => {
                tally.signed.one();
                Ok(signature)
            }
            Err(unknown @ SignError::OutcomeUnknown { .. }) => {
                tally.unknown.one();
                Err(unknown)
            }
            Err(SignError::Unavailable { cause, again_in: None }) => {
                tally.not_signed.one();
                let rests =
                    |state| if let TokenState::Resting { again_in } = state { Some(again_in) } else { None };
                Err(SignError::Unavailable { cause, again_in: rests(self.keeper.state()) })
            }
            Err(
                refusal @ (SignError::Unavailable { again_in: Some(_), .. }
                | SignError::Refused { .. }
                | SignError::KeyNotFound { .. }),
            ) => {
                tally.not_signed.one();
                Err(refusal)
            }
        }
    }
}

impl Signer for TokenSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.find(key).map(|key| key.public_key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.counted(
            self.find(key)
                .and_then(|key| self.sign_digest(&key, &MessageDigest::of(key.public_key.curve(), message))),
        )
    }

    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        self.counted(self.find(key).and_then(|key| self.sign_digest_of(&key, tbs)))
    }

    /// Whether the token rests, or is not asked any more.
    fn check_at_hand(&self, _key: &KeyRef) -> Result<(), SignError> {
        self.keeper.check_serving().map_err(into_sign_error)
    }
}

/// A token signs whatever it is given: that it is a digest by the hash of the key's curve is for us to see.
#[derive(Debug, thiserror::Error)]
#[error("a key on {curve} does not sign digests for {digest}")]
struct OtherHash {
    curve: Curve,
    digest: Curve,
}

/// Says in the words of the port why the token did not sign.
pub(super) fn into_sign_error(cause: UseTokenError) -> SignError {
    match cause.standing() {
        Standing::Unknown => SignError::OutcomeUnknown { cause: Box::new(cause) },
        Standing::TryAgain | Standing::NothingSigned => match cause {
            UseTokenError::KeyGone { key } => SignError::KeyNotFound { key },
            UseTokenError::Resting { again_in, .. } => {
                SignError::Unavailable { cause: Box::new(cause), again_in: Some(again_in) }
            }
            cause @ (UseTokenError::Token(_)
            | UseTokenError::Call(_)
            | UseTokenError::LoggedOut
            | UseTokenError::Hangs { .. }
            | UseTokenError::NoSessionInTime { .. }
            | UseTokenError::SignsWrongly { .. }
            | UseTokenError::NoUserPin(_)
            | UseTokenError::LoginLocked(_)
            | UseTokenError::PinRefused(_)
            | UseTokenError::PinNotTriedAgain
            | UseTokenError::PinLocked { .. }
            | UseTokenError::PinFinalTry { .. }
            | UseTokenError::AmbiguousKey { .. }
            | UseTokenError::ExtractableKey { .. }) => SignError::unavailable(cause),
        },
    }
}
