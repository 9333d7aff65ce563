//! Messages by OpenSSL: every command, each answer, both protections, both suites. What we make of them is what they are.

#![cfg(test)]

use std::path::PathBuf;

use ca_core::certificate::Certificate;
use ca_core::signature::EcdsaSignature;
use cmp_messages::message::PkiMessage;
use cmp_messages::protection::{MacAlgorithm, MacAlgorithmError};

/// The types of the messages of each exchange, in turn; where they come from is told in `tests/vectors/cmp/README.md`.
const EXCHANGES: [(&str, &[&str]); 12] = [
    ("ir-signature", &["ir", "ip", "certConf", "pkiconf"]),
    ("ir-mac", &["ir", "ip", "certConf", "pkiconf"]),
    ("cr-signature", &["cr", "cp", "certConf", "pkiconf"]),
    ("kur-signature", &["kur", "kup", "certConf", "pkiconf"]),
    ("p10cr-signature", &["p10cr", "cp", "certConf", "pkiconf"]),
    ("p10cr-mac", &["p10cr", "cp", "certConf", "pkiconf"]),
    ("rr-signature", &["rr", "rp"]),
    ("genm-signature", &["genm", "genp"]),
    ("genm-mac", &["genm", "genp"]),
    ("poll-signature", &["cr", "cp", "pollReq", "cp", "certConf", "pkiconf"]),
    ("error-signature", &["cr", "error"]),
    ("implicit-signature", &["ir", "ip"]),
];

fn read(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cmp/openssl");
    std::fs::read(folder.join(name)).unwrap()
}

/// Every message with the type that it has.
fn all() -> impl Iterator<Item = (String, &'static str)> {
    let of_suite = |suite: &'static str| {
        EXCHANGES.into_iter().flat_map(move |(exchange, types)| {
            types.iter().enumerate().map(move |(place, kind)| {
                let side = if place % 2 == 0 { "request" } else { "response" };
                (format!("{exchange}-{suite}-{side}{}.der", place / 2 + 1), *kind)
            })
        })
    };
    of_suite("p256").chain(of_suite("p384"))
}

#[test]
fn messages_of_openssl_are_what_they_were_when_they_are_written_again() {
    let mut count = 0;
    for (name, kind) in all() {
        let der = read(&name);
        let message = PkiMessage::decode(&der).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.body().name(), kind, "{name}");
        assert_eq!(message.encode().unwrap(), der, "{name}");
        // Not only the octets that were kept: the types say all that stands in them.
        let again = PkiMessage::new(message.header().clone(), message.body().clone()).unwrap();
        assert_eq!(again.protected_part(), message.protected_part(), "{name}");
        count += 1;
    }
    assert_eq!(count, 80);
}

// RFC 9810 §5.1.3: what is protected is what OpenSSL protects, by a MAC (§5.1.3.1) and by a signature (§5.1.3.3).
#[test]
fn the_protections_of_openssl_verify() {
    let (mut macs, mut signatures) = (0, 0);
    for (name, _) in all() {
        let message = PkiMessage::decode(&read(&name)).unwrap();
        let algorithm = message.header().protection_alg.as_ref().unwrap();
        let protection = message.protection().unwrap();
        if !MacAlgorithm::is_mac(algorithm) {
            // Its mock server has a self-signed certificate, and leaves it out.
            let Some(first) = message.extra_certs().first() else { continue };
            let certificate = Certificate::from_der(first).unwrap();
            let key = certificate.public_key();
            let signature = EcdsaSignature::from_der(key.curve(), protection)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            key.verify(message.protected_part(), &signature).unwrap();
            signatures += 1;
        } else if name.contains("-request") {
            let mac = MacAlgorithm::read(algorithm).unwrap();
            assert!(mac.verify(b"secret", message.protected_part(), protection), "{name}");
            assert!(!mac.verify(b"Secret", message.protected_part(), protection), "{name}");
            macs += 1;
        } else {
            // Its mock server knows HMAC with SHA-1 only.
            let read = MacAlgorithm::read(algorithm);
            assert!(matches!(read, Err(MacAlgorithmError::Unknown { .. })), "{name}: {read:?}");
        }
    }
    assert_eq!((macs, signatures), (10, 30), "every request");
}
