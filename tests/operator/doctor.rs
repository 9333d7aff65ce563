//! `meter-pki doctor` on a rehearsed system: in order as it is, and each of some real faults, made one by one, found by its name.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use e2e::chapter::{Shell, steps};
use e2e::clock::WallClock;
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;
use serde_json::Value;

/// A system for which people, backups and copies are provided.
fn provided() -> Rehearsal {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let keys = rehearsal.state("recovery");
    drop(rehearsal.operator(&["backup", "keygen", "--shares", "2-of-3", &keys.to_string_lossy()]).ok());
    rehearsal.configure("provided.toml", |text| {
        let people = "socket = \"operator.sock\"\nusers = [4001, 4002]\n";
        let backup = "[backup]\nrecovery_key_file = \"recovery/recovery.pub\"\n\n[audit]\n";
        text.replace("socket = \"operator.sock\"\n", people).replace("[audit]\n", backup)
    });
    rehearsal
}

/// What is told that is worse than a notice, by name, after the exit code.
fn told(rehearsal: &Rehearsal, arguments: &[&str]) -> (Option<i32>, BTreeSet<String>) {
    let said = rehearsal.operator(&[&["--json", "doctor"], arguments].concat());
    let report: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    (said.code, bad(&report))
}

fn bad(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    let bad = findings.iter().filter(|one| one["severity"] == "warning" || one["severity"] == "fault");
    bad.map(|one| one["id"].as_str().expect("a name").to_owned()).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("doctor.{name}")).collect()
}

/// The commands of the chapter: nothing is worse than a notice.
fn by_the_chapter(rehearsal: &Rehearsal) {
    let [examine] = steps(include_str!("../../docs/operate/doctor.md"));
    let around = "meter-pki() { command meter-pki --config provided.toml \"$@\"; }";
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let said = shell.run(&format!("{around}\n{examine}")).ok().out;
    let (_, report) = said.trim_end().rsplit_once('\n').expect("lines for people, and one for programs");
    assert_eq!(serde_json::from_str::<Value>(report).expect("JSON")["worst"], "notice");
}

#[test]
fn a_healthy_system_is_in_order_and_faults_made_one_by_one_are_found() {
    let mut rehearsal = provided();
    let clock = WallClock::new(&mut rehearsal);
    rehearsal.serve();
    let backup = rehearsal.scratch("first.backup");
    drop(rehearsal.operator(&["backup", "create", &backup.to_string_lossy()]).ok());
    let report = rehearsal.operator_json(&["doctor"]);
    assert_eq!(report["worst"], "notice", "a rehearsal is on loopback, with keys in files: {report}");
    assert_eq!((bad(&report), &report["not_checked"]), (BTreeSet::new(), &0.into()), "{report}");
    let checked: BTreeSet<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(checked.len() > 90, "{}", checked.len());

    by_the_chapter(&rehearsal);

    let passphrase = rehearsal.state("passphrase");
    let mode = |mode| std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert_eq!(told(&rehearsal, &[]), (Some(1), names(&["keys.passphrase-mode"])));
    mode(0o600);

    let configuration = rehearsal.state("provided.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, format!("{text}\n# a word\n")).unwrap();
    assert_eq!(told(&rehearsal, &[]), (Some(3), names(&["config.drift"])));
    assert_eq!(told(&rehearsal, &["--skip", "config.drift"]), (Some(0), BTreeSet::new()));
    std::fs::write(&configuration, &text).unwrap();

    let page = rehearsal.operator_json(&["cert", "list", "--issuer", "dso-infra-s1", "--limit", "1000"]);
    let certificates = page["certificates"].as_array().expect("certificates");
    let tls = certificates.iter().find(|one| one["profile"] == "est-tls-s1").expect("that of TLS");
    rehearsal.revoke(tls["serial"].as_str().expect("a number"), "superseded");
    assert_eq!(told(&rehearsal, &[]), (Some(1), names(&["cert.revoked"])));

    // Five years later, for whoever looks alone: what is out is long over.
    let later = rehearsal.scratch("later");
    std::fs::write(&later, (5 * 366 * 86_400).to_string()).unwrap();
    let mut command = rehearsal.operator_command(&["--json", "doctor", "--only", "crl,cert,clock,ocsp"]);
    let said =
        finish(command.env("LD_PRELOAD", rehearsal.scratch("clock.so")).env("CLOCK_SHIM_SECONDS", &later));
    assert_eq!(said.code, Some(1), "{}", said.all());
    let found = bad(&serde_json::from_str(&said.out).expect("a report"));
    for name in
        ["crl.late", "crl.record-late", "ocsp.late", "cert.tls-expiry", "clock.server", "clock.others"]
    {
        assert!(found.contains(&format!("doctor.{name}")), "{name}: {found:?}");
    }
    clock.set_by(0);

    // Where nobody serves, what files show is judged, and nothing comes from outside.
    rehearsal.stop();
    let said = rehearsal.operator(&["doctor"]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.err.contains("doctor.faults"), "{}", said.all());
    for (word, id) in [
        ("FAULT", "doctor.server.nobody"),
        ("FAULT", "doctor.crl.unreachable"),
        ("FAULT", "doctor.ca.unreachable"),
        ("FAULT", "doctor.listener.est"),
        ("FAULT", "doctor.listener.status"),
        ("not checked", "doctor.requests.old"),
        ("ok", "doctor.keys.signature"),
        ("ok", "doctor.keys.passphrase-mode"),
        ("ok", "doctor.disk.ledger"),
    ] {
        let line = said.out.lines().find(|line| line.contains(&format!(" {id} ")));
        assert!(line.is_some_and(|line| line.starts_with(word)), "{word} {id}: {}", said.out);
    }
}

#[test]
fn a_faulty_configuration_and_a_wrong_name_are_told_and_the_list_needs_no_system() {
    let rehearsal = Rehearsal::not_begun();
    std::fs::create_dir(rehearsal.state("")).unwrap();
    std::fs::write(rehearsal.state("meter-pki.toml"), "[store]\n").unwrap();
    let (code, found) = told(&rehearsal, &[]);
    assert_eq!((code, found), (Some(1), names(&["config.faulty", "server.nobody"])));
    let said = rehearsal.operator(&["doctor", "--only", "crl,clr"]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("doctor.unknown") && said.err.contains("clr"), "{}", said.err);
    let said = rehearsal.operator(&["doctor", "--list"]).ok();
    assert!(said.out.lines().count() > 90, "{}", said.out);
}
