//! A ledger with revoked certificates, made through the ports that the authority uses.

use std::path::Path;
use std::thread;

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Ledger};
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, Conditions, Intent, IssuedRecord, Revocation, RevocationOutcome, RevocationRecord,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::{Opening, Settings, Store};
use meter_pki::compose::{SystemClock, abort_on_fatal};

use crate::ground::sharding;

/// How many certificates share a transaction.
const BATCH: u64 = 500;

/// How many revoke at once: the ledger makes those that wait durable together.
const REVOKERS: u64 = 512;

/// Opens a ledger that keeps what it has read in so many MiB.
pub(crate) fn open(ledger: &Path, cache_mib: u64) -> Store {
    let opening = Opening { now: SystemClock.now(), tenant: TenantId::parse("dso").unwrap(), boot: None };
    let settings = Settings { cache_octets: cache_mib << 20, ..abort_on_fatal() };
    Store::open(ledger, &opening, settings).unwrap().0
}

/// Issues and revokes so many certificates: those numbered from `first` on.
pub(crate) fn revoke(store: &Store, issuer: KeyRef, (first, count): (u64, u64)) {
    let now = SystemClock.now().plus_seconds(-3_600);
    for begin in (first..first + count).step_by(usize::try_from(BATCH).unwrap()) {
        let batch = begin..(first + count).min(begin + BATCH);
        let intents: Vec<Intent> = batch.map(|number| intent(issuer, number, now)).collect();
        let ids: Vec<CertificateId> = intents.iter().map(|intent| intent.id.clone()).collect();
        let issued = ids.iter().map(|id| issued(id, now)).collect();
        assert!(store.record_intents(intents).unwrap().iter().all(Result::is_ok));
        store.begin_signing(&ids).unwrap();
        store.record_issued(issued).unwrap();
    }
    thread::scope(|scope| {
        for revoker in 0..REVOKERS {
            scope.spawn(move || {
                for number in (first + revoker..first + count).step_by(usize::try_from(REVOKERS).unwrap()) {
                    let outcome = store.record_revocation(revocation(issuer, number, now)).unwrap();
                    assert!(matches!(outcome, RevocationOutcome::Recorded { .. }), "{outcome:?}");
                }
            });
        }
    });
}

/// The serial number of a certificate: the sixteen octets that are drawn in service, scattered and the same in every run
/// (after Steele and Vigna's `SplitMix64`).
fn serial(number: u64) -> SerialNumber {
    let word = |place: u64| {
        let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ place.wrapping_mul(0xD1B5_4A32_D192_ED03);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let mut octets = [word(1).to_be_bytes(), word(2).to_be_bytes()].concat();
    octets[0] = octets[0] & 0x3F | 0x40;
    SerialNumber::from_octets(&octets).unwrap()
}

fn intent(issuer: KeyRef, number: u64, now: UnixTime) -> Intent {
    let id = CertificateId { issuer, serial: serial(number) };
    let mut key_fingerprint = [0; 32];
    key_fingerprint[..8].copy_from_slice(&number.to_be_bytes());
    Intent {
        event: event(Act::IntentRecorded, &id, now),
        id,
        tbs: vec![0x5A; 330],
        tenant: TenantId::parse("dso").unwrap(),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 2,
        subject: format!("{number:016X}"),
        key_fingerprint,
        purpose: KeyPurpose::Signature,
        validity: Validity::new(now, now.plus_seconds(10 * 365 * 86_400)).unwrap(),
        recorded_at: now,
        conditions: Conditions::default(),
        listing: CrlListing::Listed(sharding().shard_of(&serial(number), None)),
    }
}

fn issued(id: &CertificateId, now: UnixTime) -> IssuedRecord {
    let event = event(Act::CertificateIssued, id, now);
    IssuedRecord { id: id.clone(), certificate: vec![0x5A; 405], issued_at: now, event }
}

fn revocation(issuer: KeyRef, number: u64, now: UnixTime) -> RevocationRecord {
    let reasons = [ReasonCode::Superseded, ReasonCode::KeyCompromise, ReasonCode::CessationOfOperation];
    let reason = reasons[usize::try_from(number % 3).unwrap()];
    let id = CertificateId { issuer, serial: serial(number) };
    let event = event(Act::CertificateRevoked, &id, now);
    RevocationRecord { id, revocation: Revocation { time: now, reason, invalidity_date: None }, event }
}

fn event(act: Act, id: &CertificateId, time: UnixTime) -> AuditEvent {
    AuditEvent {
        time,
        tenant: TenantId::parse("dso").unwrap(),
        actor: "operator:benchmark".to_owned(),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: String::new(),
        digest: vec![1; 32],
    }
}
