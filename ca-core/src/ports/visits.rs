//! The port on visits.

use super::Unavailable;
use crate::record::VisitId;
use crate::validity::UnixTime;
use crate::visits::{Visit, VisitChange, VisitConflict, VisitQuery};

/// Keeps visits. Certificates are asked for on them with intents, by [`record_intents`](super::Ledger::record_intents), and each
/// takes the place of the one before it when it is issued.
pub trait Visits: Send + Sync {
    /// Records what somebody says of a visit, if it may follow; returns the visit after it. What ends, refuses or changes a visit
    /// revokes in the same transaction what was issued on it.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing of it was done.
    fn record_visit_change(&self, change: VisitChange) -> Result<Result<Visit, VisitConflict>, Unavailable>;

    /// Ends visits whose time is over, at most `limit`; returns how many.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn end_visits_over(&self, now: UnixTime, limit: usize) -> Result<usize, Unavailable>;

    /// Returns a visit.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn visit(&self, id: &VisitId) -> Result<Option<Visit>, Unavailable>;

    /// Lists visits by their names.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn visits(&self, query: &VisitQuery) -> Result<Vec<Visit>, Unavailable>;
}
