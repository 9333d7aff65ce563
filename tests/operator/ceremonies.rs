//! Ceremonies held by the server: a request out to a real `offline-root`, its response in, and reports on bundles. OpenSSL judges what comes of
//! it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use e2e::chapter::{Shell, blocks};
use e2e::peer::path;
use e2e::people::{self, Answered};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};
use serde_json::Value;

use crate::schemas::Printed;

/// The chapters that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/ceremony.md");
const GUIDED: &str = include_str!("../../docs/operate/guided-ceremony.md");

/// A server that holds ceremonies, as the chapter has it configured, and the room of the offline root.
struct House {
    rehearsal: Rehearsal,
    room: PathBuf,
    shell: Shell,
}

impl House {
    fn open() -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        for name in ["exchanges", "incoming"] {
            std::fs::create_dir(rehearsal.state(name)).expect("a directory");
        }
        let lines = blocks(CHAPTER, "toml")[0];
        rehearsal.configure("ceremonies.toml", |text| text.replace("[operator]\n", lines));
        rehearsal.serve();
        let room = rehearsal.scratch("room");
        std::fs::create_dir(&room).expect("a room");
        let passphrase = room.join("passphrase");
        std::fs::write(&passphrase, "a passphrase of a rehearsal").expect("it can be written");
        std::fs::set_permissions(&passphrase, Permissions::from_mode(0o600)).expect("it is ours");
        let shell = Shell::new(&room, &rehearsal.scratch("programs")).has("offline-root");
        Self { rehearsal, room, shell }
    }

    /// Has the server make a request, into this file of the room.
    fn ask(&self, file: &str, more: &[&str]) -> Said {
        self.ask_by(&[], file, more)
    }

    fn ask_by(&self, before: &[&str], file: &str, more: &[&str]) -> Said {
        let out = path(&self.room.join(file));
        let subject =
            ["--country", "DE", "--organization", "Example Grid", "--common-name", "Grid Sub S1 G2"];
        let verb =
            ["ceremony", "request", "--served", "--profile", "sub-operational-s1", "--out", out.as_str()];
        self.rehearsal.operator(&[before, &verb, &subject, more].concat())
    }

    fn bring(&self, exchange_key: &str) -> Said {
        let response = path(&self.room.join("response.pem"));
        self.rehearsal.operator(&[
            "ceremony",
            "import",
            &response,
            "--served",
            "--exchange-key",
            exchange_key,
        ])
    }

    fn incoming(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.rehearsal.state("incoming")).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    fn open_requests(&self) -> usize {
        let state = self.rehearsal.operator_json(&["ceremony", "state"]);
        state["requests"].as_array().expect("a list").len()
    }
}

/// The acts and reason codes of records, those of ceremonies alone.
fn acts(records: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = records.iter().map(|one| (text(&one["act"]), text(&one["reason"])));
    all.filter(|(act, _)| act.starts_with("ceremony") || act == "request-refused").collect()
}

