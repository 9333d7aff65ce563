//! Every verb of the command line, as text and as JSON.

use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::people::with_all_things;
use crate::schemas::Printed;
use crate::transcript::play;

#[test]
fn authorities_are_listed_and_shown() {
    play(&Rehearsal::start(1), include_str!("transcripts/ca.txt"));
}

#[test]
fn certificates_are_listed_shown_and_revoked() {
    play(&Rehearsal::start(1), include_str!("transcripts/cert.txt"));
}

#[test]
fn devices_are_imported_and_listed_and_get_tokens() {
    let rehearsal = Rehearsal::start(1);
    let lists = [
        (
            "two.csv",
            "system_title,manufacturer,model,batch\n4D504B0100000A01,maker,M1,B1\n4D504B0100000A02,,,\n",
        ),
        ("plain.csv", "system_title\n4D504B0100000A01\n4D504B0100000A03\n"),
        ("faulty.csv", "system_title\n4D504B01\n4D504B0100000A04\nXD504B0100000A05\n4D504B0100000A04\n"),
        ("columns.csv", "title\n4D504B0100000A04\n"),
    ];
    for (file, text) in lists {
        std::fs::write(rehearsal.state(file), text).unwrap();
    }
    play(&rehearsal, include_str!("transcripts/device.txt"));
}

#[test]
fn crls_are_listed_published_and_imported() {
    let rehearsal = Rehearsal::start(1);
    std::fs::write(rehearsal.state("junk.crl"), "no CRL").unwrap();
    let published = |authority: &str| {
        let view = rehearsal.operator_json(&["ca", "show", authority]);
        rehearsal.state(&format!("published/{}.crl", view["key"].as_str().unwrap()))
    };
    std::fs::copy(published("dso-infra-s1"), rehearsal.state("online.crl")).unwrap();
    play(&rehearsal, include_str!("transcripts/crl.txt"));
}

#[test]
fn the_audit_trail_is_verified_and_listed() {
    play(&Rehearsal::start(1), include_str!("transcripts/audit.txt"));
}

#[test]
fn who_asks_while_nobody_serves_is_told_what_to_start() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    play(&rehearsal, include_str!("transcripts/nobody.txt"));
}

#[test]
fn the_command_line_itself_is_checked() {
    play(&Rehearsal::start(1), include_str!("transcripts/usage.txt"));
}

#[test]
fn octets_that_head_ends_exchange_with_meters_are_shown_in_words() {
    play(&Rehearsal::start(1), include_str!("transcripts/dlms.txt"));
}

/// One JSON value on one line, and nothing beside it.
#[test]
fn every_verb_says_the_same_in_json() {
    let rehearsal = Rehearsal::start(1);
    let revoked = rehearsal.text("revoked_serial").to_owned();
    std::fs::write(rehearsal.state("one.csv"), "system_title\n4D504B0100000A01\n").unwrap();
    let list = rehearsal.state("one.csv").to_string_lossy().into_owned();
    let verbs: [(&[&str], &[&str]); 17] = [
        (&["ca", "list"], &["name", "tenant", "subject", "key", "crl_uri", "ocsp_uri"]),
        (&["ca", "show", "dso-infra-s1"], &["name", "sha256", "profiles"]),
        (&["cert", "list"], &["certificates", "next"]),
        (&["cert", "show", &revoked], &["serial", "status", "revoked_at", "reason", "pem"]),
        (&["request", "list"], &["requests", "next"]),
        (&["device", "import", &list, "--tenant", "dso"], &["added", "unchanged", "refused"]),
        (&["device", "list", "--tenant", "dso"], &["devices", "next"]),
        (
            &["device", "token", "4D504B0100000A01", "--profile", "meter-op-ds-s1"],
            &["user", "secret", "expires_at"],
        ),
        (&["crl", "list"], &["authority", "number", "entries", "next_update"]),
        (&["crl", "publish", "dso-infra-s1"], &["authority", "number"]),
        (&["audit", "verify"], &["records", "head", "root", "signed"]),
        (&["audit", "checkpoint"], &["note", "key"]),
        (&["audit", "prove", &revoked], &["proof", "key"]),
        (&["audit", "list"], &["sequence", "time", "actor", "act", "reason", "detail"]),
        (&["config", "check"], &["authorities", "labels"]),
        (&["config", "statement"], &["sections", "open"]),
        (&["profile", "reference"], &["variant", "certificates", "crls", "ocsp", "rules", "variants"]),
    ];
    let mut printed = Printed::default();
    for (verb, fields) in verbs {
        let said = rehearsal.operator(&[&["--json"], verb].concat()).ok();
        assert_eq!((said.out.lines().count(), said.err.as_str()), (1, ""), "{}", said.all());
        let value: Value = serde_json::from_str(&said.out).unwrap();
        let one = value.as_array().map_or(&value, |all| &all[0]);
        for field in fields {
            assert!(one.get(field).is_some(), "{verb:?} has no {field}: {one}");
        }
        printed.add(verb, &value);
    }
    assert_eq!(printed.judge(&rehearsal), 17);
}

