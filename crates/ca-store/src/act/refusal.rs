//! Why an intent is not recorded: an answer to whoever asked, or a ledger that cannot tell.

use ca_core::record::{ApprovalCondition, IntentConflict};

use crate::transaction::ActFault;

/// Why an intent is not recorded.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A condition does not hold: an answer.
    Conflict(IntentConflict),
    /// Operators must approve the request before; nothing else stands against it.
    Unapproved(Box<ApprovalCondition>),
    /// The ledger cannot tell: no answer to any intent of the same call.
    Fault(ActFault),
}

impl From<IntentConflict> for Refusal {
    fn from(conflict: IntentConflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl<E: Into<ActFault>> From<E> for Refusal {
    fn from(fault: E) -> Self {
        Self::Fault(fault.into())
    }
}
