//! What a CRL of very many entries takes: time, memory, octets; from the ledger to the published file, beside writing the same
//! octets to a file and beside `openssl ca -gencrl` with as many entries, in the same run. Two programs of others read it.
//!
//! `cargo bench -p meter-pki --bench crl -- [--entries N] [--computed] [--directory DIR]` prints a report. With
//! `--computed` the revocations are not kept in the ledger, which takes long with a million, but computed when they are read; then
//! there are no shards and no delta. Everything is made in processes of their own, so that each has its own peak of memory. Not a test: it fails only when something was not done.

#![expect(clippy::print_stdout, reason = "the report is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on says why and ends"
)]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "crl/ground.rs"]
mod ground;
#[path = "crl/making.rs"]
mod making;
#[path = "crl/others.rs"]
mod others;
#[path = "crl/peak.rs"]
mod peak;
#[path = "crl/report.rs"]
mod report;
#[path = "crl/revoked.rs"]
mod revoked;

use std::path::{Path, PathBuf};
use std::time::Instant;

use ca_store::{EngineKind, Store};

use ground::Authority;
use making::{Made, Means, Wanted, made_apart, make_and_tell};
use others::{gnutls_reads, openssl_ca, openssl_reads};
use report::{Divided, Report};

/// How many entries the long CRL has unless another number is asked for; the short one has a tenth.
const ENTRIES: u64 = 1_000_000;

/// What the ledger keeps of what it has read, in MiB: in service, and so little that what else grows is seen.
const CACHES: [u64; 2] = [128, 8];

/// How many are revoked after the complete CRL, for the delta to it.
const CHANGED: u64 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    if let Some(place) = after("--make") {
        let computed = after("--computed").map(|number| number.parse().unwrap());
        let cache_mib = after("--cache-mib").unwrap().parse().unwrap();
        let wanted = Wanted::read(&after("--wanted").unwrap());
        return make_and_tell(Path::new(&place), wanted, Means { cache_mib, computed });
    }
    let entries = after("--entries").map_or(ENTRIES, |number| number.parse().unwrap());
    let parent = after("--directory").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    std::fs::create_dir_all(&parent).unwrap();
    let place = tempfile::Builder::new().prefix("crl-").tempdir_in(parent).unwrap();
    let computed = arguments.iter().any(|argument| argument == "--computed");
    measure(place.path(), entries, computed).print();
}

fn measure(place: &Path, entries: u64, computed: bool) -> Report {
    ground::found(place);
    let authority = Authority::open(place);
    Store::create(&place.join("ledger"), EngineKind::Fjall).unwrap();
    let issuer = authority.issuer.key();
    let revoked = |(first, count)| {
        if computed {
            return None;
        }
        let start = Instant::now();
        revoked::revoke(&revoked::open(&place.join("ledger"), CACHES[0]), issuer, (first, count));
        Some(start.elapsed())
    };
    let means = |cache_mib, count| Means { cache_mib, computed: computed.then_some(count) };
    let made = |cache_mib, count| made_apart(place, Wanted::All, means(cache_mib, count));
    let first = revoked((0, entries / 100));
    made(CACHES[0], entries / 100);
    let file = making::published_file(place, &issuer);
    let gnutls = gnutls_reads(place, &file, entries / 100);
    let second = revoked((entries / 100, entries / 10 - entries / 100));
    let short = CACHES.map(|cache_mib| made(cache_mib, entries / 10));
    let third = revoked((entries / 10, entries - entries / 10));
    let revoking = first.zip(second).zip(third).map(|((first, second), third)| first + second + third);
    let long = CACHES.map(|cache_mib| (0..3).map(|_| made(cache_mib, entries)).collect::<Vec<Made>>());
    let divided = (!computed).then(|| {
        let shards = made_apart(place, Wanted::Shards, means(CACHES[0], 0));
        revoked((entries, CHANGED));
        Divided { shards, delta: made_apart(place, Wanted::Delta, means(CACHES[0], 0)) }
    });
    let others = vec![openssl_ca(place, entries), openssl_reads(place, &file, entries), gnutls];
    Report { entries, revoking, short, long, divided, others, file_system: place.to_owned() }
}
