//! Interruptions (cases ): the power goes at every question, and the ceremony goes on where it was.

use std::collections::BTreeSet;
use std::fs;

use crate::room::{Answer, Room};

fn founding() -> Room {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.crl("a");
    room.write();
    room
}

/// The serial numbers of all certificates and intents in the ledgers of the room, put-away ones included.
fn serials(room: &Room) -> Vec<String> {
    let mut serials = Vec::new();
    for root in fs::read_dir(room.path("room/roots")).unwrap() {
        for entry in fs::read_dir(root.unwrap().path().join("ledger")).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().ends_with("-intent.pem") {
                let text = fs::read_to_string(entry.path()).unwrap();
                serials.extend(text.lines().find(|line| line.contains("Serial")).map(str::to_owned));
            }
        }
    }
    serials
}

#[test]
fn r_07_the_power_goes_at_every_question_and_the_ceremony_comes_to_its_end() {
    let room = founding();
    // At its first question, then, taken up again, at its second, and so on: until there are no more.
    let mut cuts = 0;
    let last = loop {
        let at = cuts + 1;
        let ran = room.hold_with(|number, _| (number == at).then_some(Answer::CutPower));
        if ran.exit.is_some() {
            break ran;
        }
        cuts += 1;
        assert!(cuts < 60, "{}", ran.said);
    };
    last.ok();
    assert!(cuts > 2, "{cuts}");
    room.verify("room");
    let serials = serials(&room);
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), serials.len(), "{serials:?}");
}

#[test]
fn r_07_the_power_goes_at_one_question_of_each_run() {
    for at in 1..40 {
        let room = founding();
        let cut = room.hold_with(|number, _| (number == at).then_some(Answer::CutPower));
        if cut.exit == Some(0) {
            assert!(at > 8, "{at}");
            return;
        }
        room.hold().ok();
        room.verify("room");
    }
    panic!("a ceremony has fewer questions");
}

#[test]
fn r_21_a_key_of_a_founding_that_was_broken_off_is_destroyed_and_recorded() {
    let room = founding();
    let broken_off = room
        .hold_with(|_, question| question.contains("Wim: type yes").then(|| Answer::Say("abort".to_owned())));
    broken_off.refused(4, "ceremony.aborted");
    let steps = room.steps("room");
    let tail: Vec<&str> = steps.iter().rev().take(3).rev().map(String::as_str).collect();
    assert_eq!(tail, ["aborted", "key-destroyed", "closed"]);
    let keys = fs::read_dir(room.path("room/roots/a.unfinished-1/keys")).unwrap();
    assert_eq!(keys.count(), 0);
    room.verify("room");
    room.hold().refused(7, "ceremony.over");
}

#[test]
fn r_07_a_ceremony_that_was_broken_off_and_interrupted_before_it_was_closed_has_a_bundle_that_verifies() {
    let room = founding();
    let abort = |_: usize, question: &str| {
        question.contains("type the first word").then(|| Answer::Say("abort".to_owned()))
    };
    room.hold_with(abort).refused(4, "ceremony.aborted");
    let ceremony = room.ceremony("room");
    for directory in ["bundle", "export"] {
        fs::remove_dir_all(ceremony.join(directory)).unwrap();
    }
    fs::remove_file(ceremony.join("bundle.tar")).unwrap();
    room.lose_last_step("room");
    assert_eq!(room.steps("room").pop().unwrap(), "aborted");
    room.hold().refused(4, "ceremony.aborted");
    assert!(room.steps("room").ends_with(&["resumed", "closed"].map(str::to_owned)));
    room.verify("room");
}

#[test]
fn one_ceremony_after_the_other() {
    let mut room = founding();
    room.hold_with(|_, question| question.contains("Wim: type yes").then_some(Answer::CutPower));
    room.crl("a");
    room.write();
    room.hold().refused(7, "ceremony.another-open");
}
