//! Random sequences of acts, compared after each with a model that is simple enough to be believed.
//!
//! The model knows no rows: it keeps what happened to each intent, and answers by looking at all of them.

use std::collections::BTreeMap;

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Ledger, Registry, Releases, StatusSource};
use ca_core::profile::KeyPurpose;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    AfterWindow, CertificateId, CertificateQuery, CertificateStatus, DeviceState, Idempotency, Intent,
    IntentConflict, ReleaseOutcome, ReleaseRecord, Revocation, RevocationOutcome, RevocationRecord,
    Settlement, SlotUse, Token,
};
use ca_core::scope::CrlListing;
use ca_core::validity::{UnixTime, Validity};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::ground::{
    END, Ground, IntentWords, LedgerTold, NOW, certificate, event, expected, id, intent, issued, issuer,
    listed_devices, revoking, title, token,
};
use crate::{EngineKind, Store};

/// How many serial numbers, devices, keys, tokens and requests there are: few, so that they meet.
const SERIALS: u16 = 12;
const DEVICES: u8 = 2;
const KEYS: u8 = 4;
const TOKENS: u8 = 2;
const REQUESTS: u8 = 2;

/// How long things last, in seconds; time goes on in steps of up to 20.
const VALID: i64 = 60;
const WINDOW: i64 = 30;
const TOKEN_LIFE: i64 = 90;

#[derive(Debug, Clone)]
enum Step {
    Record(Vec<Draft>),
    Begin(u16),
    Issue(u16),
    Settle(u16, Settlement),
    Revoke(u16, ReasonCode),
    Release(u16),
    Import(u8),
    Keep(u8),
    Wait(i64),
    Restart,
}

