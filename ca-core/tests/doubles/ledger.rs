//! The ledger, the status source and the registry in one memory: a small model of what the ports promise.
//!
//! All decided under one lock, as if the requests came singly. Conditions are decided in one order: the same request, the
//! serial number, the key, the slot, the token, the claim. Paths are written out so that tests of other crates can include it.

#[path = "ledger/conditions.rs"]
mod conditions;
#[path = "ledger/registry.rs"]
mod registry;
#[path = "ledger/status.rs"]
mod status;
#[path = "ledger/transactions.rs"]
mod transactions;
#[path = "ledger/waiting.rs"]
mod waiting;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Ledger, Releases, Spools, Unavailable};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, CrlIntent, CrlNumberTaken, CrlRecord, Device, DeviceState, Intent,
    IntentConflict, IssuedRecord, ReleaseOutcome, ReleaseRecord, Revocation, RevocationOutcome,
    RevocationRecord, Settlement, Slot, SlotUse, StoredCertificate, Token, Transaction, WaitingRequest,
};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::journal::{Journal, Step};

/// What is known of a key.
#[derive(Debug, Clone)]
struct KnownKey {
    subject: String,
    purpose: KeyPurpose,
    holders: usize,
    blocked: bool,
}

/// A certificate, or an intent to make one.
#[derive(Debug, Clone)]
struct Row {
    stored: StoredCertificate,
    intent: Intent,
    signing: bool,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<CertificateId, Row>,
    requests: HashMap<[u8; 32], CertificateId>,
    keys: HashMap<[u8; 32], KnownKey>,
    slots: BTreeMap<Slot, Vec<CertificateId>>,
    devices: BTreeMap<SystemTitle, Device>,
    tokens: HashMap<[u8; 32], Token>,
    waiting: BTreeMap<[u8; 32], WaitingRequest>,
    transactions: BTreeMap<[u8; 32], Transaction>,
    crl: Option<CrlRecord>,
    released: BTreeMap<CertificateId, UnixTime>,
    events: Vec<AuditEvent>,
}

pub(crate) struct MemoryLedger {
    journal: Arc<Journal>,
    state: Mutex<State>,
}

impl MemoryLedger {
    pub(crate) fn new(journal: &Arc<Journal>) -> Self {
        Self { journal: Arc::clone(journal), state: Mutex::default() }
    }

    fn enter(&self, step: Step) -> Result<MutexGuard<'_, State>, Unavailable> {
        self.journal.enter(step)?;
        Ok(self.state.lock().unwrap())
    }

    /// Returns the audit events so far.
    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.state.lock().unwrap().events.clone()
    }

    /// Returns what the audit events tell of.
    pub(crate) fn acts(&self) -> Vec<Act> {
        self.events().iter().map(|event| event.act).collect()
    }

    /// Returns the reason codes of the refusals on record.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let of = |event: AuditEvent| (event.act == Act::RequestRefused).then_some(event.reason);
        self.events().into_iter().filter_map(of).collect()
    }

    /// Forgets the audit events so far.
    pub(crate) fn forget_events(&self) {
        self.state.lock().unwrap().events.clear();
    }

    /// Returns the statuses of all certificates and intents.
    pub(crate) fn statuses(&self) -> Vec<CertificateStatus> {
        self.state.lock().unwrap().rows.values().map(|row| row.stored.status).collect()
    }

    /// Returns every certificate and intent.
    pub(crate) fn stored(&self) -> Vec<StoredCertificate> {
        self.state.lock().unwrap().rows.values().map(|row| row.stored.clone()).collect()
    }

    /// Returns one certificate or intent.
    pub(crate) fn row(&self, id: &CertificateId) -> StoredCertificate {
        self.state.lock().unwrap().rows[id].stored.clone()
    }

    /// Returns the intent that a certificate was made of.
    pub(crate) fn intent(&self, id: &CertificateId) -> Intent {
        self.state.lock().unwrap().rows[id].intent.clone()
    }

    /// Gives a certificate another status than the verbs left it in.
    pub(crate) fn set_status(&self, id: &CertificateId, status: CertificateStatus) {
        self.state.lock().unwrap().rows.get_mut(id).unwrap().stored.status = status;
    }

    /// Puts a changed copy of a certificate on record.
    pub(crate) fn copy(
        &self,
        from: &CertificateId,
        to: CertificateId,
        change: impl FnOnce(&mut StoredCertificate),
    ) {
        let mut state = self.state.lock().unwrap();
        let mut row = state.rows[from].clone();
        row.stored.id = to.clone();
        change(&mut row.stored);
        state.rows.insert(to, row);
    }

    /// Changes what is on record of a certificate.
    pub(crate) fn change(&self, id: &CertificateId, change: impl FnOnce(&mut StoredCertificate)) {
        change(&mut self.state.lock().unwrap().rows.get_mut(id).unwrap().stored);
    }
}

