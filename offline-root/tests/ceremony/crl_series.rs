//! `crl-series`: a year of CRLs in one session, and what becomes of it after a revocation.

use std::fs;

use ca_core::crl::parsed::ParsedCrl;
use ca_core::exchange::SubordinateResponse;
use ca_core::suite::Curve;
use serde_json::Value;

use crate::harness::{Place, Ran, SubCa, TIME, names};

/// Signs `count` CRLs, one a month from the first day on, into `out`.
fn series(place: &Place, out: &str, time: &str, count: &str) -> Ran {
    let times =
        ["--time", time, "--first", time, "--every-days", "30", "--overlap-days", "10", "--count", count];
    place.verb("crl-series", &[&times[..], &["--passphrase-file", "pass", "--out", out]].concat())
}

fn crl_at(place: &Place, time: &str, out: &str) -> Ran {
    let times = ["--this-update", time, "--next-update", "2027-08-01T00:00:00Z", "--time", time];
    place.verb("crl", &[&times[..], &["--passphrase-file", "pass", "--out", out]].concat())
}

fn list(place: &Place, directory: &str) -> Vec<Value> {
    let list: Value = serde_json::from_slice(&place.read(&format!("{directory}/series.json"))).unwrap();
    assert_eq!(list["format"], 1);
    list["crls"].as_array().unwrap().clone()
}

fn numbers(members: &[Value]) -> Vec<u64> {
    members.iter().map(|member| member["number"].as_u64().unwrap()).collect()
}

fn revoked(octets: &[u8]) -> Vec<String> {
    let crl = ParsedCrl::from_der(octets).unwrap();
    crl.tbs().entries().map(|entry| entry.unwrap().serial.to_string()).collect()
}

fn revoke_at(place: &Place, time: &str, serial: &str) -> Value {
    let said = ["--time", time, "--serial", serial, "--reason", "cessationOfOperation"];
    place.verb("revoke", &said).ok().json()
}

// RFC 5280 §5.2.3: numbers increase; §5.1.2.5: each is there before the one before ends.
#[test]
fn openssl_verifies_every_crl_of_a_series_of_each_suite() {
    for suite in ["1", "2"] {
        let place = Place::with_root(suite);
        series(&place, "series", TIME, "12").ok();
        let members = list(&place, "series");
        assert_eq!(names(&place.path("series")).len(), 13);
        for (place_in, member) in members.iter().enumerate() {
            let file = format!("series/{}", member["file"].as_str().unwrap());
            let octets = place.read(&file);
            let crl = ParsedCrl::from_der(&octets).unwrap();
            let (this_update, next_update) = crl.tbs().period().unwrap();
            assert_eq!(crl.tbs().number().unwrap(), member["number"].as_u64().unwrap());
            assert_eq!(member["this_update"], this_update.to_string());
            assert_eq!(
                (&member["release"], &member["next_update"]),
                (&member["this_update"], &next_update.to_string().into())
            );
            if let Some(next) = members.get(place_in + 1) {
                assert!(next["release"].as_str() < member["next_update"].as_str(), "they overlap");
            }
            let said =
                place.openssl_ok(&format!("crl -in {file} -inform der -noout -CAfile root/public/root.crt"));
            assert!(said.contains("verify OK"), "{said}");
            let sum = place.openssl_ok(&format!("dgst -sha256 -r {file}"));
            assert!(sum.starts_with(member["sha256"].as_str().unwrap()), "{sum}");
        }
        assert!(numbers(&members).is_sorted_by(|earlier, later| earlier < later));
        place.verify().ok();
    }
}

#[test]
fn a_revocation_makes_the_rest_obsolete_and_what_is_signed_then_has_higher_numbers() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    let serial = place.sign(&request).ok().json()["serial"].as_str().unwrap().to_owned();
    series(&place, "first", TIME, "6").ok();
    let first = numbers(&list(&place, "first"));
    // Two of the six have been released when the sub-CA is given up.
    let day = "2026-12-30T10:00:00Z";
    let told = revoke_at(&place, day, &serial);
    assert_eq!(told["obsolete_crls"], serde_json::json!(first[2..]));
    let crl = crl_at(&place, day, "emergency").ok().json();
    assert!(crl["number"].as_u64() > first.last().copied());
    assert_eq!(crl["obsolete_crls"], serde_json::json!(first[2..]));
    assert_eq!(revoked(&place.read("emergency")), [serial.as_str()]);
    series(&place, "second", day, "6").ok();
    let second = list(&place, "second");
    assert!(numbers(&second)[0] > crl["number"].as_u64().unwrap());
    for member in &second {
        let octets = place.read(&format!("second/{}", member["file"].as_str().unwrap()));
        assert_eq!(revoked(&octets), [serial.as_str()]);
    }
    place.verify().ok();
}

