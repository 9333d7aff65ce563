//! CRLs of very many entries: the memory they take, and programs of others that read them (L-10).
#![cfg(test)]

#[path = "../benches/crl/ground.rs"]
mod ground;
#[path = "../benches/crl/peak.rs"]
mod peak;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ca_core::ports::Clock;
use ca_core::scope::{CrlLine, CrlScope};
use ca_store::{EngineKind, Opening, Store};
use figures::ManyRevoked;
use ground::Authority;
use meter_pki::compose::{SystemClock, abort_on_fatal};
use status_server::publish::CrlFolder;

/// Makes and publishes a CRL of so many entries. Returns how many octets it has and how many KiB more this process had at most
/// than before.
fn made(authority: &Authority, store: &Arc<Store>, (count, folder): (u64, &CrlFolder)) -> (u64, u64) {
    let time = SystemClock.now().plus_seconds(-3_600);
    peak::forget();
    let before = peak::resident_kib();
    let line = CrlLine::complete(authority.issuer.key(), CrlScope::All);
    let crl = authority.issue(&**store, &ManyRevoked { store: Arc::clone(store), count, time }, &line);
    folder.publish(&line, &authority.issuer, crl.der.reader()).unwrap();
    assert_eq!(crl.entries, count);
    (crl.der.length(), peak::kib() - before)
}

#[test]
fn l_10_a_crl_of_ten_times_the_entries_takes_no_more_memory_and_others_read_it() {
    let place = tempfile::tempdir().unwrap();
    ground::found(place.path());
    let authority = Authority::open(place.path());
    let ledger = place.path().join("ledger");
    Store::create(&ledger, EngineKind::Fjall).unwrap();
    let opening = Opening { now: SystemClock.now(), tenant: authority.issuer.tenant().clone(), boot: None };
    let (store, _) = Store::open(&ledger, &opening, abort_on_fatal()).unwrap();
    let store = Arc::new(store);
    let folder = CrlFolder::open(place.path()).unwrap();
    let line = CrlLine::complete(authority.issuer.key(), CrlScope::All);
    let (file, certificate) = (folder.file_of(&line), ground::certificate_file(place.path()));
    // GnuTLS seeks each entry from the start: with a hundred times as many it would take hours.
    made(&authority, &store, (5_000, &folder));
    gnutls_verifies(&file, &ground::certificate_der_file(place.path()));
    let (few_octets, _) = made(&authority, &store, (60_000, &folder));
    let (octets, kib) = made(&authority, &store, (600_000, &folder));
    openssl_verifies(&file, &certificate);
    assert!(octets > 9 * few_octets);
    // A few tables of the ledger's engine and what is on its way; not the list.
    assert!(kib << 10 < octets, "{octets} octets took {kib} KiB");
}

fn openssl_verifies(crl: &Path, certificate: &Path) {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["crl", "-inform", "DER", "-verify", "-noout", "-in"])
        .arg(crl)
        .arg("-CAfile")
        .arg(certificate);
    let output = openssl.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("verify OK"), "{told}");
}

fn gnutls_verifies(crl: &Path, certificate: &Path) {
    let mut certtool = Command::new("certtool");
    certtool
        .args(["--verify-crl", "--inder", "--infile"])
        .arg(crl)
        .arg("--load-ca-certificate")
        .arg(certificate);
    let output = certtool.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("Verified"), "{output:?}");
}
