//! CRLs, from the ledger to the published file, in a process of their own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::Clock;
use ca_core::scope::{CrlLine, CrlScope, Shard};
use figures::ManyRevoked;
use meter_pki::compose::SystemClock;
use status_server::publish::CrlFolder;

use crate::ground::{Authority, SHARDS};
use crate::{peak, revoked};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The complete CRL of all.
    All,
    /// A delta to the last of those.
    Delta,
    /// The complete CRL of each shard.
    Shards,
}

impl Wanted {
    const EACH: [Self; 3] = [Self::All, Self::Delta, Self::Shards];

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Delta => "delta",
            Self::Shards => "shards",
        }
    }

    pub(crate) fn read(word: &str) -> Self {
        *Self::EACH.iter().find(|wanted| wanted.word() == word).unwrap()
    }

    fn lines(self, issuer: KeyRef) -> Vec<CrlLine> {
        match self {
            Self::All => vec![CrlLine::complete(issuer, CrlScope::All)],
            Self::Delta => vec![CrlLine::delta(issuer, CrlScope::All)],
            Self::Shards => (0..SHARDS)
                .map(|number| Shard::parse(&format!("{number:02x}")).unwrap())
                .map(|shard| CrlLine::complete(issuer, CrlScope::Shard(shard)))
                .collect(),
        }
    }
}

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) entries: u64,
    pub(crate) octets: u64,
    /// Until all are on record.
    pub(crate) issued: Duration,
    /// From there until they are published.
    pub(crate) published: Duration,
    /// The same octets to other files, page by page, with fsync.
    pub(crate) written: Duration,
    /// Resident memory before, and its peak until all was done.
    pub(crate) before_kib: u64,
    pub(crate) peak_kib: u64,
}

/// How a child is to make them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means {
    /// What was read from the ledger is kept in so much memory, in MiB.
    pub(crate) cache_mib: u64,
    /// How many revocations are computed, unless they are read from the ledger.
    pub(crate) computed: Option<u64>,
}

/// In the child: makes the next CRLs and tells.
pub(crate) fn make_and_tell(place: &Path, wanted: Wanted, means: Means) {
    let authority = Authority::open(place);
    let store = Arc::new(revoked::open(&place.join("ledger"), means.cache_mib));
    let folder = published(place);
    std::fs::create_dir_all(&folder).unwrap();
    let folder = CrlFolder::open(&folder).unwrap();
    peak::forget();
    let mut made = Made { before_kib: peak::resident_kib(), ..Made::NOTHING };
    let time = SystemClock.now().plus_seconds(-3_600);
    for line in wanted.lines(authority.issuer.key()) {
        let start = Instant::now();
        let crl = match means.computed {
            Some(count) => {
                authority.issue(&*store, &ManyRevoked { store: Arc::clone(&store), count, time }, &line)
            }
            None => authority.issue(&*store, &*store, &line),
        };
        let issued = start.elapsed();
        folder.publish(&line, &authority.issuer, crl.der.reader()).unwrap();
        made.issued += issued;
        made.published += start.elapsed() - issued;
        made.peak_kib = peak::kib();
        made.written += write(&crl.der, &place.join("again"));
        made.entries += crl.entries;
        made.octets += crl.der.length();
    }
    made.tell();
}

impl Made {
    const NOTHING: Self = Self {
        entries: 0,
        octets: 0,
        issued: Duration::ZERO,
        published: Duration::ZERO,
        written: Duration::ZERO,
        before_kib: 0,
        peak_kib: 0,
    };

    fn tell(&self) {
        let micros = [self.issued, self.published, self.written];
        let [issued, published, written] = micros.map(|time| u64::try_from(time.as_micros()).unwrap());
        let Self { entries, octets, before_kib, peak_kib, .. } = self;
        println!("{entries} {octets} {issued} {published} {written} {before_kib} {peak_kib}");
    }
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

/// Makes the next CRLs in another process.
pub(crate) fn made_apart(place: &Path, wanted: Wanted, means: Means) -> Made {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .arg("--make")
        .arg(place)
        .args(["--wanted", wanted.word(), "--cache-mib", &means.cache_mib.to_string()])
        .args(means.computed.map(|count| ["--computed".to_owned(), count.to_string()]).iter().flatten());
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
