//! Certification requests that others made: read, proved, and noticed when an octet is turned.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca_core::csr::{CertificationRequest, Leniency};
use ca_core::suite::Curve;

/// Reads every request of a folder, in the order of the names: name and DER.
fn requests(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/dlms-csr").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| (file.display().to_string(), der(&fs::read_to_string(file).unwrap()))).collect()
}

/// The octets between the armour, whatever the line breaks.
fn der(pem: &str) -> Vec<u8> {
    let inside = pem.split("-----").nth(2).unwrap();
    STANDARD.decode(inside.split_whitespace().collect::<String>()).unwrap()
}

fn all() -> Vec<(String, Vec<u8>)> {
    [requests("net"), requests("python")].concat()
}

#[test]
fn all_fifty_requests_of_the_dlms_library_prove_possession() {
    let all = all();
    assert_eq!(all.len(), 50);
    for (name, der) in all {
        let read = CertificationRequest::from_der(&der).unwrap_or_else(|error| panic!("{name}: {error}"));
        read.prove_possession().unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = if name.contains("P384") { Curve::P384 } else { Curve::P256 };
        assert_eq!(read.public_key().curve(), expected, "{name}");
        assert!(read.subject().system_title().is_some(), "{name}: {}", read.subject());
        assert!(read.requested_extensions().is_empty() && read.challenge_password().is_none());
    }
}

/// As many as a strict reader refuses: OpenSSL 3.0 says so of the same files.
#[test]
fn what_a_strict_reader_would_refuse_is_counted() {
    let lenient = |folder| {
        let unsigned = |(_, der): &(String, Vec<u8>)| {
            let leniencies = CertificationRequest::from_der(der).unwrap().leniencies().to_vec();
            assert!(leniencies.is_empty() || leniencies == [Leniency::UnsignedIntegers]);
            !leniencies.is_empty()
        };
        requests(folder).iter().filter(|request| unsigned(request)).count()
    };
    assert_eq!((lenient("net"), lenient("python")), (29, 9));
}

#[test]
fn one_turned_octet_in_any_of_them_is_noticed() {
    for (name, der) in all() {
        for place in (0..der.len()).step_by(5).chain([der.len() - 1]) {
            let mut turned = der.clone();
            turned[place] ^= 0x01;
            let proved =
                CertificationRequest::from_der(&turned).is_ok_and(|read| read.prove_possession().is_ok());
            assert!(!proved, "{name}, octet {place}");
        }
    }
}
