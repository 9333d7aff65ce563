//! The end of an intent that does not become a certificate: aborted when nothing can have been signed, uncertain otherwise.
//!
//! If the ledger cannot be told now, its recovery at the next start settles by the same rule.

use super::IssueError;
use super::origin::EventOrigin;
use super::record::RecordedIntent;
use crate::audit::{Act, AuditEvent};
use crate::ports::{Ledger, SignError};
use crate::record::{CertificateId, Settlement};
use crate::signing::SignFailure;

/// An intent that did not become a certificate, and what is known of it.
pub(super) struct Unsigned {
    id: CertificateId,
    origin: EventOrigin,
    settlement: Settlement,
    /// What the requester is told.
    pub(super) error: IssueError,
}

impl Unsigned {
    /// The signer was not asked.
    pub(super) fn not_begun(intent: &RecordedIntent, error: IssueError) -> Self {
        Self::new(intent.id(), intent.origin(), Settlement::Aborted, error)
    }

    /// The signer was asked, and failed.
    pub(super) fn failed(intent: &RecordedIntent, failure: SignFailure) -> Self {
        Self::new(intent.id(), intent.origin(), settlement(&failure), failure.into())
    }

    /// A signature exists.
    pub(super) fn lost(id: &CertificateId, origin: &EventOrigin, error: IssueError) -> Self {
        Self::new(id, origin, Settlement::Uncertain, error)
    }

    fn new(id: &CertificateId, origin: &EventOrigin, settlement: Settlement, error: IssueError) -> Self {
        Self { id: id.clone(), origin: origin.clone(), settlement, error }
    }

    fn settled(&self) -> (CertificateId, Settlement, AuditEvent) {
        let act = match self.settlement {
            Settlement::Aborted => Act::IntentAborted,
            Settlement::Uncertain => Act::IntentUncertain,
        };
        let mut event = self.origin.event(act, &self.id, None);
        self.error.code().clone_into(&mut event.reason);
        (self.id.clone(), self.settlement, event)
    }
}

/// An intent is aborted only when the signer itself says that it signed nothing.
const fn settlement(failure: &SignFailure) -> Settlement {
    match failure {
        SignFailure::Signer(
            SignError::KeyNotFound { .. } | SignError::Refused { .. } | SignError::Unavailable { .. },
        ) => Settlement::Aborted,
        SignFailure::Signer(SignError::OutcomeUnknown { .. })
        | SignFailure::DoesNotVerify { .. }
        | SignFailure::NeverFullLength { .. } => Settlement::Uncertain,
    }
}

/// Tells the ledger how intents ended, so that it gives back what they held.
pub(super) fn settle<'a>(ledger: &dyn Ledger, ended: impl Iterator<Item = &'a Unsigned>) {
    let ended: Vec<_> = ended.map(Unsigned::settled).collect();
    if !ended.is_empty() {
        // If this fails as well, recovery at the next start settles them by the same rule.
        drop(ledger.settle_intents(ended));
    }
}
