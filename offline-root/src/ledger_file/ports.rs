//! The ports of ca-core that the file ledger serves: ledger, status source, a registry in which there are no devices, and a
//! waiting room in which nobody waits.
//!
//! Decisions are the book's; here they are asked for and, where something is recorded, written down in the same breath.

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{
    BlockStatus, CrlScopes, Ledger, Registry, Releases, Revisions, Spools, StatusSource, Unavailable,
    WaitingRoom,
};
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlIntent, CrlNumberTaken, CrlRecord, Decision,
    DecisionConflict, Device, ExpectedDevice, ImportOutcome, Intent, IntentConflict, IssuedRecord,
    ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord, RevokedEntry, Settlement,
    StoredCertificate, Token, WaitingQuery, WaitingRequest,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::book::may_be_revoked;
use super::entry::{IntentRow, IssuedRow, SettledRow, Step};
use super::{FileLedger, KeptCrl, RecordError, shelf, write};

impl Releases for FileLedger {
    /// The CRLs of an offline CA are signed ahead: none of them could forget a hold, and it puts nothing on hold.
    fn record_release(&self, _: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        Ok(ReleaseOutcome::NotOnHold)
    }
}

/// The CRLs of a root are short: in memory.
impl Spools for FileLedger {}

impl Ledger for FileLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        if intents.iter().any(|intent| intent.conditions.approval.is_some()) {
            return Err(nobody_waits());
        }
        let mut state = self.state();
        // On a copy, since an intent can stand against its neighbour.
        let mut scratch = state.book.clone();
        let (mut outcomes, mut rows, mut events) =
            (Vec::with_capacity(intents.len()), Vec::new(), Vec::new());
        for intent in intents {
            let conflict = scratch.conflict(&intent);
            outcomes.push(conflict.map_or(Ok(()), Err));
            if let Some(Ok(())) = outcomes.last() {
                events.push(intent.event.clone());
                let row = intent_row(intent);
                scratch.apply_intent(&row).map_err(RecordError::from)?;
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            write(&self.path, &mut state, Step::Intents(rows), events)?;
        }
        Ok(outcomes)
    }

    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable> {
        if !intents.is_empty() {
            write(&self.path, &mut self.state(), Step::Signing(intents.to_vec()), Vec::new())?;
        }
        Ok(())
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        let (rows, events): (Vec<_>, Vec<_>) = issued
            .into_iter()
            .map(|IssuedRecord { id, certificate, issued_at, event }| {
                (IssuedRow { id, certificate, issued_at }, event)
            })
            .unzip();
        if !rows.is_empty() {
            write(&self.path, &mut self.state(), Step::Issued(rows), events)?;
        }
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        let (rows, events): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .map(|(id, settlement, event)| (SettledRow { id, settlement, time: event.time }, event))
            .unzip();
        if !rows.is_empty() {
            write(&self.path, &mut self.state(), Step::Settled(rows), events)?;
        }
        Ok(())
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        write(&self.path, &mut self.state(), Step::Event, vec![event])?;
        Ok(())
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        let mut state = self.state();
        let RevocationRecord { id, revocation, event } = revocation;
        match state.book.row(&id).map(|row| row.stored.status) {
            Some(CertificateStatus::Revoked(before)) => return Ok(RevocationOutcome::AlreadyRevoked(before)),
            Some(status) if may_be_revoked(status) => {}
            Some(_) | None => return Ok(RevocationOutcome::NotIssued),
        }
        let sequence = write(&self.path, &mut state, Step::Revocation { id, revocation }, vec![event])?;
        Ok(RevocationOutcome::Recorded { sequence, revocation })
    }

    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        let mut state = self.state();
        // What a ceremony signs speaks of all that its key has issued.
        let CrlIntent { issuer, number, this_update, event, scope: _ } = intent;
        let last = state.book.reserved_crl_number(&issuer);
        if number <= last {
            return Ok(Err(CrlNumberTaken { last }));
        }
        write(&self.path, &mut state, Step::CrlIntent { issuer, number, this_update }, vec![event])?;
        Ok(Ok(()))
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        write(&self.path, &mut self.state(), Step::Crl(KeptCrl::read(crl)?), vec![event])?;
        Ok(())
    }
}

fn intent_row(intent: Intent) -> IntentRow {
    IntentRow {
        tbs: intent.tbs,
        idempotency: intent.conditions.idempotency.map(|asked| asked.key),
        row: StoredCertificate {
            id: intent.id,
            certificate: Vec::new(),
            tenant: intent.tenant,
            profile: intent.profile,
            profile_version: intent.profile_version,
            subject: intent.subject,
            key_fingerprint: intent.key_fingerprint,
            purpose: intent.purpose,
            validity: intent.validity,
            recorded_at: intent.recorded_at,
            record: 0,
            status: CertificateStatus::Pending,
            slot: intent.conditions.slot.map(|(slot, _)| slot),
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: ca_core::record::Provenance::Issued,
        },
    }
}

