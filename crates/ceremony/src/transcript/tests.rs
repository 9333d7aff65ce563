//! Tests of the transcript: what is changed is found, and what a power cut leaves is told from it.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::people::Role;
use crate::sample::{self, SoftKeys, person};
use action::Tool;

struct Room {
    folder: tempfile::TempDir,
    file: CeremonyFile,
}

impl Room {
    fn new() -> Self {
        let file = CeremonyFile::parse(sample::founding().as_bytes()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), file }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("transcript.jsonl")
    }

    fn signed(&self, transcript: &Transcript, action: Action, who: &[&str]) -> DraftEntry {
        let mut draft = transcript.draft(self.file.held(), action, Vec::new(), Vec::new());
        for name in who {
            draft = draft.sign(person(&self.file, name), &SoftKeys).unwrap();
        }
        draft
    }

    /// Writes five steps.
    fn write(&self) -> Vec<u8> {
        let mut journal = Journal::create(&self.path(), &self.file).unwrap();
        for action in actions(&self.file) {
            let entry = self.signed(journal.transcript(), action, &["Olga", "Wim"]);
            journal.append(entry).unwrap();
        }
        fs::read(self.path()).unwrap()
    }
}

fn actions(file: &CeremonyFile) -> Vec<Action> {
    let tool = Tool { name: "t".to_owned(), version: "1".to_owned(), sha256: Fingerprint::of(b"t") };
    vec![
        Action::Opened { title: file.title().to_owned(), rehearsal: true, tool },
        Action::InputReadAloud { sha256: *file.fingerprint() },
        Action::ActBegun { act: 1 },
        Action::Incident { what: "the light went out".to_owned() },
        Action::Closed,
    ]
}

#[test]
fn nothing_stands_in_for_a_root_but_in_a_rehearsal() {
    let room = Room::new();
    let root = sample::held::root_name("a");
    let sum = Fingerprint::of(b"another root");
    let stood_in =
        Action::StoodIn { root: root.clone(), certificate: sum, stands_for: Fingerprint::of(b"a") };
    for (rehearsal, found) in [(true, Some(sum)), (false, None)] {
        let mut transcript = Transcript::begin(&room.file);
        let (title, tool) = (room.file.title().to_owned(), sample::held::tool());
        for action in [Action::Opened { title, rehearsal, tool }, stood_in.clone()] {
            let line = room.signed(&transcript, action, &["Olga", "Wim"]).line().unwrap();
            transcript.take(&line, &room.file).unwrap();
        }
        assert_eq!(transcript.stand_in(&root), found);
    }
}

#[test]
fn reads_what_was_written() {
    let room = Room::new();
    let octets = room.write();
    let transcript = Transcript::read(&octets, &room.file).unwrap();
    let read: Vec<Action> = transcript.actions().map(|(_, action)| action.clone()).collect();
    assert_eq!(read, actions(&room.file));
    assert_eq!(transcript.entries()[2].step(), 3);
}

#[test]
fn r_14_a_changed_octet_is_found_in_its_step() {
    let room = Room::new();
    let octets = room.write();
    let mut step = 1;
    for place in 0..octets.len() {
        let mut changed = octets.clone();
        changed[place] ^= 0x01;
        let error = Transcript::read(&changed, &room.file).unwrap_err();
        // What is changed in a signature, and still is one, shows in the next line; the end of a line joins two.
        assert!([step, step + 1].contains(&error.step), "octet {place} of step {step}: {error}");
        step += u32::from(octets[place] == b'\n');
    }
}

#[test]
fn r_14_a_line_left_out_or_moved_is_found() {
    let room = Room::new();
    let octets = room.write();
    let lines: Vec<&[u8]> = octets.split_inclusive(|octet| *octet == b'\n').collect();
    let step = |lines: &[&[u8]]| Transcript::read(&lines.concat(), &room.file).map_err(|error| error.step);
    assert_eq!(step(&[lines[0], lines[2], lines[3], lines[4]]).unwrap_err(), 2);
    assert_eq!(step(&[lines[1], lines[0], lines[2], lines[3], lines[4]]).unwrap_err(), 1);
    assert_eq!(step(&[lines[0], lines[1], lines[1]]).unwrap_err(), 3);
}

