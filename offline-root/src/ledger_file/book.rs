//! What the entries say when they are read in their order: one rule for replaying them and for adding to them.
//!
//! An entry that could not have been written after those before it is refused, so that a directory which was tampered with,
//! or lost a file, does not open. Knows no files.

use std::collections::BTreeMap;

use ca_core::audit::{Act, AuditEvent, AuditRecord, AuditTrail, BrokenTrail};
use ca_core::certificate::to_be_signed;
use ca_core::key_ref::KeyRef;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, Intent, IntentConflict, ProductionRefusal, Revocation, Settlement,
    SlotUse, StoredCertificate, VisitRefusal,
};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::entry::{Entry, IntentRow, IssuedRow, KeptCrl, SettledRow, Step};

/// The sum of all entries.
#[derive(Debug, Clone)]
pub(super) struct Book {
    number: u64,
    head: [u8; 32],
    trail: AuditTrail,
    latest: UnixTime,
    /// The digest in the first record that an authority was registered.
    registered: Option<Vec<u8>>,
    /// The digest in the last record that shares were dealt.
    shares: Option<Vec<u8>>,
    /// What became of the private keys.
    destruction: Destruction,
    /// The serial numbers of the sub-CAs that were closed.
    closed: Vec<SerialNumber>,
    rows: BTreeMap<CertificateId, Row>,
    crls: BTreeMap<KeyRef, CrlRow>,
}

/// A certificate or intent.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) stored: StoredCertificate,
    tbs: Vec<u8>,
    idempotency: Option<[u8; 32]>,
    /// Whether the intent was given to the signer.
    pub(super) signing: bool,
    /// The number of the entry that made it a certificate.
    issued_in: Option<u64>,
}

/// The CRLs of one issuer.
#[derive(Debug, Clone, Default)]
struct CrlRow {
    /// The highest number reserved.
    reserved: u64,
    /// When the latest was signed.
    signed_at: UnixTime,
    /// All, in the order of their numbers. A root has few, and some of them are signed ahead.
    all: Vec<KeptCrl>,
}

/// What the records say of the destruction of the private keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destruction {
    /// Nothing.
    None,
    /// It was intended; whether it was done is not known.
    Intended {
        /// When.
        at: UnixTime,
    },
    /// It was done.
    Done {
        /// When.
        at: UnixTime,
    },
}

impl Book {
    /// The book before the first entry.
    pub(super) const EMPTY: Self = Self {
        number: 0,
        head: [0; 32],
        trail: AuditTrail::EMPTY,
        latest: UnixTime::from_seconds(0),
        registered: None,
        shares: None,
        destruction: Destruction::None,
        closed: Vec::new(),
        rows: BTreeMap::new(),
        crls: BTreeMap::new(),
    };

    /// Adds an entry, whose DER is given with it.
    ///
    /// # Errors
    /// [`BrokenBook`]; the book may then be half changed and is not to be used.
    pub(super) fn add(&mut self, entry: &Entry, der: &[u8]) -> Result<(), BrokenBook> {
        if entry.number != self.next_number() {
            return Err(BrokenBook::Gap { expected: self.next_number() });
        }
        if entry.previous != self.head {
            return Err(BrokenBook::NotBound);
        }
        let records = entry
            .records
            .iter()
            .map(|record| self.trail.check_next(record).map(|(record, _)| record))
            .collect::<Result<Vec<AuditRecord>, _>>()?;
        self.apply(&entry.step, &records)?;
        records.into_iter().for_each(|record| self.note(record.event));
        self.number = entry.number;
        self.head = Sha256::digest(der).into();
        Ok(())
    }

    /// Notes what a record says beside its step.
    fn note(&mut self, event: AuditEvent) {
        let at = event.time;
        self.latest = self.latest.max(at);
        if event.act == Act::KeyDestructionIntended {
            self.destruction = Destruction::Intended { at };
        }
        if event.act == Act::KeyDestroyed {
            self.destruction = Destruction::Done { at };
        }
        if event.act == Act::CrlIssued
            && let Some(row) = event.issuer.and_then(|key| self.crls.get_mut(&key))
        {
            row.signed_at = at;
        }
        if event.act == Act::AuthorityRegistered {
            self.registered.get_or_insert(event.digest);
        } else if event.act == Act::SharesDealt {
            self.shares = Some(event.digest);
        }
        if event.act == Act::AuthorityClosed {
            self.closed.extend(event.serial);
        }
    }

