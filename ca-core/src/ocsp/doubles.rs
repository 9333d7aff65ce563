//! Doubles of the ports for the tests of CRLs and OCSP: a ledger in memory, a clock that is set, a signer with P-256 keys,
//! and certificates with whatever extensions a test wants. They check nothing; the code under test does.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetString};
use der::{Decode, Encode, Sequence, Tag};
use p256::ecdsa::signature::Signer as _;
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::certificate::Certificate;
use crate::distinguished_name::DistinguishedName;
use crate::issuer::{Issuer, PublicationPoints};
use crate::key_ref::KeyRef;
use crate::oid;
use crate::ports::{
    BlockStatus, Clock, CrlScopes, Ledger, Releases, Revisions, SignError, Signer, Spools, StatusSource,
    Unavailable,
};
use crate::profile::{KeyPurpose, ProfileId};
use crate::public_key::PublicKey;
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlChange, CrlChanges, CrlIntent, CrlNumberTaken,
    CrlRecord, Intent, IntentConflict, IssuedRecord, ReleaseOutcome, ReleaseRecord, Revocation,
    RevocationOutcome, RevocationRecord, RevokedEntry, Settlement, StoredCertificate,
};
use crate::scope::{CrlLine, CrlListing, CrlScope, Shard};
use crate::serial_number::SerialNumber;
use crate::signature::EcdsaSignature;
use crate::signing::assemble;
use crate::suite::Curve;
use crate::tenant::TenantId;
use crate::validity::{UnixTime, Validity};

/// 2026-11-21T00:00:00Z.
pub(crate) const NOW: i64 = 1_795_219_200;
pub(crate) const DAY: i64 = 86_400;

/// The number of the serial number that [`authority`] gives.
pub(crate) const OWN_SERIAL: u64 = u64::MAX;

pub(crate) fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

pub(crate) fn serial(number: u64) -> SerialNumber {
    let mut octets = vec![0x40, 0x01];
    octets.extend_from_slice(&number.to_be_bytes());
    SerialNumber::from_octets(&octets).unwrap()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("dso").unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor { tenant: tenant(), identity: Identity::Process { name: "crl-publisher" } }
}

/// A clock that stands until it is set.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) const fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds))
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixTime {
        at(self.0.load(Ordering::SeqCst))
    }
}

/// P-256 keys in memory.
#[derive(Default)]
pub(crate) struct MemorySigner {
    keys: HashMap<KeyRef, p256::ecdsa::SigningKey>,
    pub(crate) down: AtomicBool,
    pub(crate) signatures: AtomicUsize,
}

impl MemorySigner {
    /// Adds the key with this number, 1 to 255, and returns its public key.
    pub(crate) fn add(&mut self, number: u8) -> PublicKey {
        let key = signing_key(number);
        let public_key = public_key(&key);
        self.keys.insert(public_key.key_ref(), key);
        public_key
    }
}

fn signing_key(number: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap()
}

fn public_key(key: &p256::ecdsa::SigningKey) -> PublicKey {
    let point = key.verifying_key().to_sec1_point(false);
    PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap()
}

fn sign(key: &p256::ecdsa::SigningKey, message: &[u8]) -> EcdsaSignature {
    let signature: p256::ecdsa::Signature = key.sign(message);
    EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap()
}

impl Signer for MemorySigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.keys.get(key).map(public_key).ok_or(SignError::KeyNotFound { key: *key })
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SignError::unavailable("the token is gone"));
        }
        self.signatures.fetch_add(1, Ordering::SeqCst);
        self.keys.get(key).map(|key| sign(key, message)).ok_or(SignError::KeyNotFound { key: *key })
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// A ledger and status source in memory.
#[derive(Default)]
pub(crate) struct MemoryLedger {
    pub(crate) rows: Mutex<BTreeMap<CertificateId, StoredCertificate>>,
    pub(crate) crls: Mutex<Vec<CrlRecord>>,
    pub(crate) crl_intents: Mutex<Vec<CrlIntent>>,
    pub(crate) events: Mutex<Vec<AuditEvent>>,
    pub(crate) largest_page: AtomicUsize,
    /// When certificates were released from hold.
    pub(crate) released: Mutex<BTreeMap<CertificateId, UnixTime>>,
    /// What changed in the CRLs; the number of an audit record is the place here, from 1.
    pub(crate) changes: Mutex<Vec<CertificateId>>,
    pub(crate) down: AtomicBool,
}

