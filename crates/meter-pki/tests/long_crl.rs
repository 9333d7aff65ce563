//! CRLs of very many entries: the memory they take, and programs of others that read them (L-10).
#![cfg(test)]

#[path = "../benches/crl/ground.rs"]
mod ground;
#[path = "../benches/crl/peak.rs"]
mod peak;

use std::path::Path;
use std::process::Command;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, StatusSource, Unavailable};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlRecord, Revocation, RevokedEntry,
    StoredCertificate,
};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use ca_store::{EngineKind, Opening, Store};
use ground::Authority;
use meter_pki::compose::{SystemClock, abort_on_fatal};
use status_server::publish::CrlFolder;

/// A ledger in which so many certificates are revoked; whatever else it is asked it answers of itself.
struct ManyRevoked<'a> {
    store: &'a Store,
    count: u64,
    time: UnixTime,
}

impl ManyRevoked<'_> {
    fn entry(&self, number: u64) -> RevokedEntry {
        // Ascending, and as long as the serial numbers that are drawn in service.
        let octets = [(1_u64 << 62).to_be_bytes(), (number << 20).to_be_bytes()].concat();
        let revocation =
            Revocation { time: self.time, reason: ReasonCode::Superseded, invalidity_date: None };
        let not_after = self.time.plus_seconds(86_400 * 3_650);
        RevokedEntry { serial: SerialNumber::from_octets(&octets).unwrap(), revocation, not_after }
    }
}

impl StatusSource for ManyRevoked<'_> {
    fn revoked(
        &self,
        _: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let number =
            |serial: &SerialNumber| (u64::from_be_bytes(*serial.octets().last_chunk().unwrap()) >> 20) + 1;
        let rest = after.map_or(0, number)..self.count;
        Ok(rest.take(limit).map(|number| self.entry(number)).collect())
    }

    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        self.store.status_of(id)
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        self.store.certificate(id)
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        self.store.certificates(query)
    }

    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        self.store.released_at(id)
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        self.store.uncertain(issuer, until)
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        self.store.latest_crl(issuer)
    }

    fn audit_records(&self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.store.audit_records(after, limit)
    }
}

/// Makes and publishes a CRL of so many entries. Returns how many octets it has and how many KiB more this process had at most
/// than before.
fn made(authority: &Authority, store: &Store, (count, folder): (u64, &CrlFolder)) -> (u64, u64) {
    let time = SystemClock.now().plus_seconds(-3_600);
    peak::forget();
    let before = peak::resident_kib();
    let crl = authority.issue(store, &ManyRevoked { store, count, time });
    folder.publish(&authority.issuer, &crl.der).unwrap();
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
    let folder = CrlFolder::open(place.path()).unwrap();
    let (file, certificate) =
        (folder.file_of(&authority.issuer.key()), ground::certificate_file(place.path()));
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
