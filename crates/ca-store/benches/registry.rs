//! What it costs to import a fleet and to search it: time, memory and octets on disk of the import, its ratio to raw writes of the
//! same engine in the same run, and the time of one page of a search at ten thousand, a hundred thousand and a million
//! devices. Not the checking of certificates, which is the front's affair.
//!
//! `cargo bench -p ca-store --bench registry` prints a table for each engine; `-- DEVICES DIRECTORY ENGINE` changes how many at
//! the end (1000000), where, and on which engine (fjall).

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Deliveries, Fleet};
use ca_core::profile::KeyPurpose;
use ca_core::record::{
    CheckedDevice, DEVICES_IN_A_PART, Delivery, DeliveryPart, DeliverySource, DeviceCredential, DeviceField,
    DeviceQuery, DeviceState, ExpectedDevice, Mark,
};
use ca_core::scope::Shard;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::{EngineKind, Opening, Settings, Store};

const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

const END: UnixTime = UnixTime::from_seconds(2_110_752_000);

/// How long a factory certificate is, in octets, about.
const CERTIFICATE_OCTETS: usize = 480;

/// How many rows, and of how many octets each, an imported device comes to, about: what raw writing is compared with.
const RAW_ROWS: u64 = 13;
const RAW_OCTETS: usize = 80;

/// How often each search is asked.
const SEARCHES: u32 = 200;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let most: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let kind = arguments.next().and_then(|name| EngineKind::from_name(&name)).unwrap_or(EngineKind::Fjall);
    let directory = tempfile::tempdir_in(&parent).unwrap();
    let store = opened(&directory.path().join("ledger"), kind);
    let mut imported = 0;
    for goal in [most / 100, most / 10, most] {
        let start = Instant::now();
        let parts = import(&store, imported, goal);
        let took = start.elapsed();
        let rate = (goal - imported) as f64 / took.as_secs_f64();
        println!(
            "{kind}: {goal} devices; {} more in {:.1} s, {rate:.0}/s, slowest part of {DEVICES_IN_A_PART}: {:.0} ms; \
             resident {} MiB, peak {} MiB, on disk {} MiB",
            goal - imported,
            took.as_secs_f64(),
            parts.as_secs_f64() * 1_000.0,
            memory("VmRSS:"),
            memory("VmHWM:"),
            on_disk(directory.path()) >> 20,
        );
        imported = goal;
        search(&store, goal);
    }
    drop(store);
    raw(&directory.path().join("raw"), most);
}

fn opened(path: &Path, kind: EngineKind) -> Store {
    Store::create(path, kind).unwrap();
    let opening = Opening { now: NOW, tenant: owner(), boot: None };
    Store::open(path, &opening, Settings::new(Box::new(|fatal| println!("{fatal}")))).unwrap().0
}

fn owner() -> TenantId {
    TenantId::parse("dso").unwrap()
}

fn title(number: u64) -> SystemTitle {
    let mut octets = number.to_be_bytes();
    octets[..3].copy_from_slice(b"MPK");
    SystemTitle::new(octets)
}

/// A device of one of 8 models, 16 firmwares, 200 batches, 50 regions and a concentrator for every 200.
fn device(number: u64) -> CheckedDevice {
    let mut key_fingerprint = [0xA5; 32];
    key_fingerprint[..8].copy_from_slice(&number.to_be_bytes());
    let credential = DeviceCredential {
        key_fingerprint,
        purpose: KeyPurpose::Tls,
        issuer: "CN=Maker Factory CA S1 G1,O=Maker,C=DE".to_owned(),
        serial: SerialNumber::from_octets(&[&[0x40], number.to_be_bytes().as_slice()].concat()).unwrap(),
        validity: Validity::new(NOW, END).unwrap(),
        certificate: vec![0x30; CERTIFICATE_OCTETS],
    };
    let expected = ExpectedDevice {
        manufacturer: TenantId::parse("maker").ok(),
        serial_number: format!("SN{number:010}"),
        model: format!("E{}", number % 8),
        firmware: format!("1.{}", number % 16),
        batch: format!("lot-{}", number % 200),
        region: Shard::parse(&format!("r{}", number % 50)).ok(),
        concentrator: Shard::parse(&format!("c{}", number / 200)).ok(),
        ..ExpectedDevice::new(owner(), title(number))
    };
    CheckedDevice { expected, credentials: vec![credential], secrets: Vec::new() }
}

