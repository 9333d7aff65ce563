//! Start, stop, and who may talk to the program: one at a time on one state, in order, and nobody else's hands on the socket.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::{Command, Stdio};

use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl};
use serde_json::Value;

#[test]
fn a_second_server_on_the_same_state_is_refused_and_harms_nothing() {
    let rehearsal = Rehearsal::start(1);
    let before = rehearsal.audited();
    let (code, log) = rehearsal.serve_to_its_end();
    assert_eq!(code, Some(7), "{log}");
    assert!(log.contains("(store.in-use)"), "{log}");
    assert!(log.contains("another process"), "it says why: {log}");
    assert_eq!(rehearsal.audited(), before, "the first one serves on");
}

#[test]
fn a_stop_ends_in_order_and_takes_the_socket_away_and_the_next_start_serves_the_same() {
    let mut rehearsal = Rehearsal::start(1);
    let certificates = rehearsal.operator_json(&["cert", "list"]);
    let socket = rehearsal.state("operator.sock");
    assert!(socket.exists());
    for _ in 0..2 {
        rehearsal.stop();
        assert!(!socket.exists(), "the socket is gone");
        rehearsal.serve();
        assert_eq!(rehearsal.operator_json(&["cert", "list"]), certificates);
    }
}

#[test]
fn a_killed_program_leaves_a_socket_that_the_next_start_replaces() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.kill();
    let said = rehearsal.operator(&["ca", "list"]);
    assert_eq!(said.code, Some(8), "{}", said.all());
    rehearsal.serve();
    drop(rehearsal.operator(&["ca", "list"]).ok());
}

#[test]
fn only_the_owner_may_open_socket_keys_and_passphrase() {
    let rehearsal = Rehearsal::start(1);
    let mode = |place: &str| {
        let metadata = std::fs::metadata(rehearsal.state(place)).expect("it is there");
        (metadata.file_type().is_socket(), metadata.permissions().mode() & 0o777)
    };
    assert_eq!(mode("operator.sock"), (true, 0o600));
    assert_eq!(mode("passphrase"), (false, 0o600));
    assert_eq!(mode("tls/server.key"), (false, 0o600));
    for directory in ["", "keys", "published", "tls", "fleet"] {
        assert_eq!(mode(directory), (false, 0o700), "{directory}");
    }
    for key in std::fs::read_dir(rehearsal.state("keys")).unwrap() {
        let key = key.unwrap();
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", key.path().display());
    }
}

#[test]
fn keys_that_others_may_read_are_refused() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let passphrase = rehearsal.state("passphrase");
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, log) = rehearsal.serve_to_its_end();
    assert_eq!(code, Some(8), "{log}");
    assert!(log.contains("(keys.not-open)"), "{log}");
}

#[test]
fn a_quickstart_in_a_directory_that_holds_something_else_is_refused() {
    let rehearsal = Rehearsal::not_begun();
    let state = rehearsal.state("");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(state.join("letter.txt"), "dear reader").unwrap();
    let said = rehearsal.operator(&["quickstart", "--exit", "--state", &state.to_string_lossy()]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.err.contains("is not empty"), "{}", said.err);
    assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "nothing was written");
}

#[test]
fn a_quickstart_resumes_from_its_state_and_a_larger_fleet_joins() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.quickstart(3);
    let report = rehearsal.report().clone();
    assert_eq!(
        (&report["meters"], &report["manufactured"], &report["swapped"]),
        (&3.into(), &2.into(), &2.into())
    );
    for title in ["4D504B0100000000", "4D504B0200000001", "4D504B0100000002"] {
        assert_eq!(rehearsal.certificates_of(title).len(), 6, "{title}");
    }
}

