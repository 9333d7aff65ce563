//! What others say of a bundle: OpenSSL, which knows nothing of ceremonies.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::bundle::manifest::Signatures;
use crate::bundle::{MANIFEST, SIGNATURES};
use crate::exact_json;

fn openssl(directory: &Path, arguments: &[&str]) -> String {
    let done = Command::new("openssl").args(arguments).current_dir(directory).output();
    let done = done.expect("install it: apt-get install openssl");
    let said = [done.stdout, done.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

/// Writes the objects in PEM, which every version of the program takes.
fn unpacked(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("bundle");
    bundle().write(&path).unwrap();
    for name in ["a", "b", "factory", "neighbour"] {
        let (from, to) = (format!("outputs/{name}.crt"), format!("{name}.pem"));
        openssl(&path, &["x509", "-inform", "DER", "-in", &from, "-out", &to]);
    }
    path
}

#[test]
fn openssl_verifies_every_certificate_and_crl() {
    let folder = tempfile::tempdir().unwrap();
    let path = unpacked(&folder);
    let at = "1796000000";
    for (root, made) in
        [("a.pem", "a.pem"), ("b.pem", "b.pem"), ("a.pem", "factory.pem"), ("b.pem", "neighbour.pem")]
    {
        let arguments = ["verify", "-x509_strict", "-check_ss_sig", "-attime", at, "-CAfile", root, made];
        assert_eq!(openssl(&path, &arguments), format!("{made}: OK\n"));
    }
    for name in ["a-1", "a-2", "a-3"] {
        let crl = format!("outputs/{name}.crl");
        let said = openssl(&path, &["crl", "-inform", "DER", "-in", &crl, "-CAfile", "a.pem", "-noout"]);
        assert!(said.contains("verify OK"), "{said}");
    }
}

#[test]
fn openssl_verifies_the_signatures_of_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = unpacked(&folder);
    let bundle = Bundle::new(files(&bundle()));
    let signatures: Signatures = exact_json::read(bundle.file(SIGNATURES).unwrap()).unwrap();
    let transcript = Transcript::read(bundle.file(TRANSCRIPT).unwrap(), &FILE).unwrap();
    let line = bundle.file(TRANSCRIPT).unwrap().split(|octet| *octet == b'\n').next().unwrap();
    // What people signed is the line up to its signatures.
    let line = core::str::from_utf8(line).unwrap();
    let (signed, _) = line.split_once(",\"signatures\":[").unwrap();
    std::fs::write(path.join("signed"), format!("{signed}}}")).unwrap();
    let first = transcript.entries()[0].signatures();
    for (file, signature) in
        signatures.signatures.iter().map(|one| (MANIFEST, one)).chain(first.iter().map(|one| ("signed", one)))
    {
        std::fs::write(path.join("signature"), hex::decode(&signature.signature).unwrap()).unwrap();
        let key = format!("people/{}.pem", signature.key);
        let digest = if signature.person == "Olga" { "-sha384" } else { "-sha256" };
        let said = openssl(&path, &["dgst", digest, "-verify", &key, "-signature", "signature", file]);
        assert_eq!(said, "Verified OK\n", "{}", signature.person);
    }
}