#[test]
fn r_01_the_first_line_names_the_ceremony_file() {
    let room = Room::new();
    let octets = room.write();
    let other = sample::founding().replace("The first ceremony", "Another ceremony");
    let other = CeremonyFile::parse(other.as_bytes()).unwrap();
    let error = Transcript::read(&octets, &other).unwrap_err();
    assert!(matches!(error, TranscriptError { step: 1, cause: EntryError::Chain { .. } }));
}

#[test]
fn r_13_operator_and_witness_must_sign_and_nobody_else_may() {
    let room = Room::new();
    let mut journal = Journal::create(&room.path(), &room.file).unwrap();
    let mut append = |who: &[&str]| {
        let entry = room.signed(journal.transcript(), Action::Closed, who);
        journal.append(entry).map(Entry::step)
    };
    let cause = |error: JournalError| {
        let JournalError::Entry(cause) = error else { panic!("{error}") };
        cause
    };
    assert_eq!(cause(append(&["Olga"]).unwrap_err()), EntryError::NotSigned { role: Role::Witness });
    assert_eq!(cause(append(&["Wim", "Sara"]).unwrap_err()), EntryError::NotSigned { role: Role::Operator });
    let twice = EntryError::SignedTwice { person: "Wim".to_owned() };
    assert_eq!(cause(append(&["Wim", "Olga", "Wim"]).unwrap_err()), twice);
    assert_eq!(append(&["Olga", "Wim", "Sara"]).unwrap(), 1);

    let mut stranger = person(&room.file, "Wim").clone();
    stranger.name = "Walter".to_owned();
    let draft =
        room.signed(journal.transcript(), Action::Closed, &["Olga"]).sign(&stranger, &SoftKeys).unwrap();
    let error = cause(journal.append(draft).unwrap_err());
    assert_eq!(error, EntryError::Stranger { person: "Walter".to_owned() });
}

#[test]
fn r_07_a_power_cut_at_every_octet_of_the_last_line_resumes_at_the_line_before() {
    let room = Room::new();
    let octets = room.write();
    let last = octets[..octets.len() - 1].iter().rposition(|octet| *octet == b'\n').unwrap() + 1;
    for length in last..octets.len() {
        fs::write(room.path(), &octets[..length]).unwrap();
        let mut journal = Journal::resume(&room.path(), &room.file).unwrap();
        assert_eq!(journal.transcript().entries().len(), 4);
        if length == octets.len() - 1 {
            let entry = room.signed(journal.transcript(), Action::Closed, &["Wim", "Olga"]);
            assert_eq!(journal.append(entry).unwrap().step(), 5);
        }
    }
    assert!(Transcript::read(&fs::read(room.path()).unwrap(), &room.file).is_ok());
}

#[test]
fn r_07_a_line_that_was_ended_is_never_cut_away() {
    let room = Room::new();
    let mut octets = room.write();
    let last = octets.len() - 3;
    octets[last] ^= 0x01;
    fs::write(room.path(), &octets).unwrap();
    assert!(matches!(Journal::resume(&room.path(), &room.file), Err(JournalError::Read(_))));
    assert_eq!(fs::read(room.path()).unwrap(), octets);
}

#[test]
fn r_06_a_journal_is_never_begun_over_another_nor_written_by_two() {
    let room = Room::new();
    let journal = Journal::create(&room.path(), &room.file).unwrap();
    assert!(matches!(Journal::create(&room.path(), &room.file), Err(JournalError::Io(_))));
    assert!(matches!(Journal::resume(&room.path(), &room.file), Err(JournalError::Locked)));
    drop(journal);
    assert!(Journal::resume(&room.path(), &room.file).is_ok());
}

#[test]
fn time_never_goes_back() {
    let room = Room::new();
    let mut journal = Journal::create(&room.path(), &room.file).unwrap();
    let first = room.signed(journal.transcript(), Action::Closed, &["Olga", "Wim"]);
    journal.append(first).unwrap();
    let earlier = room.file.held().plus_seconds(-1);
    let draft = journal.transcript().draft(earlier, Action::Closed, Vec::new(), Vec::new());
    let sign = |draft: DraftEntry, name| draft.sign(person(&room.file, name), &SoftKeys).unwrap();
    let draft = sign(sign(draft, "Olga"), "Wim");
    assert!(matches!(journal.append(draft), Err(JournalError::Entry(EntryError::TimeWentBack { .. }))));
}
