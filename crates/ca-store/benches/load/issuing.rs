//! The load that benches put on a ledger: requesters that each take certificates from intent to record and wait for their own
//! answers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Ledger;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::record::{
    AfterWindow, CertificateId, Conditions, Idempotency, Intent, IssuedRecord, Slot, SlotUse,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::Store;

pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

/// Has so many requesters on each store issue for so long; returns one line of figures.
pub(crate) fn measure(name: &str, stores: &[Store], requesters: u64, length: Duration) -> String {
    let (running, drawn, issued) = (AtomicBool::new(true), AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for store in stores {
            for _ in 0..requesters {
                let (running, drawn, issued) = (&running, &drawn, &issued);
                scope.spawn(move || {
                    while running.load(Ordering::Relaxed) {
                        issue(store, drawn.fetch_add(1, Ordering::Relaxed));
                        issued.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        std::thread::park_timeout(length);
        running.store(false, Ordering::Relaxed);
    });
    let elapsed = start.elapsed().as_secs_f64();
    let commits: u64 = stores.iter().map(|store| store.counters().commits).sum();
    let commands: u64 = stores.iter().map(|store| store.counters().commands).sum();
    format!(
        "{name:8} {requesters:3} requesters each: {:6.0} certificates/s, {:6.0} commits/s, {:5.1} commands per commit",
        float(issued.into_inner()) / elapsed,
        float(commits) / elapsed,
        float(commands) / float(commits),
    )
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn issue(store: &Store, number: u64) {
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    let serial = [[0x09, 0xD4].as_slice(), &spread, &number.to_be_bytes()[2..]].concat();
    let id = CertificateId {
        issuer: KeyRef::new([7; 20]),
        serial: SerialNumber::from_octets(&serial).expect("a positive number of 16 octets"),
    };
    let slot = Slot {
        tenant: TenantId::parse("dso").unwrap(),
        title: SystemTitle::new(spread),
        hierarchy: Hierarchy::Operational,
        purpose: KeyPurpose::Signature,
    };
    let mut random = [0; 32];
    random[..8].copy_from_slice(&spread);
    random[8..16].copy_from_slice(&number.to_be_bytes());
    let intent = Intent {
        id: id.clone(),
        tbs: serial.repeat(28),
        tenant: slot.tenant.clone(),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 1,
        subject: slot.title.to_string(),
        key_fingerprint: random,
        purpose: slot.purpose,
        validity: Validity::new(NOW, NOW.plus_seconds(i64::from(u32::MAX))).unwrap(),
        recorded_at: NOW,
        conditions: Conditions {
            idempotency: Some(Idempotency { key: random, since: NOW, after: AfterWindow::New }),
            slot: Some((slot, SlotUse::First)),
            ..Conditions::default()
        },
        event: event(Act::IntentRecorded, &id),
        listing: CrlListing::ON_ALL,
    };
    let conflicts = store.record_intents(vec![intent]).unwrap();
    assert!(conflicts.iter().all(Result::is_ok));
    store.begin_signing(std::slice::from_ref(&id)).unwrap();
    let event = event(Act::CertificateIssued, &id);
    let certificate = serial.repeat(33);
    store.record_issued(vec![IssuedRecord { id, certificate, issued_at: NOW, event }]).unwrap();
}

fn event(act: Act, id: &CertificateId) -> AuditEvent {
    AuditEvent {
        time: NOW,
        tenant: TenantId::parse("dso").unwrap(),
        actor: "ra:line-1".to_owned(),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: "4D504B0001FEA042 under meter-op-ds-s1 version 1".to_owned(),
        digest: vec![1; 32],
    }
}