#[test]
fn a_request_goes_out_and_its_response_comes_in_by_the_server_and_nothing_else_is_taken() {
    let house = House::open();
    let [init, _, sign, ..] = blocks(CHAPTER, "sh")[..] else { panic!("the chapter has its steps") };
    let said = house.shell.run(init).ok().out;
    let line = said.lines().find(|line| line.contains("Exchange key SHA-256")).expect("it is shown");
    let exchange_key = line.split("SHA-256").nth(1).expect("digits follow").trim().to_owned();
    let before = house.rehearsal.audited();
    let mut printed = Printed::default();
    let keys = || std::fs::read_dir(house.rehearsal.state("keys")).expect("keys").count();

    // Twice with one key of the call: one key is made, one request is open, and the file is the same.
    let (had, call) = (keys(), ["--json", "--idempotency-key", "request-1"]);
    let made: Value = serde_json::from_str(&house.ask_by(&call, "request.pem", &[]).ok().out).expect("JSON");
    printed.add(&["ceremony", "request"], &made);
    drop(house.ask_by(&call, "again.pem", &[]).ok());
    let file = |name: &str| std::fs::read(house.room.join(name)).expect("a file");
    assert_eq!(file("request.pem"), file("again.pem"));
    assert_eq!((keys(), house.open_requests()), (had + 1, 1));

    // The offline root signs it, after the words were compared.
    let signed = house.shell.run(sign).ok();
    assert!(signed.out.contains(made["words"][0].as_str().expect("a word")), "{}", signed.out);
    let stranger = house.bring(&"00".repeat(32));
    assert_eq!((stranger.code, stranger.err.contains("exchange.unknown-key")), (Some(4), true));
    let typed = house.bring("0123");
    assert_eq!((typed.code, typed.err.contains("(exchange.key)")), (Some(2), true), "{}", typed.all());
    assert_eq!((house.incoming().len(), house.open_requests()), (0, 1), "nothing is half done");
    let taken = house.bring(&exchange_key).ok();
    assert!(taken.out.contains("add an [[authority]]"), "{}", taken.out);
    let again = house.bring(&exchange_key);
    assert_eq!((again.code, again.err.contains("exchange.answered")), (Some(7), true), "{}", again.all());
    assert_eq!(house.open_requests(), 0);

    judged(&house, made["key"].as_str().expect("a key"));
    let expected = [
        ("ceremony-request-begun", ""),
        ("ceremony-request-made", ""),
        ("request-refused", "exchange.unknown-key"),
        ("request-refused", "exchange.key"),
        ("ceremony-response-taken-in", ""),
        ("request-refused", "exchange.answered"),
    ];
    let expected = expected.map(|(act, reason)| (act.to_owned(), reason.to_owned()));
    assert_eq!(acts(&house.rehearsal.audit_after(before)), expected);
    let exchanges = path(&house.rehearsal.state("exchanges"));
    let journal = house.rehearsal.operator_json(&["ceremony", "journal", "--exchanges", &exchanges]);
    let reasons: Vec<_> =
        journal["records"].as_array().expect("a list").iter().map(|one| one["reason"].clone()).collect();
    assert_eq!(
        reasons,
        ["exchange.unknown-key", "", "exchange.answered"],
        "a key that is none is no response"
    );
    assert_eq!(printed.judge(&house.rehearsal), 1);
    renewals(&house, made["key"].as_str().expect("a key"));
}

/// What came in is a certificate of the key that was made here, under the root of the room; it is in force nowhere.
fn judged(house: &House, key: &str) {
    let certificate = house.rehearsal.state(&format!("incoming/{key}.cer"));
    let root = house
        .incoming()
        .into_iter()
        .find(|file| *file != certificate && file.extension().is_some_and(|extension| extension == "cer"));
    let pem = |der: &PathBuf, name: &str| {
        let out = path(&house.room.join(name));
        drop(openssl(["x509", "-inform", "DER", "-in", &path(der), "-out", &out]).ok());
        out
    };
    let (certificate, root) = (pem(&certificate, "sub.pem"), pem(&root.expect("a root"), "root.pem"));
    let said = openssl(["verify", "-x509_strict", "-CAfile", &root, &certificate]).ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
    let served = house.rehearsal.operator_json(&["ca", "list"]);
    assert!(!served.to_string().contains(key), "{served}");
}

/// A key is certified again under its name, by a profile that is for its curve; sixteen requests are open, and no more.
fn renewals(house: &House, key: &str) {
    let other = house.rehearsal.operator_json(&["ca", "show", "dso-operational-s2"]);
    let other = house.ask("curve.pem", &["--renew", other["key"].as_str().expect("a key")]);
    assert_eq!((other.code, other.err.contains("key.curve")), (Some(2), true), "{}", other.all());
    let absent = house.ask("absent.pem", &["--renew", &"0".repeat(40)]);
    assert_eq!((absent.code, absent.err.contains("key.missing")), (Some(5), true), "{}", absent.all());
    for number in 0..16 {
        drop(house.ask(&format!("{number}.pem"), &["--renew", key]).ok());
    }
    let more = house.ask("more.pem", &["--renew", key]);
    assert_eq!((more.code, more.err.contains("ceremony.many-open")), (Some(7), true), "{}", more.all());
    assert_eq!(house.open_requests(), 16);
    assert!(!house.room.join("more.pem").exists());
}