impl State {
    fn leave_slot(&mut self, slot: Option<&Slot>, id: &CertificateId) {
        if let Some(holders) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            holders.retain(|holder| holder != id);
        }
    }

    fn record(&mut self, intent: Intent) -> Result<(), IntentConflict> {
        if let Err(conflict) = conditions::check(self, &intent) {
            if matches!(conflict, IntentConflict::AwaitsApproval(_)) {
                self.let_wait(&intent);
            }
            return Err(conflict);
        }
        if let Some(condition) = &intent.conditions.approval {
            self.waiting.get_mut(&condition.request.digest).unwrap().answer = Some(intent.id.clone());
        }
        self.supersede_lost(&intent);
        let slot = intent.conditions.slot.as_ref().map(|(slot, _)| slot.clone());
        let key = self.keys.entry(intent.key_fingerprint).or_insert_with(|| KnownKey {
            subject: intent.subject.clone(),
            purpose: intent.purpose,
            holders: 0,
            blocked: false,
        });
        key.holders += 1;
        if let Some(idempotency) = &intent.conditions.idempotency {
            self.requests.insert(idempotency.key, intent.id.clone());
        }
        if let Some(slot) = &slot {
            self.slots.entry(slot.clone()).or_default().push(intent.id.clone());
        }
        if let Some(token) = intent.conditions.token.and_then(|hash| self.tokens.get_mut(&hash)) {
            token.spent = true;
        }
        self.events.push(intent.event.clone());
        self.claim(&intent);
        let stored = StoredCertificate {
            id: intent.id.clone(),
            certificate: Vec::new(),
            tenant: intent.tenant.clone(),
            profile: intent.profile.clone(),
            profile_version: intent.profile_version,
            subject: intent.subject.clone(),
            key_fingerprint: intent.key_fingerprint,
            purpose: intent.purpose,
            validity: intent.validity,
            recorded_at: intent.recorded_at,
            record: u64::try_from(self.events.len()).unwrap(),
            status: CertificateStatus::Pending,
            slot,
            listing: intent.listing.clone(),
            handed_to: intent.conditions.handover.as_ref().map(|handover| handover.to.clone()),
            provenance: ca_core::record::Provenance::Issued,
        };
        self.rows.insert(intent.id.clone(), Row { stored, intent, signing: false });
        Ok(())
    }

    fn supersede_lost(&mut self, intent: &Intent) {
        let Some((_, SlotUse::Rotation)) = &intent.conditions.slot else { return };
        let Some(handover) = &intent.conditions.handover else { return };
        let (time, reason) = (intent.recorded_at, ReasonCode::Superseded);
        for row in self.rows.values_mut().filter(|row| handover.lost(&row.stored)) {
            row.stored.status =
                CertificateStatus::Revoked(Revocation { time, reason, invalidity_date: None });
        }
    }

    fn claim(&mut self, intent: &Intent) {
        let Some(claim) = &intent.conditions.claim else { return };
        let device = self.devices.get_mut(&claim.title).unwrap();
        if device.claimed_by.is_none() {
            device.claimed_by = Some(claim.factory_key);
            device.state = DeviceState::Claimed;
            self.events.push(AuditEvent { act: Act::DeviceClaimed, ..intent.event.clone() });
        }
    }

    fn issue(&mut self, issued: IssuedRecord) {
        let row = self.rows.get_mut(&issued.id).unwrap();
        assert!(row.signing, "recorded as issued, and never given to the signer");
        row.stored.status = CertificateStatus::Good;
        row.stored.certificate = issued.certificate;
        let slot = row.stored.slot.clone();
        self.events.push(issued.event.clone());
        let Some(slot) = slot else { return };
        let rows = &self.rows;
        let pending = |id: &CertificateId| rows[id].stored.status == CertificateStatus::Pending;
        self.slots.get_mut(&slot).unwrap().retain(|holder| *holder == issued.id || pending(holder));
        if let Some(device) = self.devices.get_mut(&slot.title)
            && slot.hierarchy == Hierarchy::Operational
            && slot.tenant == device.expected.tenant
            && device.state != DeviceState::Operational
        {
            device.state = DeviceState::Operational;
            device.factory_superseded_at = Some(issued.issued_at);
            self.events.push(AuditEvent { act: Act::FactorySuperseded, ..issued.event });
        }
    }

    fn settle(&mut self, id: &CertificateId, settlement: Settlement, event: AuditEvent) {
        let row = self.rows.get_mut(id).unwrap();
        assert_eq!(row.stored.status, CertificateStatus::Pending, "only an open intent is settled");
        row.stored.status = match settlement {
            Settlement::Aborted => CertificateStatus::Aborted,
            Settlement::Uncertain => CertificateStatus::Uncertain { since: event.time },
        };
        let intent = row.intent.clone();
        self.events.push(event);
        self.leave_slot(intent.conditions.slot.as_ref().map(|(slot, _)| slot), id);
        if let Some(idempotency) = &intent.conditions.idempotency {
            self.requests.remove(&idempotency.key);
        }
        if let Some(token) = intent.conditions.token.and_then(|hash| self.tokens.get_mut(&hash)) {
            token.spent = false;
        }
        if let Some(condition) = &intent.conditions.approval {
            self.waiting.get_mut(&condition.request.digest).unwrap().answer = None;
        }
        let key = self.keys.get_mut(&intent.key_fingerprint).unwrap();
        if settlement == Settlement::Aborted {
            key.holders -= 1;
        }
        if key.holders == 0 && !key.blocked {
            self.keys.remove(&intent.key_fingerprint);
        }
    }

    fn revoke(&mut self, record: RevocationRecord) -> RevocationOutcome {
        let Some(row) = self.rows.get_mut(&record.id) else { return RevocationOutcome::NotIssued };
        let before = match row.stored.status {
            CertificateStatus::NeverIssued | CertificateStatus::Aborted => {
                return RevocationOutcome::NotIssued;
            }
            CertificateStatus::Pending | CertificateStatus::Uncertain { .. }
                if record.revocation.is_hold() =>
            {
                return RevocationOutcome::NotIssued;
            }
            CertificateStatus::Pending | CertificateStatus::Uncertain { .. } | CertificateStatus::Good => {
                None
            }
            CertificateStatus::Revoked(before) => Some(before),
        };
        let revocation = match record.revocation.following(before) {
            Ok(revocation) => revocation,
            Err(before) => return RevocationOutcome::AlreadyRevoked(before),
        };
        row.stored.status = CertificateStatus::Revoked(revocation);
        let (slot, key) = (row.stored.slot.clone(), row.stored.key_fingerprint);
        if !revocation.is_hold() {
            self.leave_slot(slot.as_ref(), &record.id);
        }
        if revocation.reason == ReasonCode::KeyCompromise {
            self.keys.get_mut(&key).unwrap().blocked = true;
        }
        self.events.push(record.event);
        RevocationOutcome::Recorded { sequence: u64::try_from(self.events.len()).unwrap(), revocation }
    }

    fn release(&mut self, record: ReleaseRecord) -> ReleaseOutcome {
        let Some(row) = self.rows.get_mut(&record.id) else { return ReleaseOutcome::NotIssued };
        let hold = match row.stored.status {
            CertificateStatus::Revoked(hold) if hold.is_hold() => hold,
            CertificateStatus::Revoked(before) => return ReleaseOutcome::AlreadyRevoked(before),
            CertificateStatus::Good => return ReleaseOutcome::NotOnHold,
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Uncertain { .. } => return ReleaseOutcome::NotIssued,
        };
        row.stored.status = CertificateStatus::Good;
        self.released.insert(record.id, record.event.time);
        self.events.push(record.event);
        ReleaseOutcome::Released { sequence: u64::try_from(self.events.len()).unwrap(), hold }
    }
}

