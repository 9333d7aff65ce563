//! What a ceremony refuses, and that nothing is done then.

use std::fs;
use std::process::Command;

use crate::room::{Answer, PROGRAM, Room, answered, certificate_sha256};

fn founding() -> Room {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.write();
    room
}

#[test]
fn r_12_a_network_interface_that_is_up_refuses_the_ceremony() {
    let room = founding();
    let up =
        "mount -t sysfs none /sys && ip tuntap add mode tap name tap0 && ip link set tap0 up && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--mount", "sh", "-c", up, "sh", PROGRAM]);
    command.args(["ceremony", "run", "ceremony.toml", "--dir", "room"]);
    room.with_media(&mut command);
    let ran = answered(&mut command, |_, _| None);
    ran.refused(4, "network.up");
    assert!(ran.said.contains("tap0"));
    assert!(!room.path("room").exists());
}

#[test]
fn i_08_without_anybody_to_answer_nobody_waits() {
    let room = founding();
    let ran = room.hold_with(|_, _| Some(Answer::Leave));
    ran.refused(2, "room.no-answer");
    room.hold().ok();
}

#[test]
fn r_13_a_key_that_is_not_the_persons_own_is_refused() {
    let room = founding();
    fs::copy(room.path("Ada.key"), room.path("Wim.key")).unwrap();
    fs::copy(room.path("Ada.pass"), room.path("Wim.pass")).unwrap();
    room.hold().refused(6, "person.another");
    assert_eq!(fs::read(room.ceremony("room").join("transcript.jsonl")).unwrap(), b"");
}

#[test]
fn r_01_words_of_another_file_are_asked_for_again() {
    let room = founding();
    let mut wrong = 0;
    let ran = room.hold_with(|_, question| {
        let first = question.contains("first word") && wrong == 0;
        wrong += usize::from(first);
        first.then(|| Answer::Say("aardvark2".to_owned()))
    });
    assert!(ran.ok().said.contains("That is not what is written"));
}

#[test]
fn r_06_a_root_that_is_there_is_never_founded_again() {
    let room = founding();
    room.hold().ok();
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    fs::write(room.path("ceremony.toml"), text.replace("A ceremony of a test", "Another one")).unwrap();
    room.hold().refused(7, "root.exists");
}

#[test]
fn r_14_a_transcript_that_was_changed_is_not_gone_on_with() {
    let room = founding();
    room.hold_with(|_, question| question.contains("Wim: type yes").then_some(Answer::CutPower));
    let path = room.ceremony("room").join("transcript.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("lo: down", "lo: gone", 1)).unwrap();
    let ran = room.hold();
    ran.refused(9, "transcript.altered");
    assert!(ran.said.contains("step 2"), "{}", ran.said);
}

/// The ceremony file names another Sara than the one who holds a share.
#[test]
fn r_13_the_share_of_a_namesake_signs_nothing() {
    let mut room = Room::new(true);
    room.root("a", "1", "{ store = \"shared\" }");
    room.found("a");
    room.crl("a");
    room.more.clear();
    room.write();
    room.hold().ok();
    let root = certificate_sha256(&room.ceremony("room").join("outputs/a.crt"));
    let write_the_second = || {
        room.write();
        let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
        let text = text
            .replace("A ceremony of a test", "The second ceremony")
            .replace(
                "keys = { store = \"shared\" }",
                &format!("keys = {{ store = \"shared\" }}\ncertificate = \"{root}\""),
            )
            .replace("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "");
        fs::write(room.path("ceremony.toml"), text).unwrap();
    };
    for name in ["Sara.key", "Sara.pem"] {
        fs::rename(room.path(name), room.path(&format!("first-{name}"))).unwrap();
    }
    room.make_key("Sara");
    write_the_second();
    let crls = || fs::read_dir(room.path("room/roots/a/ledger")).unwrap().count();
    let before = crls();
    room.hold().refused(6, "person.another");
    assert_eq!(crls(), before, "nothing was signed or meant to be");

    // The other four have the keys that the file names: three of them are enough.
    let ran = room.hold_with(|_, question| {
        question.contains("Type their names").then(|| Answer::Say("Samir, Sven, Simon".to_owned()))
    });
    ran.ok();
    assert!(crls() > before);
}
