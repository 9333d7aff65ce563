//! One CRL, from the ledger to the published file, in a process of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::Clock;
use ca_core::scope::{CrlLine, CrlScope};
use meter_pki::compose::SystemClock;
use status_server::publish::CrlFolder;

use crate::ground::Authority;
use crate::many_revoked::ManyRevoked;
use crate::{peak, revoked};

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) entries: u64,
    pub(crate) octets: u64,
    /// Until it is on record.
    pub(crate) issued: Duration,
    /// From there until it is published.
    pub(crate) published: Duration,
    /// The same octets to another file, page by page, with fsync.
    pub(crate) written: Duration,
    /// Resident memory before, and its peak until all was done.
    pub(crate) before_kib: u64,
    pub(crate) peak_kib: u64,
}

/// In the child: makes the next CRL and tells.
pub(crate) fn make_and_tell(place: &Path, computed: Option<u64>) {
    let authority = Authority::open(place);
    let store = revoked::open(&place.join("ledger"));
    let folder = published(place);
    std::fs::create_dir_all(&folder).unwrap();
    let folder = CrlFolder::open(&folder).unwrap();
    peak::forget();
    let before_kib = peak::resident_kib();
    let start = Instant::now();
    let time = SystemClock.now().plus_seconds(-3_600);
    let crl = match computed {
        Some(count) => authority.issue(&store, &ManyRevoked { store: &store, count, time }),
        None => authority.issue(&store, &store),
    };
    let issued = start.elapsed();
    let line = CrlLine::complete(authority.issuer.key(), CrlScope::All);
    folder.publish(&line, &authority.issuer, crl.der.reader()).unwrap();
    let published = start.elapsed() - issued;
    let peak_kib = peak::kib();
    let written = write(&crl.der, &place.join("again"));
    let micros = [issued, published, written].map(|time| u64::try_from(time.as_micros()).unwrap());
    let [issued, published, written] = micros;
    let (entries, octets) = (crl.entries, crl.der.length());
    println!("{entries} {octets} {issued} {published} {written} {before_kib} {peak_kib}");
}

fn write(octets: &Octets, path: &Path) -> Duration {
    let start = Instant::now();
    let mut file = File::create(path).unwrap();
    for page in octets.pages() {
        file.write_all(&page.unwrap()).unwrap();
    }
    file.sync_all().unwrap();
    start.elapsed()
}

/// Makes the next CRL in another process.
pub(crate) fn made_apart(place: &Path, computed: Option<u64>) -> Made {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .arg("--make")
        .arg(place)
        .args(computed.map(|count| ["--computed".to_owned(), count.to_string()]).iter().flatten());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [entries, octets, issued, published, written, before_kib, peak_kib] = numbers[..] else {
        panic!("the child says {told:?}")
    };
    let [issued, published, written] = [issued, published, written].map(Duration::from_micros);
    Made { entries, octets, issued, published, written, before_kib, peak_kib }
}

fn published(place: &Path) -> PathBuf {
    place.join("published")
}

/// The file in which it is published.
pub(crate) fn published_file(place: &Path, issuer: &KeyRef) -> PathBuf {
    CrlFolder::open(&published(place)).unwrap().file_of(&CrlLine::complete(*issuer, CrlScope::All))
}
