//! Power cuts (cases R-07, S-01): every durable step is one file, so a cut after the n-th step leaves the first n files.

use std::fs;
use std::process::Command;

use ca_core::crl::parsed::ParsedCrl;
use ca_core::exchange::SubordinateRequest;
use ca_core::suite::Curve;

use crate::harness::{NEXT_UPDATE, Place, SubCa, TIME};

/// A place where a sub-CA was signed, and how many ledger entries there were before.
fn signed() -> (Place, SubordinateRequest, usize) {
    let place = Place::with_root("1");
    let before = place.ledger().len();
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    place.sign(&request).ok();
    assert_eq!(place.ledger().len(), before + 3, "intent, signing, certificate");
    (place, request, before)
}

/// Takes away what was written after the first `entries` entries, the response included.
fn cut(place: &Place, entries: usize) {
    for name in place.ledger().into_iter().skip(entries) {
        fs::remove_file(place.path("root/ledger").join(name)).unwrap();
    }
    for name in crate::harness::names(&place.path("root/exchanges")) {
        if name.ends_with(".response.pem") {
            fs::remove_file(place.path("root/exchanges").join(name)).unwrap();
        }
    }
    fs::remove_file(place.path("response")).unwrap();
}

/// The serial numbers on the CRL that is signed next.
fn next_crl(place: &Place) -> Vec<String> {
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    let crl = place.read("crl");
    let parsed = ParsedCrl::from_der(&crl).unwrap();
    parsed.tbs().entries().map(|entry| entry.unwrap().serial.to_string()).collect()
}

/// The serial number that an entry of the ledger is about.
fn serial_in(place: &Place, entry: usize) -> String {
    let name = place.ledger()[entry - 1].clone();
    let text = String::from_utf8(place.read(&format!("root/ledger/{name}"))).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Serial")).unwrap();
    line.trim().to_owned()
}

#[test]
fn r_07_a_cut_before_the_intent_costs_nothing() {
    let (place, request, before) = signed();
    cut(&place, before);
    let made = place.sign(&request).ok().json();
    assert_eq!(made["resumed"], false);
    place.accept(&request);
    place.verify().ok();
}

#[test]
fn r_07_an_intent_that_was_not_given_to_the_signer_is_aborted() {
    let (place, request, before) = signed();
    cut(&place, before + 1);
    let burned = serial_in(&place, before + 1);
    let open = place.verify().ok().json();
    assert_eq!(open["open_intents"], 1);
    let made = place.sign(&request).ok().json();
    assert_ne!(made["serial"], burned);
    let settled = String::from_utf8(place.read("root/ledger/000006-settled.pem")).unwrap();
    assert!(settled.contains("intent-aborted") && settled.contains(&burned), "{settled}");
    assert_eq!(place.verify().ok().json()["open_intents"], 0);
    assert_eq!(next_crl(&place), Vec::<String>::new());
}

#[test]
fn r_07_an_intent_of_unknown_outcome_is_never_signed_again_and_goes_on_the_next_crl() {
    let (place, request, before) = signed();
    cut(&place, before + 2);
    let burned = serial_in(&place, before + 1);
    let made = place.sign(&request).ok().json();
    assert_ne!(made["serial"], burned);
    let settled = String::from_utf8(place.read("root/ledger/000007-settled.pem")).unwrap();
    assert!(settled.contains("intent-uncertain") && settled.contains(&burned), "{settled}");
    place.verify().ok();
    assert_eq!(next_crl(&place), [burned]);
    place.verify().ok();
}

#[test]
fn r_07_a_certificate_on_record_is_delivered_and_not_made_twice() {
    let (place, request, before) = signed();
    let first = place.accept(&request).certificate;
    cut(&place, before + 3);
    let made = place.sign(&request).ok().json();
    assert_eq!(made["resumed"], true);
    assert_eq!(place.accept(&request).certificate, first);
    assert_eq!(place.certificates(), 2);
}

#[test]
fn i12_opening_again_after_a_recovery_changes_nothing() {
    let (place, _, before) = signed();
    cut(&place, before + 2);
    // A command that opens the root, and is refused afterwards.
    let refused = || place.revoke("0BADC0DE", "superseded").refused(5, "revoke.not-issued");
    refused();
    let settled = place.ledger().iter().filter(|name| name.ends_with("-settled.pem")).count();
    refused();
    assert_eq!(settled, 1);
    assert_eq!(place.ledger().iter().filter(|name| name.ends_with("-settled.pem")).count(), 1);
}

#[test]
fn a_file_that_was_never_placed_does_not_count() {
    let (place, _, before) = signed();
    fs::write(place.path(&format!("root/ledger/.{:06}-event.pem.new", before + 4)), "hal").unwrap();
    place.verify().ok();
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    place.verify().ok();
}

#[test]
fn a_crl_number_whose_list_never_came_to_be_is_not_used_again() {
    let place = Place::with_root("1");
    let before = place.ledger().len();
    place.crl("lost", TIME, NEXT_UPDATE).ok();
    let lost = place.ledger().pop().unwrap();
    assert_eq!(place.ledger().len(), before + 2, "intent and CRL");
    fs::remove_file(place.path("root/ledger").join(lost)).unwrap();
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    let number = |name: &str| ParsedCrl::from_der(&place.read(name)).unwrap().tbs().number().unwrap();
    assert_eq!(number("crl"), number("lost") + 1);
    place.verify().ok();
}

#[test]
fn a_disk_that_takes_no_more_leaves_nothing_half_done() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    place.put_request(&request);
    let program = env!("CARGO_BIN_EXE_offline-root");
    let verb = format!(
        "sign-subca --json --dir root --time {TIME} --request request --out response --passphrase-file pass"
    );
    // Files of at most so many blocks of 512 octets: first the request cannot be taken up, then the intent not recorded.
    for blocks in [1, 3] {
        let before = place.ledger();
        let mut shell = Command::new("sh");
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} {verb}");
        let run = crate::harness::ran(shell.args(["-c", &line]).current_dir(place.path("")));
        assert_eq!(run.exit, Some(8), "{run:?}");
        assert!(!place.path("response").exists());
        let after = place.ledger();
        assert!(after.starts_with(&before) && place.certificates() == 1, "{after:?}");
        place.verify().ok();
    }
    place.sign(&request).ok();
    place.verify().ok();
}
