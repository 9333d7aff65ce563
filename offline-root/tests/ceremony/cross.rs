//! `cross-certify`: the issuing CA of another PKI, which openssl plays.

use std::fs;

use crate::harness::{DAY, NOW, Place, Ran, TIME};

/// A place with a root, and the other PKI's CA: `other.key`, `other.csr`, and `other.crt`, signed by itself.
fn meeting(suite: &str) -> Place {
    let place = Place::with_root(suite);
    let (curve, hash) = if suite == "1" { ("P-256", "-sha256") } else { ("P-384", "-sha384") };
    place.openssl_ok(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out other.key"));
    let subject = "-subj /C=ZZ/O=Neighbour/CN=Neighbour-CA";
    place.openssl_ok(&format!("req -new {hash} -key other.key {subject} -out other.csr"));
    place.openssl_ok(&format!("req -x509 -new {hash} -key other.key {subject} -days 9000 -out other.crt"));
    place
}

fn certify(place: &Place, what: &[&str], out: &str) -> Ran {
    let fixed = ["--time", TIME, "--passphrase-file", "pass", "--out", out];
    place.verb("cross-certify", &[what, &fixed].concat())
}

#[test]
fn openssl_follows_the_path_through_a_cross_certificate_and_no_further() {
    for suite in ["1", "2"] {
        for (what, file) in [("--csr", "other.csr"), ("--root-certificate", "other.crt")] {
            let place = meeting(suite);
            let made = certify(&place, &[what, file], "cross.crt").ok().json();
            assert_eq!(
                (&made["path_length"], &made["profile"]),
                (&0.into(), &format!("cross-s{suite}").into())
            );
            let device = "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n";
            let below = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n";
            for (name, issuer, key, extensions) in [
                ("device", "cross", "other", device),
                ("below", "cross", "other", below),
                ("far", "below", "below", device),
            ] {
                fs::write(place.path("ext.cnf"), extensions).unwrap();
                place.openssl_ok(&format!(
                    "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"
                ));
                place.openssl_ok(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"));
                place.openssl_ok(&format!(
                    "x509 -req -in {name}.csr -CA {issuer}.crt -CAkey {key}.key -days 900 -extfile ext.cnf -out {name}.crt"
                ));
            }
            let verify = format!(
                "verify -x509_strict -attime {} -CAfile root/public/root.crt -untrusted cross.crt",
                NOW + 30 * DAY
            );
            place.openssl_ok(&format!("{verify} device.crt"));
            let (content, said) = place.openssl(&format!("{verify} -untrusted below.crt far.crt"));
            assert!(!content && said.contains("path length constraint exceeded"), "{said}");
            place.verify().ok();
        }
    }
}

#[test]
fn a_cross_certificate_can_be_revoked() {
    let place = meeting("1");
    let made = certify(&place, &["--csr", "other.csr"], "cross.crt").ok().json();
    place.revoke(made["serial"].as_str().unwrap(), "affiliationChanged").ok();
    assert_eq!(place.crl("crl", TIME, crate::harness::NEXT_UPDATE).ok().json()["entries"], 1);
}

#[test]
fn r_04_another_request_than_the_one_compared_is_refused() {
    let place = meeting("1");
    let digest = "00".repeat(32);
    certify(&place, &["--csr", "other.csr", "--sha256", &digest], "x").refused(4, "cross.other-digest");
    assert!(place.last_entry().contains("cross.other-digest"));
    assert!(!place.path("x").exists());
}

#[test]
fn what_shows_no_possession_of_its_key_is_not_certified() {
    let place = meeting("1");
    // A certificate that somebody else signed shows nothing of the key in it.
    certify(&place, &["--csr", "other.csr"], "cross.crt").ok();
    certify(&place, &["--root-certificate", "cross.crt"], "x").refused(4, "pop.invalid");
    let (_, mut der) = der::pem::decode_vec(&place.read("other.csr")).map(|(_, der)| ((), der)).unwrap();
    *der.last_mut().unwrap() ^= 1;
    place.put_pem("damaged.csr", "CERTIFICATE REQUEST", &der);
    certify(&place, &["--csr", "damaged.csr"], "x").refused(4, "pop.invalid");
    assert!(!place.path("x").exists());
}

#[test]
fn another_suite_the_name_of_the_root_and_other_profiles_are_refused() {
    let place = meeting("1");
    place.openssl_ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key");
    place.openssl_ok("req -new -sha384 -key p384.key -subj /CN=Other -out p384.csr");
    assert_eq!(certify(&place, &["--csr", "p384.csr"], "x").exit, Some(4));
    certify(&place, &["--root-certificate", "root/public/root.crt"], "x").refused(4, "subject.root");
    certify(&place, &["--csr", "other.csr", "--profile", "root"], "x").refused(2, "profile.unknown");
    assert_eq!(certify(&place, &["--csr", "other.csr", "--profile", "root-link"], "x").exit, Some(4));
    assert_eq!(certify(&place, &[], "x").exit, Some(2));
    assert!(!place.path("x").exists());
}

#[test]
fn r_06_a_cross_certificate_never_replaces_a_file() {
    let place = meeting("1");
    fs::write(place.path("taken"), "mine").unwrap();
    let before = place.ledger();
    certify(&place, &["--csr", "other.csr"], "taken").refused(7, "file.exists");
    assert_eq!((place.read("taken").as_slice(), place.ledger()), (b"mine".as_slice(), before));
}