    fn apply(&mut self, step: &Step, records: &[AuditRecord]) -> Result<(), BrokenBook> {
        check_records(step, records)?;
        match step {
            Step::Intents(intents) => intents.iter().try_for_each(|intent| self.apply_intent(intent)),
            Step::Signing(ids) => ids.iter().try_for_each(|id| self.apply_signing(id)),
            Step::Issued(issued) => issued.iter().try_for_each(|row| self.apply_issued(row)),
            Step::Settled(settled) => settled.iter().try_for_each(|row| self.apply_settled(row)),
            Step::Event => Ok(()),
            Step::Revocation { id, revocation } => self.apply_revocation(id, *revocation),
            Step::CrlIntent { issuer, number, .. } => self.apply_crl_intent(issuer, *number),
            Step::Crl(crl) => self.apply_crl(crl),
        }
    }

    pub(super) fn apply_intent(&mut self, intent: &IntentRow) -> Result<(), BrokenBook> {
        let row = Row {
            stored: intent.row.clone(),
            tbs: intent.tbs.clone(),
            idempotency: intent.idempotency,
            signing: false,
            issued_in: None,
        };
        match self.rows.insert(intent.row.id.clone(), row) {
            None => Ok(()),
            Some(_) => Err(BrokenBook::OutOfOrder { what: "a serial number is used twice" }),
        }
    }

    fn apply_signing(&mut self, id: &CertificateId) -> Result<(), BrokenBook> {
        let row = self.pending(id)?;
        row.signing = true;
        Ok(())
    }

    fn apply_issued(&mut self, issued: &IssuedRow) -> Result<(), BrokenBook> {
        let number = self.next_number();
        let row = self.pending(&issued.id)?;
        if !row.signing {
            return Err(BrokenBook::OutOfOrder { what: "a certificate was never given to the signer" });
        }
        if to_be_signed(&issued.certificate) != Ok(row.tbs.as_slice()) {
            return Err(BrokenBook::OutOfOrder { what: "a certificate is not what was intended" });
        }
        row.stored.certificate.clone_from(&issued.certificate);
        row.stored.status = CertificateStatus::Good;
        row.issued_in = Some(number);
        Ok(())
    }

    fn apply_settled(&mut self, settled: &SettledRow) -> Result<(), BrokenBook> {
        let row = self.pending(&settled.id)?;
        row.stored.status = match settled.settlement {
            Settlement::Aborted => CertificateStatus::Aborted,
            Settlement::Uncertain => CertificateStatus::Uncertain { since: settled.time },
        };
        Ok(())
    }

    fn apply_revocation(&mut self, id: &CertificateId, revocation: Revocation) -> Result<(), BrokenBook> {
        let missing = BrokenBook::OutOfOrder { what: "something is revoked that was not issued" };
        let row = self.rows.get_mut(id).filter(|row| may_be_revoked(row.stored.status)).ok_or(missing)?;
        row.stored.status = CertificateStatus::Revoked(revocation);
        Ok(())
    }

    fn apply_crl_intent(&mut self, issuer: &KeyRef, number: u64) -> Result<(), BrokenBook> {
        let row = self.crls.entry(*issuer).or_default();
        // RFC 5280 §5.2.3: CRL numbers of one scope increase.
        if number <= row.reserved {
            return Err(BrokenBook::OutOfOrder { what: "a CRL number does not exceed the one before" });
        }
        row.reserved = number;
        Ok(())
    }

    fn apply_crl(&mut self, crl: &KeptCrl) -> Result<(), BrokenBook> {
        let row = self.crls.entry(crl.issuer).or_default();
        let used = row.all.last().is_some_and(|latest| latest.number == crl.number);
        if row.reserved != crl.number || used {
            return Err(BrokenBook::OutOfOrder { what: "a CRL does not have the number reserved for it" });
        }
        row.all.push(crl.clone());
        Ok(())
    }

    fn pending(&mut self, id: &CertificateId) -> Result<&mut Row, BrokenBook> {
        self.rows
            .get_mut(id)
            .filter(|row| row.stored.status == CertificateStatus::Pending)
            .ok_or(BrokenBook::OutOfOrder { what: "a step has no open intent" })
    }

    pub(super) const fn next_number(&self) -> u64 {
        self.number.saturating_add(1)
    }

