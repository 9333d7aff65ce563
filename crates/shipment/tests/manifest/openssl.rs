//! OpenSSL verifies the header and opens a chunk, under both suites.

use std::path::Path;
use std::process::{Command, Output};

use der::{Decode, Encode};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use shipment::Shipment;

use crate::altered::objects;
use crate::ground::{Ground, bare};
use crate::hierarchy::{Key, NOW};

fn openssl(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl")
        .current_dir(directory)
        .args(arguments)
        .output()
        .expect("openssl is not installed: run tests/run, which installs what the tests need")
}

fn private_pem(key: &Key) -> String {
    match key {
        Key::P256(key) => key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
        Key::P384(key) => key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
    }
}

#[test]
fn openssl_verifies_the_header_and_opens_a_chunk() {
    for suite in ["s1", "s2"] {
        let ground = Ground::new(suite);
        let octets = ground.made(&[ground.device(1), ground.device(2)]);
        let objects = objects(&octets);
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, octets: &[u8]| std::fs::write(directory.path().join(name), octets).unwrap();
        // The first object, by a plain offset; and the third.
        write("header.der", &octets[objects[0].clone()]);
        write("chunk.der", &octets[objects[2].clone()]);
        write("key.pem", private_pem(&ground.key("ship-recipient")).as_bytes());
        write("recipient.der", ground.recipient.der());
        write("root.der", ground.hierarchy.path_above(&format!("ship-signer-{suite}")).last().unwrap());
        let root = openssl(directory.path(), &["x509", "-in", "root.der", "-out", "root.pem"]);
        assert!(root.status.success(), "{}", String::from_utf8_lossy(&root.stderr));
        let at = NOW.seconds().to_string();
        let verified = openssl(
            directory.path(),
            &[
                "cms",
                "-verify",
                "-inform",
                "DER",
                "-binary",
                "-in",
                "header.der",
                "-CAfile",
                "root.pem",
                "-purpose",
                "any",
                "-attime",
                &at,
                "-out",
                "content.der",
            ],
        );
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let content = std::fs::read(directory.path().join("content.der")).unwrap();
        let text = openssl(directory.path(), &["asn1parse", "-inform", "DER", "-in", "content.der"]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains("meter-pki shipment 1") && text.contains("2026-11-0042"), "{text}");

        let opened = openssl(
            directory.path(),
            &[
                "cms",
                "-decrypt",
                "-inform",
                "DER",
                "-binary",
                "-in",
                "chunk.der",
                "-inkey",
                "key.pem",
                "-recip",
                "recipient.der",
                "-out",
                "records.der",
            ],
        );
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        let records = std::fs::read(directory.path().join("records.der")).unwrap();
        let mut shipment = Shipment::open(octets.as_slice()).unwrap();
        let chunk = shipment.next_chunk().unwrap().unwrap();
        let own = ground.as_recipient(|recipient| chunk.open(recipient.key)).unwrap();
        let theirs: Vec<Vec<u8>> = Vec::<der::asn1::Any>::from_der(&records)
            .unwrap()
            .iter()
            .map(|one| one.to_der().unwrap())
            .collect();
        let ours: Vec<Vec<u8>> = own.records.into_iter().map(|record| record.octets).collect();
        assert_eq!(theirs, ours);
        assert!(content.len() > 100);
    }
}

#[test]
fn openssl_refuses_an_altered_header_as_we_do() {
    let ground = Ground::new("s1");
    let octets = ground.made(&[bare(1)]);
    let mut header = octets[objects(&octets)[0].clone()].to_vec();
    let place = header.windows(7).position(|found| found == b"PO 4711").unwrap();
    header[place + 6] = b'2';
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("header.der"), &header).unwrap();
    let said = openssl(
        directory.path(),
        &["cms", "-verify", "-inform", "DER", "-binary", "-noverify", "-in", "header.der", "-out", "x"],
    );
    assert!(!said.status.success());
    let whole = [header.as_slice(), &octets[objects(&octets)[1].start..]].concat();
    assert_eq!(ground.refusal(&whole), "shipment.signature");
}
