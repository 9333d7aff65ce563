//! The ledger, the status source and the registry in memory: what the ports promise, decided under one lock.

mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{
    BlockStatus, CrlScopes, Ledger, Registry, Releases, Revisions, Spools, StatusSource, Unavailable,
};
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlIntent, CrlNumberTaken, CrlRecord, Device,
    DeviceClaim, DeviceState, ExpectedDevice, ImportOutcome, Intent, IntentConflict, IssuedRecord,
    ReleaseOutcome, ReleaseRecord, Revocation, RevocationOutcome, RevocationRecord, RevokedEntry, Settlement,
    SlotUse, StoredCertificate, Token, WaitingRequest,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

#[derive(Default)]
struct State {
    certificates: BTreeMap<CertificateId, StoredCertificate>,
    answers: HashMap<[u8; 32], CertificateId>,
    blocked_keys: HashSet<[u8; 32]>,
    devices: BTreeMap<SystemTitle, Device>,
    tokens: HashMap<[u8; 32], Token>,
    waiting: BTreeMap<[u8; 32], WaitingRequest>,
    events: Vec<AuditEvent>,
}

/// Everything in memory.
#[derive(Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
    /// Whether nothing can be reached.
    pub(crate) down: AtomicBool,
    /// Whether the registry alone cannot be reached.
    pub(crate) registry_down: AtomicBool,
}

impl Memory {
    fn open(&self) -> Result<std::sync::MutexGuard<'_, State>, Unavailable> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Unavailable { port: "ledger", cause: "disk full at /var/lib/secret".into() });
        }
        Ok(self.state.lock().unwrap())
    }

    fn open_registry(&self) -> Result<std::sync::MutexGuard<'_, State>, Unavailable> {
        if self.registry_down.load(Ordering::SeqCst) {
            return Err(Unavailable { port: "registry", cause: "no connection to 10.0.0.1".into() });
        }
        self.open()
    }

    /// Returns how many certificates and intents there are.
    pub(crate) fn rows(&self) -> usize {
        self.state.lock().unwrap().certificates.len()
    }

    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.state.lock().unwrap().events.clone()
    }

    /// Keeps a certificate that was issued elsewhere than through the routes.
    pub(crate) fn keep(&self, der: &[u8], issuer: KeyRef, tenant: &TenantId, profile: ProfileId) {
        let certificate = Certificate::from_der(der).unwrap();
        let id = CertificateId { issuer, serial: certificate.serial().clone() };
        let row = StoredCertificate {
            id: id.clone(),
            certificate: der.to_vec(),
            tenant: tenant.clone(),
            profile,
            profile_version: 1,
            subject: certificate.subject().to_string(),
            key_fingerprint: certificate.public_key().fingerprint(),
            purpose: KeyPurpose::Tls,
            validity: certificate.validity(),
            recorded_at: certificate.validity().not_before(),
            record: 0,
            status: CertificateStatus::Good,
            slot: None,
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: ca_core::record::Provenance::Issued,
        };
        self.state.lock().unwrap().certificates.insert(id, row);
    }

    pub(crate) fn set_status(&self, serial: &SerialNumber, status: CertificateStatus) {
        let mut state = self.state.lock().unwrap();
        let row = state.certificates.values_mut().find(|row| row.id.serial == *serial).unwrap();
        row.status = status;
    }

    pub(crate) fn block_key(&self, fingerprint: [u8; 32]) {
        self.state.lock().unwrap().blocked_keys.insert(fingerprint);
    }

    pub(crate) fn expect(&self, tenant: &TenantId, title: SystemTitle) {
        let device = Device::new(ExpectedDevice::new(tenant.clone(), title), UnixTime::default());
        self.state.lock().unwrap().devices.insert(title, device);
    }

    pub(crate) fn put_token(&self, token: Token) {
        self.state.lock().unwrap().tokens.insert(token.hash, token);
    }
}

