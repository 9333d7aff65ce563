//! Rows that nobody should believe, and a server that dies in the middle.

use std::fs;

use e2e::judged::is_sound;
use e2e::peer::{path, serial};
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::elsewhere::{NAME, OldAuthority, adopted, ocsp};

/// How many certificates there are for a run that is cut short: more than one part has.
const MANY: usize = 600;

fn migrate(rehearsal: &Rehearsal, list: &str, more: &[&str]) -> e2e::tool::Said {
    let fixed = ["--json", "migrate", "from", "csv", list, "--issuer", NAME];
    rehearsal.operator(&[&fixed[..], more].concat())
}

fn base64(pem: &std::path::Path) -> String {
    let text = fs::read_to_string(pem).expect("a certificate");
    text.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[test]
fn every_row_that_is_not_believed_is_told_with_its_place_and_nothing_else_is_lost() {
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    let good = old.issue("good", "/CN=good.example", "server", &[]);
    let twice = old.issue("twice", "/CN=twice.example", "server", &[]);
    // Another certificate with the serial number of one, which the same key signed.
    old.key("thief");
    drop(old.request("thief", "/CN=thief.example"));
    let thief = old.file("thief.pem");
    old.sign("thief", &format!("0x{}", serial(&twice)), &thief);
    let stranger = OldAuthority::found(&rehearsal.scratch("stranger"));
    // The same name of the issuer, and another key.
    fs::write(stranger.file("serial"), "2000\n").expect("a file");
    let foreign = stranger.issue("foreign", "/CN=foreign.example", "server", &[]);
    adopted(&old, &mut rehearsal);
    let elsewhere = rehearsal.authority("dso-operational-s1");
    let list = rehearsal.scratch("list.csv");
    let rows = [
        format!("{},good,,", base64(&good)),
        format!("{},good,,", base64(&twice)),
        format!("{},good,,", base64(&thief)),
        format!("{},good,,", base64(&foreign)),
        format!("{},good,,", base64(&elsewhere)),
        format!("{},good,,", base64(&good)),
        "MAA=,good,,".to_owned(),
        "rubbish!,good,,".to_owned(),
        format!(
            "{},revoked,2999-01-01T00:00:00Z,superseded",
            base64(&old.issue("late", "/CN=late", "device", &[]))
        ),
        format!(
            "{},revoked,2026-01-01T00:00:00Z,boredom",
            base64(&old.issue("bored", "/CN=bored", "device", &[]))
        ),
    ];
    fs::write(&list, format!("certificate,status,revoked_at,reason\n{}\n", rows.join("\n"))).expect("a file");
    let (list, faults) = (path(&list), path(&rehearsal.scratch("faults.csv")));

    let looked = migrate(&rehearsal, &list, &["--faults", &faults]);
    assert_eq!(looked.code, Some(3), "{}", looked.all());
    let view: Value = serde_json::from_str(&looked.out).expect("a view");
    let told: Vec<(&str, &str)> = view["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|fault| (fault["place"].as_str().unwrap_or(""), fault["code"].as_str().unwrap_or("")))
        .collect();
    for expected in [
        ("line 4", "migration.serial-twice"),
        ("line 5", "migration.signature"),
        ("line 6", "migration.other-issuer"),
        ("line 7", "migration.duplicate"),
        ("line 8", "migration.unreadable"),
        ("line 9", "migration.unreadable"),
        ("line 10", "migration.revocation"),
        ("line 11", "migration.reason"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    assert_eq!((told.len(), &view["recorded"]), (8, &Value::from(2)));
    assert_eq!(fs::read_to_string(faults).expect("all of them").lines().count(), 9);

    // While rows are faulty nothing is taken over; then only those that are not.
    let before = rehearsal.audited();
    let refused = migrate(&rehearsal, &list, &["--apply"]);
    assert!(refused.code == Some(3) && refused.err.contains("nothing was taken over"), "{}", refused.all());
    assert_eq!(rehearsal.audited(), before);
    let applied = migrate(&rehearsal, &list, &["--apply", "--accept-good-rows"]);
    assert!(
        applied.code == Some(3) && applied.err.contains("8 rows were not taken over"),
        "{}",
        applied.all()
    );
    assert!(ocsp(&rehearsal, &old, &good).contains(": good"));
    assert!(ocsp(&rehearsal, &old, &old.file("late.pem")).contains(": unknown"));
    nothing_is_taken_back(&rehearsal, &old, (&list, [&good, &thief]));
    drop(rehearsal.operator(&["crl", "publish", NAME]).ok());
    is_sound(&mut rehearsal, true);
}

/// What is on record stands against lists that say otherwise.
fn nothing_is_taken_back(
    rehearsal: &Rehearsal,
    old: &OldAuthority,
    (list, [good, thief]): (&str, [&std::path::Path; 2]),
) {
    // The thief's number is taken, by the certificate that came first.
    fs::write(list, format!("certificate,status\n{},good\n", base64(thief))).expect("a file");
    let taken = migrate(rehearsal, list, &["--apply"]);
    assert!(taken.out.contains("migration.serial-taken"), "{}", taken.all());
    // A revocation here is never taken back by an old list.
    drop(
        rehearsal
            .operator(&["cert", "revoke", &serial(good), "--issuer", NAME, "--reason", "superseded"])
            .ok(),
    );
    fs::write(list, format!("certificate,status\n{},good\n", base64(good))).expect("a file");
    let stale = migrate(rehearsal, list, &["--apply"]);
    assert!(stale.out.contains("migration.revoked-otherwise"), "{}", stale.all());
    assert!(ocsp(rehearsal, old, good).contains(": revoked"));
}

#[test]
fn a_run_that_the_server_did_not_live_through_goes_on_and_doubles_nothing() {
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    let first = old.issue("first", "/CN=first.example", "server", &[]);
    adopted(&old, &mut rehearsal);
    // One key for all: it is the certificates that count.
    drop(old.request("first", "/CN=many"));
    let mut rows = vec![format!("{},good,", base64(&first))];
    for number in 0..MANY {
        let out = rehearsal.scratch("one.pem");
        old.sign("first", &format!("{}", 0x20_0000 + number), &out);
        rows.push(format!("{},revoked,2026-05-01T00:00:00Z", base64(&out)));
    }
    let list = rehearsal.scratch("list.csv");
    fs::write(&list, format!("certificate,status,revoked_at\n{}\n", rows.join("\n"))).expect("a file");
    let list = path(&list);

    let arguments = ["migrate", "from", "csv", &list, "--issuer", NAME, "--apply"];
    let mut running = rehearsal.operator_command(&arguments).spawn().expect("it starts");
    let taken = |rehearsal: &Rehearsal| {
        let listed = ["cert", "list", "--issuer", NAME, "--status", "revoked", "--limit", "10000"];
        rehearsal.operator_json(&listed)["certificates"].as_array().map_or(0, Vec::len)
    };
    e2e::patience::eventually("the first part is on record", || (taken(&rehearsal) > 0).then_some(()));
    rehearsal.kill();
    let ended = running.wait().expect("it ends");
    rehearsal.serve();
    let (half, whole) = (taken(&rehearsal), rows.len() - 1);
    assert!(half > 0, "what was on record stays there");
    assert!(half == whole || !ended.success(), "{half} of {whole}, and it said that all were taken over");
    let again = rehearsal.operator(&arguments).ok().out;
    assert!(
        again.contains(&format!("{} were taken over", rows.len() - half - 1)) || half == whole,
        "{again}"
    );
    assert_eq!(taken(&rehearsal), whole);
    let twice = rehearsal.operator(&arguments).ok().out;
    assert!(
        twice.contains(&format!(
            "0 were taken over, 0 that were on record are revoked now, {} stand",
            rows.len()
        )),
        "{twice}"
    );
    // One audit record each.
    let records = rehearsal.audit_after(0);
    let count = |act: &str| records.iter().filter(|record| record["act"] == act).count();
    assert_eq!(count("certificate-taken-over"), rows.len());
    assert!(ocsp(&rehearsal, &old, &first).contains(": good"));
    drop(rehearsal.operator(&["crl", "publish", NAME]).ok());
    is_sound(&mut rehearsal, true);
}