#[derive(Debug, Clone)]
struct Draft {
    serial: u16,
    key: u8,
    subject: u8,
    purpose: KeyPurpose,
    slot: Option<(u8, SlotUse)>,
    token: Option<u8>,
    claim: Option<(u8, u8)>,
    request: Option<u8>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let purpose = prop_oneof![9 => Just(KeyPurpose::Signature), 1 => Just(KeyPurpose::Tls)];
    let slot_use = prop_oneof![Just(SlotUse::First), Just(SlotUse::Rotation)];
    let whose = (0..SERIALS, 0..KEYS, 0..2_u8, purpose);
    let conditions = (
        option::of((0..DEVICES, slot_use)),
        option::weighted(0.2, 0..TOKENS),
        option::weighted(0.3, (0..DEVICES, 0..2_u8)),
        option::weighted(0.3, 0..REQUESTS),
    );
    (whose, conditions).prop_map(|((serial, key, subject, purpose), (slot, token, claim, request))| Draft {
        serial,
        key,
        // Mostly one subject for each key.
        subject: if subject == 0 { key } else { key % 2 },
        purpose,
        slot,
        token,
        claim,
        request,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let settlement = prop_oneof![Just(Settlement::Aborted), Just(Settlement::Uncertain)];
    let reason = prop_oneof![
        3 => Just(ReasonCode::Superseded),
        1 => Just(ReasonCode::KeyCompromise),
        3 => Just(ReasonCode::CertificateHold),
    ];
    prop_oneof![
        8 => vec(draft(), 1..4).prop_map(Step::Record),
        6 => (0..SERIALS).prop_map(Step::Begin),
        6 => (0..SERIALS).prop_map(Step::Issue),
        3 => (0..SERIALS, settlement).prop_map(|(serial, settlement)| Step::Settle(serial, settlement)),
        3 => (0..SERIALS, reason).prop_map(|(serial, reason)| Step::Revoke(serial, reason)),
        2 => (0..SERIALS).prop_map(Step::Release),
        2 => (0..DEVICES).prop_map(Step::Import),
        2 => (0..TOKENS).prop_map(Step::Keep),
        3 => (1..20_i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Signing,
    Issued,
    Aborted,
    Uncertain(UnixTime),
}

/// What happened to one intent.
#[derive(Debug, Clone)]
struct Life {
    draft: Draft,
    recorded_at: UnixTime,
    order: usize,
    record: u64,
    state: State,
    revoked: Option<Revocation>,
    /// Issued later into the same slot than this one.
    replaced: bool,
}

impl Life {
    fn not_after(&self) -> UnixTime {
        self.recorded_at.plus_seconds(VALID)
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Pending | State::Signing)
    }

    fn holds(&self, device: u8, now: UnixTime) -> bool {
        let here = self.draft.slot.is_some_and(|(slot, _)| slot == device);
        let alive = self.is_open() || self.state == State::Issued;
        let in_place = self.revoked.is_none() || self.is_on_hold();
        here && alive && in_place && !self.replaced && self.not_after() >= now
    }

    fn is_on_hold(&self) -> bool {
        self.revoked.is_some_and(|revocation| revocation.is_hold())
    }

    fn status(&self) -> CertificateStatus {
        match (self.revoked, self.state) {
            (Some(revocation), _) => CertificateStatus::Revoked(revocation),
            (None, State::Pending | State::Signing) => CertificateStatus::Pending,
            (None, State::Issued) => CertificateStatus::Good,
            (None, State::Aborted) => CertificateStatus::Aborted,
            (None, State::Uncertain(since)) => CertificateStatus::Uncertain { since },
        }
    }
}

#[derive(Debug, Default)]
struct Owned {
    claimed_by: Option<u8>,
    superseded: Option<UnixTime>,
}

#[derive(Debug, Clone)]
struct Kept {
    expires_at: UnixTime,
    spent_by: Option<u16>,
}

#[derive(Debug)]
struct Model {
    now: UnixTime,
    lives: BTreeMap<u16, Life>,
    devices: BTreeMap<u8, Owned>,
    tokens: BTreeMap<u8, Kept>,
    requests: BTreeMap<u8, u16>,
    acts: Vec<Act>,
}

fn subject(number: u8) -> String {
    format!("CN=subject {number}")
}

impl Model {
    fn record(&mut self, draft: &Draft) -> Result<(), IntentConflict> {
        self.conditions(draft)?;
        let life = Life {
            draft: draft.clone(),
            recorded_at: self.now,
            order: self.lives.len(),
            record: u64::try_from(self.acts.len()).unwrap() + 1,
            state: State::Pending,
            revoked: None,
            replaced: false,
        };
        self.lives.insert(draft.serial, life);
        self.acts.push(Act::IntentRecorded);
        if let Some(kept) = draft.token.and_then(|token| self.tokens.get_mut(&token)) {
            kept.spent_by = Some(draft.serial);
        }
        if let Some(request) = draft.request {
            self.requests.insert(request, draft.serial);
        }
        if let Some((device, key)) = draft.claim {
            let owned = self.devices.get_mut(&device).unwrap();
            if owned.claimed_by.is_none() {
                owned.claimed_by = Some(key);
                self.acts.push(Act::DeviceClaimed);
            }
        }
        Ok(())
    }

    fn conditions(&self, draft: &Draft) -> Result<(), IntentConflict> {
        let answered = draft.request.and_then(|request| self.requests.get(&request));
        if let Some(life) = answered.map(|serial| &self.lives[serial])
            && life.recorded_at >= self.now.plus_seconds(-WINDOW)
        {
            if life.is_open() {
                return Err(IntentConflict::InFlight);
            }
            return Err(IntentConflict::AlreadyIssued(Box::new(self.stored(life.draft.serial))));
        }
        if self.lives.contains_key(&draft.serial) {
            return Err(IntentConflict::SerialTaken);
        }
        let of_key = || self.lives.values().filter(|life| life.draft.key == draft.key);
        if of_key().any(|life| life.revoked.is_some_and(|told| told.reason == ReasonCode::KeyCompromise)) {
            return Err(IntentConflict::KeyBlocked);
        }
        if let Some(life) = of_key().find(|life| life.state != State::Aborted) {
            let other = &life.draft;
            if (other.subject, other.purpose) != (draft.subject, draft.purpose) {
                return Err(IntentConflict::KeyCertifiedElsewhere {
                    subject: subject(other.subject),
                    purpose: other.purpose,
                });
            }
        }
        if let Some((device, slot_use)) = draft.slot {
            let in_the_way = |life: &&Life| slot_use == SlotUse::First || life.is_on_hold();
            let holders = self.lives.values().filter(|life| life.holds(device, self.now)).filter(in_the_way);
            if let Some(first) = holders.min_by_key(|life| life.order) {
                return Err(IntentConflict::SlotTaken { holder: id(first.draft.serial) });
            }
        }
        if let Some(token) = draft.token {
            let kept = self.tokens.get(&token).filter(|kept| self.now <= kept.expires_at);
            if kept.ok_or(IntentConflict::TokenUnknown)?.spent_by.is_some() {
                return Err(IntentConflict::TokenSpent);
            }
        }
        if let Some((device, key)) = draft.claim {
            let owned = self.devices.get(&device).ok_or(IntentConflict::DeviceNotExpected)?;
            if owned.claimed_by.is_some_and(|other| other != key) {
                return Err(IntentConflict::DeviceClaimedByOther);
            }
            if let Some(since) = owned.superseded.filter(|since| self.now >= since.plus_seconds(100)) {
                return Err(IntentConflict::FactorySuperseded { since });
            }
        }
        Ok(())
    }

    fn begin(&mut self, serial: u16) -> bool {
        let life = self.lives.get_mut(&serial).filter(|life| life.state == State::Pending);
        life.map(|life| life.state = State::Signing).is_some()
    }

    fn issue(&mut self, serial: u16) -> bool {
        let now = self.now;
        let Some(life) = self.lives.get_mut(&serial).filter(|life| life.state == State::Signing) else {
            return false;
        };
        life.state = State::Issued;
        let (draft, in_slot) = (life.draft.clone(), life.revoked.is_none());
        self.acts.push(Act::CertificateIssued);
        if let Some((device, _)) = draft.slot.filter(|_| in_slot) {
            let others = self.lives.values_mut().filter(|other| other.draft.serial != serial);
            for other in others.filter(|other| other.state == State::Issued) {
                other.replaced |= other.draft.slot.is_some_and(|(slot, _)| slot == device);
            }
        }
        let device = draft.claim.map(|(device, _)| device).or_else(|| draft.slot.map(|(device, _)| device));
        if let Some(owned) = device.and_then(|device| self.devices.get_mut(&device))
            && owned.superseded.is_none()
        {
            owned.superseded = Some(now);
            self.acts.push(Act::FactorySuperseded);
        }
        true
    }

    fn settle(&mut self, serial: u16, settlement: Settlement) -> bool {
        let now = self.now;
        let Some(life) = self.lives.get_mut(&serial).filter(|life| life.is_open()) else { return false };
        let (state, act) = match settlement {
            Settlement::Aborted => (State::Aborted, Act::IntentAborted),
            Settlement::Uncertain => (State::Uncertain(now), Act::IntentUncertain),
        };
        life.state = state;
        self.acts.push(act);
        self.requests.retain(|_, answered| *answered != serial);
        self.tokens
            .values_mut()
            .filter(|kept| kept.spent_by == Some(serial))
            .for_each(|kept| kept.spent_by = None);
        true
    }

    fn revoke(&mut self, serial: u16, reason: ReasonCode) -> RevocationOutcome {
        let hold = reason == ReasonCode::CertificateHold;
        let Some(life) = self.lives.get_mut(&serial) else { return RevocationOutcome::NotIssued };
        let since = match life.revoked {
            Some(before) if hold || !before.is_hold() => return RevocationOutcome::AlreadyRevoked(before),
            Some(before) => before.time,
            None if life.state == State::Aborted => return RevocationOutcome::NotIssued,
            None if hold && life.state != State::Issued => return RevocationOutcome::NotIssued,
            None => self.now,
        };
        let revocation = Revocation { time: since, reason, invalidity_date: None };
        life.revoked = Some(revocation);
        self.acts.push(revoking(reason));
        RevocationOutcome::Recorded { sequence: u64::try_from(self.acts.len()).unwrap(), revocation }
    }

    fn release(&mut self, serial: u16) -> ReleaseOutcome {
        let Some(life) = self.lives.get_mut(&serial) else { return ReleaseOutcome::NotIssued };
        match life.revoked {
            Some(hold) if hold.is_hold() => {
                life.revoked = None;
                self.acts.push(Act::CertificateReleased);
                ReleaseOutcome::Released { sequence: u64::try_from(self.acts.len()).unwrap(), hold }
            }
            Some(before) => ReleaseOutcome::AlreadyRevoked(before),
            None if life.state == State::Issued => ReleaseOutcome::NotOnHold,
            None => ReleaseOutcome::NotIssued,
        }
    }

    fn restart(&mut self) {
        for serial in 0..SERIALS {
            match self.lives.get(&serial).map(|life| life.state) {
                Some(State::Pending) => self.settle(serial, Settlement::Aborted),
                Some(State::Signing) => self.settle(serial, Settlement::Uncertain),
                _ => false,
            };
        }
        self.acts.push(Act::LedgerOpened);
    }

    fn stored(&self, serial: u16) -> ca_core::record::StoredCertificate {
        let life = &self.lives[&serial];
        let Intent { id, tenant, profile, profile_version, subject, key_fingerprint, purpose, .. } =
            self.intent(&life.draft);
        let issued = life.state == State::Issued;
        ca_core::record::StoredCertificate {
            certificate: if issued { certificate(&id) } else { Vec::new() },
            id,
            tenant,
            profile,
            profile_version,
            subject,
            key_fingerprint,
            purpose,
            validity: Validity::new(life.recorded_at, life.not_after()).unwrap(),
            recorded_at: life.recorded_at,
            record: life.record,
            status: life.status(),
            slot: life.draft.slot.map(|(device, _)| super::ground::slot(device)),
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: ca_core::record::Provenance::Issued,
        }
    }

    fn intent(&self, draft: &Draft) -> Intent {
        let mut intent = intent(draft.serial).at(self.now);
        if let Some((device, slot_use)) = draft.slot {
            intent = intent.for_slot(device, slot_use);
        }
        if let Some(token) = draft.token {
            intent = intent.with_token(token);
        }
        if let Some((device, key)) = draft.claim {
            intent = intent.with_claim(device, key);
        }
        if let Some(request) = draft.request {
            let since = self.now.plus_seconds(-WINDOW);
            intent.conditions.idempotency =
                Some(Idempotency { key: [request; 32], since, after: AfterWindow::New });
        }
        intent.key_fingerprint = [draft.key; 32];
        intent.subject = subject(draft.subject);
        intent.purpose = draft.purpose;
        intent.validity = Validity::new(self.now, self.now.plus_seconds(VALID)).unwrap();
        intent
    }

    fn event(&self, act: Act) -> AuditEvent {
        AuditEvent { time: self.now, ..event(act) }
    }

    /// Does one step in both and compares what they answer.
    fn take(&mut self, ground: &Ground, store: Store, step: &Step) -> Store {
        match step {
            Step::Record(drafts) => {
                let intents = drafts.iter().map(|draft| self.intent(draft)).collect();
                let outcomes: Vec<_> = drafts.iter().map(|draft| self.record(draft)).collect();
                assert_eq!(store.record_intents(intents).unwrap(), outcomes);
            }
            Step::Begin(serial) => {
                assert_eq!(store.begin_signing(&[id(*serial)]).is_ok(), self.begin(*serial));
            }
            Step::Issue(serial) => {
                let outcome = store.record_issued(vec![issued(&id(*serial), self.now)]);
                assert_eq!(outcome.is_ok(), self.issue(*serial));
            }
            Step::Settle(serial, settlement) => {
                let act = match settlement {
                    Settlement::Aborted => Act::IntentAborted,
                    Settlement::Uncertain => Act::IntentUncertain,
                };
                let outcome = store.settle_intents(vec![(id(*serial), *settlement, self.event(act))]);
                assert_eq!(outcome.is_ok(), self.settle(*serial, *settlement));
            }
            Step::Revoke(serial, reason) => {
                let record = RevocationRecord {
                    id: id(*serial),
                    revocation: Revocation { time: self.now, reason: *reason, invalidity_date: None },
                    event: self.event(revoking(*reason)),
                };
                assert_eq!(store.record_revocation(record).unwrap(), self.revoke(*serial, *reason));
            }
            Step::Release(serial) => {
                let event = self.event(Act::CertificateReleased);
                let outcome = store.record_release(ReleaseRecord { id: id(*serial), event }).unwrap();
                assert_eq!(outcome, self.release(*serial));
            }
            Step::Import(device) => {
                store.import_devices(vec![expected(*device)], self.event(Act::DevicesImported)).unwrap();
                self.devices.entry(*device).or_default();
                self.acts.push(Act::DevicesImported);
            }
            Step::Keep(number) => {
                let kept = Kept { expires_at: self.now.plus_seconds(TOKEN_LIFE), spent_by: None };
                let token = Token { expires_at: kept.expires_at, ..token(*number) };
                let outcome = store.keep_token(token, self.event(Act::TokenIssued));
                assert_eq!(outcome.is_ok(), !self.tokens.contains_key(number));
                if outcome.is_ok() {
                    self.tokens.insert(*number, kept);
                    self.acts.push(Act::TokenIssued);
                }
            }
            Step::Wait(seconds) => self.now = self.now.plus_seconds(*seconds),
            Step::Restart => {
                drop(store);
                self.restart();
                return ground.reopen_at(self.now).0;
            }
        }
        store
    }

    /// Compares everything that can be asked.
    fn compare(&self, store: &Store) {
        for serial in 0..SERIALS {
            let status = self.lives.get(&serial).map_or(CertificateStatus::NeverIssued, Life::status);
            assert_eq!(store.status(serial), status, "status of {serial}");
        }
        let everything = CertificateQuery { limit: usize::MAX, ..CertificateQuery::default() };
        let listed: Vec<_> = self.lives.keys().map(|serial| self.stored(*serial)).collect();
        let found = store.certificates(&everything).unwrap();
        assert_eq!(found, listed);
        let serials = |wanted: &dyn Fn(&Life) -> bool| -> Vec<_> {
            self.lives.iter().filter(|(_, life)| wanted(life)).map(|(serial, _)| id(*serial).serial).collect()
        };
        let revoked: Vec<_> =
            store.revoked(&issuer(1), None, 99).unwrap().into_iter().map(|entry| entry.serial).collect();
        assert_eq!(revoked, serials(&|life| life.revoked.is_some()));
        let uncertain = |life: &Life| matches!(life.status(), CertificateStatus::Uncertain { .. });
        assert_eq!(store.uncertain(&issuer(1), END).unwrap(), serials(&uncertain));
        for number in 0..TOKENS {
            let spent = store.token(&[number; 32]).unwrap().map(|token| token.spent);
            assert_eq!(spent, self.tokens.get(&number).map(|kept| kept.spent_by.is_some()));
        }
        for device in listed_devices(store, "dso", (None, 99)) {
            let owned = &self.devices[device.expected.title.octets().last().unwrap()];
            let state = match owned {
                Owned { superseded: Some(_), .. } => DeviceState::Operational,
                Owned { claimed_by: Some(_), .. } => DeviceState::Claimed,
                Owned { .. } => DeviceState::Expected,
            };
            assert_eq!((device.state, device.factory_superseded_at), (state, owned.superseded));
            assert_eq!(device.claimed_by, owned.claimed_by.map(|key| [key; 32]));
        }
        assert_eq!(store.acts(), self.acts);
    }
}

fn follows_the_model(ground: &Ground, steps: &[Step]) {
    let mut store = ground.open();
    let mut model = Model {
        now: NOW,
        lives: BTreeMap::new(),
        devices: BTreeMap::new(),
        tokens: BTreeMap::new(),
        requests: BTreeMap::new(),
        acts: vec![Act::LedgerOpened],
    };
    for step in steps {
        store = model.take(ground, store, step);
        model.compare(&store);
    }
    let devices = listed_devices(&store, "dso", (None, 99));
    assert_eq!(devices.len(), model.devices.len());
    let of_device =
        |device| CertificateQuery { title: Some(title(device)), limit: 99, ..CertificateQuery::default() };
    for device in 0..DEVICES {
        let listed: Vec<CertificateId> =
            store.certificates(&of_device(device)).unwrap().into_iter().map(|one| one.id).collect();
        let in_slot = |life: &&Life| life.draft.slot.is_some_and(|(slot, _)| slot == device);
        let wanted: Vec<_> = model.lives.values().filter(in_slot).map(|life| id(life.draft.serial)).collect();
        assert_eq!(listed, wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_acts_on_fjall_follows_the_model(steps in vec(step(), 1..60)) {
        follows_the_model(&Ground::new(EngineKind::Fjall), &steps);
    }

    #[test]
    fn any_sequence_of_acts_on_sled_follows_the_model(steps in vec(step(), 1..60)) {
        follows_the_model(&Ground::new(EngineKind::Sled), &steps);
    }
}
