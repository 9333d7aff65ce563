//! The ground that tests stand on: a fresh ledger in a private directory, and the things that are put into it.

use core::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Fleet, Ledger, Registry, Releases, StatusSource, Unavailable};
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    AfterWindow, CertificateId, CertificateStatus, Conditions, Device, DeviceClaim, DeviceQuery,
    ExpectedDevice, Idempotency, Intent, IntentConflict, IssuedRecord, ReleaseOutcome, ReleaseRecord,
    Revocation, RevocationOutcome, RevocationRecord, Settlement, Slot, SlotUse, Token,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};

use crate::directory::Directory;
use crate::engine::{self, Engine, EngineSetup};
use crate::node_directory;
use crate::{BootId, Database, EngineKind, Node, Opening, RecoveryReport, Settings, Shared, Store};

/// The time at which everything is recorded, unless a test says otherwise.
pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

/// The last second of every certificate, unless a test says otherwise.
pub(super) const END: UnixTime = UnixTime::from_seconds(1_895_219_200);

/// A directory with an empty ledger.
pub(super) struct Ground {
    parent: tempfile::TempDir,
    pub(super) kind: EngineKind,
    /// Where the rows are, when they are not in the directory.
    pub(super) database: Option<postgres_peer::Database>,
}

impl Ground {
    pub(super) fn new(kind: EngineKind) -> Self {
        let database = (kind == EngineKind::Postgres).then(|| postgres_peer::Server::shared().database());
        Self::with(kind, database)
    }

    /// A ledger on a server that a test has for itself.
    pub(super) fn on(server: &postgres_peer::Server) -> Self {
        Self::with(EngineKind::Postgres, Some(server.database()))
    }

    fn with(kind: EngineKind, database: Option<postgres_peer::Database>) -> Self {
        let ground = Self { parent: tempfile::tempdir().unwrap(), kind, database };
        match ground.shared() {
            Some(shared) => {
                Store::create_shared(&ground.path(), &shared.database, ([1; 16], "a test")).unwrap();
            }
            None => Store::create(&ground.path(), kind).unwrap(),
        }
        ground
    }

    /// Another node of the same ledger, with a directory of its own.
    pub(super) fn node(&self, number: u8) -> (tempfile::TempDir, Store) {
        let parent = tempfile::tempdir().unwrap();
        let (path, mut shared) = (parent.path().join("node"), self.shared().unwrap());
        Store::join_shared(&path, &shared.database, [number; 16]).unwrap();
        shared.node.name = format!("node-{number}");
        let settings = Settings { shared: Some(shared), ..settings() };
        let (store, _) = Store::open(&path, &opening(NOW), settings).unwrap();
        (parent, store)
    }

    /// How the database is reached, and as whom.
    pub(super) fn shared(&self) -> Option<Shared> {
        let database = Database::parse(&self.database.as_ref()?.url()).unwrap();
        let node = Node {
            name: "node-1".to_owned(),
            version: "1.0.0".to_owned(),
            configuration: "00".repeat(32),
            clock: Arc::new(RealClock),
            lease: Duration::from_secs(60),
            skew: Duration::from_secs(30),
        };
        Some(Shared { database, node })
    }

    /// The usual settings of this ledger.
    pub(super) fn settings(&self) -> Settings {
        Settings { shared: self.shared(), ..settings() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.parent.path().join("ledger")
    }

    pub(super) fn open(&self) -> Store {
        self.reopen_at(NOW).0
    }

    pub(super) fn reopen_at(&self, now: UnixTime) -> (Store, RecoveryReport) {
        Store::open(&self.path(), &opening(now), self.settings()).unwrap()
    }

    /// Opens it on another run of the machine, or on one that is not known.
    pub(super) fn reopen_on(&self, boot: Option<BootId>, now: UnixTime) -> (Store, RecoveryReport) {
        Store::open(&self.path(), &Opening { boot, ..opening(now) }, self.settings()).unwrap()
    }

    /// Another directory with an empty ledger of the same engine.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.kind)
    }

    /// Opens the directory and its engine, for a test that puts something between engine and ledger.
    pub(super) fn engine(&self) -> (Directory, Box<dyn Engine>) {
        let (directory, kind) = Directory::open(&self.path(), None).unwrap();
        if kind == EngineKind::Postgres {
            let engine = node_directory::open(&directory, self.shared()).unwrap();
            return (directory, Box::new(engine));
        }
        let engine =
            engine::open(EngineSetup { kind, cache_octets: 8 << 20 }, &directory.engine_path()).unwrap();
        (directory, engine)
    }