impl MemoryLedger {
    /// Puts a certificate on record.
    pub(crate) fn put(&self, id: CertificateId, not_after: UnixTime, status: CertificateStatus) {
        let row = StoredCertificate {
            id,
            certificate: Vec::new(),
            tenant: tenant(),
            profile: ProfileId::parse("any").unwrap(),
            profile_version: 1,
            subject: String::new(),
            key_fingerprint: [0; 32],
            purpose: KeyPurpose::Signature,
            validity: Validity::new(at(0), not_after).unwrap(),
            recorded_at: at(0),
            record: 0,
            status,
            slot: None,
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: crate::record::Provenance::Issued,
        };
        self.insert(row);
    }

    /// Puts a certificate of a shard on record.
    pub(crate) fn put_in(&self, shard: &Shard, id: &CertificateId, status: CertificateStatus) {
        self.put(id.clone(), at(NOW + DAY), CertificateStatus::Good);
        let row = self.rows.lock().unwrap().get(id).cloned().unwrap();
        self.insert(StoredCertificate { listing: CrlListing::Listed(Some(shard.clone())), status, ..row });
    }

    fn insert(&self, row: StoredCertificate) {
        let id = row.id.clone();
        let revoked = |row: &StoredCertificate| matches!(row.status, CertificateStatus::Revoked(_));
        let changed = revoked(&row);
        let before = self.rows.lock().unwrap().insert(id.clone(), row);
        if changed || before.as_ref().is_some_and(revoked) {
            self.changes.lock().unwrap().push(id);
        }
    }

    fn entry(row: &StoredCertificate) -> Option<RevokedEntry> {
        let CertificateStatus::Revoked(revocation) = row.status else { return None };
        let not_after = row.validity.not_after();
        Some(RevokedEntry { serial: row.id.serial.clone(), revocation, not_after })
    }

    fn revoked_where(
        &self,
        after: Bound<CertificateId>,
        limit: usize,
        wanted: impl Fn(&StoredCertificate) -> bool,
    ) -> Vec<RevokedEntry> {
        let rows = self.rows.lock().unwrap();
        let after = rows.range((after, Bound::Unbounded)).map(|(_, row)| row);
        let page: Vec<_> = after.filter(|row| wanted(row)).filter_map(Self::entry).take(limit).collect();
        self.largest_page.fetch_max(page.len(), Ordering::SeqCst);
        page
    }

    pub(crate) fn acts(&self) -> Vec<Act> {
        self.events.lock().unwrap().iter().map(|event| event.act).collect()
    }

    fn up(&self) -> Result<(), Unavailable> {
        if self.down.load(Ordering::SeqCst) {
            Err(Unavailable { port: "ledger", cause: "it is switched off".into() })
        } else {
            Ok(())
        }
    }

    fn log(&self, event: AuditEvent) -> u64 {
        let mut events = self.events.lock().unwrap();
        events.push(event);
        u64::try_from(events.len()).unwrap()
    }
}

fn behind(issuer: &KeyRef, after: Option<&SerialNumber>) -> Bound<CertificateId> {
    after.map_or(Bound::Unbounded, |after| {
        Bound::Excluded(CertificateId { issuer: *issuer, serial: after.clone() })
    })
}

impl CrlScopes for MemoryLedger {
    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        self.up()?;
        Ok(self.released.lock().unwrap().get(id).copied())
    }

    fn revoked_in(
        &self,
        (issuer, shard): (&KeyRef, &Shard),
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let wanted = |row: &StoredCertificate| row.id.issuer == *issuer && row.listing.shard() == Some(shard);
        Ok(self.revoked_where(behind(issuer, after), limit, wanted))
    }

    fn changes(
        &self,
        (issuer, scope): (&KeyRef, &CrlScope),
        after: u64,
        limit: usize,
    ) -> Result<CrlChanges, Unavailable> {
        self.up()?;
        let (rows, changes) = (self.rows.lock().unwrap(), self.changes.lock().unwrap());
        let told = (1..).zip(changes.iter()).skip_while(|(sequence, _)| *sequence <= after);
        let mut found = Vec::new();
        for (sequence, id) in told {
            let row = rows.get(id).unwrap();
            let inside =
                row.listing.is_ever() && scope.shard().is_none_or(|shard| row.listing.shard() == Some(shard));
            if inside && id.issuer == *issuer {
                found.push(CrlChange { sequence, serial: id.serial.clone(), entry: Self::entry(row) });
            }
        }
        found.truncate(limit);
        Ok(CrlChanges { seen: u64::try_from(changes.len()).unwrap(), changes: found })
    }
}

