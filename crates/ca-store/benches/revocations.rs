//! What one revocation costs in a ledger where none is revoked, and in the same ledger where many are: for each engine in one run.
//!
//! `cargo bench -p ca-store --bench revocations` prints one line for each; `-- CERTIFICATES DIRECTORY` changes how many are
//! revoked, a million unless given, and where.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Ledger;
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Conditions, Intent, IssuedRecord, Revocation, RevocationRecord};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::{EngineKind, Opening, Settings, Store};

const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

/// How many revocations are measured each time, one after the other.
const MEASURED: u64 = 500;

/// How many certificates are issued together.
const TOGETHER: usize = 1_000;

/// How many revoke side by side while the ledger is filled.
const SIDE_BY_SIDE: u64 = 64;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let many = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir_in(&parent).unwrap();
        let path = directory.path().join("ledger");
        Store::create(&path, kind).unwrap();
        let opening = Opening { now: NOW, tenant: TenantId::parse("dso").unwrap(), boot: None };
        let settings = Settings::new(Box::new(|fatal| println!("{fatal}")));
        let (store, _) = Store::open(&path, &opening, settings).unwrap();
        issue(&store, 0..many + 2 * MEASURED);
        let none = measure(&store, many..many + MEASURED);
        fill(&store, many);
        let full = measure(&store, many + MEASURED..many + 2 * MEASURED);
        println!(
            "{kind:6} median of {MEASURED}: {none:?} with none revoked, {full:?} with {many}; ratio {:.2}",
            full.as_secs_f64() / none.as_secs_f64()
        );
    }
}

fn id(number: u64) -> CertificateId {
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    let serial = [[0x09, 0xD4].as_slice(), &spread, &number.to_be_bytes()[2..]].concat();
    CertificateId {
        issuer: KeyRef::new([7; 20]),
        serial: SerialNumber::from_octets(&serial).expect("a positive number of 16 octets"),
    }
}

fn issue(store: &Store, numbers: Range<u64>) {
    let numbers: Vec<u64> = numbers.collect();
    for share in numbers.chunks(TOGETHER) {
        let recorded = store.record_intents(share.iter().map(|number| intent(*number)).collect()).unwrap();
        assert!(recorded.iter().all(Result::is_ok));
        let ids: Vec<CertificateId> = share.iter().map(|number| id(*number)).collect();
        store.begin_signing(&ids).unwrap();
        let issued = |id: CertificateId| IssuedRecord {
            certificate: id.serial.octets().repeat(33),
            issued_at: NOW,
            event: event(Act::CertificateIssued, &id),
            id,
        };
        store.record_issued(ids.into_iter().map(issued).collect()).unwrap();
    }
}

fn intent(number: u64) -> Intent {
    let id = id(number);
    let mut random = [0; 32];
    random[..8].copy_from_slice(&number.to_be_bytes());
    Intent {
        listing: CrlListing::ON_ALL,
        tbs: id.serial.octets().repeat(28),
        tenant: TenantId::parse("dso").unwrap(),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 1,
        subject: format!("CN={number}"),
        key_fingerprint: random,
        purpose: KeyPurpose::Signature,
        validity: Validity::new(NOW, NOW.plus_seconds(i64::from(u32::MAX))).unwrap(),
        recorded_at: NOW,
        conditions: Conditions::default(),
        event: event(Act::IntentRecorded, &id),
        id,
    }
}

fn revoke(store: &Store, number: u64) {
    let id = id(number);
    let reason = ReasonCode::CessationOfOperation;
    let revocation = Revocation { time: NOW, reason, invalidity_date: None };
    let event = event(Act::CertificateRevoked, &id);
    store.record_revocation(RevocationRecord { id, revocation, event }).unwrap();
}

fn fill(store: &Store, many: u64) {
    std::thread::scope(|scope| {
        for first in 0..SIDE_BY_SIDE {
            scope.spawn(move || {
                let step = usize::try_from(SIDE_BY_SIDE).unwrap();
                (first..many).step_by(step).for_each(|number| revoke(store, number));
            });
        }
    });
}

/// Returns the median.
fn measure(store: &Store, numbers: Range<u64>) -> Duration {
    let mut times: Vec<Duration> = numbers
        .map(|number| {
            let start = Instant::now();
            revoke(store, number);
            start.elapsed()
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn event(act: Act, id: &CertificateId) -> AuditEvent {
    AuditEvent {
        time: NOW,
        tenant: TenantId::parse("dso").unwrap(),
        actor: "operator:uid-1000".to_owned(),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: "4D504B0001FEA042 under meter-op-ds-s1 version 1".to_owned(),
        digest: vec![1; 32],
    }
}
