//! `link`: two generations of one root, and the certificates that lead from one to the other (RFC 9810 §4.4).

use std::fs;

use ca_core::certificate::Certificate;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;

use crate::harness::{DAY, NOW, Place, Ran, SubCa, TIME};

/// Ten years later, when the successor is founded: 2036-11-21T10:00:00Z.
const LATER: &str = "2036-11-21T10:00:00Z";

const LATER_SECONDS: i64 = NOW + 3_653 * DAY;

/// A place with a root in `old` and its successor, of the same name, in `new`.
fn generations(suite: &str, more: &[&str]) -> Place {
    let place = Place::new();
    place.init(suite, more).ok();
    fs::rename(place.path("root"), place.path("old")).unwrap();
    place.init_at(suite, LATER, more).ok();
    fs::rename(place.path("root"), place.path("new")).unwrap();
    place
}

/// Has the root in one directory certify that of another.
fn link(place: &Place, dir: &str, other: &str, out: &str) -> Ran {
    let (other, fixed) =
        (format!("{other}/public/root.crt"), ["link", "--json", "--passphrase-file", "pass"]);
    let said = ["--dir", dir, "--time", LATER, "--other", &other, "--out", out];
    place.run([&fixed[..], &said].concat())
}

fn certificate(place: &Place, name: &str) -> Certificate {
    let pem = place.read(name);
    Certificate::from_der(&der::pem::decode_vec(&pem).unwrap().1).unwrap()
}

/// Has both roots sign a sub-CA, and the sub-CAs a certificate each: `sub-old.crt`, `device-old.crt` and so on.
fn populate(place: &Place, suite: &str, curve: &str) {
    for (dir, created) in [("old", NOW), ("new", LATER_SECONDS)] {
        place.openssl_ok(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out {dir}.key"));
        let text = String::from_utf8(place.read(&format!("{dir}.key"))).unwrap();
        let sub_ca = SubCa::from_pem(suite, &text);
        let request = sub_ca.request_with(&format!("sub-operational-s{suite}"), |parts| {
            parts.created = UnixTime::from_seconds(created);
        });
        place.sign_under(dir, &request, &format!("sub-{dir}.crt"));
        place.openssl_ok(&format!("req -new -key {dir}.key -subj /CN=Device -out {dir}.csr"));
        let extensions =
            "keyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
        fs::write(place.path("device.cnf"), extensions).unwrap();
        place.openssl_ok(&format!(
            "x509 -req -in {dir}.csr -CA sub-{dir}.crt -CAkey {dir}.key -days 9000 -extfile device.cnf -out device-{dir}.crt"
        ));
    }
}

#[test]
fn whoever_trusts_one_generation_comes_to_trust_the_other_and_openssl_agrees() {
    for (suite, curve) in [("1", "P-256"), ("2", "P-384")] {
        let place = generations(suite, &[]);
        let made = link(&place, "old", "new", "new-with-old.crt").ok().json();
        assert_eq!((&made["link"], &made["not_before"]), (&"new-with-old".into(), &LATER.into()));
        let made = link(&place, "new", "old", "old-with-new.crt").ok().json();
        assert_eq!((&made["link"], &made["not_before"]), (&"old-with-new".into(), &TIME.into()));
        populate(&place, suite, curve);
        // Noon of the day after the second founding.
        let verify = format!("verify -x509_strict -attime {}", LATER_SECONDS + DAY);
        for (anchor, link, other) in [("old", "new-with-old", "new"), ("new", "old-with-new", "old")] {
            let below = format!("-untrusted sub-{other}.crt device-{other}.crt");
            let anchored = format!("{verify} -CAfile {anchor}/public/root.crt");
            let (content, said) = place.openssl(&format!("{anchored} {below}"));
            assert!(!content, "without the link there is no path: {said}");
            place.openssl_ok(&format!("{anchored} -untrusted {link}.crt {below}"));
            place.openssl_ok(&format!("{anchored} -untrusted sub-{anchor}.crt device-{anchor}.crt"));
        }
        for dir in ["old", "new"] {
            place.run(["verify", "--dir", dir]).ok();
        }
    }
}

// RFC 9810 §4.4.1: OldWithNew has the notBefore and notAfter of the old root; NewWithOld begins with the new root and ends,
// at the latest, with the old one.
#[test]
fn links_are_valid_as_long_as_the_rfc_says() {
    let place = generations("1", &["--profile", "root-30y"]);
    link(&place, "old", "new", "new-with-old.crt").ok();
    link(&place, "new", "old", "old-with-new.crt").ok();
    let [old, new] = ["old", "new"].map(|dir| certificate(&place, &format!("{dir}/public/root.crt")));
    let [forth, back] = ["new-with-old.crt", "old-with-new.crt"].map(|name| certificate(&place, name));
    assert_eq!(back.validity(), old.validity());
    assert_eq!(forth.validity().not_before(), new.validity().not_before());
    assert_eq!(forth.validity().not_after(), old.validity().not_after());
    assert_eq!((forth.public_key(), back.public_key()), (new.public_key(), old.public_key()));
    for link in [forth, back] {
        assert_eq!((link.subject(), link.issuer()), (old.subject(), old.subject()), "self-issued");
        assert_eq!(link.basic_constraints().unwrap().path_len_constraint, Some(1));
    }
}

#[test]
fn a_link_is_made_once_and_delivered_again() {
    let place = generations("1", &[]);
    let first = link(&place, "old", "new", "first").ok().json();
    let again = link(&place, "old", "new", "again").ok().json();
    assert_eq!((&first["resumed"], &again["resumed"]), (&false.into(), &true.into()));
    assert_eq!(place.read("first"), place.read("again"));
}

#[test]
fn r_06_a_link_never_replaces_a_file() {
    let place = generations("1", &[]);
    fs::write(place.path("taken"), "mine").unwrap();
    link(&place, "old", "new", "taken").refused(7, "file.exists");
    assert_eq!(place.read("taken"), b"mine");
}

#[test]
fn only_generations_of_one_root_are_linked() {
    let place = generations("1", &[]);
    link(&place, "old", "old", "link").refused(4, "link.same-key");
    let other =
        ["init", "--dir", "other", "--suite", "1", "--country", "ZZ", "--organization", "Example Utility"];
    let names = ["--common-name", "Another Root", "--time", LATER, "--key-file", "--passphrase-file", "pass"];
    place.run([&other[..], &names].concat()).ok();
    link(&place, "old", "other", "link").refused(4, "link.other-name");
    fs::rename(place.path("other"), place.path("first")).unwrap();
    place.init_at("2", LATER, &[]).ok();
    link(&place, "old", "root", "link").refused(4, "link.other-suite");
    link(&place, "root", "old", "link").refused(4, "link.other-suite");
    // A sub-CA is no root.
    populate(&place, "1", "P-256");
    let said = ["--dir", "old", "--time", LATER, "--other", "sub-new.crt", "--out", "link"];
    let fixed = ["link", "--json", "--passphrase-file", "pass"];
    place.run([&fixed[..], &said].concat()).refused(4, "link.other-name");
    assert!(!place.path("link").exists());
}

#[test]
fn r_04_another_certificate_than_the_one_compared_is_refused() {
    let place = generations("1", &[]);
    let digest = "00".repeat(32);
    let said = ["--dir", "old", "--time", LATER, "--other", "new/public/root.crt", "--out", "link"];
    let fixed = ["link", "--json", "--passphrase-file", "pass", "--other-sha256", &digest];
    place.run([&fixed[..], &said].concat()).refused(4, "link.other-digest");
    assert!(!place.path("link").exists());
}

#[test]
fn a_root_whose_own_signature_is_damaged_is_not_linked() {
    let place = generations("1", &[]);
    let mut der = certificate(&place, "new/public/root.crt").der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    place.put_pem("new/public/damaged.crt", "CERTIFICATE", &der);
    let said = ["--dir", "old", "--time", LATER, "--other", "new/public/damaged.crt", "--out", "link"];
    let fixed = ["link", "--json", "--passphrase-file", "pass"];
    place.run([&fixed[..], &said].concat()).refused(4, "pop.invalid");
    assert!(!place.path("link").exists());
}

#[test]
fn a_link_is_not_issued_by_way_of_a_request_file() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("root-link-s1");
    let run = place.sign(&request);
    assert_eq!(run.exit, Some(4), "{run:?}");
    assert!(!place.path("response").exists());
}