    pub(super) fn start(
        &self,
        directory: Directory,
        engine: Arc<dyn Engine>,
        settings: Settings,
    ) -> Result<Store, crate::OpenError> {
        Store::start(directory, (self.kind, engine), &opening(NOW), settings).map(|(store, _)| store)
    }
}

/// The clock of this machine: that of a database is held against it.
struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "the database has this clock, and no other")]
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        UnixTime::from_seconds(i64::try_from(since.as_secs()).unwrap())
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        cache_octets: 8 << 20,
        patience: Duration::from_secs(600),
        ..Settings::new(Box::new(|fatal| eprintln!("{fatal}")))
    }
}

pub(super) fn opening(now: UnixTime) -> Opening {
    Opening { now, tenant: tenant("dso"), boot: boot(1) }
}

/// A run of the machine.
pub(super) fn boot(number: u8) -> Option<BootId> {
    BootId::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}"))
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// Lists the devices of an owner, after one, at most so many.
pub(super) fn listed_devices(
    store: &Store,
    owner: &str,
    (after, limit): (Option<SystemTitle>, usize),
) -> Vec<Device> {
    store.find_devices(&DeviceQuery { after, ..DeviceQuery::of(tenant(owner), limit) }).unwrap().devices
}

pub(super) fn title(number: u8) -> SystemTitle {
    SystemTitle::new([b'M', b'P', b'K', 0, 0, 0, 0, number])
}

pub(super) fn issuer(number: u8) -> KeyRef {
    KeyRef::new([number; 20])
}

pub(super) fn serial(number: u16) -> SerialNumber {
    let [high, low] = number.to_be_bytes();
    SerialNumber::from_octets(&[0x10, high, low]).unwrap()
}

/// The certificate of this number, by the issuer that all tests use.
pub(super) fn id(number: u16) -> CertificateId {
    CertificateId { issuer: issuer(1), serial: serial(number) }
}

