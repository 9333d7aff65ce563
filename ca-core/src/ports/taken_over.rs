//! The port on what another program issued under a key of ours.

use super::Unavailable;
use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::record::{CrlNumberTaken, TakeOverConflict, TakeOverOutcome, TakenOverCertificate};

/// Takes over the record of another program: what it issued, what it revoked, how far its CRLs were numbered. Makes nothing that
/// looks as if it had been issued here.
pub trait TakingOver: Send + Sync {
    /// Records certificates with their revocations, in one transaction; says of each, in their order, what became of it. One that is on record as it is said to be stays as it is.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing of it was done.
    fn take_over(
        &self,
        certificates: Vec<TakenOverCertificate>,
    ) -> Result<Vec<Result<TakeOverOutcome, TakeOverConflict>>, Unavailable>;

    /// Says what [`take_over`](Self::take_over) would answer, and records nothing.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn would_take_over(
        &self,
        certificate: &TakenOverCertificate,
    ) -> Result<Result<TakeOverOutcome, TakeOverConflict>, Unavailable>;

    /// Returns the highest number that a CRL of all of this key has.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn last_crl_number(&self, issuer: &KeyRef) -> Result<Option<u64>, Unavailable>;

    /// Takes the numbers up to `number`, so that the next CRL of all of this key has a higher one (RFC 5280 §5.2.3).
    ///
    /// # Errors
    /// [`Unavailable`].
    fn take_crl_numbers(
        &self,
        issuer: &KeyRef,
        number: u64,
        event: AuditEvent,
    ) -> Result<Result<(), CrlNumberTaken>, Unavailable>;
}
