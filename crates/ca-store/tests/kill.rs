//! A process that writes is killed with SIGKILL at any moment, again and again: what it acknowledged is there afterwards.
//!
//! Not a power cut: that needs a block device of one's own. Each test starts itself as the process that is to die, which
//! says on its standard output what the ledger has answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Ledger, StatusSource};
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, Conditions, Intent, IssuedRecord, Revocation, RevocationRecord,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::{BootId, EngineKind, Opening, Settings, Store};

/// Set for the process that is to die: the directory of its ledger.
const DIRECTORY: &str = "CA_STORE_KILLED_IN";

/// Set for the process that is to die: the first number that it may use.
const FIRST: &str = "CA_STORE_KILLED_FIRST";

/// After how many acknowledgements the process is killed, round by round.
const ROUNDS: [usize; 12] = [1, 2, 3, 5, 8, 20, 50, 100, 200, 350, 500, 4];

const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

#[test]
fn what_fjall_acknowledged_is_there_after_kill_9() {
    survives_kill_9(EngineKind::Fjall, "what_fjall_acknowledged_is_there_after_kill_9");
}

#[test]
fn what_sled_acknowledged_is_there_after_kill_9() {
    survives_kill_9(EngineKind::Sled, "what_sled_acknowledged_is_there_after_kill_9");
}

fn survives_kill_9(kind: EngineKind, test: &str) {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        write_until_killed(Path::new(&directory));
    }
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("ledger");
    Store::create(&directory, kind).unwrap();
    let mut acknowledged = BTreeMap::new();
    for (round, count) in (0_u64..).zip(ROUNDS) {
        run_and_kill(test, &directory, round * 1_000_000, count, &mut acknowledged);
        check(&open(&directory), &acknowledged);
    }
    let told: BTreeSet<&str> = acknowledged.values().flatten().map(String::as_str).collect();
    assert_eq!(told, BTreeSet::from(["intent", "signing", "issued", "revoked"]));
}

/// The machine runs on while its processes are killed.
const BOOT: &str = "2f1d0a3c-6a2b-4c1e-9d7f-0123456789ab";

fn open(directory: &Path) -> Store {
    let opening = Opening { now: NOW, tenant: TenantId::parse("dso").unwrap(), boot: BootId::parse(BOOT) };
    let settings = Settings::new(Box::new(|_| std::process::abort()));
    Store::open(directory, &opening, settings).unwrap().0
}

/// Starts this test as another process, kills that after so many acknowledgements, and gathers all it said.
fn run_and_kill(
    test: &str,
    directory: &Path,
    first: u64,
    count: usize,
    acknowledged: &mut BTreeMap<u64, BTreeSet<String>>,
) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(FIRST, OsString::from(first.to_string()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = 0;
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let mut words = line.split_whitespace();
        // What was written before the kill is read after it; a line that was cut short says nothing.
        if let (Some("acknowledged"), Some(what), Some(number), Some("."), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        {
            acknowledged.entry(number.parse().unwrap()).or_default().insert(what.to_owned());
            said += 1;
            if said == count {
                process.kill().unwrap();
            }
        }
    }
    assert!(said >= count, "the process ended by itself after {said} acknowledgements");
    assert!(!process.wait().unwrap().success());
}

fn check(store: &Store, acknowledged: &BTreeMap<u64, BTreeSet<String>>) {
    for (number, told) in acknowledged {
        let id = id(*number);
        let status = store.status_of(&id).unwrap();
        let stored = store.certificate(&id).unwrap().unwrap();
        if told.contains("issued") {
            assert_eq!(stored.certificate, certificate(*number));
        }
        let possible = if told.contains("revoked") {
            matches!(status, CertificateStatus::Revoked(_))
        } else if told.contains("issued") {
            // Its revocation may be on disk although nobody was told.
            matches!(status, CertificateStatus::Good | CertificateStatus::Revoked(_))
        } else if told.contains("signing") {
            matches!(status, CertificateStatus::Uncertain { .. } | CertificateStatus::Good)
        } else {
            matches!(status, CertificateStatus::Aborted | CertificateStatus::Uncertain { .. })
        };
        assert!(possible, "{number} was told {told:?} and is {status:?}");
    }
    let mut issued = 0;
    for record in store.verify_audit().unwrap() {
        issued += usize::from(record.unwrap().event.act == Act::CertificateIssued);
    }
    assert!(issued >= acknowledged.values().filter(|told| told.contains("issued")).count());
}

/// Writes from four threads as fast as it goes and says what was acknowledged, until the process is killed.
fn write_until_killed(directory: &Path) -> ! {
    let first: u64 = std::env::var_os(FIRST).and_then(|first| first.to_str()?.parse().ok()).unwrap();
    let store = open(directory);
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    write(&store, next.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    std::process::abort()
}

fn write(store: &Store, number: u64) {
    let id = id(number);
    assert!(store.record_intents(vec![intent(number)]).unwrap().iter().all(Result::is_ok));
    say("intent", number);
    store.begin_signing(std::slice::from_ref(&id)).unwrap();
    say("signing", number);
    let told = event(Act::CertificateIssued);
    let issued =
        IssuedRecord { id: id.clone(), certificate: certificate(number), issued_at: NOW, event: told };
    store.record_issued(vec![issued]).unwrap();
    say("issued", number);
    if number.is_multiple_of(3) {
        let revocation = Revocation { time: NOW, reason: ReasonCode::Superseded, invalidity_date: None };
        store
            .record_revocation(RevocationRecord { id, revocation, event: event(Act::CertificateRevoked) })
            .unwrap();
        say("revoked", number);
    }
}

fn say(what: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {what} {number} .").unwrap();
    out.flush().unwrap();
}

fn id(number: u64) -> CertificateId {
    let serial = [[1].as_slice(), &number.to_be_bytes()].concat();
    CertificateId { issuer: KeyRef::new([7; 20]), serial: SerialNumber::from_octets(&serial).unwrap() }
}

fn certificate(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(90)
}

fn intent(number: u64) -> Intent {
    let mut key_fingerprint = [0; 32];
    key_fingerprint.iter_mut().zip(number.to_be_bytes()).for_each(|(octet, digit)| *octet = digit);
    Intent {
        id: id(number),
        tbs: number.to_be_bytes().repeat(80),
        tenant: TenantId::parse("dso").unwrap(),
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 1,
        subject: format!("CN={number}"),
        key_fingerprint,
        purpose: KeyPurpose::Signature,
        validity: Validity::new(NOW, UnixTime::NO_EXPIRY).unwrap(),
        recorded_at: NOW,
        conditions: Conditions::default(),
        event: event(Act::IntentRecorded),
        listing: CrlListing::ON_ALL,
    }
}

fn event(act: Act) -> AuditEvent {
    AuditEvent {
        time: NOW,
        tenant: TenantId::parse("dso").unwrap(),
        actor: "process:test".to_owned(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: Vec::new(),
    }
}
