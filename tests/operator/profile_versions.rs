//! What profiles said before: the chapter as it stands, texts and records by digests that others take, and a version that stays though
//! its profile changes.

use e2e::chapter::{Shell, blocks, steps};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{openssl, run};
use serde_json::{Value, json};

use crate::schemas::Printed;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/profiles.md");

fn versions(rehearsal: &Rehearsal, profile: &str) -> Vec<Value> {
    let page = rehearsal.operator_json(&["profile", "versions", profile]);
    page["versions"].as_array().expect("a list").clone()
}

/// SHA-256 of some octets, as coreutils print it.
fn sha256(rehearsal: &Rehearsal, octets: &str) -> String {
    let file = rehearsal.unique("octets");
    std::fs::write(&file, octets).expect("a file");
    let said = run("sha256sum", [&file]).ok();
    said.out.split_whitespace().next().expect("a digest").to_owned()
}

/// The last record of the act on profiles, and how many there are.
fn recorded(rehearsal: &Rehearsal) -> (Value, usize) {
    let found = rehearsal.operator_json(&["audit", "search", "--act", "profiles-in-force"]);
    let records = found["records"].as_array().expect("a list");
    (records.first().expect("a record").clone(), records.len())
}

/// Changes a line of a profile's file, and starts anew.
fn change(rehearsal: &mut Rehearsal, file: &str, (line, other): (&str, &str)) {
    let file = rehearsal.state("profiles").join(file);
    let text = std::fs::read_to_string(&file).expect("a profile");
    assert!(text.contains(line), "{text}");
    std::fs::write(&file, text.replace(line, other)).expect("a profile");
    rehearsal.stop();
    rehearsal.serve();
}

#[test]
fn the_chapter_on_profiles_works_as_it_stands() {
    let mut rehearsal = Rehearsal::start(1);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let [begin, edit, look, digest] = steps(CHAPTER);
    let [directory] = blocks(CHAPTER, "toml").try_into().expect("one block");
    let (first, count) = recorded(&rehearsal);
    assert_eq!(count, 1, "the first start puts all on record at once");
    assert!(first["detail"].as_str().expect("a text").contains("meter-op-ds-s1/1 "), "{first}");

    let _ = shell.run(begin).ok();
    rehearsal.configure("meter-pki.toml", |text| format!("{text}\n{directory}"));
    rehearsal.stop();
    rehearsal.serve();
    assert_eq!(recorded(&rehearsal).1, 1, "the same files elsewhere are nothing new");
    assert!(!shell.run(begin).success, "nothing is written over");
    let _ = shell.run(edit).ok();
    rehearsal.stop();
    rehearsal.serve();

    let said = shell.run(look).ok();
    for words in ["validity, version", "10 years", "8 years", "profiles-in-force", "IN FORCE"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let before = std::fs::read_to_string(rehearsal.state("meter-op-ds.before.toml")).expect("a file");
    let built_in = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../policies/profiles/meter-op-ds.toml"
    ));
    assert_eq!(before, built_in.expect("a profile"));
    let now = std::fs::read_to_string(rehearsal.state("profiles/meter-op-ds.toml")).expect("a profile");
    let taken = sha256(&rehearsal, &now);
    assert!(shell.run(digest).ok().out.starts_with(&taken));

    // Two suites are of one file, and each is a profile of its own.
    let (record, count) = recorded(&rehearsal);
    assert_eq!((count, &record["detail"]), (2, &json!("meter-op-ds-s1/2 meter-op-ds-s2/2")));
    let lines = format!("meter-op-ds-s1/2 {taken}\nmeter-op-ds-s2/2 {taken}\n");
    assert_eq!(record["digest"], json!(sha256(&rehearsal, &lines)), "{record}");
    let known = versions(&rehearsal, "meter-op-ds-s1");
    assert_eq!(known[1]["record"], record["sequence"]);
    assert_eq!((&known[0]["in_force"], &known[1]["in_force"]), (&json!(false), &json!(true)));
    assert_eq!(known[1]["changed"], json!(["validity", "version"]));

    let sample = rehearsal.scratch("sample.pem");
    let _ = rehearsal.operator(&["profile", "sample", "meter-op-ds-s1", "--out", &path(&sample)]).ok();
    let lasts = |years: i64, days: i64| {
        let seconds = (years * 365 + days) * 86_400;
        openssl(["x509", "-in", &path(&sample), "-noout", "-checkend", &seconds.to_string()]).success
    };
    assert!(lasts(8, -1) && !lasts(8, 1), "it is valid for eight years");
}

