//! The life and the end of a CA: `sign-subca` again for the same CA, `close-subca`, `destroy-key`.

use std::fs;

use ca_core::suite::Curve;
use ca_core::validity::UnixTime;

use crate::harness::{DAY, NEXT_UPDATE, NOW, Place, Ran, SubCa, TIME, names};

/// A place with a sub-CA whose key openssl has: `sub.key`, `sub.crt`. Returns its serial number too.
fn with_sub_ca(profile: &str) -> (Place, SubCa, String) {
    let place = Place::with_root("1");
    place.openssl_ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sub.key");
    let sub_ca = SubCa::from_pkcs8_pem(&String::from_utf8(place.read("sub.key")).unwrap());
    let request = sub_ca.request(profile);
    let serial = place.sign(&request).ok().json()["serial"].as_str().unwrap().to_owned();
    place.put_pem("sub.crt", "CERTIFICATE", place.accept(&request).certificate.der());
    fs::remove_file(place.path("response")).unwrap();
    (place, sub_ca, serial)
}

/// Has openssl sign a CRL of the sub-CA.
fn last_crl(place: &Place, key: &str, until: &str, out: &str) {
    let config = "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ndefault_md=sha256\ncrlnumber=number\ncrl_extensions=ext\n\
                  [ext]\nauthorityKeyIdentifier=keyid\n";
    fs::write(place.path("ca.cnf"), config).unwrap();
    fs::write(place.path("index"), "").unwrap();
    fs::write(place.path("number"), "01").unwrap();
    place.openssl_ok(&format!(
        "ca -config ca.cnf -gencrl -keyfile {key}.key -cert sub.crt -crl_lastupdate 20261121100000Z -crl_nextupdate {until} -out {out}"
    ));
}

fn close(place: &Place, serial: &str, crl: &str) -> Ran {
    let said = [
        "--time",
        TIME,
        "--serial",
        serial,
        "--last-crl",
        crl,
        "--statement",
        "file overwritten by two people",
    ];
    place.verb("close-subca", &said)
}

fn root_serial(place: &Place) -> String {
    let said = place.openssl_ok("x509 -in root/public/root.crt -noout -serial");
    said.trim().strip_prefix("serial=").unwrap().to_owned()
}

fn destroy(place: &Place, serial: &str, pass: &str) -> Ran {
    let said = ["--time", TIME, "--serial", serial, "--reason", "its successor has taken over"];
    place.verb("destroy-key", &[&said[..], &["--passphrase-file", pass]].concat())
}

#[test]
fn a_sub_ca_is_renewed_with_its_key_and_openssl_accepts_both_certificates() {
    let (place, sub_ca, first) = with_sub_ca("sub-operational-s1");
    let request = sub_ca.request_with("sub-operational-s1", |parts| {
        parts.created = UnixTime::from_seconds(NOW + 2 * DAY);
    });
    place.sign_under("root", &request, "renewed.crt");
    let serial = place.openssl_ok("x509 -in renewed.crt -noout -serial");
    assert_ne!(serial.trim(), format!("serial={first}"));
    for certificate in ["sub.crt", "renewed.crt"] {
        place.openssl_ok(&format!(
            "verify -x509_strict -attime 1795500000 -CAfile root/public/root.crt {certificate}"
        ));
    }
    let [old, new] =
        ["sub.crt", "renewed.crt"].map(|file| place.openssl_ok(&format!("x509 -in {file} -noout -pubkey")));
    assert_eq!(old, new);
}

