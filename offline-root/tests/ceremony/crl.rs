//! `crl` and `revoke`.

use std::fs;

use ca_core::crl::parsed::ParsedCrl;
use ca_core::suite::Curve;

use crate::harness::{NEXT_UPDATE, Place, SubCa, TIME};

fn number(octets: &[u8]) -> u64 {
    ParsedCrl::from_der(octets).unwrap().tbs().number().unwrap()
}

/// Signs a sub-CA and returns the serial number of its certificate, which goes to `sub.crt`.
fn sub_ca(place: &Place) -> String {
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    let made = place.sign(&request).ok().json();
    place.put_pem("sub.crt", "CERTIFICATE", place.accept(&request).certificate.der());
    made["serial"].as_str().unwrap().to_owned()
}

#[test]
fn openssl_verifies_the_crl_of_each_suite() {
    for suite in ["1", "2"] {
        let place = Place::with_root(suite);
        let made = place.crl("crl", TIME, NEXT_UPDATE).ok().json();
        assert_eq!((&made["this_update"], &made["next_update"]), (&TIME.into(), &NEXT_UPDATE.into()));
        let said =
            place.openssl_ok("crl -in crl -inform der -noout -CAfile root/public/root.crt -lastupdate");
        assert!(said.contains("verify OK") && said.contains("Nov 21 10:00:00 2026 GMT"), "{said}");
        let shown = place.run(["show", "crl"]).ok().out;
        assert!(shown.contains(NEXT_UPDATE), "{shown}");
    }
}

// RFC 5280 §5.2.3: CRL numbers increase, whatever the times are.
#[test]
fn numbers_strictly_increase() {
    let place = Place::with_root("1");
    let mut numbers = Vec::new();
    for (out, this_update) in
        [("a", TIME), ("b", TIME), ("c", "2026-11-21T10:00:01Z"), ("d", "2027-05-01T00:00:00Z")]
    {
        place.crl(out, this_update, "2027-11-01T00:00:00Z").ok();
        numbers.push(number(&place.read(out)));
    }
    assert!(numbers.is_sorted_by(|earlier, later| earlier < later), "{numbers:?}");
    place.verify().ok();
}

// L-16: the CRL before is in the ledger, and no CRL is made without it. Its number is that of the one before plus one, whatever
// the files that were handed out say or whether they are still there.
#[test]
fn l_16_a_crl_follows_the_one_on_record_and_is_not_signed_where_that_is_missing_or_altered() {
    let place = Place::with_root("1");
    place.crl("first", TIME, NEXT_UPDATE).ok();
    let entry = place.path("root/ledger").join(place.ledger().pop().unwrap());
    fs::remove_file(place.path("first")).unwrap();
    let first = place.crl("second", TIME, NEXT_UPDATE).ok().json()["number"].as_u64().unwrap() - 1;
    for (out, above) in [("third", 2), ("fourth", 3)] {
        place.crl(out, TIME, NEXT_UPDATE).ok();
        assert_eq!(number(&place.read(out)), first + above, "{out}");
    }
    let whole = fs::read_to_string(&entry).unwrap();
    assert!(whole.contains(&first.to_string()), "the CRL before is in it: {whole}");
    fs::remove_file(&entry).unwrap();
    place.crl("without", TIME, NEXT_UPDATE).refused(9, "ledger.altered");
    fs::write(&entry, whole.replacen(&first.to_string(), &(first + 9).to_string(), 1)).unwrap();
    place.crl("altered", TIME, NEXT_UPDATE).refused(9, "ledger.altered");
    assert!(!place.path("without").exists() && !place.path("altered").exists());
    fs::write(&entry, whole).unwrap();
    place.crl("fifth", TIME, NEXT_UPDATE).ok();
    assert_eq!(number(&place.read("fifth")), first + 4);
}