/// What the report says of the technician, and what the ledger and OpenSSL say of it.
fn technicians_day(rehearsal: &Rehearsal, day: &Value, meter: &str) {
    assert_eq!(
        (&day["meter"], &day["receipts"], &day["faults"]),
        (&meter.into(), &2.into(), &0.into()),
        "{day}"
    );
    assert_eq!(day["approved_by"], serde_json::json!(["shift-lead", "grid-control"]));
    let said = serde_json::json!([["good", null], ["revoked", "good"], ["revoked", "revoked"]]);
    assert_eq!(day["ocsp"], said, "{day}");
    let (visit, file) =
        (day["visit"].as_str().expect("a name"), day["client_file"].as_str().expect("a file"));
    let own = rehearsal.operator_by(file, &["--json", "visit", "list", "--own"]).ok();
    let own: Value = serde_json::from_str(&own.out).expect("JSON");
    assert_eq!((&own["visits"][0]["id"], &own["visits"][0]["state"]), (&visit.into(), &"ended".into()));
    let certificates = own["visits"][0]["certificates"].as_array().expect("a list");
    let reasons: Vec<&str> = certificates.iter().filter_map(|one| one["reason"].as_str()).collect();
    assert_eq!(reasons, ["superseded", "cessationOfOperation"]);
    let bundle = day["bundle"].as_str().expect("a file");
    let root = path(&rehearsal.authority("dso-root-s1"));
    let whom = ["-CAfile", &root, "-purpose", "any", "-out", "/dev/null"];
    drop(openssl(["cms", "-verify", "-inform", "DER", "-in", bundle].iter().chain(&whom)).ok());
}

#[test]
fn a_quickstart_shows_a_shipment_that_is_imported_once_a_campaign_a_proven_history_and_a_technicians_day() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    // As a run leaves it that is cut between a person's certificate and the file that says he can be at work.
    std::fs::write(rehearsal.state("people/dispatch.pem"), "cut").expect("a file");
    rehearsal.quickstart(5);
    let report = rehearsal.report().clone();
    let delivery = &report["delivery"];
    assert_eq!(
        (&delivery["manifest"], &delivery["received"], &delivery["refused"], &delivery["imported_again"]),
        (&"quickstart-1".into(), &4.into(), &0.into(), &"delivery.repeated".into()),
        "{report}"
    );
    let campaign = &report["campaign"];
    assert_eq!(
        (&campaign["devices"], &campaign["done"], &campaign["stuck"], &campaign["certificates"]),
        (&1.into(), &1.into(), &0.into(), &3.into()),
        "{report}"
    );
    let history = &report["history"];
    let lines = history["lines"].as_array().expect("lines");
    assert_eq!(history["proved_records"], lines.len(), "each line is proven: {report}");
    for (event, owner) in [("imported", "dso"), ("operational", "dso"), ("certificate-issued", "")] {
        assert!(lines.iter().any(|line| line["event"] == event && line["owner"] == owner), "{report}");
    }
    let title = history["system_title"].as_str().expect("a title");
    assert_eq!(rehearsal.certificates_of(title).len(), 6);
    let file = history["file"].as_str().expect("a file");
    drop(rehearsal.operator(&["device", "history", title, "--verify", file]).ok());
    technicians_day(&rehearsal, &report["technician"], title);
    rehearsal.stop();
    rehearsal.quickstart(5);
    let report = rehearsal.report();
    for part in ["delivery", "campaign", "technician"] {
        assert!(report[part].is_null(), "all was done before: {report}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let rehearsal = Rehearsal::start(1);
    let configuration = rehearsal.state("meter-pki.toml");
    let line = "set -o pipefail; \"$0\" --config \"$1\" cert list | head -n 1";
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).arg(e2e::process::program("meter-pki")).arg(configuration);
    let said = finish(shell.stdin(Stdio::null())).ok();
    assert!(said.out.starts_with("SERIAL"), "{}", said.all());
}

#[test]
fn bash_reads_the_completion_script_and_it_knows_the_verbs() {
    let rehearsal = Rehearsal::not_begun();
    let said = rehearsal.operator(&["completion", "bash"]).ok();
    let script = rehearsal.scratch("completion.bash");
    std::fs::write(&script, &said.out).unwrap();
    drop(finish(Command::new("bash").arg("-n").arg(&script)).ok());
    // What a shell does at the second tab after `meter-pki cert re`.
    let ask = "source \"$0\"; read -r -a words <<< \"$(complete -p meter-pki)\"; \
               for place in \"${!words[@]}\"; do [ \"${words[place]}\" = -F ] && completer=${words[place + 1]}; done; \
               COMP_WORDS=(meter-pki cert re); COMP_CWORD=2; \
               \"$completer\" meter-pki re cert; echo \"${COMPREPLY[@]}\"";
    let said = finish(Command::new("bash").args(["-c", ask]).arg(&script)).ok();
    assert_eq!(said.out.trim(), "revoke release");
}
