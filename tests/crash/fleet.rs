//! The whole program is killed under load by its own quickstart, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use e2e::patience::eventually;
use e2e::peer::{serial, to_pem};
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

/// How many meters the fleet has.
const METERS: u32 = 24;

/// After how many certificates in meters' hands the program is killed, each time it is started; the last time while the campaign
/// for the meters behind a head-end is under way.
const KILLS: [usize; 5] = [10, 40, 80, 110, 134];

/// The certificates that the meters hold.
fn held(rehearsal: &Rehearsal) -> Vec<PathBuf> {
    let Ok(fleet) = std::fs::read_dir(rehearsal.state("fleet")) else { return Vec::new() };
    let memories = fleet.map(|meter| std::fs::read_dir(meter.expect("a meter").path()).expect("its memory"));
    let files = memories.flatten().map(|file| file.expect("a file").path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "cer")).collect()
}

/// Every certificate on record, by its serial number.
fn on_record(rehearsal: &Rehearsal) -> BTreeMap<String, Value> {
    let page = rehearsal.operator_json(&["cert", "list", "--limit", "10000"]);
    let all = page["certificates"].as_array().expect("a list").clone();
    let count = all.len();
    let number = |one: &Value| one["serial"].as_str().expect("a number").to_owned();
    let by_serial: BTreeMap<String, Value> = all.into_iter().map(|one| (number(&one), one)).collect();
    assert_eq!(by_serial.len(), count, "no serial number stands twice");
    by_serial
}

#[test]
fn a_fleet_that_enrols_while_the_program_is_killed_again_and_again_is_served_to_the_last_meter() {
    let mut rehearsal = Rehearsal::not_begun();
    for enough in KILLS {
        rehearsal.begin_quickstart(METERS);
        eventually("certificates reach the meters", || (held(&rehearsal).len() >= enough).then_some(()));
        rehearsal.kill();
        assert!(held(&rehearsal).len() < 6 * METERS as usize, "it was killed in the middle of its work");
    }
    rehearsal.quickstart(METERS);

    let files = held(&rehearsal);
    assert_eq!(files.len(), 6 * METERS as usize, "every meter holds six certificates");
    let records = on_record(&rehearsal);
    let mut serials = BTreeSet::new();
    for file in files {
        let pem = rehearsal.scratch("held.pem");
        to_pem(&file, &pem);
        let number = serial(&pem);
        let record = records.get(&number).unwrap_or_else(|| panic!("{} is on no record", file.display()));
        let status = if number == rehearsal.text("revoked_serial") { "revoked" } else { "good" };
        assert_eq!(record["status"], status, "{record}");
        assert!(serials.insert(number), "{} has a number of its own", file.display());
    }
    assert!(rehearsal.audited() > 0, "the audit trail is intact");
    no_place_is_held_twice(&records);
    every_start_is_on_record(&rehearsal);
}

/// What a kill left unfinished is on record as that, and stands in nobody's way: each device has one good certificate under
/// each profile.
fn no_place_is_held_twice(records: &BTreeMap<String, Value>) {
    let mut places = BTreeSet::new();
    for one in records.values().filter(|one| one["hierarchy"] != Value::Null && one["status"] == "good") {
        let place = format!("{} under {}", one["subject"], one["profile"]);
        assert!(places.insert(place.clone()), "{place} is there twice");
    }
    for one in records.values() {
        let status = one["status"].as_str().expect("a status");
        assert!(["good", "revoked", "aborted", "uncertain"].contains(&status), "{one}");
    }
}

fn every_start_is_on_record(rehearsal: &Rehearsal) {
    let records = rehearsal.audit_after(0);
    let starts = records.iter().filter(|record| record["act"] == "ledger-opened").count();
    // One of the ceremony, one of each start.
    assert_eq!(starts, 1 + KILLS.len() + 1);
}

#[test]
fn a_start_that_is_killed_before_its_ceremony_is_over_says_so_and_touches_nothing() {
    let mut rehearsal = Rehearsal::not_begun();
    rehearsal.begin_quickstart(1);
    eventually("the ceremony begins", || rehearsal.state("passphrase").exists().then_some(()));
    rehearsal.kill();
    assert!(!rehearsal.state("meter-pki.toml").exists(), "it was killed before the end of the ceremony");
    let state = rehearsal.state("").to_string_lossy().into_owned();
    let said = rehearsal.operator(&["quickstart", "--meters", "1", "--exit", "--state", &state]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.err.contains("holds no finished quickstart"), "{}", said.err);
}