    pub(super) const fn head(&self) -> &[u8; 32] {
        &self.head
    }

    pub(super) const fn trail(&self) -> &AuditTrail {
        &self.trail
    }

    /// Returns the latest time that any audit record states; 1970 before the first.
    pub(super) const fn latest_time(&self) -> UnixTime {
        self.latest
    }

    /// Returns the digest in the first record that an authority was registered.
    pub(super) fn registered(&self) -> Option<&[u8]> {
        self.registered.as_deref()
    }

    /// Returns the digest in the last record that shares were dealt.
    pub(super) fn shares(&self) -> Option<&[u8]> {
        self.shares.as_deref()
    }

    pub(super) fn row(&self, id: &CertificateId) -> Option<&Row> {
        self.rows.get(id)
    }

    /// Returns every row in the order of issuing key and serial number.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    pub(super) fn latest_crl(&self, issuer: &KeyRef) -> Option<&KeptCrl> {
        self.crls(issuer).last()
    }

    /// Returns every CRL of a key, in the order of their numbers.
    pub(super) fn crls(&self, issuer: &KeyRef) -> &[KeptCrl] {
        self.crls.get(issuer).map_or(&[], |row| row.all.as_slice())
    }

    /// Returns when the latest CRL of a key was signed; 1970 before the first.
    pub(super) fn crl_signed_at(&self, issuer: &KeyRef) -> UnixTime {
        self.crls.get(issuer).map_or_else(UnixTime::default, |row| row.signed_at)
    }

    /// Tells whether a sub-CA was closed.
    pub(super) fn is_closed(&self, serial: &SerialNumber) -> bool {
        self.closed.contains(serial)
    }

    /// Returns what became of the private keys.
    pub(super) const fn destruction(&self) -> Destruction {
        self.destruction
    }

    pub(super) fn reserved_crl_number(&self, issuer: &KeyRef) -> u64 {
        self.crls.get(issuer).map_or(0, |row| row.reserved)
    }

    /// Tells what stands against an intent, if anything does: the first condition that does not hold.
    pub(super) fn conflict(&self, intent: &Intent) -> Option<IntentConflict> {
        self.repeated(intent)
            .or_else(|| self.rows.contains_key(&intent.id).then_some(IntentConflict::SerialTaken))
            .or_else(|| self.key_conflict(intent))
            .or_else(|| self.slot_conflict(intent))
            // There is no registry here, so nobody holds a token and no device is expected.
            .or_else(|| intent.conditions.token.map(|_| IntentConflict::TokenUnknown))
            .or_else(|| intent.conditions.claim.as_ref().map(|_| IntentConflict::DeviceNotExpected))
            .or_else(|| {
                let unknown = IntentConflict::Production(ProductionRefusal::Unknown);
                intent.conditions.production.as_ref().map(|_| unknown)
            })
            .or_else(|| {
                let unknown = IntentConflict::Visit(VisitRefusal::Unknown);
                intent.conditions.visit.as_ref().map(|_| unknown)
            })
            .or_else(|| intent.conditions.key_is_away.then_some(IntentConflict::KeyAway))
    }

    /// Tells whether a certificate or intent was made for a request.
    pub(super) fn answers(&self, request: &[u8; 32], id: &CertificateId) -> bool {
        self.rows.get(id).is_some_and(|row| row.idempotency == Some(*request))
    }

    fn repeated(&self, intent: &Intent) -> Option<IntentConflict> {
        let asked = intent.conditions.idempotency?;
        self.rows
            .values()
            .filter(|row| row.idempotency == Some(asked.key) && row.stored.recorded_at >= asked.since)
            .find_map(|row| match row.stored.status {
                CertificateStatus::Good => Some(IntentConflict::AlreadyIssued(Box::new(row.stored.clone()))),
                CertificateStatus::Pending => Some(IntentConflict::InFlight),
                CertificateStatus::NeverIssued
                | CertificateStatus::Aborted
                | CertificateStatus::Uncertain { .. }
                | CertificateStatus::Revoked(_) => None,
            })
    }

    fn key_conflict(&self, intent: &Intent) -> Option<IntentConflict> {
        let of_key = || {
            let rows = self.rows.values().map(|row| &row.stored);
            rows.filter(|row| row.key_fingerprint == intent.key_fingerprint)
        };
        if of_key().any(|row| is_compromised(row.status)) {
            return Some(IntentConflict::KeyBlocked);
        }
        of_key()
            // What never became a certificate leaves its key free.
            .filter(|row| row.status != CertificateStatus::Aborted)
            .find(|row| row.subject != intent.subject || row.purpose != intent.purpose)
            .map(|row| IntentConflict::KeyCertifiedElsewhere {
                subject: row.subject.clone(),
                purpose: row.purpose,
            })
    }

    fn slot_conflict(&self, intent: &Intent) -> Option<IntentConflict> {
        let (slot, slot_use) = intent.conditions.slot.as_ref()?;
        let of_slot = || self.rows.values().filter(|row| row.stored.slot.as_ref() == Some(slot));
        let intended = of_slot().find(|row| row.stored.status == CertificateStatus::Pending);
        // Of the certificates the one issued last holds the slot; one that it replaced does not come back.
        let issued = of_slot().filter(|row| row.issued_in.is_some()).max_by_key(|row| row.issued_in);
        let holds = |row: &&Row| {
            let valid = row.stored.validity.not_after() >= intent.recorded_at;
            row.stored.status == CertificateStatus::Good && valid
        };
        let holder = intended.or_else(|| issued.filter(holds))?;
        match slot_use {
            SlotUse::Rotation => None,
            SlotUse::First => Some(IntentConflict::SlotTaken { holder: holder.stored.id.clone() }),
        }
    }
}

