//! Whether a signer has the private half of a key: one signature says so, no attribute of an object does.
//!
//! For the start of a program, with the key that the issuer's certificate names; and for a token that comes back.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;

/// What is signed. It is no DER, so nobody takes it for a certificate.
pub(crate) const PROBE: &[u8] = b"Does this token sign?";

/// Has the signer sign with the key that a certificate names, and verifies that.
///
/// # Errors
/// [`ProveKeyError`].
pub fn prove_key(signer: &dyn Signer, certified: &PublicKey) -> Result<(), ProveKeyError> {
    let key = certified.key_ref();
    let signature = signer.sign(&key, PROBE)?;
    certified.verify(PROBE, &signature).map_err(|_| ProveKeyError::AnotherKey { key })
}

/// Why a signer was not seen to have a key.
#[derive(Debug, thiserror::Error)]
pub enum ProveKeyError {
    /// What is kept under its name signs, but not with it (case H-07).
    #[error(
        "the token signs with another private key than that of {key}, which the certificate names; put the right key there, \
         or the certificate of the one that is there"
    )]
    AnotherKey {
        /// The key of the certificate.
        key: KeyRef,
    },
    /// There is no signature; it may be there later where the signer says so.
    #[error(transparent)]
    Signer(#[from] SignError),
}
