//! What programs of others take for a CRL of as many entries: to make it, and to read ours.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{ground, peak};

/// What a program did, how long it took and how much memory it had at most, looked at every few milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) what: &'static str,
    pub(crate) time: Duration,
    pub(crate) peak_kib: u64,
    pub(crate) octets: u64,
}

/// Has `openssl ca` make a CRL of as many entries.
pub(crate) fn openssl_ca(place: &Path, entries: u64) -> Other {
    let mut index = String::new();
    for number in 0..entries {
        writeln!(
            index,
            "R\t361231235959Z\t261128000000Z,superseded\t{:032X}\tunknown\t/CN=m",
            1_u128 << 126 | u128::from(number)
        )
        .unwrap();
    }
    std::fs::write(place.join("index.txt"), index).unwrap();
    std::fs::write(place.join("crlnumber"), "01\n").unwrap();
    let file = |name: &str| place.join(name).to_str().unwrap().to_owned();
    let config = format!(
        "[ca]\ndefault_ca = one\n[one]\ndatabase = {}\ncrlnumber = {}\ncertificate = {}\nprivate_key = {}\n\
         default_md = sha256\ndefault_crl_days = 7\ncrl_extensions = two\n[two]\nauthorityKeyIdentifier = keyid:always\n",
        file("index.txt"),
        file("crlnumber"),
        ground::certificate_file(place).to_str().unwrap(),
        ground::key_file(place).to_str().unwrap(),
    );
    std::fs::write(place.join("ca.cnf"), config).unwrap();
    let out = file("openssl.pem");
    let made = timed(
        "`openssl ca -gencrl`",
        &["openssl", "ca", "-gencrl", "-config", &file("ca.cnf"), "-out", &out],
    );
    Other { octets: std::fs::metadata(out).unwrap().len(), ..made }
}

/// Has `openssl` read our CRL, verify its signature and list its entries.
pub(crate) fn openssl_reads(place: &Path, file: &Path, entries: u64) -> Other {
    let (crl, certificate) = (file.to_str().unwrap(), ground::certificate_file(place));
    let certificate = certificate.to_str().unwrap();
    let text = ["openssl", "crl", "-inform", "DER", "-in", crl, "-text", "-noout"];
    count("Serial Number:", &text, entries);
    let verify =
        ["openssl", "crl", "-inform", "DER", "-in", crl, "-CAfile", certificate, "-verify", "-noout"];
    timed("`openssl crl -verify` reads the long one", &verify)
}

/// Has GnuTLS read our CRL, verify its signature and list its entries. It seeks each entry from the start, so that only a short
/// one can be asked of it.
pub(crate) fn gnutls_reads(place: &Path, file: &Path, entries: u64) -> Other {
    let (crl, certificate) = (file.to_str().unwrap(), ground::certificate_der_file(place));
    count("Serial Number (hex):", &["certtool", "--crl-info", "--inder", "--infile", crl], entries);
    let certificate = certificate.to_str().unwrap();
    let verify =
        ["certtool", "--verify-crl", "--inder", "--infile", crl, "--load-ca-certificate", certificate];
    timed("`certtool --verify-crl` reads one with a hundredth of the entries", &verify)
}

fn count(words: &str, command: &[&str], entries: u64) {
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().filter(|line| line.contains(words)).count();
    assert_eq!(u64::try_from(found).unwrap(), entries, "{command:?}");
}

fn timed(what: &'static str, command: &[&str]) -> Other {
    let start = Instant::now();
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let peak_kib = watched(&mut child);
    let time = start.elapsed();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Other { what, time, peak_kib, octets: 0 }
}

fn watched(child: &mut Child) -> u64 {
    let (id, mut peak_kib) = (child.id().to_string(), 0);
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak_kib.max(peak::of(&id, "VmHWM:"));
        thread::sleep(Duration::from_millis(5));
    }
    peak_kib
}
