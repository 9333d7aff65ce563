//! Ceremonies at a terminal: everything is typed, secrets too, which nobody sees and nothing keeps.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::later::sign;
use crate::room::{PROGRAM, Room, usual};
use crate::sub_ca::SubCa;
use crate::token::{PIN, find_module, token_room};

/// What was typed, and what the terminal showed.
struct Session {
    exit: Option<i32>,
    said: String,
    /// Characters, with the key at the end of each line.
    typed: usize,
}

/// A new passphrase: six words, as people choose them by dice.
fn passphrase(of: &str) -> String {
    format!("correct horse battery staple for {of}")
}

/// What somebody types at a question that has no usual answer: the place of a medium, or a secret.
fn typed_at(question: &str, last_secret: &str) -> Option<String> {
    let name = question.split(':').next().unwrap_or_default().trim();
    let all = PEOPLE.iter().find(|name| question.contains(**name));
    if question.contains("which file is your key in") {
        Some(format!("{name}.key"))
    } else if question.contains("which directory is your own medium") {
        Some(name.to_owned())
    } else if question.contains("The same once more") {
        Some(last_secret.to_owned())
    } else if question.contains("PIN of the token") {
        Some(PIN.to_owned())
    } else if question.contains("assphrase of the key files") {
        Some(passphrase("root"))
    } else if question.contains("Passphrase of the key ") {
        all.map(|name| format!("the passphrase of {name}"))
    } else if question.contains("assphrase of") {
        all.map(|name| passphrase(name))
    } else {
        None
    }
}

const PEOPLE: [&str; 7] = ["Olga", "Wim", "Sara", "Samir", "Sven", "Sita", "Simon"];

/// Holds the ceremony on a terminal of its own that shows what is typed, unless the program asks it not to.
fn at_terminal(room: &Room) -> Session {
    let command = format!("{PROGRAM} ceremony run ceremony.toml --dir room");
    let alone =
        format!("unshare --map-root-user --net --mount sh -c 'mount -t sysfs none /sys && exec {command}'");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--echo", "always", "--command", &alone, "/dev/null"]);
    script.envs(room.environment.iter().cloned()).current_dir(room.path(""));
    let mut process = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script of util-linux is not installed: run tests/run");
    // The command itself is typed too, by its name.
    let mut typed = "offline-root ceremony run ceremony.toml --dir room".len() + 1;
    let (mut said, mut last, mut secret) = (String::new(), 0, String::new());
    let (mut screen, mut keyboard) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
    let mut octets = [0; 4096];
    loop {
        let read = screen.read(&mut octets).unwrap();
        if read == 0 {
            break;
        }
        said += &core::str::from_utf8(&octets[..read]).unwrap().replace('\r', "");
        let line = said.get(last..).unwrap().rsplit('\n').next().unwrap();
        if !line.ends_with(": ") {
            continue;
        }
        let Some(answer) = usual(line, &said).or_else(|| typed_at(line, &secret)) else { continue };
        if line.contains("assphrase") || line.contains("PIN") {
            secret.clone_from(&answer);
        }
        last = said.len();
        typed += answer.chars().count() + 1;
        writeln!(keyboard, "{answer}").unwrap();
    }
    Session { exit: process.wait().unwrap().code(), said, typed }
}

/// Every file below a directory that holds a text.
fn holding(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

/// From here on nothing is in a file that is not typed.
fn take_passphrase_files_away(room: &Room) {
    for entry in fs::read_dir(room.path("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "pass") {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn i_03_typed_passphrases_and_pins_are_not_shown_and_stand_in_no_file() {
    let mut room = token_room("1", |_| find_module());
    room.found("a");
    room.root("b", "1", "{ store = \"file\" }");
    room.root("c", "1", "{ store = \"shared\" }");
    room.found("b");
    room.found("c");
    room.write();
    take_passphrase_files_away(&room);
    let first = at_terminal(&room);
    assert_eq!(first.exit, Some(0), "{}", first.said);
    room.verify("room");
    for root in ["a", "b", "c"] {
        room.later("2026-12-28T09:00:00Z", &[root]);
    }
    for root in ["a", "b", "c"] {
        room.act(&format!(
            "kind = \"crl\"\nroot = \"{root}\"\nthis_update = \"2026-12-28T09:00:00Z\"\nnext_update = \"2027-05-28T09:00:00Z\""
        ));
    }
    room.write();
    let second = at_terminal(&room);
    assert_eq!(second.exit, Some(0), "{}", second.said);
    room.verify("room");
    for said in [&first.said, &second.said] {
        assert!(
            said.contains("type yes to sign this step with your key: yes\n"),
            "the terminal shows: {said}"
        );
        for secret in [PIN, "the passphrase of", "correct horse"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }
    for secret in [PIN, "the passphrase of", "correct horse"] {
        assert_eq!(holding(&room.path(""), secret), Vec::<PathBuf>::new());
    }
}

/// How many characters a slow typist types in a minute.
const A_MINUTE: usize = 100;

/// How many characters are typed at most, as the chapter says.
const MOST: usize = 1100;
const _: () = assert!(MOST / A_MINUTE < 15, "a ceremony is typed in less than 15 minutes");

#[test]
fn a_ceremony_of_both_suites_with_three_of_five_shares_is_typed_in_less_than_15_minutes() {
    let mut room = Room::new(true);
    for (root, suite) in [("s1", "1"), ("s2", "2")] {
        room.root(root, suite, "{ store = \"shared\" }");
        room.found(root);
        room.act(&format!(
            "kind = \"crl-series\"\nroot = \"{root}\"\nfirst = \"2026-11-28T09:00:00Z\"\nevery_days = 90\ncount = 4\noverlap_days = 30"
        ));
    }
    let request = SubCa::new(&room, "operational").request(["NL", "Example CA"], "sub-operational-s1", 0);
    sign(&mut room, "s1", "operational.request", &request, "");
    room.write();
    take_passphrase_files_away(&room);
    let held = at_terminal(&room);
    assert_eq!(held.exit, Some(0), "{}", held.said);
    room.verify("room");
    // The words that are read aloud are longer or shorter.
    assert!((MOST - 100..=MOST).contains(&held.typed), "{} characters", held.typed);
    let chapter = include_str!("../../../docs/operate/guided-ceremony.md");
    let figure = format!("{MOST} characters, {} minutes at {A_MINUTE} characters a minute", MOST / A_MINUTE);
    assert!(chapter.contains(&figure), "the chapter is to say: {figure}");
}
