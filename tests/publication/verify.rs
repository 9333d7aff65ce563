//! `meter-pki crl verify`: what is published beside what is on record, over HTTP and from files.

use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use super::{AUTHORITY, fetch, uri};

/// Good certificates of the first meter that the authority issued: three of them.
fn good(rehearsal: &Rehearsal) -> Vec<String> {
    let certificates = rehearsal.certificates_of("4D504B0100000000");
    let is_ours = |profile: &str| profile.starts_with("meter-op-") && profile.ends_with("-s1");
    let ours = certificates.iter().filter(|one| one["profile"].as_str().is_some_and(is_ours));
    let good = ours.filter(|one| one["status"] == "good");
    good.map(|one| one["serial"].as_str().unwrap().to_owned()).collect()
}

/// Saves the CRL that is published now.
fn save(rehearsal: &Rehearsal, name: &str) -> String {
    let file = rehearsal.unique(name);
    std::fs::write(&file, fetch(rehearsal, &uri(rehearsal, "crl"), &[]).body).unwrap();
    file.to_string_lossy().into_owned()
}

#[test]
fn what_is_published_agrees_with_the_ledger_after_revocations_holds_and_releases() {
    let rehearsal = Rehearsal::start(2);
    let serials = good(&rehearsal);
    for (serial, reason) in serials.iter().zip(["superseded", "certificateHold", "certificateHold"]) {
        drop(rehearsal.operator(&["cert", "revoke", serial, "--reason", reason]).ok());
    }
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    let told = rehearsal.operator_json(&["crl", "verify"]);
    let compared = told.as_array().unwrap();
    assert!(compared.len() >= 2, "each authority: {told}");
    assert!(compared.iter().all(|one| one["differences"] == 0), "{told}");
    let of = |told: &Value| {
        told.as_array().unwrap().iter().find(|one| one["authority"] == AUTHORITY).unwrap()["entries"].as_u64()
    };
    assert!(of(&told) >= Some(2), "{told}");
    drop(rehearsal.operator(&["cert", "release", &serials[1]]).ok());
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    let after = rehearsal.operator_json(&["crl", "verify", AUTHORITY]);
    assert_eq!(of(&after), of(&told).map(|entries| entries - 1));
}

#[test]
fn an_old_list_and_a_strangers_are_told_apart_from_the_one_on_record() {
    let rehearsal = Rehearsal::start(1);
    let old = save(&rehearsal, "old.crl");
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    let new = save(&rehearsal, "new.crl");
    drop(rehearsal.operator(&["crl", "verify", AUTHORITY, "--file", &new]).ok());
    let said = rehearsal.operator(&["crl", "verify", AUTHORITY, "--file", &old]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("crl.differs") && said.out.contains("its number is"), "{}", said.all());
    let mut octets = std::fs::read(&new).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    std::fs::write(&old, octets).unwrap();
    let said = rehearsal.operator(&["crl", "verify", AUTHORITY, "--file", &old]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("crl.unfit"), "{}", said.all());
    let elsewhere = format!("{}/crl/nothing.crl", rehearsal.status());
    let said = rehearsal.operator(&["crl", "verify", AUTHORITY, "--url", &elsewhere]);
    assert_eq!(said.code, Some(8), "{}", said.all());
    assert!(said.err.contains("crl.not-fetched"), "{}", said.all());
}
