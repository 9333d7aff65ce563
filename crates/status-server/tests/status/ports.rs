//! Doubles of the ports: a clock that is set, keys in memory, a ledger in memory that can be switched off, blocked or broken.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{
    BlockStatus, Clock, CrlScopes, Ledger, Releases, Revisions, SignError, Signer, Spools, StatusSource,
    Unavailable,
};
use ca_core::public_key::PublicKey;
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlChanges, CrlIntent, CrlNumberTaken, CrlRecord,
    Intent, IntentConflict, IssuedRecord, ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord,
    RevokedEntry, Settlement, StoredCertificate,
};
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;

/// A clock that stands until it is set.
pub struct SetClock(AtomicI64);

impl SetClock {
    pub const fn at(time: UnixTime) -> Self {
        Self(AtomicI64::new(time.seconds()))
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Keys in memory, by PKCS#8.
#[derive(Default)]
pub struct MemorySigner {
    keys: HashMap<KeyRef, (Curve, EcdsaKeyPair)>,
    pub down: AtomicBool,
    pub signatures: AtomicUsize,
    gate: Mutex<Gate>,
    gate_changed: Condvar,
}

/// Holds the first signing call until it is told to let it go.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Gate {
    #[default]
    Open,
    HoldsTheNext,
    Holding,
}

impl MemorySigner {
    pub fn add(&mut self, curve: Curve, pkcs8: &[u8]) -> PublicKey {
        let algorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap();
        let public_key = PublicKey::from_point(curve, pair.public_key().as_ref()).unwrap();
        self.keys.insert(public_key.key_ref(), (curve, pair));
        public_key
    }

    /// Holds the next signing call; those after it pass.
    pub fn hold_the_next(&self) {
        *self.gate.lock().unwrap() = Gate::HoldsTheNext;
    }

    /// Waits until a signing call is held.
    pub fn wait_until_one_is_held(&self) {
        let gate = self.gate.lock().unwrap();
        let _held = self.gate_changed.wait_while(gate, |gate| *gate != Gate::Holding).unwrap();
    }

    /// Lets the held signing call go.
    pub fn let_go(&self) {
        *self.gate.lock().unwrap() = Gate::Open;
        self.gate_changed.notify_all();
    }

    fn pass_gate(&self) {
        let mut gate = self.gate.lock().unwrap();
        if *gate == Gate::HoldsTheNext {
            *gate = Gate::Holding;
            self.gate_changed.notify_all();
            let _open = self.gate_changed.wait_while(gate, |gate| *gate != Gate::Open).unwrap();
        }
    }
}

impl Signer for MemorySigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let (curve, pair) = self.keys.get(key).ok_or(SignError::KeyNotFound { key: *key })?;
        Ok(PublicKey::from_point(*curve, pair.public_key().as_ref()).unwrap())
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SignError::unavailable("the token is gone"));
        }
        self.pass_gate();
        let (curve, pair) = self.keys.get(key).ok_or(SignError::KeyNotFound { key: *key })?;
        self.signatures.fetch_add(1, Ordering::SeqCst);
        let signature = pair.sign(&SystemRandom::new(), message).unwrap();
        Ok(EcdsaSignature::from_fixed(*curve, signature.as_ref()).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// What a ledger does when it is asked for a status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Answers,
    Down,
    Panics,
    Blocks,
}

/// A ledger and status source in memory.
pub struct MemoryLedger {
    rows: Mutex<BTreeMap<CertificateId, (CertificateStatus, UnixTime)>>,
    crls: Mutex<Vec<CrlRecord>>,
    mood: Mutex<Mood>,
    mood_changed: Condvar,
    pub blocked: AtomicUsize,
    revision: Mutex<Option<u64>>,
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self {
            rows: Mutex::default(),
            crls: Mutex::default(),
            mood: Mutex::new(Mood::Answers),
            mood_changed: Condvar::new(),
            blocked: AtomicUsize::new(0),
            revision: Mutex::new(None),
        }
    }
}

