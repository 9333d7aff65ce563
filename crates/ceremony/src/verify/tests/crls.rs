//! The CRLs of a root in a row, within one ceremony and from one to the next.

use ca_core::certificate::Certificate;
use ca_core::reason::ReasonCode;
use ca_core::record::{Revocation, RevokedEntry};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use super::*;
use crate::file::act::CrlPeriod;
use crate::sample::held::root_name;

/// The findings of a ceremony whose last act signs its two CRLs in another way.
fn series(sign: impl FnOnce(&mut Held<'_>, Vec<CrlPeriod>)) -> Vec<String> {
    let mut held = Held::open(&FILE, false).all_but_the_series();
    let periods = held.periods(7);
    held.act(7, |held| sign(held, periods));
    findings(&held.close())
}

fn says(found: &[String], file: &str, what: &str) {
    assert!(found.iter().any(|finding| finding.starts_with(file) && finding.contains(what)), "{found:#?}");
}

#[test]
fn a_crl_without_a_revoked_certificate_is_found() {
    let found = series(|held, periods| {
        held.crl(7, "a-2.crl", periods[0], false);
        held.crl(7, "a-3.crl", periods[1], true);
    });
    says(&found, "outputs/a-2.crl", "0123 was revoked, and does not stand on it");
    let vanished = series(|held, periods| {
        held.crl(7, "a-2.crl", periods[0], true);
        held.crl(7, "a-3.crl", periods[1], false);
    });
    says(&vanished, "outputs/a-3.crl", "0123 stood on the CRL before");
}

#[test]
fn a_crl_whose_number_does_not_rise_is_found() {
    // RFC 5280 §5.2.3: numbers increase.
    let found = series(|held, periods| {
        held.number = 1;
        held.crl(7, "a-2.crl", periods[0], true);
        held.crl(7, "a-3.crl", periods[1], true);
    });
    says(&found, "outputs/a-2.crl", "its number 1 is not above 1");
}

#[test]
fn r_03_a_crl_for_another_time_than_was_reviewed_is_found() {
    let found = series(|held, periods| {
        let period = CrlPeriod { next_update: periods[0].next_update.plus_seconds(1), ..periods[0] };
        held.crl(7, "a-2.crl", period, true);
        held.crl(7, "a-3.crl", periods[1], true);
    });
    says(&found, "outputs/a-2.crl", "which was not reviewed");
}

#[test]
fn a_crl_too_few_is_found() {
    let found = series(|held, periods| held.crl(7, "a-2.crl", periods[0], true));
    says(&found, "act 7 made 1 objects of the kind CRL", "");
}

/// An entry for a serial number of which nobody knows whether it was signed.
fn uncertain(serial: &str, reason: ReasonCode) -> RevokedEntry {
    RevokedEntry {
        serial: SerialNumber::parse(serial).unwrap(),
        revocation: Revocation { time: FILE.held(), reason, invalidity_date: None },
        not_after: UnixTime::NO_EXPIRY,
    }
}

/// The findings of a ceremony in which an interruption left the serial number 0777 uncertain, 0999 unused, and whose last CRLs
/// have these entries beside the one that was revoked.
fn interrupted(told: &[&str], entries: &[RevokedEntry]) -> Vec<String> {
    let mut held = Held::open(&FILE, false).all_but_the_series();
    let periods = held.periods(7);
    held.act(7, |held| {
        let uncertain = told.iter().map(ToString::to_string).collect();
        held.step(Action::Settled { root: root_name("a"), unused: vec!["0999".to_owned()], uncertain });
        let revoked = held.revoked();
        let all: Vec<RevokedEntry> = [revoked].into_iter().chain(entries.iter().cloned()).collect();
        for (name, period) in ["a-2.crl", "a-3.crl"].into_iter().zip(periods) {
            held.crl_of(7, name, period, &all);
        }
    });
    findings(&held.close())
}

#[test]
fn r_07_a_crl_lists_exactly_the_serial_numbers_that_were_told_to_be_uncertain() {
    let entry = uncertain("0777", ReasonCode::Unspecified);
    assert_eq!(interrupted(&["0777"], std::slice::from_ref(&entry)), Vec::<String>::new());
    says(
        &interrupted(&[], std::slice::from_ref(&entry)),
        "outputs/a-2.crl",
        "0777 stands on it, and nobody revoked it",
    );
    says(&interrupted(&["0777"], &[]), "outputs/a-2.crl", "0777 was signed, and it does not stand on it");
    let other = uncertain("0777", ReasonCode::KeyCompromise);
    says(&interrupted(&["0777"], &[other]), "outputs/a-2.crl", "0777 stands on it, and nobody revoked it");
    let unused = uncertain("0999", ReasonCode::Unspecified);
    says(&interrupted(&[], &[unused]), "outputs/a-2.crl", "0999 stands on it, and nobody revoked it");
}

#[test]
fn r_07_a_certificate_with_a_serial_number_that_was_told_to_be_used_up_is_found() {
    let mut held = Held::open(&FILE, false);
    held.shares("a");
    let root = bundle();
    let der = root.file("outputs/a.crt").unwrap();
    let serial = Certificate::from_der(der).unwrap().serial().to_string();
    held.step(Action::Settled { root: root_name("a"), unused: vec![serial], uncertain: Vec::new() });
    let found = findings(&held.all_from_the_first().close());
    says(&found, "outputs/a.crt", "used up by an interruption");
}

#[test]
fn what_went_otherwise_than_written_is_remarked() {
    let mut held = Held::open(&FILE, false);
    held.step(Action::Incident { what: "the light went out".to_owned() });
    let remarks = verify(&held.all().close()).remarks;
    assert_eq!(remarks, ["step 5, an incident: the light went out"]);
}

/// A second ceremony, with the root of the first one: only a CRL is signed.
fn second(hold: impl FnOnce(&mut Held<'_>, &Bundle)) -> Report {
    let first = bundle();
    let root = Fingerprint::of(first.file("outputs/a.crt").unwrap());
    let text = crate::sample::founding()
        .replace(
            "keys = { store = \"shared\" }",
            &format!("keys = {{ store = \"shared\" }}\ncertificate = \"{root}\""),
        )
        .replace("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "")
        + &crate::sample::crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z");
    let file = CeremonyFile::parse(text.as_bytes()).unwrap();
    let mut held = Held::open(&file, false);
    held.shares("a");
    held.take_in("a.crt", first.file("outputs/a.crt").unwrap());
    held.root_from_before("a", first.file("outputs/a.crt").unwrap());
    hold(&mut held, &first);
    verify(&held.close())
}

#[test]
fn the_next_ceremony_goes_on_where_the_last_one_ended() {
    let report = second(|held, first| {
        held.take_in("a.crl", first.file("outputs/a-3.crl").unwrap());
        held.number = 4;
        let period = held.periods(1)[0];
        held.act(1, |held| held.crl(1, "a-4.crl", period, true));
    });
    assert_eq!((report.findings, report.remarks), (Vec::new(), Vec::new()));
    let lost = second(|held, first| {
        held.take_in("a.crl", first.file("outputs/a-3.crl").unwrap());
        held.number = 3;
        let period = held.periods(1)[0];
        held.act(1, |held| held.crl(1, "a-4.crl", period, false));
    });
    assert!(lost.findings[0].what.contains("its number 3 is not above 3"), "{:?}", lost.findings);
}

#[test]
fn without_the_crl_before_it_is_said_what_cannot_be_told() {
    let report = second(|held, _| {
        held.number = 4;
        let period = held.periods(1)[0];
        held.act(1, |held| held.crl(1, "a-4.crl", period, true));
    });
    assert_eq!(report.findings, []);
    assert_eq!(report.remarks, ["the CRL before this ceremony of the root a is not in the bundle"]);
}

#[test]
fn a_root_from_before_that_is_another_is_found() {
    let report = second(|held, first| {
        held.take_in("a.crt", first.file("outputs/b.crt").unwrap());
        let period = held.periods(1)[0];
        held.act(1, |held| held.crl(1, "a-4.crl", period, true));
    });
    let what: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    says(&what, "inputs/a.crt", "not the certificate of the root a that was reviewed");
}