impl BlockStatus for MemoryLedger {
    fn is_blocked(&self, _: &KeyRef) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

impl Revisions for MemoryLedger {}

impl StatusSource for MemoryLedger {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        self.up()?;
        let rows = self.rows.lock().unwrap();
        Ok(rows.get(id).map_or(CertificateStatus::NeverIssued, |row| row.status))
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        self.up()?;
        Ok(self.rows.lock().unwrap().get(id).cloned())
    }

    fn certificates(&self, _: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        Ok(self.rows.lock().unwrap().values().cloned().collect())
    }

    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        self.up()?;
        let wanted = |row: &StoredCertificate| row.id.issuer == *issuer && row.listing.is_ever();
        Ok(self.revoked_where(behind(issuer, after), limit, wanted))
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        self.up()?;
        let rows = self.rows.lock().unwrap();
        let old = |status| matches!(status, CertificateStatus::Uncertain { since } if since <= until);
        Ok(rows
            .values()
            .filter(|row| row.id.issuer == *issuer && old(row.status))
            .map(|row| row.id.serial.clone())
            .collect())
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        self.latest_of(&CrlLine::complete(*issuer, CrlScope::All))
    }

    fn latest_of(&self, line: &CrlLine) -> Result<Option<CrlRecord>, Unavailable> {
        self.up()?;
        let crls = self.crls.lock().unwrap();
        Ok(crls.iter().rev().find(|crl| crl.line() == *line).cloned())
    }

    fn audit_records(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Releases for MemoryLedger {
    fn record_release(&self, _: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        Ok(ReleaseOutcome::NotOnHold)
    }
}

impl Spools for MemoryLedger {}

impl Ledger for MemoryLedger {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        self.up()?;
        Ok(intents.iter().map(|_| Err(IntentConflict::SerialTaken)).collect())
    }

    fn begin_signing(&self, _: &[CertificateId]) -> Result<(), Unavailable> {
        self.up()
    }

    fn record_issued(&self, _: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        self.up()
    }

    fn settle_intents(&self, _: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        self.up()
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.up()?;
        self.log(event);
        Ok(())
    }

    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        self.up()?;
        let mut rows = self.rows.lock().unwrap();
        let Some(row) = rows.get_mut(&revocation.id) else {
            return Ok(RevocationOutcome::NotIssued);
        };
        if let CertificateStatus::Revoked(before) = row.status {
            return Ok(RevocationOutcome::AlreadyRevoked(before));
        }
        let RevocationRecord { revocation, event, .. } = revocation;
        row.status = CertificateStatus::Revoked(revocation);
        Ok(RevocationOutcome::Recorded { sequence: self.log(event), revocation })
    }

    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        self.up()?;
        let mut intents = self.crl_intents.lock().unwrap();
        let same = |other: &&CrlIntent| other.issuer == intent.issuer && other.scope == intent.scope;
        let last = intents.iter().filter(same).map(|intent| intent.number).max().unwrap_or_default();
        if intent.number <= last {
            return Ok(Err(CrlNumberTaken { last }));
        }
        self.log(intent.event.clone());
        intents.push(intent);
        Ok(Ok(()))
    }

    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        self.up()?;
        self.log(event);
        self.crls.lock().unwrap().push(crl);
        Ok(())
    }
}

pub(crate) const fn revoked(time: i64, reason: ReasonCode) -> CertificateStatus {
    let time = UnixTime::from_seconds(time);
    CertificateStatus::Revoked(Revocation { time, reason, invalidity_date: None })
}

#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: AnyRef<'a>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    validity: x509_cert::time::Validity,
    subject: AnyRef<'a>,
    key: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// What a test certificate is made of.