#[test]
fn a_revoked_sub_ca_is_on_the_next_crl_and_openssl_refuses_it() {
    let place = Place::with_root("1");
    let serial = sub_ca(&place);
    let check = "verify -x509_strict -attime 1795300000 -crl_check -CRLfile crl.pem -CAfile root/public/root.crt sub.crt";
    place.crl("before", TIME, NEXT_UPDATE).ok();
    place.put_pem("crl.pem", "X509 CRL", &place.read("before"));
    place.openssl_ok(check);
    place.revoke(&serial, "keyCompromise").ok();
    assert_eq!(place.crl("after", TIME, NEXT_UPDATE).ok().json()["entries"], 1);
    place.put_pem("crl.pem", "X509 CRL", &place.read("after"));
    let (content, said) = place.openssl(check);
    assert!(!content && said.contains("certificate revoked"), "{said}");
    assert!(place.run(["show", "after"]).ok().out.contains(&serial));
    assert_eq!(place.verify().ok().json()["revoked"], 1);
}

#[test]
fn a_revocation_needs_no_key_and_is_final() {
    let place = Place::with_root("1");
    let serial = sub_ca(&place);
    fs::remove_dir_all(place.path("root/keys")).unwrap();
    place.revoke(&serial, "superseded").ok();
    place.revoke(&serial, "keyCompromise").refused(7, "revoke.already");
    assert!(place.last_entry().contains("revoke.already"));
}

#[test]
fn what_cannot_be_revoked_is_refused() {
    let place = Place::with_root("1");
    let serial = sub_ca(&place);
    place.revoke("0BADC0DE", "superseded").refused(5, "revoke.not-issued");
    place.revoke(&serial, "certificateHold").refused(4, "revoke.hold");
    let root = place.openssl_ok("x509 -in root/public/root.crt -noout -serial");
    let root = root.trim().strip_prefix("serial=").unwrap().to_owned();
    place.revoke(&root, "cACompromise").refused(5, "revoke.not-issued");
    assert_eq!(place.revoke(&serial, "because").exit, Some(2));
    let future = ["--time", TIME, "--serial", &serial, "--reason", "superseded"];
    let future = [&future[..], &["--invalidity-date", "2026-11-22T00:00:00Z"]].concat();
    place.verb("revoke", &future).refused(4, "revoke.invalidity");
}

#[test]
fn a_key_that_was_compromised_is_not_certified_again() {
    let place = Place::with_root("1");
    let sub_ca = SubCa::new(Curve::P256);
    let made = place.sign(&sub_ca.request("sub-operational-s1")).ok().json();
    place.revoke(made["serial"].as_str().unwrap(), "keyCompromise").ok();
    fs::remove_file(place.path("response")).unwrap();
    place.sign(&sub_ca.request("sub-operational-s1")).refused(4, "key.blocked");
}

#[test]
fn i_04_a_crl_never_replaces_a_file() {
    let place = Place::with_root("1");
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    let (before, entries) = (place.read("crl"), place.ledger());
    place.crl("crl", TIME, NEXT_UPDATE).refused(7, "file.exists");
    assert_eq!((place.read("crl"), place.ledger()), (before, entries));
}

#[test]
fn times_that_make_no_crl_are_refused() {
    let place = Place::with_root("1");
    place.crl("crl", TIME, TIME).refused(2, "crl.times");
    place.crl("crl", TIME, "2026-11-20T10:00:00Z").refused(2, "crl.times");
    place.crl("crl", TIME, "2027-11-21T10:00:01Z").refused(4, "crl.times");
    place.crl("crl", "2026-11-21T09:59:59Z", NEXT_UPDATE).refused(4, "crl.issuer-not-valid");
    place.crl("crl", "2026-11-21", NEXT_UPDATE).refused(2, "usage");
    assert!(!place.path("crl").exists());
}

#[test]
fn a_crl_does_not_go_back_in_time() {
    let place = Place::with_root("1");
    place.crl("later", "2026-12-01T00:00:00Z", NEXT_UPDATE).ok();
    place.crl("crl", TIME, NEXT_UPDATE).refused(4, "crl.clock");
    assert!(!place.path("crl").exists());
}

#[test]
fn a_crl_from_the_far_future_must_be_meant() {
    let place = Place::with_root("1");
    place.crl("crl", "2036-11-21T10:00:00Z", "2037-01-01T00:00:00Z").refused(4, "crl.far-ahead");
    let meant = ["--this-update", "2036-11-21T10:00:00Z", "--next-update", "2037-01-01T00:00:00Z"];
    let meant =
        [&meant[..], &["--passphrase-file", "pass", "--out", "crl", "--time", "2036-11-01T00:00:00Z"]];
    place.verb("crl", &meant.concat()).ok();
}