const fn is_compromised(status: CertificateStatus) -> bool {
    matches!(status, CertificateStatus::Revoked(Revocation { reason: ReasonCode::KeyCompromise, .. }))
}

/// Tells whether a certificate of this status can be revoked: whatever exists or may exist, once.
pub(super) const fn may_be_revoked(status: CertificateStatus) -> bool {
    match status {
        CertificateStatus::Good | CertificateStatus::Uncertain { .. } | CertificateStatus::Pending => true,
        CertificateStatus::NeverIssued | CertificateStatus::Aborted | CertificateStatus::Revoked(_) => false,
    }
}

/// Checks that the audit records tell of this step, one for each thing done, and of exactly these octets.
fn check_records(step: &Step, records: &[AuditRecord]) -> Result<(), BrokenBook> {
    let digest = |octets: &[u8]| Some(Sha256::digest(octets).to_vec());
    let expected: Vec<(Act, Option<Vec<u8>>)> = match step {
        Step::Intents(intents) => {
            intents.iter().map(|intent| (Act::IntentRecorded, digest(&intent.tbs))).collect()
        }
        Step::Signing(_) => Vec::new(),
        Step::Issued(issued) => {
            issued.iter().map(|row| (Act::CertificateIssued, digest(&row.certificate))).collect()
        }
        Step::Settled(settled) => settled
            .iter()
            .map(|row| match row.settlement {
                Settlement::Aborted => (Act::IntentAborted, None),
                Settlement::Uncertain => (Act::IntentUncertain, None),
            })
            .collect(),
        Step::Event => records.iter().take(1).map(|record| (record.event.act, None)).collect(),
        Step::Revocation { .. } => vec![(Act::CertificateRevoked, None)],
        Step::CrlIntent { .. } => vec![(Act::CrlIntended, None)],
        Step::Crl(crl) => vec![(Act::CrlIssued, digest(&crl.der))],
    };
    let tells = |(record, (act, digest)): (&AuditRecord, &(Act, Option<Vec<u8>>))| {
        record.event.act == *act && digest.as_ref().is_none_or(|digest| record.event.digest == *digest)
    };
    let complete = records.len() == expected.len() && records.iter().zip(&expected).all(tells);
    if complete { Ok(()) } else { Err(BrokenBook::RecordsDiffer) }
}

/// Why an entry cannot come next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenBook {
    /// An entry is missing or doubled.
    #[error("entry {expected} is missing")]
    Gap {
        /// The number that should come.
        expected: u64,
    },
    /// The entry before was changed, or this one was.
    #[error("it is not bound to the entry before it")]
    NotBound,
    /// The audit records are broken.
    #[error(transparent)]
    Trail(#[from] BrokenTrail),
    /// The audit records tell of something else than was done.
    #[error("its audit records do not tell of what it did")]
    RecordsDiffer,
    /// The step does not follow from those before.
    #[error("{what}")]
    OutOfOrder {
        /// What is wrong with it.
        what: &'static str,
    },
}
