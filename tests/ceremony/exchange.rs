//! The exchange from the online side: what answers no open request is refused (cases R-04, R-08, R-09), on paper as in files.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::chapter::steps;
use e2e::process::program;
use e2e::tool::{Said, finish};
use serde_json::Value;
use tempfile::TempDir;

use crate::{CHAPTER, exchange_key, make_room, run_block};

/// A room with a root, an open request and the response to it, and the fingerprint of the exchange key.
fn answered() -> (TempDir, String) {
    let room = make_room();
    let blocks: [&str; 5] = steps(CHAPTER);
    let key = exchange_key(&run_block(room.path(), blocks[0], ""));
    for block in &blocks[1..3] {
        let _ = run_block(room.path(), block, &key);
    }
    fs::create_dir(room.path().join("incoming")).expect("it can be made");
    (room, key)
}

fn meter_pki(room: &Path, arguments: &[&str]) -> Said {
    finish(Command::new(program("meter-pki")).current_dir(room).arg("--json").args(arguments))
}

fn import(room: &Path, response: &str, key: &str) -> Said {
    meter_pki(room, &["ceremony", "import", response, "--out", "incoming", "--exchange-key", key])
}

/// The program refused with this number and reason, and wrote nothing.
#[track_caller]
fn refused(room: &Path, said: &Said, exit: i32, code: &str) {
    assert_eq!(said.code, Some(exit), "{}", said.all());
    let told: Value = serde_json::from_str(&said.err).expect("a failure");
    assert_eq!(told["code"], code, "{told}");
    assert_eq!(fs::read_dir(room.join("incoming")).expect("it is there").count(), 0, "nothing is half done");
}

/// The journal of the exchange, which was checked before it was shown.
fn journal(room: &Path) -> Vec<Value> {
    let view: Value =
        serde_json::from_str(&meter_pki(room, &["ceremony", "journal"]).ok().out).expect("a view");
    view["records"].as_array().expect("a list").clone()
}

/// The last record of the journal tells of a refusal of this file with this reason, and `sha256sum` agrees on the file.
#[track_caller]
fn recorded(room: &Path, response: &str, code: &str) {
    let record = journal(room).pop().expect("a record");
    assert_eq!((&record["act"], &record["reason"]), (&"request-refused".into(), &code.into()), "{record}");
    let sum = finish(Command::new("sha256sum").current_dir(room).arg(response)).ok().out;
    assert_eq!(record["sha256"], sum.split(' ').next().expect("a sum"), "{record}");
    assert!(!record["detail"].as_str().expect("a sentence").is_empty());
}

#[test]
fn r_09_a_response_without_an_open_request_is_refused() {
    let (room, key) = answered();
    let (open, aside) = (room.path().join("exchanges"), room.path().join("aside"));
    fs::rename(&open, &aside).expect("it is there");
    refused(room.path(), &import(room.path(), "response.pem", &key), 4, "exchange.not-open");
    recorded(room.path(), "response.pem", "exchange.not-open");

    // Another request of the same key directory is open: its nonce is not that of the response.
    let _ = run_block(room.path(), "rm request.pem", "");
    let _ = run_block(room.path(), steps::<5>(CHAPTER)[1], "");
    let said = import(room.path(), "response.pem", &key);
    refused(room.path(), &said, 4, "exchange.not-open");
    let digest = meter_pki(room.path(), &["ceremony", "requests"]).ok().out;
    let digest: Value = serde_json::from_str(&digest).expect("a list");
    assert!(
        said.err.contains(digest[0]["sha256"].as_str().expect("a digest")),
        "the open one is named: {}",
        said.err
    );
}

