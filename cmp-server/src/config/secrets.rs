//! Secrets that are shared with those who have no certificate yet (RFC 9483 §4.1.5).

use ca_core::ports::Unavailable;
use zeroize::Zeroizing;

/// Knows the secrets behind references. A secret is that of a one-time token: the registry says what it opens, and the ledger
/// whether it was spent.
pub trait SharedSecrets: Send + Sync {
    /// Returns the secret of a reference.
    ///
    /// # Errors
    /// [`Unavailable`]: never to be taken as "there is none".
    fn secret(&self, reference: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unavailable>;
}