impl MemoryLedger {
    pub fn put(&self, id: CertificateId, not_after: UnixTime, status: CertificateStatus) {
        self.rows.lock().unwrap().insert(id, (status, not_after));
    }

    /// From now on it tells that nothing has changed since this number.
    pub fn set_revision(&self, revision: u64) {
        *self.revision.lock().unwrap() = Some(revision);
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
        self.mood_changed.notify_all();
    }
}

impl CrlScopes for MemoryLedger {
    fn released_at(&self, _: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        Ok(None)
    }

    /// Nothing ever changes here, and everything has been seen.
    fn changes(&self, _: (&KeyRef, &CrlScope), _: u64, _: usize) -> Result<CrlChanges, Unavailable> {
        Ok(CrlChanges { seen: 1, changes: Vec::new() })
    }
}

impl BlockStatus for MemoryLedger {
    fn is_blocked(&self, _: &KeyRef) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

impl Revisions for MemoryLedger {
    fn revision(&self) -> Option<u64> {
        *self.revision.lock().unwrap()
    }
}

impl StatusSource for MemoryLedger {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        let mut mood = self.mood.lock().unwrap();
        if *mood == Mood::Blocks {
            self.blocked.fetch_add(1, Ordering::SeqCst);
            mood = self.mood_changed.wait_while(mood, |mood| *mood == Mood::Blocks).unwrap();
        }
        let mood = *mood;
        assert!(mood != Mood::Panics, "the ledger was told to panic");
        if mood == Mood::Down {
            return Err(Unavailable { port: "ledger", cause: "it is switched off".into() });
        }
        let rows = self.rows.lock().unwrap();
        Ok(rows.get(id).map_or(CertificateStatus::NeverIssued, |(status, _)| *status))
    }

    fn certificate(&self, _: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        Ok(None)
    }

    fn certificates(&self, _: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        Ok(Vec::new())
    }

    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let rows = self.rows.lock().unwrap();
        let entries = rows.iter().filter_map(|(id, (status, not_after))| match status {
            CertificateStatus::Revoked(revocation) if id.issuer == *issuer => Some(RevokedEntry {
                serial: id.serial.clone(),
                revocation: *revocation,
                not_after: *not_after,
            }),
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Uncertain { .. }
            | CertificateStatus::Good
            | CertificateStatus::Revoked(_) => None,
        });
        Ok(entries.filter(|entry| after.is_none_or(|after| entry.serial > *after)).take(limit).collect())
    }

    fn uncertain(&self, _: &KeyRef, _: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        Ok(Vec::new())
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        self.latest_of(&CrlLine::complete(*issuer, CrlScope::All))
    }

    fn latest_of(&self, line: &CrlLine) -> Result<Option<CrlRecord>, Unavailable> {
        let crls = self.crls.lock().unwrap();
        Ok(crls.iter().rev().find(|crl| crl.line() == *line).cloned())
    }

    fn audit_records(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Releases for MemoryLedger {
    fn record_release(&self, _: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        Ok(ReleaseOutcome::NotIssued)
    }
}

impl Spools for MemoryLedger {}

impl Ledger for MemoryLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        Ok(intents.iter().map(|_| Err(IntentConflict::SerialTaken)).collect())
    }

    fn begin_signing(&self, _: &[CertificateId]) -> Result<(), Unavailable> {
        Ok(())
    }

    fn record_issued(&self, _: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        Ok(())
    }

    fn settle_intents(&self, _: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        Ok(())
    }

    fn record_event(&self, _: AuditEvent) -> Result<(), Unavailable> {
        Ok(())
    }

    fn record_revocation(&self, _: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        Ok(RevocationOutcome::NotIssued)
    }

    fn record_crl_intent(&self, _: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        Ok(Ok(()))
    }

    fn record_crl(&self, crl: CrlRecord, _: AuditEvent) -> Result<(), Unavailable> {
        self.crls.lock().unwrap().push(crl);
        Ok(())
    }
}