#[test]
fn r_09_a_response_is_taken_in_once_even_where_its_outputs_are_gone() {
    let (room, key) = answered();
    drop(import(room.path(), "response.pem", &key).ok());
    fs::remove_dir_all(room.path().join("incoming")).expect("it is there");
    fs::create_dir(room.path().join("incoming")).expect("it can be made");
    refused(room.path(), &import(room.path(), "response.pem", &key), 7, "exchange.answered");
    recorded(room.path(), "response.pem", "exchange.answered");
    let taken_in = &journal(room.path())[0];
    assert_eq!(taken_in["act"], "authority-registered", "{taken_in}");
    assert!(taken_in["detail"].as_str().is_some_and(|detail| detail.contains("answers the request")));
    assert_eq!(meter_pki(room.path(), &["ceremony", "requests"]).ok().out.trim(), "[]");
}

#[test]
fn r_08_an_altered_response_or_kept_request_is_refused() {
    let (room, key) = answered();
    let text = fs::read_to_string(room.path().join("response.pem")).expect("it is there");
    let (before, block) = text.split_once("-----\n").expect("a block begins");
    let at = block.len() / 2;
    let other = if block.as_bytes()[at] == b'A' { "B" } else { "A" };
    let mut altered = block.to_owned();
    altered.replace_range(at..=at, other);
    fs::write(room.path().join("altered.pem"), format!("{before}-----\n{altered}"))
        .expect("it can be written");
    let said = import(room.path(), "altered.pem", &key);
    assert_eq!(said.code, Some(4), "{}", said.all());
    let told: Value = serde_json::from_str(&said.err).expect("a failure");
    recorded(room.path(), "altered.pem", told["code"].as_str().expect("a code"));
    assert!(said.err.contains("exchange."), "{}", said.err);
    fs::write(room.path().join("noise.pem"), [0xff; 40]).expect("it can be written");
    refused(room.path(), &import(room.path(), "noise.pem", &key), 4, "exchange.not-text");
    recorded(room.path(), "noise.pem", "exchange.not-text");

    let kept = fs::read_dir(room.path().join("exchanges/open")).expect("it is there").next();
    let kept = kept.expect("one is open").expect("it can be read").path();
    let request = fs::read_to_string(&kept).expect("it is there");
    let at = request.find("-----\n").expect("a block begins") + 80;
    let mut altered = request.clone();
    let other = if altered.as_bytes()[at] == b'A' { "B" } else { "A" };
    altered.replace_range(at..=at, other);
    fs::write(&kept, altered).expect("it can be written");
    refused(room.path(), &import(room.path(), "response.pem", &key), 9, "exchange.altered");
    recorded(room.path(), "response.pem", "exchange.altered");
    fs::write(&kept, request).expect("it can be written");
    drop(import(room.path(), "response.pem", &key).ok());
}

#[test]
fn r_04_a_response_by_another_exchange_key_is_refused() {
    let (room, _) = answered();
    let said = import(room.path(), "response.pem", &"00".repeat(32));
    refused(room.path(), &said, 4, "exchange.unknown-key");
    recorded(room.path(), "response.pem", "exchange.unknown-key");
}

#[test]
fn r_14_an_edited_journal_is_found_and_nothing_is_taken_in_until_it_is_whole() {
    let (room, key) = answered();
    for stranger in ["00", "11"] {
        refused(
            room.path(),
            &import(room.path(), "response.pem", &stranger.repeat(32)),
            4,
            "exchange.unknown-key",
        );
    }
    let path = room.path().join("exchanges/journal");
    let whole = fs::read_to_string(&path).expect("it is there");
    // OpenSSL reads a record that it can be told by: base64 of DER in the last column.
    let der = whole.lines().next().and_then(|line| line.rsplit(' ').next()).expect("a column");
    fs::write(room.path().join("record.b64"), format!("{der}\n")).expect("it can be written");
    let read = "openssl base64 -d -A -in record.b64 | openssl asn1parse -inform DER";
    assert!(run_block(room.path(), read, "").contains("exchange.unknown-key"));

    let (first, rest) = whole.split_once('\n').expect("two lines");
    for edited in [rest.to_owned(), whole.replacen("1 ", "2 ", 1), format!("{first}\n{first}\n{rest}")] {
        fs::write(&path, edited).expect("it can be written");
        refused(room.path(), &import(room.path(), "response.pem", &key), 9, "journal.altered");
        assert_eq!(meter_pki(room.path(), &["ceremony", "journal"]).code, Some(9));
    }
    fs::write(&path, whole).expect("it can be written");
    drop(import(room.path(), "response.pem", &key).ok());
    let acts: Vec<Value> = journal(room.path()).iter().map(|record| record["act"].clone()).collect();
    assert_eq!(acts, ["request-refused", "request-refused", "authority-registered"]);
}

