//! What is found out and changes nothing: it is put on record, and somebody looks at it.

use super::Unavailable;
use crate::audit::AuditEvent;

/// Puts on record what was found.
pub trait Findings: Send + Sync {
    /// Records events that change nothing else; one durable transaction for all.
    ///
    /// # Errors
    /// [`Unavailable`]: none was recorded.
    fn record_findings(&self, events: Vec<AuditEvent>) -> Result<(), Unavailable>;
}
