//! A later ceremony on the same root: what a first one certified is revoked.

use std::fs;
use std::path::Path;
use std::process::Command;

use ca_core::certificate::Certificate;
use der::pem;
use sha2::{Digest, Sha256};

/// Makes a CA of somebody else among the inputs; returns the act that certifies it.
pub(super) fn neighbour(place: &Path) -> String {
    let wish = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -days 9000 \
                -subj /C=ZZ/O=Neighbour/CN=Neighbour-CA -out inputs/other.crt";
    let made = Command::new("openssl").args(wish.split_whitespace()).current_dir(place).output();
    assert!(made.expect("openssl is installed").status.success());
    let sum = hex::encode(Sha256::digest(fs::read(place.join("inputs/other.crt")).expect("it was made")));
    format!(
        "\n[[act]]\nkind = \"cross-certificate\"\nroot = \"a\"\nprofile = \"cross-s1\"\nrequest = \"other.crt\"\nsha256 = \"{sum}\"\n"
    )
}

/// Makes the file of the later ceremony of that of the first, without its acts.
pub(super) fn file(first: &str, room: &Path) -> String {
    let mut ceremonies = fs::read_dir(room.join("ceremonies")).expect("one was held");
    let export = ceremonies.next().expect("one was held").expect("it can be read").path().join("export");
    let root = certificate(&export.join("a.crt"));
    let serial = certificate(&export.join("other-by-a.crt")).serial().to_string();
    let pin = format!("name = \"a\"\ncertificate = \"{}\"", hex::encode(Sha256::digest(root.der())));
    let later = first.replace("2026-11-28", "2026-12-28").replace("name = \"a\"", &pin);
    later
        + &format!(
            "\n[[act]]\nkind = \"revoke\"\nroot = \"a\"\nserial = \"{serial}\"\nreason = \"superseded\"\n"
        )
        + &super::CRL.replace("2026-11-28", "2026-12-28")
}

fn certificate(path: &Path) -> Certificate {
    let text = fs::read(path).expect("it was made");
    Certificate::from_der(&pem::decode_vec(&text).expect("it is PEM").1).expect("it is a certificate")
}
