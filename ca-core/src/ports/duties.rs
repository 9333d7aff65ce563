//! What one process does for all that share a ledger.

use super::Unavailable;

/// Tells who does what is to be done once, however many processes serve.
pub trait Duties: Send + Sync {
    /// Takes on a duty, or finds that another process has it that is alive; tells whether this process has it now.
    ///
    /// Whoever has a duty keeps it until others find it gone, and from then on nothing that it writes is recorded. A process that
    /// has its ledger for itself has every duty.
    ///
    /// # Errors
    /// [`Unavailable`]: nobody can tell; then the duty is not this process's.
    fn on_duty(&self, duty: &'static str) -> Result<bool, Unavailable>;
}