pub(super) fn event(act: Act) -> AuditEvent {
    AuditEvent {
        time: NOW,
        tenant: tenant("dso"),
        actor: "ra:line-1".to_owned(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: Vec::new(),
    }
}

/// An intent without conditions, with a key and a subject of its own.
pub(super) fn intent(number: u16) -> Intent {
    let mut key_fingerprint = [0xAA; 32];
    key_fingerprint[..2].copy_from_slice(&number.to_be_bytes());
    Intent {
        id: id(number),
        tbs: format!("tbs {number}").into_bytes(),
        tenant: tenant("dso"),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 3,
        subject: format!("CN=subject {number}"),
        key_fingerprint,
        purpose: KeyPurpose::Signature,
        validity: Validity::new(NOW, END).unwrap(),
        recorded_at: NOW,
        conditions: Conditions::default(),
        event: event(Act::IntentRecorded),
        listing: CrlListing::ON_ALL,
    }
}

/// The operational signature slot of a device.
pub(super) fn slot(device: u8) -> Slot {
    Slot {
        tenant: tenant("dso"),
        title: title(device),
        hierarchy: Hierarchy::Operational,
        purpose: KeyPurpose::Signature,
    }
}

/// What tests change of an intent.
pub(super) trait IntentWords {
    fn for_slot(self, device: u8, slot_use: SlotUse) -> Self;
    fn for_request(self, number: u8) -> Self;
    fn with_token(self, number: u8) -> Self;
    fn with_claim(self, device: u8, factory_key: u8) -> Self;
    fn with_key_of(self, other: &Intent) -> Self;
    fn at(self, now: UnixTime) -> Self;
}

impl IntentWords for Intent {
    fn for_slot(mut self, device: u8, slot_use: SlotUse) -> Self {
        self.conditions.slot = Some((slot(device), slot_use));
        self.subject = title(device).to_string();
        self
    }

    fn for_request(mut self, number: u8) -> Self {
        self.conditions.idempotency =
            Some(Idempotency { key: [number; 32], since: NOW, after: AfterWindow::New });
        self
    }

    fn with_token(mut self, number: u8) -> Self {
        self.conditions.token = Some([number; 32]);
        self
    }

    fn with_claim(mut self, device: u8, factory_key: u8) -> Self {
        self.conditions.claim = Some(DeviceClaim {
            tenant: tenant("dso"),
            title: title(device),
            factory_key: [factory_key; 32],
            grace_seconds: 100,
        });
        self
    }

    fn with_key_of(mut self, other: &Intent) -> Self {
        self.key_fingerprint = other.key_fingerprint;
        self.subject.clone_from(&other.subject);
        self.purpose = other.purpose;
        self
    }

    fn at(mut self, now: UnixTime) -> Self {
        self.recorded_at = now;
        self.event.time = now;
        self
    }
}

/// The octets that stand for the certificate of this number.
pub(super) fn certificate(id: &CertificateId) -> Vec<u8> {
    format!("certificate {}", id.serial).into_bytes()
}

pub(super) fn issued(id: &CertificateId, issued_at: UnixTime) -> IssuedRecord {
    let event = AuditEvent {
        time: issued_at,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        ..event(Act::CertificateIssued)
    };
    IssuedRecord { id: id.clone(), certificate: certificate(id), issued_at, event }
}

pub(super) fn expected(device: u8) -> ExpectedDevice {
    ExpectedDevice {
        manufacturer: Some(tenant("maker")),
        model: "E350".to_owned(),
        ..ExpectedDevice::new(tenant("dso"), title(device))
    }
}

pub(super) fn token(number: u8) -> Token {
    Token {
        hash: [number; 32],
        tenant: tenant("dso"),
        title: title(number),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        expires_at: NOW,
        spent: false,
    }
}

pub(super) fn revocation(id: &CertificateId, reason: ReasonCode) -> RevocationRecord {
    RevocationRecord {
        id: id.clone(),
        revocation: Revocation { time: NOW, reason, invalidity_date: None },
        event: event(revoking(reason)),
    }
}

/// What the audit record of a revocation tells of.
pub(super) fn revoking(reason: ReasonCode) -> Act {
    if reason == ReasonCode::CertificateHold { Act::CertificateHeld } else { Act::CertificateRevoked }
}

/// What tests do with a ledger.
pub(super) trait LedgerWords {
    fn record(&self, intent: Intent) -> Result<(), IntentConflict>;
    fn begin(&self, number: u16);
    fn issue(&self, intent: Intent) -> CertificateId;
    fn settle(&self, number: u16, settlement: Settlement);
    fn revoke(&self, number: u16, reason: ReasonCode) -> RevocationOutcome;
    fn release(&self, number: u16) -> ReleaseOutcome;
    fn expect_device(&self, device: u8);
    fn keep(&self, token: Token);
}

impl LedgerWords for Store {
    fn record(&self, intent: Intent) -> Result<(), IntentConflict> {
        let mut outcomes = self.record_intents(vec![intent]).unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    fn begin(&self, number: u16) {
        self.begin_signing(&[id(number)]).unwrap();
    }

    fn issue(&self, intent: Intent) -> CertificateId {
        let (id, now) = (intent.id.clone(), intent.recorded_at);
        self.record(intent).unwrap();
        self.begin_signing(std::slice::from_ref(&id)).unwrap();
        self.record_issued(vec![issued(&id, now)]).unwrap();
        id
    }

    fn settle(&self, number: u16, settlement: Settlement) {
        let act = match settlement {
            Settlement::Aborted => Act::IntentAborted,
            Settlement::Uncertain => Act::IntentUncertain,
        };
        self.settle_intents(vec![(id(number), settlement, event(act))]).unwrap();
    }

    fn revoke(&self, number: u16, reason: ReasonCode) -> RevocationOutcome {
        self.record_revocation(revocation(&id(number), reason)).unwrap()
    }

    fn release(&self, number: u16) -> ReleaseOutcome {
        self.record_release(ReleaseRecord { id: id(number), event: event(Act::CertificateReleased) }).unwrap()
    }

    fn expect_device(&self, device: u8) {
        let outcome = self.import_devices(vec![expected(device)], event(Act::DevicesImported)).unwrap();
        assert_eq!(outcome.added, 1);
    }

    fn keep(&self, token: Token) {
        self.keep_token(token, event(Act::TokenIssued)).unwrap();
    }
}

/// What tests ask a ledger.
pub(super) trait LedgerTold {
    fn status(&self, number: u16) -> CertificateStatus;
    fn trail(&self) -> Vec<AuditRecord>;
    fn acts(&self) -> Vec<Act>;
}

impl LedgerTold for Store {
    fn status(&self, number: u16) -> CertificateStatus {
        self.status_of(&id(number)).unwrap()
    }

    fn trail(&self) -> Vec<AuditRecord> {
        self.verify_audit().unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn acts(&self) -> Vec<Act> {
        self.trail().into_iter().map(|record| record.event.act).collect()
    }
}

/// What the log would say of an act that was not done.
pub(super) fn cause<T: Debug>(outcome: Result<T, Unavailable>) -> String {
    outcome.unwrap_err().cause.to_string()
}
