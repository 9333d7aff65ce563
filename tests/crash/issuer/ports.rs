//! The ports of ca-core with kill-points around them. They change nothing but when the program dies.

use std::sync::Arc;

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::octets::Spool;
use ca_core::ports::{
    Clock, Entropy, Ledger, Releases, SignError, Signer, Spools, Transactions, Unavailable,
};
use ca_core::public_key::PublicKey;
use ca_core::record::{
    CertificateId, Conclusion, CrlIntent, CrlNumberTaken, CrlRecord, Intent, IntentConflict, IssuedRecord,
    Opened, Outcome, ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord, Settlement,
    Transaction, TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::validity::UnixTime;

use crate::trap::{Fate, Trap};
use e2e::crash::points::KillPoint;
use e2e::crash::signatures::{SignatureLedger, Signed};

/// A clock that runs ahead.
pub(crate) struct AheadClock {
    pub(crate) inner: Arc<dyn Clock>,
    pub(crate) ahead: i64,
    pub(crate) trap: Arc<Trap>,
}

impl Clock for AheadClock {
    fn now(&self) -> UnixTime {
        self.trap.pass(KillPoint::RequestParsed);
        self.inner.now().plus_seconds(self.ahead)
    }
}

/// Entropy; what asks for as many octets as a serial number has is past admission.
pub(crate) struct TrappedEntropy {
    pub(crate) inner: Arc<dyn Entropy>,
    pub(crate) trap: Arc<Trap>,
}

impl Entropy for TrappedEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        if octets.len() == SerialNumber::RANDOM_OCTETS {
            self.trap.pass(KillPoint::Authorised);
        }
        self.inner.fill(octets)
    }
}

/// A signer that writes down every signature before it gives it away.
pub(crate) struct TrappedSigner {
    pub(crate) inner: Arc<dyn Signer>,
    pub(crate) signatures: SignatureLedger,
    pub(crate) trap: Arc<Trap>,
}

impl Signer for TrappedSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.inner.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let points = match Signed::of(message) {
            Signed::Certificate => Some((KillPoint::SigningBegun, KillPoint::SignatureMade)),
            Signed::Crl => Some((KillPoint::CrlSigningBegun, KillPoint::CrlSigned)),
            Signed::Other => None,
        };
        if let Some((begun, _)) = points {
            self.trap.pass(begun);
        }
        let signature = self.inner.sign(key, message)?;
        self.signatures
            .keep(key, message, &signature)
            .map_err(|error| SignError::OutcomeUnknown { cause: error.into() })?;
        match points.map(|(_, made)| self.trap.pass(made)) {
            Some(Fate::AnswerLost) => {
                Err(SignError::OutcomeUnknown { cause: "the token was pulled out while it signed".into() })
            }
            Some(Fate::GoOn) | None => Ok(signature),
        }
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.inner.check_at_hand(key)
    }
}

/// The ledger.
pub(crate) struct TrappedLedger {
    pub(crate) inner: Arc<dyn Ledger>,
    pub(crate) trap: Arc<Trap>,
}

impl Releases for TrappedLedger {
    fn record_release(&self, release: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        self.trap.pass(KillPoint::RevocationUnsynced);
        let outcome = self.inner.record_release(release)?;
        if matches!(outcome, ReleaseOutcome::Released { .. }) {
            self.trap.pass(KillPoint::RevocationDurable);
        }
        Ok(outcome)
    }
}

impl Spools for TrappedLedger {
    fn spool(&self) -> Result<Box<dyn Spool>, Unavailable> {
        self.inner.spool()
    }
}

impl Ledger for TrappedLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        self.trap.pass(KillPoint::LintPassed);
        self.trap.pass(KillPoint::IntentUnsynced);
        let recorded = self.inner.record_intents(intents)?;
        // A repeated request is answered with what is on disk already.
        if recorded.iter().any(Result::is_ok) {
            self.trap.pass(KillPoint::IntentDurable);
        }
        Ok(recorded)
    }

    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable> {
        self.inner.begin_signing(intents)
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        self.trap.pass(KillPoint::IssuedUnsynced);
        self.inner.record_issued(issued)?;
        self.trap.pass(KillPoint::IssuedDurable);
        self.trap.pass(KillPoint::ReplyHalfSent);
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        self.inner.settle_intents(ended)
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.inner.record_event(event)
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        self.trap.pass(KillPoint::RevocationUnsynced);
        let outcome = self.inner.record_revocation(revocation)?;
        if matches!(outcome, RevocationOutcome::Recorded { .. }) {
            self.trap.pass(KillPoint::RevocationDurable);
        }
        Ok(outcome)
    }

    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        let reserved = self.inner.record_crl_intent(intent)?;
        self.trap.pass(KillPoint::CrlIntended);
        Ok(reserved)
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        self.trap.pass(KillPoint::CrlUnsynced);
        self.inner.record_crl(crl, event)?;
        self.trap.pass(KillPoint::CrlDurable);
        self.trap.pass(KillPoint::CrlRename);
        Ok(())
    }
}

/// The transactions.
pub(crate) struct TrappedTransactions {
    pub(crate) inner: Arc<dyn Transactions>,
    pub(crate) trap: Arc<Trap>,
}

impl Transactions for TrappedTransactions {
    fn open_transaction(
        &self,
        transaction: Transaction,
        bounds: TransactionBounds,
    ) -> Result<Opened, Unavailable> {
        self.inner.open_transaction(transaction, bounds)
    }

    fn record_answer(
        &self,
        answer: TransactionAnswer,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        self.inner.record_answer(answer)
    }

    fn conclude(
        &self,
        conclusion: Conclusion,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        self.trap.pass(match conclusion.outcome {
            Outcome::Answered | Outcome::Confirmed | Outcome::Refused => KillPoint::ConfirmationUnsynced,
            Outcome::Lapsed => KillPoint::DeadlineUnsynced,
        });
        self.inner.conclude(conclusion)
    }

    fn transaction(&self, key: &[u8; 32]) -> Result<Option<Transaction>, Unavailable> {
        self.inner.transaction(key)
    }

    fn unconfirmed(&self, certificate: &CertificateId) -> Result<Option<Transaction>, Unavailable> {
        self.inner.unconfirmed(certificate)
    }

    fn transactions_due(
        &self,
        issuer: &KeyRef,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.inner.transactions_due(issuer, now, limit)
    }
}