#[test]
fn a_successor_that_ends_before_the_old_root_is_not_linked() {
    let place = Place::new();
    place.init("1", &[]).ok();
    fs::rename(place.path("root"), place.path("old")).unwrap();
    // The old one does not end; a successor of 30 years would leave it behind.
    place.init_at("1", LATER, &["--profile", "root-30y"]).ok();
    fs::rename(place.path("root"), place.path("new")).unwrap();
    link(&place, "old", "new", "link").refused(4, "link.validity");
    link(&place, "new", "old", "link").refused(4, "link.validity");
}

#[test]
fn a_successor_is_checked_against_the_root_that_it_succeeds_before_there_is_a_key() {
    let place = Place::new();
    place.init("1", &[]).ok();
    fs::rename(place.path("root"), place.path("old")).unwrap();
    let successor = ["--successor-of", "old/public/root.crt"];
    let refused = |run: Ran| {
        run.refused(4, "root.no-successor");
        assert!(!place.path("root").exists());
    };
    refused(place.init_at("2", LATER, &successor));
    refused(place.init_at("1", "2026-11-21T09:59:59Z", &successor));
    // The old one does not end, this one would.
    refused(place.init_at("1", LATER, &[&successor[..], &["--profile", "root-30y"]].concat()));
    let named = ["init", "--json", "--dir", "root", "--suite", "1", "--country", "ZZ", "--organization", "O"];
    let rest = ["--common-name", "C", "--time", LATER, "--key-file", "--passphrase-file", "pass"];
    refused(place.run([&named[..], &rest, &successor].concat()));
    place.init_at("1", LATER, &["--successor-of", "absent"]).refused(5, "file.unreadable");
    place.init_at("1", LATER, &successor).ok();
    fs::rename(place.path("root"), place.path("new")).unwrap();
    link(&place, "old", "new", "new-with-old.crt").ok();
    link(&place, "new", "old", "old-with-new.crt").ok();
}
