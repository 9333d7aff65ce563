//! Authorities whose key could not be compared with their certificate yet, since its token was away.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ca_core::issuer::{Issuer, KeyMatchError};
use ca_core::ports::{SignError, Signer};

/// Authorities whose key was not compared with their certificate yet, since its token was away.
#[derive(Default)]
pub(crate) struct UncheckedKeys(Mutex<Vec<(String, Issuer)>>);

impl UncheckedKeys {
    /// Compares the key of an authority with its certificate, or remembers to do it once the token is there.
    pub(crate) fn check(
        &self,
        name: &str,
        issuer: &Issuer,
        signer: &dyn Signer,
    ) -> Result<(), KeyMatchError> {
        match issuer.check_key(signer) {
            Err(KeyMatchError::Signer(error @ SignError::Unavailable { .. })) => {
                tracing::warn!(authority = name, %error, "the key is looked at once its token is there");
                self.left().push((name.to_owned(), issuer.clone()));
                Ok(())
            }
            checked => checked,
        }
    }

    /// Compares those that are left; says what does not fit, or cannot be looked at yet.
    pub(crate) fn settle(&self, signer: &dyn Signer) -> Vec<String> {
        let mut faults = Vec::new();
        self.left().retain(|(name, issuer)| match issuer.check_key(signer) {
            Ok(()) => {
                tracing::info!(authority = name, "the key is that of the certificate");
                false
            }
            Err(error) => {
                faults.push(format!("the key of {name}: {error}"));
                true
            }
        });
        faults
    }

    fn left(&self) -> MutexGuard<'_, Vec<(String, Issuer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for UncheckedKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.left().iter().map(|(name, _)| name)).finish()
    }
}
