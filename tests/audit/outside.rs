//! What others can do to the log, and see in it: nothing that they must not.

use std::fs;
use std::os::unix::net::UnixDatagram;

use e2e::patience::eventually;
use e2e::peer::curl;
use e2e::rehearsal::Rehearsal;
use e2e::tool::run;

use crate::{act, serving};

/// Asks the operator's socket by another program; returns the status code.
fn ask(rehearsal: &Rehearsal, method: &str, path: &str) -> String {
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    let url = format!("http://meter-pki{path}");
    let arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", &socket, "-X", method];
    let body = ["-H", "Content-Type: application/json", "-d", "{\"records\":[]}", &url];
    run("curl", [&arguments[..], &body[..]].concat()).ok().out
}

// Whoever runs the server may do all there is, and none of that changes a record.
#[test]
fn a_07_no_verb_and_no_route_deletes_or_changes_a_record() {
    let rehearsal = serving();
    let help = rehearsal.operator(&["audit", "--help"]).ok().out;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.chars().all(|letter| letter.is_ascii_lowercase()))
        .collect();
    assert!(["verify", "prove", "checkpoint", "list"].iter().all(|verb| verbs.contains(verb)), "{help}");
    for verb in ["delete", "edit", "prune", "rotate", "reset", "truncate"] {
        assert_eq!(rehearsal.operator(&["audit", verb]).code, Some(2), "{verb}");
    }
    let before = rehearsal.audit_after(0);
    for path in
        ["/v1/audit", "/v1/audit/1", "/v1/audit/checkpoint", "/v1/audit/consistency", "/v1/audit/proofs/-/01"]
    {
        for method in ["DELETE", "PUT", "PATCH", "POST"] {
            let status = ask(&rehearsal, method, path);
            assert!(["404", "405"].contains(&status.as_str()), "{method} {path}: {status}");
        }
    }
    let after = rehearsal.audit_after(0);
    assert_eq!(after[..before.len()], before);
    drop(rehearsal.operator(&["audit", "verify"]).ok());
}

fn received(socket: &UnixDatagram) -> Option<String> {
    let mut octets = [0; 65_536];
    let length = socket.recv(&mut octets).ok()?;
    Some(String::from_utf8(octets[..length].to_vec()).unwrap())
}

/// A system whose messages come to a socket of the test.
fn with_socket() -> (Rehearsal, UnixDatagram) {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let socket = UnixDatagram::bind(rehearsal.state("log.sock")).unwrap();
    socket.set_nonblocking(true).unwrap();
    rehearsal.configure("edited.toml", |text| {
        text.replace(
            "export_directory = \"audit\"\n",
            "export_directory = \"audit\"\n\n[audit.syslog]\nsocket = \"log.sock\"\n",
        )
    });
    rehearsal.serve();
    (rehearsal, socket)
}

/// All messages up to the last record there is.
fn all_messages(rehearsal: &Rehearsal, socket: &UnixDatagram) -> Vec<String> {
    let end = format!("sequence=\"{}\"", rehearsal.audited());
    let mut messages = Vec::new();
    eventually("every record is received", || {
        messages.extend(std::iter::from_fn(|| received(socket)));
        messages.iter().any(|message| message.contains(&end)).then_some(())
    });
    messages
}

#[test]
fn a_05_a_canary_stands_in_no_record_message_checkpoint_log_or_figure() {
    let (mut rehearsal, socket) = with_socket();
    let title = "4D504B0100000A01";
    rehearsal.expect_devices("dso", &[title]);
    let (user, secret) = rehearsal.token(title, "meter-op-tls-s1");
    let passphrase = fs::read_to_string(rehearsal.state("passphrase")).unwrap();
    // The secret is shown in vain, so that a refusal tells of it.
    let url = rehearsal.est("meter-op-tls-s1") + "/simpleenroll";
    let with_secret = ["-u", &format!("{user}:{secret}"), "-d", "no request"];
    assert_ne!(curl(&rehearsal, &url, &with_secret).status, 200);
    let wrong = ["-u", &format!("{user}:{secret}-canary"), "-d", "no request"];
    assert_ne!(curl(&rehearsal, &url, &wrong).status, 200);
    let socket_file = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    let metrics = run("curl", ["-s", "--unix-socket", &socket_file, "http://meter-pki/metrics"]).ok().out;
    assert!(
        metrics.contains("pki_audit_leaves_total") && metrics.contains("pki_audit_checkpoint_age_seconds")
    );
    let mut seen = all_messages(&rehearsal, &socket);
    seen.push(metrics);
    seen.extend(rehearsal.audit_after(0).iter().map(ToString::to_string));
    seen.push(rehearsal.operator(&["audit", "checkpoint"]).ok().out);
    rehearsal.stop();
    seen.push(fs::read_to_string(rehearsal.scratch("serve.log")).unwrap());
    for file in ["records", "checkpoints", "latest-checkpoint", "checkpoint-key.pem"] {
        seen.push(fs::read_to_string(rehearsal.state(&format!("audit/{file}"))).unwrap());
    }
    // Records are in base64 in files and messages: their octets are looked at, too.
    let decoded: Vec<String> = seen
        .iter()
        .flat_map(|text| text.split(['"', ' ', '\n']))
        .filter_map(|word| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(word).ok()
        })
        .map(|octets| String::from_utf8_lossy(&octets).into_owned())
        .collect();
    assert!(decoded.iter().any(|text| text.contains(title)), "records were looked at");
    for canary in [&secret, passphrase.trim()] {
        assert!(!seen.iter().chain(&decoded).any(|text| text.contains(canary)), "a secret was told");
    }
}

#[test]
fn a_06_what_a_caller_calls_itself_breaks_no_line_and_moves_no_cursor() {
    let (rehearsal, socket) = with_socket();
    let url = rehearsal.est("meter-op-tls-s1") + "/simpleenroll";
    let forged = "4D5\u{1b}[31m\"]\r\n<110>1 forged";
    drop(curl(&rehearsal, &url, &["-u", &format!("{forged}:x"), "-A", forged, "-d", "no request"]));
    drop(act(&rehearsal).ok());
    let messages = all_messages(&rehearsal, &socket);
    for message in &messages {
        assert!(!message.chars().any(char::is_control), "{message:?}");
        assert!(message.starts_with("<110>1 ") && message.ends_with("\"]"), "{message:?}");
    }
    let listed = rehearsal.operator(&["audit", "list", "--limit", "10000"]).ok().out;
    assert!(!listed.chars().any(|letter| letter.is_control() && letter != '\n'), "{listed:?}");
    let records = rehearsal.audit_after(0).len();
    assert_eq!(listed.lines().count(), records + 1, "a line for each record, and the heading");
}
