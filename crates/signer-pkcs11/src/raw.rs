//! Signing with the module and nothing else: one session, one key, `C_SignInit` and `C_Sign`.
//!
//! What a signer is measured against, in the same process and on the same login. Nothing is checked, nothing is recovered, and no
//! call has a deadline, so it signs nothing that leaves.

use core::fmt;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;

use crate::call::CallFailed;
use crate::key::{self, TokenKey};
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// A session that signs hashes with one key.
pub struct RawSigner {
    visit: Visit,
    key: ObjectHandle,
}

impl RawSigner {
    /// Opens a session on the token, to which this process is logged in already.
    ///
    /// # Errors
    /// [`OpenTokenError`].
    pub fn open(uri: &TokenUri, key: &TokenKey) -> Result<Self, OpenTokenError> {
        let visit = Visit::open_to_read(uri)?;
        let found = key::find(&visit.session, &key.id).map_err(UseTokenError::from)?;
        match found.as_slice() {
            [key] => Ok(Self { key: *key, visit }),
            [] => Err(UseTokenError::KeyGone { key: key.public_key.key_ref() }.into()),
            several => Err(UseTokenError::AmbiguousKey { id: key.id.clone(), count: several.len() }.into()),
        }
    }

    /// Signs a hash of the length that the key's curve wants.
    ///
    /// # Errors
    /// [`CallFailed`].
    pub fn sign(&self, hash: &[u8]) -> Result<Vec<u8>, CallFailed> {
        Ok(self.visit.session.sign(&Mechanism::Ecdsa, self.key, hash)?)
    }
}

impl fmt::Debug for RawSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSigner").finish_non_exhaustive()
    }
}
