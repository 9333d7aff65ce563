//! The port [`Ledger`]: hands every act to the committer and waits. Decides nothing itself.
//!
//! Issuance and refusals begin only while the audit trail's copies keep up; revocations and CRLs protect relying parties and
//! are always done.

use ca_core::audit::AuditEvent;
use ca_core::octets::Spool;
use ca_core::ports::{Findings, Ledger, Releases, Spools, Unavailable};
use ca_core::record::{
    CertificateId, CrlIntent, CrlNumberTaken, CrlRecord, Intent, IntentConflict, IssuedRecord,
    ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord, Settlement,
};

use crate::act::refusal::Refusal;
use crate::act::wants::Wants;
use crate::act::{crl, intent, issued, repeats, revocation, settlement, waiting, wants};
use crate::crl_octets::FileSpool;
use crate::engine::Durability;
use crate::store::Store;
use crate::transaction::{ActFault, Transaction};

const PORT: &str = "ledger";

impl Releases for Store {
    fn record_release(&self, release: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| revocation::release(tx, release))
    }
}

impl Spools for Store {
    fn spool(&self) -> Result<Box<dyn Spool>, Unavailable> {
        let file = self.unnamed_file().map_err(|cause| Unavailable { port: PORT, cause: cause.into() })?;
        Ok(Box::new(FileSpool::new(file)))
    }
}

impl Findings for Store {
    fn record_findings(&self, events: Vec<AuditEvent>) -> Result<(), Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| {
            events.into_iter().try_for_each(|event| tx.seal(event).map(drop))
        })
    }
}

impl Ledger for Store {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        let Some(now) = intents.iter().map(|intent| intent.recorded_at).max() else { return Ok(Vec::new()) };
        self.may_begin(PORT)?;
        let forgetting = self.forgetting();
        let wants = self.wanting(|| wants::of_intents(&intents));
        self.write_wanting(PORT, (Durability::Durable, wants), move |tx| {
            // Each call takes away twice what it adds, so that what is over never gathers.
            let end = repeats::earliest_end(&intents);
            let place = forgetting.step(tx, now, intents.len().saturating_mul(2))?;
            let recorded =
                intents.into_iter().map(|intent| record_intent(tx, intent)).collect::<Result<_, _>>()?;
            forgetting.go_on_from(place);
            forgetting.expect(end);
            Ok(recorded)
        })
    }

    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable> {
        let intents = intents.to_vec();
        let wants = self.wanting(|| wants::of_marks(&intents));
        self.write_wanting(PORT, (Durability::ProcessCrash, wants), move |tx| {
            intents.iter().try_for_each(|id| intent::begin_signing(tx, id))
        })
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        let wants = self.wanting(|| wants::of_issued(&issued));
        self.write_wanting(PORT, (Durability::Durable, wants), |tx| {
            issued.into_iter().try_for_each(|issued| issued::record(tx, issued))
        })
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        let unsettled = ended.clone();
        self.write(PORT, Durability::Durable, |tx| {
            ended
                .into_iter()
                .try_for_each(|(id, settlement, event)| settlement::settle(tx, &id, settlement, event))
        })
        .inspect_err(|_| self.settle_later(unsettled))
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.may_begin(PORT)?;
        self.write_where_read(PORT, |tx| tx.seal(event).map(drop))
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| revocation::record(tx, revocation))
    }

    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        self.write_where_read(PORT, |tx| crl::reserve(tx, intent))
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        self.carry_crl(crl, event)
    }
}

impl Store {
    /// What an act will read is named for an engine that reads it together, and for no other: it is a dozen keys of each certificate.
    fn wanting(&self, wants: impl FnOnce() -> Wants) -> Wants {
        if self.engine_shared().shared().is_some() { wants() } else { Box::new(|_| Ok(Vec::new())) }
    }
}

/// A conflict is the answer for one intent; a fault is the end of the whole call.
fn record_intent(tx: &mut Transaction<'_>, intent: Intent) -> Result<Result<(), IntentConflict>, ActFault> {
    match tx.attempt(|tx| intent::record(tx, intent)) {
        Ok(()) => Ok(Ok(())),
        Err(Refusal::Conflict(conflict)) => Ok(Err(conflict)),
        Err(Refusal::Unapproved(condition)) => tx.attempt(|tx| waiting::wait(tx, &condition)).map(Err),
        Err(Refusal::Fault(fault)) => Err(fault),
    }
}