impl Releases for MemoryLedger {
    fn record_release(&self, release: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        Ok(self.enter(Step::RecordRelease)?.release(release))
    }
}

impl Spools for MemoryLedger {}

impl Ledger for MemoryLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        let mut state = self.enter(Step::RecordIntents(intents.len()))?;
        Ok(intents.into_iter().map(|intent| state.record(intent)).collect())
    }

    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable> {
        let mut state = self.enter(Step::BeginSigning(intents.len()))?;
        for id in intents {
            let row = state.rows.get_mut(id).unwrap();
            assert!(!row.signing, "given to the signer twice");
            row.signing = true;
        }
        Ok(())
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        let mut state = self.enter(Step::RecordIssued(issued.len()))?;
        issued.into_iter().for_each(|record| state.issue(record));
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        let settlements = ended.iter().map(|(_, settlement, _)| *settlement).collect();
        let mut state = self.enter(Step::Settle(settlements))?;
        ended.into_iter().for_each(|(id, settlement, event)| state.settle(&id, settlement, event));
        Ok(())
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.enter(Step::RecordEvent(event.reason.clone()))?.events.push(event);
        Ok(())
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        Ok(self.enter(Step::RecordRevocation)?.revoke(revocation))
    }

    fn record_crl_intent(&self, _: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        Ok(Ok(()))
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        let mut state = self.state.lock().unwrap();
        state.crl = Some(crl);
        state.events.push(event);
        Ok(())
    }
}

/// Returns when a certificate was revoked and why.
pub(crate) fn revocation(status: CertificateStatus) -> Option<Revocation> {
    match status {
        CertificateStatus::Revoked(revocation) => Some(revocation),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. }
        | CertificateStatus::Good => None,
    }
}