// RFC 5280 §3.3: what was signed ahead was signed without knowing of the revocation, whatever its thisUpdate says.
#[test]
fn a_revocation_before_the_end_of_a_series_is_on_the_next_crl_although_the_certificate_ends_first() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("cross-s1");
    let made = place.sign(&request).ok().json();
    assert_eq!(made["not_after"], "2031-11-20T09:59:59Z");
    // A CRL of a time when the certificate has expired, signed today.
    let ahead = ["--this-update", "2032-01-01T00:00:00Z", "--next-update", "2032-06-01T00:00:00Z"];
    let ahead =
        [&ahead[..], &["--time", "2031-06-01T00:00:00Z", "--passphrase-file", "pass", "--out", "ahead"]];
    place.verb("crl", &ahead.concat()).ok();
    let serial = made["serial"].as_str().unwrap();
    revoke_at(&place, "2031-07-01T00:00:00Z", serial);
    let now = ["--this-update", "2031-07-02T00:00:00Z", "--next-update", "2032-01-02T00:00:00Z"];
    place.verb("crl", &[&now[..], &["--passphrase-file", "pass", "--out", "now"]].concat()).ok();
    assert_eq!(revoked(&place.read("now")), [serial]);
}

#[test]
fn a_response_carries_the_crl_that_is_in_force_and_none_that_was_signed_ahead() {
    let place = Place::with_root("1");
    series(&place, "series", TIME, "3").ok();
    place.sign(&SubCa::new(Curve::P256).request("sub-operational-s1")).ok();
    let text = String::from_utf8(place.read("response")).unwrap();
    let response = SubordinateResponse::from_text(&text).unwrap();
    assert_eq!(response.parts().crl.as_deref(), Some(place.read("series/crl-01.crl").as_slice()));
}

#[test]
fn a_crl_is_not_signed_for_an_earlier_present_than_the_last_one() {
    let place = Place::with_root("1");
    series(&place, "series", "2026-12-01T00:00:00Z", "3").ok();
    series(&place, "again", TIME, "3").refused(4, "crl.clock");
    assert!(place.last_entry().contains("crl.clock"), "the refusal is on record");
    let past = ["--time", "2026-12-02T00:00:00Z", "--first", "2026-12-01T00:00:00Z", "--every-days", "30"];
    let past =
        [&past[..], &["--overlap-days", "10", "--count", "3", "--passphrase-file", "pass", "--out", "again"]];
    place.verb("crl-series", &past.concat()).refused(4, "crl.times");
    assert!(!place.path("again").exists());
}

#[test]
fn times_that_make_no_series_are_refused_before_a_number_is_taken() {
    let place = Place::with_root("1");
    let before = place.ledger();
    let said = |every: &str, overlap: &str, count: &str| {
        let times = ["--time", TIME, "--first", TIME, "--every-days", every, "--overlap-days", overlap];
        place.verb(
            "crl-series",
            &[&times[..], &["--count", count, "--passphrase-file", "pass", "--out", "x"]].concat(),
        )
    };
    said("30", "10", "0").refused(2, "crl.series");
    said("30", "10", "61").refused(2, "crl.series");
    said("0", "10", "3").refused(2, "crl.series");
    said("30", "0", "3").refused(2, "crl.series");
    said("360", "10", "3").refused(4, "crl.times");
    assert_eq!((place.ledger(), place.path("x").exists()), (before, false));
}

#[test]
fn a_series_beyond_the_end_of_the_root_is_refused_whole() {
    let place = Place::new();
    place.init("1", &["--profile", "root-30y"]).ok();
    let before = place.ledger();
    series(&place, "series", "2056-10-01T00:00:00Z", "6").refused(4, "crl.times");
    assert_eq!(place.ledger(), before);
}

#[test]
fn r_06_a_series_never_goes_into_a_directory_that_exists() {
    let place = Place::with_root("1");
    fs::create_dir(place.path("series")).unwrap();
    let before = place.ledger();
    series(&place, "series", TIME, "3").refused(7, "file.exists");
    assert_eq!(place.ledger(), before);
}
