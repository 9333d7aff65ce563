//! The ledger, with a count of the certificates that are in it: nobody asks a ledger of ten millions how many there are. Judges
//! nothing and changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ca_core::audit::AuditEvent;
use ca_core::octets::Spool;
use ca_core::ports::{Ledger, Releases, Spools, Unavailable};
use ca_core::record::{
    CertificateId, CrlIntent, CrlNumberTaken, CrlRecord, Intent, IntentConflict, IssuedRecord,
    ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord, Settlement,
};

/// A ledger and how many certificates it has recorded since it was founded.
pub(crate) struct CountedLedger {
    ledger: Arc<dyn Ledger>,
    issued: Arc<AtomicU32>,
}

impl CountedLedger {
    /// Counts what is recorded from now on into `issued`.
    pub(crate) const fn new(ledger: Arc<dyn Ledger>, issued: Arc<AtomicU32>) -> Self {
        Self { ledger, issued }
    }
}

impl Releases for CountedLedger {
    fn record_release(&self, release: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        self.ledger.record_release(release)
    }
}

impl Spools for CountedLedger {
    fn spool(&self) -> Result<Box<dyn Spool>, Unavailable> {
        self.ledger.spool()
    }
}

impl Ledger for CountedLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        self.ledger.record_intents(intents)
    }

    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable> {
        self.ledger.begin_signing(intents)
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        let count = u32::try_from(issued.len()).unwrap_or(u32::MAX);
        self.ledger.record_issued(issued)?;
        self.issued.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        self.ledger.settle_intents(ended)
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.ledger.record_event(event)
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        self.ledger.record_revocation(revocation)
    }

    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        self.ledger.record_crl_intent(intent)
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        self.ledger.record_crl(crl, event)
    }
}