#[test]
fn a_sub_ca_is_rekeyed_and_the_old_key_stays_valid() {
    let (place, _, first) = with_sub_ca("sub-operational-s1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    let rekeyed = place.sign(&request).ok().json();
    assert_ne!(rekeyed["serial"], first);
    place.put_pem("rekeyed.crt", "CERTIFICATE", place.accept(&request).certificate.der());
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    place.put_pem("crl.pem", "X509 CRL", &place.read("crl"));
    for certificate in ["sub.crt", "rekeyed.crt"] {
        place.openssl_ok(&format!(
            "verify -x509_strict -attime 1795300000 -crl_check -CRLfile crl.pem -CAfile root/public/root.crt {certificate}"
        ));
    }
}

#[test]
fn a_factory_sub_ca_is_closed_by_its_last_crl_and_gets_nothing_more() {
    let (place, sub_ca, serial) = with_sub_ca("sub-factory-s1");
    last_crl(&place, "sub", "99991231235959Z", "last.crl");
    let closed = close(&place, &serial, "last.crl").ok().json();
    assert_eq!(closed["last_crl_until"], "9999-12-31T23:59:59Z");
    let entry = place.last_entry();
    assert!(
        entry.contains("authority-closed") && entry.contains("file overwritten by two people"),
        "{entry}"
    );
    place.sign(&sub_ca.request("sub-factory-s1")).refused(4, "subca.closed");
    close(&place, &serial, "last.crl").refused(4, "close.already");
    // Closing is no revocation: what the CA has issued stays good.
    assert_eq!(place.verify().ok().json()["revoked"], 0);
}

#[test]
fn a_sub_ca_is_not_closed_by_a_crl_that_ends_early_or_is_not_its_own() {
    let (place, _, serial) = with_sub_ca("sub-factory-s1");
    last_crl(&place, "sub", "20361121100000Z", "early.crl");
    close(&place, &serial, "early.crl").refused(4, "close.ends-early");
    place.crl("root.crl", TIME, NEXT_UPDATE).ok();
    close(&place, &serial, "root.crl").refused(4, "crl.another-issuer");
    last_crl(&place, "sub", "99991231235959Z", "last.crl");
    let mut forged = der::pem::decode_vec(&place.read("last.crl")).unwrap().1;
    *forged.last_mut().unwrap() ^= 1;
    fs::write(place.path("forged.crl"), forged).unwrap();
    close(&place, &serial, "forged.crl").refused(4, "crl.another-issuer");
    close(&place, "0BADC0DE", "last.crl").refused(4, "close.not-issued");
    close(&place, &root_serial(&place), "last.crl").refused(4, "close.root");
    assert!(place.last_entry().contains("close.root"), "refusals are on record");
}

#[test]
fn a_root_whose_keys_are_destroyed_signs_nothing_more_and_says_so() {
    let (place, sub_ca, serial) = with_sub_ca("sub-operational-s1");
    let own = root_serial(&place);
    destroy(&place, &own, "pass").ok();
    assert_eq!(names(&place.path("root/keys")), [""; 0]);
    let entry = place.last_entry();
    assert!(entry.contains("key-destroyed") && entry.contains("its successor has taken over"), "{entry}");
    let before = place.ledger();
    place.sign(&sub_ca.request("sub-operational-s1")).refused(7, "key.destroyed");
    place.crl("crl", TIME, NEXT_UPDATE).refused(7, "key.destroyed");
    place.revoke(&serial, "superseded").refused(7, "key.destroyed");
    destroy(&place, &own, "pass").refused(7, "key.destroyed");
    assert_eq!(place.ledger(), before);
    assert_eq!(place.verify().ok().json()["keys_destroyed"], TIME);
}

#[test]
fn keys_are_destroyed_only_by_whoever_names_the_root_and_can_use_them() {
    let (place, _, serial) = with_sub_ca("sub-operational-s1");
    place.secret("wrong", "not the passphrase");
    let before = place.ledger();
    destroy(&place, &serial, "pass").refused(4, "destroy.another-root");
    destroy(&place, &root_serial(&place), "wrong").refused(6, "secret.wrong");
    assert_eq!((place.ledger(), names(&place.path("root/keys")).len()), (before, 2));
    place.crl("crl", TIME, NEXT_UPDATE).ok();
}

#[test]
fn r_07_a_destruction_that_was_cut_short_lets_nothing_else_happen_and_is_finished() {
    let (place, _, _) = with_sub_ca("sub-operational-s1");
    let own = root_serial(&place);
    let keys: Vec<_> = names(&place.path("root/keys"))
        .into_iter()
        .map(|name| (name.clone(), place.read(&format!("root/keys/{name}"))))
        .collect();
    for left in 0..=keys.len() {
        let cut = Place::new();
        // A copy of the place as it was after the intent and the first keys.
        let copied = std::process::Command::new("cp")
            .args(["-a", "-T"])
            .arg(place.path("root"))
            .arg(cut.path("root"))
            .status();
        assert!(copied.unwrap().success());
        destroy(&cut, &own, "pass").ok();
        let last = cut.ledger().pop().unwrap();
        fs::remove_file(cut.path("root/ledger").join(last)).unwrap();
        for (name, octets) in keys.iter().take(left) {
            fs::write(cut.path("root/keys").join(name), octets).unwrap();
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(cut.path("root/keys").join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        cut.crl("crl", TIME, NEXT_UPDATE).refused(7, "key.destruction-unfinished");
        assert_eq!(destroy(&cut, &own, "pass").ok().json()["resumed"], true);
        assert_eq!(names(&cut.path("root/keys")), [""; 0]);
        cut.crl("crl", TIME, NEXT_UPDATE).refused(7, "key.destroyed");
        cut.verify().ok();
    }
}