#[test]
fn a_version_that_stays_is_told_and_versions_are_compared_whatever_is_asked() {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, |text| text);
    let mut printed = Printed::default();
    // The first start had the built-in file, the second another under the same version.
    let log = rehearsal.log();
    assert!(log.contains("profile.version-unchanged") && log.contains("meter-op-ds.toml"), "{log}");
    let doctor = || {
        let said = rehearsal.operator(&["--json", "doctor", "--only", "config.profile-version"]);
        let report: Value = serde_json::from_str(&said.out).expect("JSON");
        report["findings"].as_array().expect("a list").clone()
    };
    let findings = doctor();
    assert!(findings.iter().any(|one| {
        one["severity"] == "warning"
            && one["says"].as_str().is_some_and(|says| says.starts_with("meter-op-ds-s1 "))
    }));

    let page = rehearsal.operator_json(&["profile", "versions", "meter-op-ds-s1"]);
    printed.add(&["profile", "versions"], &page);
    let second =
        rehearsal.operator_json(&["profile", "versions", "meter-op-ds-s1", "--after", "1", "--limit", "1"]);
    assert_eq!((&second["versions"][0], &second["next"]), (&page["versions"][1], &Value::Null));
    let first = rehearsal.operator_json(&["profile", "versions", "meter-op-ds-s1", "--limit", "1"]);
    assert_eq!(first["next"], json!(1));
    let shown = rehearsal.operator_json(&["profile", "show", "meter-op-ds-s1", "--number", "2"]);
    printed.add(&["profile", "show"], &shown);
    assert_eq!(
        shown["changes"],
        json!([{"key": "renewal_window", "one": "the last 7 years", "other": "any-time"}])
    );
    let differs = rehearsal.operator_json(&["profile", "diff", "meter-op-ds-s1", "--from", "2", "--to", "1"]);
    printed.add(&["profile", "diff"], &differs);
    assert_eq!(
        differs["differences"],
        json!([{"key": "renewal_window", "one": "any-time", "other": "the last 7 years"}])
    );
    let same = rehearsal.operator(&["profile", "diff", "meter-op-ds-s1", "--from", "2"]).ok();
    assert!(same.out.contains("number 2 says the same as in force"), "{}", same.out);
    let files = rehearsal.operator_json(&["profile", "files", &path(&rehearsal.scratch("files"))]);
    printed.add(&["profile", "files"], &files);
    assert_eq!(printed.judge(&rehearsal), 4);

    for (words, code, exit) in [
        (["profile", "show", "meter-op-ds-s1", "--number", "9"].as_slice(), "profile.no-version", 5),
        (&["profile", "diff", "meter-op-ds-s1", "--from", "1", "--to", "9"], "profile.no-version", 5),
        (&["profile", "versions", "nobody"], "profile.unknown", 5),
        (&["profile", "files", &path(&rehearsal.state("profiles"))], "file.exists", 7),
    ] {
        let said = rehearsal.operator(&[&["--json"], words].concat());
        assert!(said.code == Some(exit) && said.err.contains(code), "{words:?}: {}", said.all());
    }

    change(&mut rehearsal, "meter-op-ds.toml", ("version = 2", "version = 3"));
    let of_it = |findings: &[Value]| {
        findings
            .iter()
            .filter(|one| one["says"].as_str().is_some_and(|says| says.contains("meter-op-ds-")))
            .count()
    };
    let said = rehearsal.operator(&["--json", "doctor", "--only", "config.profile-version"]);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(of_it(report["findings"].as_array().expect("a list")), 0, "{report}");
    let known = versions(&rehearsal, "meter-op-ds-s1");
    assert_eq!((known.len(), &known[2]["changed"]), (3, &json!(["version"])));
}

#[test]
fn a_profile_that_is_gone_keeps_its_versions() {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, |text| text);
    std::fs::remove_file(rehearsal.state("profiles/crl-hourly.toml")).expect("the profile");
    rehearsal.stop();
    rehearsal.serve();
    let known = versions(&rehearsal, "crl-hourly");
    assert_eq!((known.len(), &known[0]["in_force"], &known[0]["version"]), (1, &json!(false), &Value::Null));
    let shown = rehearsal.operator(&["--json", "profile", "show", "crl-hourly"]);
    assert!(shown.code == Some(5) && shown.err.contains("profile.unknown"), "{}", shown.all());
    let differs = rehearsal.operator(&["--json", "profile", "diff", "crl-hourly", "--from", "1"]);
    assert!(differs.code == Some(5) && differs.err.contains("is not in force"), "{}", differs.all());
}