impl State {
    fn record(&mut self, intent: Intent) -> Result<(), IntentConflict> {
        if self.certificates.contains_key(&intent.id) {
            return Err(IntentConflict::SerialTaken);
        }
        self.check_repeated(&intent)?;
        self.check_key(&intent)?;
        self.supersede_lost(&intent);
        self.check_slot(&intent)?;
        self.check_approval(&intent)?;
        if let Some(claim) = &intent.conditions.claim {
            self.check_claim(claim, intent.recorded_at)?;
        }
        if let Some(hash) = intent.conditions.token {
            let token = self.tokens.get_mut(&hash).filter(|token| intent.recorded_at <= token.expires_at);
            let token = token.ok_or(IntentConflict::TokenUnknown)?;
            if std::mem::replace(&mut token.spent, true) {
                return Err(IntentConflict::TokenSpent);
            }
        }
        if let Some(idempotency) = intent.conditions.idempotency {
            self.answers.insert(idempotency.key, intent.id.clone());
        }
        self.events.push(intent.event.clone());
        let row = StoredCertificate {
            id: intent.id.clone(),
            certificate: Vec::new(),
            tenant: intent.tenant,
            profile: intent.profile,
            profile_version: intent.profile_version,
            subject: intent.subject,
            key_fingerprint: intent.key_fingerprint,
            purpose: intent.purpose,
            validity: intent.validity,
            recorded_at: intent.recorded_at,
            record: u64::try_from(self.events.len()).unwrap(),
            status: CertificateStatus::Pending,
            slot: intent.conditions.slot.map(|(slot, _)| slot),
            listing: intent.listing,
            handed_to: intent.conditions.handover.map(|handover| handover.to),
            provenance: ca_core::record::Provenance::Issued,
        };
        self.certificates.insert(intent.id, row);
        Ok(())
    }

    fn check_repeated(&self, intent: &Intent) -> Result<(), IntentConflict> {
        let Some(idempotency) = intent.conditions.idempotency else { return Ok(()) };
        let earlier = self.answers.get(&idempotency.key).and_then(|id| self.certificates.get(id));
        match earlier.filter(|row| row.recorded_at >= idempotency.since) {
            Some(row) if row.status == CertificateStatus::Pending => Err(IntentConflict::InFlight),
            Some(row) if row.status == CertificateStatus::Good => {
                Err(IntentConflict::AlreadyIssued(Box::new(row.clone())))
            }
            _ => Ok(()),
        }
    }

    fn check_key(&self, intent: &Intent) -> Result<(), IntentConflict> {
        if self.blocked_keys.contains(&intent.key_fingerprint) {
            return Err(IntentConflict::KeyBlocked);
        }
        let elsewhere = self.certificates.values().find(|row| {
            row.key_fingerprint == intent.key_fingerprint
                && (row.subject != intent.subject || row.purpose != intent.purpose)
        });
        match elsewhere {
            Some(row) => Err(IntentConflict::KeyCertifiedElsewhere {
                subject: row.subject.clone(),
                purpose: row.purpose,
            }),
            None => Ok(()),
        }
    }

    fn supersede_lost(&mut self, intent: &Intent) {
        let Some((_, SlotUse::Rotation)) = &intent.conditions.slot else { return };
        let Some(handover) = &intent.conditions.handover else { return };
        for row in self.certificates.values_mut().filter(|row| handover.lost(row)) {
            let (time, reason) = (intent.recorded_at, ReasonCode::Superseded);
            row.status = CertificateStatus::Revoked(Revocation { time, reason, invalidity_date: None });
        }
    }

    fn check_slot(&self, intent: &Intent) -> Result<(), IntentConflict> {
        let Some((slot, SlotUse::First)) = &intent.conditions.slot else { return Ok(()) };
        let holder = self.certificates.values().find(|row| {
            row.slot.as_ref() == Some(slot)
                && matches!(row.status, CertificateStatus::Good | CertificateStatus::Pending)
                && row.validity.contains(intent.recorded_at)
        });
        match holder {
            Some(row) => Err(IntentConflict::SlotTaken { holder: row.id.clone() }),
            None => Ok(()),
        }
    }

