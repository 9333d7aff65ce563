//! What one revocation costs in a ledger where none is revoked, and in one with as many certificates where many are: in turns, so that
//! whatever else the machine does meets both.
//!
//! `cargo bench -p ca-store --bench revocations` prints one line for each engine; `-- CERTIFICATES DIRECTORY ENGINE` changes how many are
//! revoked, a million unless given, where, and with which engine alone.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::ops::Range;
use std::path::{Path, PathBuf};
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

/// How many revocations are measured in each ledger.
const MEASURED: u64 = 2_000;

/// How many certificates are issued together.
const TOGETHER: usize = 1_000;

/// How many revoke side by side while a ledger is filled.
const SIDE_BY_SIDE: u64 = 512;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let many = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let only = arguments.next();
    let wanted = |kind: &EngineKind| only.as_ref().is_none_or(|only| *only == kind.to_string());
    for kind in EngineKind::EMBEDDED.into_iter().filter(wanted) {
        let directory = tempfile::tempdir_in(&parent).unwrap();
        let [none, full] = ["none", "full"].map(|name| {
            let path = directory.path().join(name);
            Store::create(&path, kind).unwrap();
            let store = open(&path);
            issue(&store, 0..many + MEASURED);
            if name == "full" {
                fill(&store, many);
            }
            drop(store);
            // What was still to be merged is merged at the start, and not while it is measured.
            open(&path)
        });
        let [(none, none_p99), (full, full_p99)] = measure([&none, &full], many..many + MEASURED);
        println!(
            "{kind:6} {MEASURED} each, in turns: median {none:?}, p99 {none_p99:?} with none revoked; {full:?}, {full_p99:?} with {many}; \
             ratio of the medians {:.2}",
            full.as_secs_f64() / none.as_secs_f64()
        );
    }
}

fn open(path: &Path) -> Store {
    let opening = Opening { now: NOW, tenant: TenantId::parse("dso").unwrap(), boot: None };
    let settings = Settings::new(Box::new(|fatal| println!("{fatal}")));
    Store::open(path, &opening, settings).unwrap().0
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

/// Revokes in both ledgers in turns; returns the median and the 99th percentile of each.
fn measure(stores: [&Store; 2], numbers: Range<u64>) -> [(Duration, Duration); 2] {
    let mut times = [Vec::new(), Vec::new()];
    for number in numbers {
        for (store, times) in stores.iter().zip(&mut times) {
            let start = Instant::now();
            revoke(store, number);
            times.push(start.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        (at(50), at(99))
    })
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