impl CrlScopes for FileLedger {
    fn released_at(&self, _: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        Ok(None)
    }
}

impl BlockStatus for FileLedger {
    fn is_blocked(&self, _: &KeyRef) -> Result<bool, Unavailable> {
        // Nobody shows a certificate at a ceremony.
        Ok(false)
    }
}

impl Revisions for FileLedger {}

impl StatusSource for FileLedger {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        Ok(self.state().book.row(id).map_or(CertificateStatus::NeverIssued, |row| row.stored.status))
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        Ok(self.state().book.row(id).map(|row| row.stored.clone()))
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        let CertificateQuery { tenant, issuer, title, request, status, after, limit } = query;
        let state = self.state();
        let fits = |row: &&StoredCertificate| {
            let titled = |title| row.slot.as_ref().is_some_and(|slot| slot.title == title);
            tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
                && issuer.is_none_or(|issuer| issuer == row.id.issuer)
                && title.is_none_or(titled)
                && request.is_none_or(|request| state.book.answers(&request, &row.id))
                && status.is_none_or(|status| row.status.kind() == Some(status))
                && after.as_ref().is_none_or(|after| *after < row.id)
        };
        Ok(state.book.rows().map(|row| &row.stored).filter(fits).take(*limit).cloned().collect())
    }

    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let state = self.state();
        let rows = state.book.rows().map(|row| &row.stored);
        let own = rows.filter(|row| row.id.issuer == *issuer);
        let later = own.filter(|row| after.is_none_or(|after| *after < row.id.serial));
        Ok(later.filter_map(revoked_entry).take(limit).collect())
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        let state = self.state();
        let old = |row: &&StoredCertificate| {
            row.id.issuer == *issuer
                && matches!(row.status, CertificateStatus::Uncertain { since } if since <= until)
        };
        let rows = state.book.rows().map(|row| &row.stored);
        Ok(rows.filter(old).map(|row| row.id.serial.clone()).collect())
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        Ok(self.state().book.latest_crl(issuer).cloned().map(KeptCrl::record))
    }

    /// Reads the files anew: the book keeps no records.
    fn audit_records(&self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        let _unchanged = self.state();
        let unavailable = |cause| Unavailable { port: "ledger", cause: Box::new(cause) };
        let mut records = Vec::new();
        for entry in shelf::entries(&self.path).map_err(unavailable)? {
            records.extend(entry.map_err(unavailable)?.0.records);
        }
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(records.into_iter().skip(skipped).take(limit).collect())
    }
}

/// Returns how a CRL lists a certificate, if it is revoked.
pub(super) fn revoked_entry(row: &StoredCertificate) -> Option<RevokedEntry> {
    match row.status {
        CertificateStatus::Revoked(revocation) => Some(RevokedEntry {
            serial: row.id.serial.clone(),
            revocation,
            not_after: row.validity.not_after(),
        }),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. }
        | CertificateStatus::Good => None,
    }
}

/// No meter ever meets the root: there are no devices and no tokens, and none can be added.
impl Registry for FileLedger {
    fn import_devices(&self, _: Vec<ExpectedDevice>, _: AuditEvent) -> Result<ImportOutcome, Unavailable> {
        Err(no_registry())
    }

    fn device(&self, _: &SystemTitle) -> Result<Option<Device>, Unavailable> {
        Ok(None)
    }

    fn keep_token(&self, _: Token, _: AuditEvent) -> Result<(), Unavailable> {
        Err(no_registry())
    }

    fn token(&self, _: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        Ok(None)
    }
}

fn no_registry() -> Unavailable {
    Unavailable { port: "registry", cause: "a root has no register of devices".into() }
}

/// The quorum of a ceremony approves before anything is asked for; profiles of CAs ask for no other approval.
impl WaitingRoom for FileLedger {
    fn waiting_requests_named(&self, _: &[u8]) -> Result<Vec<WaitingRequest>, Unavailable> {
        Ok(Vec::new())
    }

    fn waiting_requests(&self, _: &WaitingQuery) -> Result<Vec<WaitingRequest>, Unavailable> {
        Ok(Vec::new())
    }

    fn record_decision(&self, _: Decision) -> Result<Result<WaitingRequest, DecisionConflict>, Unavailable> {
        Err(nobody_waits())
    }
}

fn nobody_waits() -> Unavailable {
    Unavailable {
        port: "waiting room",
        cause: "nobody waits at a root: the quorum of its ceremony approves".into(),
    }
}