#[test]
fn every_failure_says_in_json_what_the_exit_code_says() {
    let rehearsal = Rehearsal::start(1);
    let revoked = rehearsal.text("revoked_serial").to_owned();
    let failures: [(&[&str], u8, &str); 3] = [
        (&["ca", "show", "nobody"], 5, "authority.unknown"),
        (&["cert", "show", "xyz"], 2, "serial.malformed"),
        (&["cert", "revoke", &revoked, "--reason", "superseded"], 7, "revoke.already"),
    ];
    let mut printed = Printed::default();
    for (verb, exit, code) in failures {
        let said = rehearsal.operator(&[&["--json"], verb].concat());
        assert_eq!((said.out.as_str(), said.err.lines().count()), ("", 1), "{}", said.all());
        let value: Value = serde_json::from_str(&said.err).unwrap();
        assert_eq!((&value["code"], &value["exit"]), (&code.into(), &exit.into()), "{value}");
        assert_eq!(said.code, Some(i32::from(exit)));
        assert!(value["message"].as_str().is_some_and(|message| !message.is_empty()), "{value}");
        printed.add_failure(&value);
    }
    assert_eq!(printed.judge(&rehearsal), 1);
}

// I-12: what is published is what is printed, where every kind of thing is on record.
#[test]
fn i_12_every_verb_says_in_json_what_its_schema_says() {
    let known = with_all_things();
    let rehearsal = &known.rehearsal;
    let (title, serial, waiting) = (known.title.as_str(), known.serial.as_str(), known.waiting.as_str());
    let place = |name: &str| rehearsal.scratch(name).to_string_lossy().into_owned();
    let [list, fleet, export, shares, ledger, codes, proof] =
        ["one.csv", "fleet", "fleet.jsonl", "shares", "ledger", "codes", "proof.json"].map(place);
    std::fs::write(&list, "system_title\n4D504B0100000A01\n").unwrap();
    let verbs: [&[&str]; 44] = [
        &["ca", "list"],
        &["ca", "show", "dso-infra-s1"],
        &["crl", "verify"],
        &["cert", "list"],
        &["cert", "show", serial],
        &["cert", "revoke", serial, "--reason", "superseded", "--dry-run"],
        &["revocation", "list"],
        &["revocation", "scheduled"],
        &["cert", "revoke", serial, "--reason", "superseded"],
        &["campaign", "list"],
        &["trust", "list"],
        &["request", "list"],
        &["request", "show", waiting],
        &["people", "list"],
        &["people", "show", "tim"],
        &["people", "who"],
        &["break-glass", "list"],
        &["visit", "list"],
        &["visit", "show", "known"],
        &["device", "import", &list, "--tenant", "dso"],
        &["device", "list", "--tenant", "dso"],
        &["device", "show", title],
        &["device", "count", "--tenant", "dso", "--by", "model,state"],
        &["device", "history", title],
        &["device", "history", title, "--proof", &proof],
        &["device", "token", "4D504B0100000A01", "--profile", "meter-op-ds-s1"],
        &["factory", "order", "list"],
        &["factory", "order", "show", "known"],
        &["delivery", "maps"],
        &["delivery", "list"],
        &["dlms", "decode", "C701C10300"],
        &["crl", "list"],
        &["crl", "publish", "dso-infra-s1"],
        &["ceremony", "releases"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "checkpoint"],
        &["audit", "prove", serial],
        &["store", "show"],
        &["store", "create", &ledger],
        &["config", "check"],
        &["doctor", "--list"],
        &["backup", "keygen", "--shares", "2-of-3", &shares],
        &["qr", "encode", &list, "--out", &codes],
    ];
    let mut printed = Printed::default();
    printed.add(&["quickstart"], rehearsal.report());
    for verb in verbs {
        printed.add(verb, &rehearsal.operator_json(verb));
    }
    for verb in [&["sim", "make", &fleet, "--meters", "2"][..], &["sim", "export", &fleet, &export]] {
        printed.add(verb, &rehearsal.operator_json(verb));
    }
    // It ends with the worst that it finds; what it prints is the same.
    let doctor = rehearsal.operator(&["--json", "doctor"]);
    printed.add(&["doctor"], &serde_json::from_str(&doctor.out).expect("a report"));
    assert_eq!(printed.judge(rehearsal), 45);
}