pub(crate) struct CertificateParts<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) issuer_key: u8,
    pub(crate) subject_key: u8,
    pub(crate) serial: SerialNumber,
    pub(crate) validity: (i64, i64),
    pub(crate) extensions: Vec<Extension>,
}

impl CertificateParts<'_> {
    pub(crate) fn certificate(self) -> Certificate {
        let name = |text: &str| {
            let parts: Vec<_> = text.split(',').map(attribute).collect();
            DistinguishedName::from_attributes(&parts).unwrap()
        };
        let (issuer, subject) = (name(self.issuer), name(self.subject));
        let subject_key = public_key(&signing_key(self.subject_key));
        let time = |seconds: i64| {
            let duration = core::time::Duration::from_secs(seconds.try_into().unwrap());
            x509_cert::time::Time::from(der::DateTime::from_unix_duration(duration).unwrap())
        };
        let tbs = TbsCertificate {
            version: 2,
            serial: AnyRef::new(Tag::Integer, self.serial.octets()).unwrap(),
            signature: AlgorithmIdentifierRef { oid: Curve::P256.signature_algorithm(), parameters: None },
            issuer: AnyRef::from_der(issuer.der()).unwrap(),
            validity: x509_cert::time::Validity::new(time(self.validity.0), time(self.validity.1)),
            subject: AnyRef::from_der(subject.der()).unwrap(),
            key: AnyRef::from_der(subject_key.spki_der()).unwrap(),
            extensions: self.extensions,
        };
        let tbs = tbs.to_der().unwrap();
        let der = assemble(&tbs, &sign(&signing_key(self.issuer_key), &tbs)).unwrap();
        Certificate::from_der(&der).unwrap()
    }
}

fn attribute(part: &str) -> (ObjectIdentifier, &str) {
    match part.split_once('=') {
        Some(("C", value)) => (oid::COUNTRY_NAME, value),
        Some(("O", value)) => (oid::ORGANIZATION_NAME, value),
        Some(("CN", value)) => (oid::COMMON_NAME, value),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn extension(extn_id: ObjectIdentifier, critical: bool, value: &impl Encode) -> Extension {
    Extension { extn_id, critical, extn_value: OctetString::new(value.to_der().unwrap()).unwrap() }
}

pub(crate) fn subject_key_identifier(key: u8) -> Extension {
    let octets = *public_key(&signing_key(key)).key_ref().octets();
    let value = SubjectKeyIdentifier(OctetString::new(octets).unwrap());
    extension(oid::SUBJECT_KEY_IDENTIFIER, false, &value)
}

pub(crate) fn authority_key_identifier(key: u8) -> Extension {
    let octets = *public_key(&signing_key(key)).key_ref().octets();
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(octets).unwrap()),
        ..AuthorityKeyIdentifier::default()
    };
    extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &value)
}

pub(crate) fn key_usage(usages: KeyUsages) -> Extension {
    extension(oid::KEY_USAGE, true, &KeyUsage(usages.into()))
}

pub(crate) fn extended_key_usage(purposes: &[ObjectIdentifier]) -> Extension {
    extension(oid::EXTENDED_KEY_USAGE, false, &ExtendedKeyUsage(purposes.to_vec()))
}

/// The certificate of a CA, signed by the key `issuer_key`; self-issued when that is its own.
pub(crate) fn authority(subject: &str, key: u8, issuer_key: u8, not_after: i64) -> Certificate {
    let issuer = if key == issuer_key { subject } else { "O=Example Utility,CN=Root CA" };
    CertificateParts {
        issuer,
        subject,
        issuer_key,
        subject_key: key,
        serial: serial(OWN_SERIAL),
        validity: (NOW - 100 * DAY, not_after),
        extensions: vec![
            extension(
                oid::BASIC_CONSTRAINTS,
                true,
                &BasicConstraints { ca: true, path_len_constraint: Some(0) },
            ),
            extension(oid::KEY_USAGE, true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)),
            subject_key_identifier(key),
            authority_key_identifier(issuer_key),
        ],
    }
    .certificate()
}

pub(crate) fn issuer(certificate: Certificate) -> Issuer {
    let window_ends = certificate.validity().not_after();
    Issuer::new(certificate, tenant(), window_ends, PublicationPoints::default()).unwrap()
}