fn event(act: Act) -> AuditEvent {
    AuditEvent {
        time: NOW,
        tenant: owner(),
        actor: "operator:bench".to_owned(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: "part of a delivery".to_owned(),
        digest: Vec::new(),
    }
}

/// Imports devices as one delivery; returns how long the slowest part took.
fn import(store: &Store, from: u64, to: u64) -> Duration {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&to.to_be_bytes());
    let delivery = Delivery {
        digest,
        tenant: owner(),
        manufacturer: TenantId::parse("maker").unwrap(),
        source: DeliverySource::Manifest,
        batch: String::new(),
        basis: None,
        announced: to - from,
        received: 0,
        imported: 0,
        unchanged: 0,
        refused: 0,
        next_part: 0,
        opened: Mark { by: "operator:bench".to_owned(), at: NOW },
        closed: None,
    };
    store.open_delivery(delivery, event(Act::DeliveryOpened)).unwrap().unwrap();
    let numbers: Vec<u64> = (from..to).collect();
    let mut slowest = Duration::ZERO;
    for (part, share) in (0_u32..).zip(numbers.chunks(DEVICES_IN_A_PART)) {
        let devices = share.iter().map(|number| Ok(device(*number))).collect();
        let start = Instant::now();
        let event = event(Act::DeliveryPartTaken);
        let outcome = store.take_part(DeliveryPart { digest, part, content: [1; 32], devices, event });
        assert_eq!(usize::try_from(outcome.unwrap().unwrap().added), Ok(share.len()));
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

/// One page of fifty of several searches, the mean of many at different places.
fn search(store: &Store, devices: u64) {
    let field =
        |field, text: String| DeviceQuery { fields: vec![(field, text)], ..DeviceQuery::of(owner(), 50) };
    let searches: [(&str, &dyn Fn(u64) -> DeviceQuery); 6] = [
        ("a page of all", &|place| DeviceQuery { after: Some(title(place)), ..DeviceQuery::of(owner(), 50) }),
        ("a state", &|place| DeviceQuery {
            state: Some(DeviceState::Expected),
            after: Some(title(place)),
            ..DeviceQuery::of(owner(), 50)
        }),
        ("a concentrator", &|place| field(DeviceField::Concentrator, format!("c{}", place / 200))),
        ("a serial number", &|place| field(DeviceField::SerialNumber, format!("SN{place:010}"))),
        ("region, model and firmware", &|place| DeviceQuery {
            fields: vec![
                (DeviceField::Region, format!("r{}", place % 50)),
                (DeviceField::Model, format!("E{}", place % 8)),
                (DeviceField::Firmware, format!("1.{}", place % 16)),
            ],
            ..DeviceQuery::of(owner(), 50)
        }),
        ("a key", &|place| {
            let key = device(place).credentials.first().map(|one| one.key_fingerprint);
            DeviceQuery { key, ..DeviceQuery::of(owner(), 50) }
        }),
    ];
    for (name, query) in searches {
        let (mut took, mut looked_at, mut found) = (Duration::ZERO, 0, 0);
        for number in 0..SEARCHES {
            let query = query((u64::from(number) * 7_919) % devices);
            let start = Instant::now();
            let page = store.find_devices(&query).unwrap();
            took += start.elapsed();
            looked_at += page.looked_at;
            found += page.devices.len();
        }
        let (searches, searches_u64) = (f64::from(SEARCHES), u64::from(SEARCHES));
        println!(
            "  {name}: {:.3} ms a page, {} found of {} looked at",
            took.as_secs_f64() * 1_000.0 / searches,
            found as u64 / searches_u64,
            looked_at / searches_u64
        );
    }
    let start = Instant::now();
    let counts = store.count_devices(&owner(), Some(DeviceField::Region)).unwrap();
    println!(
        "  counts by region: {:.3} ms, {} regions",
        start.elapsed().as_secs_f64() * 1_000.0,
        counts.len()
    );
}

/// As many rows of about the same length, written to fjall alone, as many to a synced batch as a part has.
fn raw(path: &Path, devices: u64) {
    let database = fjall::Database::builder(path).open().unwrap();
    let tree = database.keyspace("raw", fjall::KeyspaceCreateOptions::default).unwrap();
    let start = Instant::now();
    let rows = devices * RAW_ROWS;
    let value = vec![0x5A; RAW_OCTETS];
    let per_batch = DEVICES_IN_A_PART as u64 * RAW_ROWS;
    for first in (0..rows).step_by(usize::try_from(per_batch).unwrap()) {
        let mut batch = database.batch();
        for number in first..(first + per_batch).min(rows) {
            // As scattered as keys that begin with a digest.
            let key = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            batch.insert(&tree, [key.as_slice(), &number.to_be_bytes()].concat(), value.as_slice());
        }
        batch.commit().unwrap();
        database.persist(fjall::PersistMode::SyncData).unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "raw fjall: {rows} rows of {RAW_OCTETS} octets in {took:.1} s, as for {:.0} devices/s",
        devices as f64 / took
    );
}

fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}

fn on_disk(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => on_disk(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