    fn check_claim(&mut self, claim: &DeviceClaim, now: UnixTime) -> Result<(), IntentConflict> {
        let device = self
            .devices
            .get_mut(&claim.title)
            .filter(|device| device.expected.tenant == claim.tenant)
            .ok_or(IntentConflict::DeviceNotExpected)?;
        if device.claimed_by.is_some_and(|key| key != claim.factory_key) {
            return Err(IntentConflict::DeviceClaimedByOther);
        }
        match device.factory_superseded_at {
            Some(since) if now >= since.plus_seconds(claim.grace_seconds) => {
                return Err(IntentConflict::FactorySuperseded { since });
            }
            Some(_) => {}
            None => device.state = DeviceState::Claimed,
        }
        device.claimed_by = Some(claim.factory_key);
        Ok(())
    }
}

impl Releases for Memory {
    fn record_release(&self, _: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        panic!("nothing is released over EST")
    }
}

impl Spools for Memory {}

impl Ledger for Memory {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        let mut state = self.open()?;
        Ok(intents.into_iter().map(|intent| state.record(intent)).collect())
    }

    fn begin_signing(&self, _: &[CertificateId]) -> Result<(), Unavailable> {
        self.open().map(drop)
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        let mut state = self.open()?;
        for record in issued {
            let row = state.certificates.get_mut(&record.id).unwrap();
            row.certificate = record.certificate;
            row.status = CertificateStatus::Good;
            let title = row.slot.as_ref().map(|slot| slot.title);
            if let Some(device) = title.and_then(|title| state.devices.get_mut(&title)) {
                device.state = DeviceState::Operational;
                device.factory_superseded_at.get_or_insert(record.issued_at);
            }
            state.events.push(record.event);
        }
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        let mut state = self.open()?;
        for (id, settlement, event) in ended {
            let row = state.certificates.get_mut(&id).unwrap();
            row.status = match settlement {
                Settlement::Aborted => CertificateStatus::Aborted,
                Settlement::Uncertain => CertificateStatus::Uncertain { since: event.time },
            };
            state.events.push(event);
        }
        Ok(())
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        assert_eq!(event.act, Act::RequestRefused, "front ends record refusals and nothing else");
        self.open()?.events.push(event);
        Ok(())
    }

    fn record_revocation(&self, _: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        panic!("nothing is revoked over EST")
    }

    fn record_crl_intent(&self, _: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        panic!("no CRL is made over EST")
    }

    fn record_crl(&self, _: CrlRecord, _: AuditEvent) -> Result<(), Unavailable> {
        panic!("no CRL is made over EST")
    }
}

impl CrlScopes for Memory {
    fn released_at(&self, _: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        panic!("no CRL is made over EST")
    }
}

impl BlockStatus for Memory {
    fn is_blocked(&self, _: &KeyRef) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

impl Revisions for Memory {}

impl StatusSource for Memory {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        let row = self.certificate(id)?;
        Ok(row.map_or(CertificateStatus::NeverIssued, |row| row.status))
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        Ok(self.open()?.certificates.get(id).cloned())
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        let state = self.open()?;
        let answers = |id| query.request.is_none_or(|request| state.answers.get(&request) == Some(id));
        let of = |row: &StoredCertificate| {
            query.title.is_none_or(|title| row.slot.as_ref().is_some_and(|slot| slot.title == title))
        };
        Ok(state.certificates.values().filter(|row| answers(&row.id) && of(row)).cloned().collect())
    }

    fn revoked(
        &self,
        _: &KeyRef,
        _: Option<&SerialNumber>,
        _: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        panic!("no CRL is made over EST")
    }

    fn uncertain(&self, _: &KeyRef, _: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        panic!("no CRL is made over EST")
    }

    fn latest_crl(&self, _: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        panic!("no CRL is made over EST")
    }

    fn audit_records(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        panic!("nobody reads the audit trail over EST")
    }
}

impl Registry for Memory {
    fn import_devices(&self, _: Vec<ExpectedDevice>, _: AuditEvent) -> Result<ImportOutcome, Unavailable> {
        panic!("no device is imported over EST")
    }

    fn device(&self, title: &SystemTitle) -> Result<Option<Device>, Unavailable> {
        Ok(self.open_registry()?.devices.get(title).cloned())
    }

    fn keep_token(&self, _: Token, _: AuditEvent) -> Result<(), Unavailable> {
        panic!("no token is made over EST")
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        Ok(self.open_registry()?.tokens.get(hash).cloned())
    }
}