#[test]
fn an_import_that_a_power_cut_ended_is_done_again() {
    let (room, key) = answered();
    let copy = room.path().join("copy");
    drop(finish(Command::new("cp").arg("-r").arg(room.path().join("exchanges")).arg(&copy)).ok());
    drop(import(room.path(), "response.pem", &key).ok());
    // All outputs are there, and the request is open still.
    fs::remove_dir_all(room.path().join("exchanges")).expect("it is there");
    fs::rename(&copy, room.path().join("exchanges")).expect("it is there");
    drop(import(room.path(), "response.pem", &key).ok());
}

#[test]
fn request_and_response_travel_on_paper() {
    let (room, key) = answered();
    for name in ["request.pem", "response.pem"] {
        let codes = format!("codes-{name}");
        drop(meter_pki(room.path(), &["qr", "encode", name, "--out", &codes]).ok());
        let scan = ["qr", "scan", &codes, "--out", &format!("scanned-{name}")];
        drop(finish(Command::new(program("offline-root")).current_dir(room.path()).args(scan)).ok());
        let read = |name: &str| fs::read(room.path().join(name)).expect("it is there");
        assert_eq!(read(name), read(&format!("scanned-{name}")));
    }
    let codes = fs::read_dir(room.path().join("codes-response.pem")).expect("it is there");
    let codes = codes.map(|entry| entry.expect("it can be read").path().display().to_string());
    let one = codes.into_iter().find(|path| path.ends_with(".png")).expect("there is a picture");
    let said = meter_pki(room.path(), &["qr", "scan", &one, "--out", "half.pem"]);
    refused(room.path(), &said, 4, "paper.missing");
    drop(import(room.path(), "scanned-response.pem", &key).ok());
}

#[test]
fn r_04_both_sides_say_the_same_words_of_a_request() {
    let room = make_room();
    let blocks: [&str; 5] = steps(CHAPTER);
    let _ = run_block(room.path(), blocks[0], "");
    // What follows a digest: its words, in four lines.
    let words = |said: &str, what: &str| {
        let mut lines = said.lines().skip_while(|line| !line.contains(what));
        let digest = lines.next().expect("it is said").rsplit("  ").next().unwrap_or_default().to_owned();
        let words: Vec<String> = lines.take(4).map(|line| line.trim().to_owned()).collect();
        assert_eq!(words.join(" ").split(' ').count(), 32, "{what} in {said}");
        (digest, words)
    };
    let requested = run_block(room.path(), blocks[1], "");
    let shown = run_block(room.path(), "offline-root show request.pem", "");
    let (_, online) = words(&requested, "SHA-256 of the request");
    let (digest, offline) = words(&shown, "  SHA-256  ");
    assert_eq!(online, offline);
    assert!(requested.contains(&digest.replace(' ', "")), "{requested}");
    // The octets of the file, as the ceremony file names them.
    let counted = run_block(room.path(), "sha256sum request.pem", "");
    let sum = counted.split(' ').next().unwrap_or_default();
    let file = requested.lines().find(|line| line.contains("for the ceremony file")).expect("it is said");
    assert!(file.ends_with(sum), "{file}");
    drop(words(&requested, "for the ceremony file"));
}