#[test]
fn a_server_that_was_not_told_to_makes_no_key_and_takes_nothing_in() {
    let rehearsal = Rehearsal::start(1);
    let before = rehearsal.audited();
    let keys = || std::fs::read_dir(rehearsal.state("keys")).expect("keys").count();
    let had = keys();
    let out = path(&rehearsal.scratch("request.pem"));
    let subject = ["--country", "DE", "--organization", "Grid", "--common-name", "Grid Sub"];
    let verb = ["ceremony", "request", "--served", "--profile", "sub-operational-s1", "--out", out.as_str()];
    let refused = rehearsal.operator(&[&verb[..], &subject].concat());
    assert_eq!(
        (refused.code, refused.err.contains("ceremony.elsewhere")),
        (Some(4), true),
        "{}",
        refused.all()
    );
    let response = rehearsal.scratch("response.pem");
    std::fs::write(&response, "nothing").expect("a file");
    let key = "00".repeat(32);
    let brought =
        rehearsal.operator(&["ceremony", "import", &path(&response), "--served", "--exchange-key", &key]);
    assert_eq!((brought.code, brought.err.contains("ceremony.elsewhere")), (Some(4), true));
    assert_eq!((keys(), rehearsal.scratch("request.pem").exists()), (had, false));
    let told = acts(&rehearsal.audit_after(before));
    assert!(told.iter().all(|(_, reason)| reason == "ceremony.elsewhere") && told.len() == 2, "{told:?}");
}

#[test]
fn a_bundle_is_reported_on_as_by_the_verb_and_a_changed_octet_is_found() {
    let house = House::open();
    let guided = blocks(GUIDED, "sh");
    for block in &guided[..2] {
        drop(house.shell.run(block).ok());
    }
    let mut command = people::without_network();
    command.args(["bash", "-eu", "-c", &format!("exec {}", guided[2])]).current_dir(&house.room);
    let mut search = house.rehearsal.scratch("programs").into_os_string();
    search.push(":");
    search.push(std::env::var_os("PATH").expect("there is a path"));
    command.env("PATH", search);
    let Answered { exit, said } = people::hold(&mut command, None);
    assert_eq!(exit, Some(0), "{said}");
    let bundle = house.shell.run("ls -d $PWD/room/ceremonies/*/bundle.tar").ok().out.trim().to_owned();

    let before = house.rehearsal.audited();
    let mut printed = Printed::default();
    let here = house.rehearsal.operator_json(&["ceremony", "verify", &bundle]);
    let served = house.rehearsal.operator_json(&["ceremony", "verify", &bundle, "--served"]);
    printed.add(&["ceremony", "verify"], &served);
    assert_eq!((&served, &served["intact"]), (&here, &Value::Bool(true)));
    let octets = std::fs::read(&bundle).expect("a bundle");
    let changed = path(&house.room.join("changed.tar"));
    let mut other = octets.clone();
    // Within the first file, whose header is a block of 512 octets.
    other[600] ^= 1;
    std::fs::write(&changed, other).expect("a file");
    for (file, octets) in [(&changed, None), (&path(&house.room.join("none.tar")), Some("no bundle"))] {
        if let Some(octets) = octets {
            std::fs::write(file, octets).expect("a file");
        }
        let said = house.rehearsal.operator(&["ceremony", "verify", file, "--served"]);
        assert_eq!((said.code, said.err.contains("bundle.altered")), (Some(9), true), "{}", said.all());
        assert!(said.out.contains("is NOT as the ceremony left it"), "{}", said.out);
    }
    assert_eq!(printed.judge(&house.rehearsal), 1);
    assert_eq!(house.rehearsal.audited(), before, "nothing is kept");
}
