//! Rehearsals of ceremonies on roots of earlier ones: what stands in for a root does all that the root is to do, and the root, its
//! keys, shares and ledger stay as they are.

use std::fs;
use std::process::Command;

use crate::later::{AT, Founded, LATER, MONTH, NAME, close, crl, revoke, sign};
use crate::room::{Answer, PROGRAM, Room, certificate_sha256, files, sha256, tree};
use crate::sub_ca::SubCa;
use crate::token::{find_module, token_room};

const REHEARSAL: &str = "room/REHEARSAL";

/// A room in which everything is to be done that follows something: renewed, re-keyed, closed, revoked, succeeded.
fn with_every_act() -> Room {
    let Founded { mut room, operational, serials: [first, factory] } = Founded::new();
    let profile = "sub-operational-s1";
    let renewed = operational.request(NAME, profile, MONTH);
    sign(&mut room, "a", "operational-2.request", &renewed, &format!("renews = \"{first}\"\n"));
    let rekeyed = SubCa::new(&room, "rekeyed").request(NAME, profile, MONTH);
    sign(&mut room, "a", "operational-3.request", &rekeyed, &format!("rekeys = \"{first}\"\n"));
    close(&mut room, &factory);
    revoke(&mut room, &first);
    room.root("b", "1", "{ store = \"file\" }");
    room.rename_root("b", "a");
    room.found("b");
    room.act("kind = \"link-certificates\"\nold = \"a\"\nnew = \"b\"");
    room.write();
    room
}

/// Rehearses until the power goes at the first question after the stand-in is there.
fn until_it_stands_in(room: &Room) {
    let ran = room
        .rehearse_with(|_, question| question.contains("type the first word").then_some(Answer::CutPower));
    assert_eq!(ran.exit, None, "{}", ran.said);
    assert_eq!(room.steps(REHEARSAL).pop().unwrap(), "stood-in");
}

#[test]
fn a_ceremony_on_a_root_of_an_earlier_one_is_rehearsed_as_it_is_held_and_openssl_believes_its_stand_in() {
    let mut room = with_every_act();
    let before = tree(&room.path("room"));
    let rehearsed = room.rehearse().ok();
    assert!(
        rehearsed.said.contains("A stand-in takes its place, which is not touched"),
        "{}",
        rehearsed.said
    );
    assert!(rehearsed.said.contains("since the file names them: 2."), "{}", rehearsed.said);
    // Octet for octet: what was in the room is in it, and what is new is below REHEARSAL.
    let after = tree(&room.path("room"));
    let real = after.into_iter().filter(|(path, _)| !path.starts_with(room.path(REHEARSAL)));
    assert!(real.eq(before));

    let steps = room.steps(REHEARSAL);
    let place = |kind: &str| steps.iter().position(|step| step == kind).unwrap();
    assert!(place("people-confirmed") < place("stood-in") && place("stood-in") < place("input-read-aloud"));
    let said = room.verify(REHEARSAL);
    assert!(said.contains("REHEARSAL") && said.contains("a stand-in took the place of the root a"), "{said}");
    let script = fs::read_to_string(room.ceremony(REHEARSAL).join("bundle/script.md")).unwrap();
    assert!(script.contains("of which each has a stand-in here"));

    // What others make of it.
    let made = files(&room.ceremony(REHEARSAL).join("export"));
    for (name, octets) in &made {
        fs::write(room.path(name), octets).unwrap();
    }
    fs::copy(room.path(REHEARSAL).join("roots/a/public/root.crt"), room.path("stand-in.crt")).unwrap();
    let signed = "operational-2.crt operational-3.crt";
    room.openssl(&format!("verify -x509_strict {AT} -CAfile stand-in.crt {signed}"));
    room.openssl(&format!("verify -x509_strict {AT} -partial_chain -trusted stand-in.crt b-by-a.crt"));
    room.openssl(&format!("verify -x509_strict {AT} -partial_chain -trusted b.crt a-by-b.crt"));
    let (last, _) = made.iter().find(|(name, _)| name.ends_with(".crl")).unwrap();
    room.openssl(&format!("crl -inform DER -in {last} -out rehearsed.pem"));
    let text = room.openssl(&format!("crl -inform DER -in {last} -noout -text"));
    let file = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let serial = file.split("kind = \"revoke\"\nroot = \"a\"\nserial = \"").nth(1).unwrap().split('"').next();
    assert!(text.contains(&format!("Serial Number: {}\n", serial.unwrap())), "{text}");
    let revoked = format!("verify {AT} -crl_check -CRLfile rehearsed.pem -CAfile stand-in.crt");
    room.openssl(&format!("{revoked} operational-2.crt"));
    // Nothing of it counts under the root itself.
    let (content, _) = room.try_openssl(&format!("verify {AT} -CAfile a.crt operational-2.crt"));
    assert!(!content);

    // The rehearsal is an input of the ceremony, which is then held.
    let bundle = room.path("rehearsal.tar");
    fs::copy(room.ceremony(REHEARSAL).join("bundle.tar"), &bundle).unwrap();
    room.more.extend(["--rehearsed".to_owned(), bundle.display().to_string()]);
    room.hold().ok();
    assert!(!room.steps("room").contains(&"stood-in".to_owned()));
    room.verify("room");
}

#[test]
fn shares_of_a_stand_in_are_dealt_to_those_present_and_open_it_beside_the_real_ones() {
    let mut room = Room::new(true);
    room.root("a", "2", "{ store = \"shared\" }");
    room.found("a");
    room.crl("a");
    room.write();
    room.hold().ok();
    room.later(LATER, &["a"]);
    crl(&mut room);
    room.write();
    let media = ["Sara", "Samir", "Sven", "Sita", "Simon"];
    let real = |room: &Room| media.map(|name| fs::read(room.path(name).join("a.share")).unwrap());
    let (before, root) = (real(&room), tree(&room.path("room/roots")));
    let rehearsed = room.rehearse_with(|_, question| {
        question.contains("those who are absent").then(|| Answer::Say("Samir, Sita".to_owned()))
    });
    rehearsed.ok();
    let dealt = media.map(|name| room.path(name).join("a.REHEARSAL.share").is_file());
    assert_eq!(dealt, [true, false, true, false, true]);
    assert!(real(&room) == before && tree(&room.path("room/roots")) == root);
    assert_eq!(room.steps(REHEARSAL).iter().filter(|step| *step == "shares-combined").count(), 1);
    room.verify(REHEARSAL);
    // Once more, with the shares of the rehearsal before on the media.
    fs::remove_dir_all(room.path(REHEARSAL)).unwrap();
    room.rehearse().ok();
    room.verify(REHEARSAL);
}

#[test]
fn a_stand_in_for_a_root_on_a_token_is_on_a_soft_token() {
    let mut room = token_room("1", |_| find_module());
    room.found("a");
    room.write();
    room.hold().ok();
    room.later(LATER, &["a"]);
    crl(&mut room);
    room.write();
    let real_pin = std::mem::take(&mut room.more);
    let before = (tree(&room.path("tokens")), tree(&room.path("room/roots")));
    // The power goes when the keys are made, and it is not recorded that they stand in.
    until_it_stands_in(&room);
    room.lose_last_step(REHEARSAL);
    room.rehearse().ok();
    assert!((tree(&room.path("tokens")), tree(&room.path("room/roots"))) == before);
    let steps = room.steps(REHEARSAL);
    assert_eq!(steps.iter().filter(|step| *step == "key-destroyed").count(), 2, "{steps:?}");
    assert_eq!(steps.iter().filter(|step| *step == "token-seen").count(), 1, "{steps:?}");
    room.verify(REHEARSAL);
    room.more = real_pin;
    room.hold().ok();
    room.verify("room");
}

#[test]
fn r_07_the_power_goes_at_one_question_of_a_rehearsal_and_the_stand_in_is_made_once() {
    let room = with_every_act();
    let before = tree(&room.path("room/roots"));
    let mut cuts = 0;
    let last = loop {
        let at = cuts + 1;
        let ran = room.rehearse_with(|number, _| (number == at).then_some(Answer::CutPower));
        if ran.exit.is_some() {
            break ran;
        }
        cuts += 1;
        assert!(cuts < 80, "{}", ran.said);
    };
    last.ok();
    assert!(cuts > 4, "{cuts}");
    room.verify(REHEARSAL);
    assert_eq!(room.steps(REHEARSAL).iter().filter(|step| *step == "stood-in").count(), 1);
    assert!(tree(&room.path("room/roots")) == before);
}

#[test]
fn r_07_a_stand_in_of_which_it_was_not_recorded_that_it_is_one_is_destroyed_and_made_anew() {
    let room = with_every_act();
    until_it_stands_in(&room);
    room.lose_last_step(REHEARSAL);
    room.rehearse().ok();
    let steps = room.steps(REHEARSAL);
    assert_eq!(steps.iter().filter(|step| *step == "key-destroyed").count(), 1, "{steps:?}");
    let left = room.path(REHEARSAL).join("roots/a.unfinished-1");
    assert!(!left.join("ceremony.toml").exists() && files(&left.join("keys")).is_empty());
    room.verify(REHEARSAL);
}

#[test]
fn r_21_a_rehearsal_broken_off_destroys_the_key_of_what_does_not_stand_in_yet() {
    let room = with_every_act();
    until_it_stands_in(&room);
    room.lose_last_step(REHEARSAL);
    let abort = |_, question: &str| {
        question.contains("Why was it interrupted").then(|| Answer::Say("abort".to_owned()))
    };
    room.rehearse_with(abort).refused(4, "ceremony.aborted");
    let steps = room.steps(REHEARSAL);
    assert!(steps.ends_with(&["aborted", "key-destroyed", "closed"].map(str::to_owned)), "{steps:?}");
    room.verify(REHEARSAL);
}

// Nothing was taken in: the bundle has no certificate of the root, and is one all the same.
#[test]
fn what_is_broken_off_before_the_file_was_read_aloud_has_a_bundle_that_verifies() {
    let room = with_every_act();
    let abort = |_: usize, question: &str| {
        question.contains("type the first word").then(|| Answer::Say("abort".to_owned()))
    };
    room.rehearse_with(abort).refused(4, "ceremony.aborted");
    room.verify(REHEARSAL);
    room.hold_with(abort).refused(4, "ceremony.aborted");
    room.verify("room");
}

#[test]
fn a_root_that_another_rehearsal_left_is_neither_used_nor_destroyed() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.write();
    room.rehearse().ok();
    room.hold().ok();
    room.later(LATER, &["a"]);
    crl(&mut room);
    room.write();
    let left = tree(&room.path(REHEARSAL).join("roots"));
    room.rehearse().refused(7, "rehearsal.root-left");
    let abort = |_: usize, _: &str| Some(Answer::Say("abort".to_owned()));
    room.rehearse_with(abort).refused(4, "ceremony.aborted");
    assert!(tree(&room.path(REHEARSAL).join("roots")) == left);
    fs::rename(room.path(REHEARSAL), room.path("away")).unwrap();
    room.rehearse().ok();
    room.verify(REHEARSAL);
}

#[test]
fn a_number_that_the_root_did_not_issue_or_revoked_is_refused_before_anything_is_written() {
    let Founded { mut room, serials: [first, _], .. } = Founded::new();
    revoke(&mut room, "0BADC0DE");
    room.write();
    let refused = room.rehearse();
    refused.refused(5, "rehearsal.serial-unknown");
    assert!(refused.said.contains("0BADC0DE"), "{}", refused.said);
    assert!(!room.path(REHEARSAL).exists());
    // The ledger knows it: what is revoked is not renewed.
    room.later(LATER, &[]);
    revoke(&mut room, &first);
    room.write();
    room.hold().ok();
    room.later("2026-12-29T09:00:00Z", &[]);
    close(&mut room, &first);
    room.write();
    room.rehearse().refused(5, "rehearsal.serial-unknown");
}

#[test]
fn a_root_is_known_from_its_ledger_alone_or_from_the_previous_bundle_and_nothing_is_guessed() {
    let Founded { mut room, operational, serials: [first, _] } = Founded::new();
    let renewed = operational.request(NAME, "sub-operational-s1", MONTH);
    sign(&mut room, "a", "operational-2.request", &renewed, &format!("renews = \"{first}\"\n"));
    room.write();
    let bundle = fs::read_dir(room.path("room/ceremonies")).unwrap().next().unwrap().unwrap();
    fs::rename(bundle.path().join("bundle"), room.path("archive")).unwrap();
    fs::rename(room.path("room"), room.path("safe")).unwrap();
    room.rehearse().refused(5, "rehearsal.root-unknown");
    assert!(!room.path("room").exists());

    // A copy of the ledger: no key is looked for.
    let ledger = room.path("room/roots/a/ledger");
    fs::create_dir_all(&ledger).unwrap();
    for (name, octets) in files(&room.path("safe/roots/a/ledger")) {
        fs::write(ledger.join(name), octets).unwrap();
    }
    room.rehearse().ok();
    room.verify(REHEARSAL);

    // The bundle of the previous ceremony, which the file then names.
    fs::remove_dir_all(room.path("room")).unwrap();
    let manifest = sha256(&room.path("archive/manifest.json"));
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let text = text.replacen("[[person]]", &format!("previous = \"{manifest}\"\n\n[[person]]"), 1);
    fs::write(room.path("ceremony.toml"), text).unwrap();
    room.more.extend(["--previous".to_owned(), "archive".to_owned()]);
    let rehearsed = room.rehearse().ok();
    assert!(rehearsed.said.contains("Renews"), "{}", rehearsed.said);
    room.verify(REHEARSAL);
    let original = certificate_sha256(&room.path("safe/roots/a/public/root.crt"));
    let stand_in = certificate_sha256(&room.path(REHEARSAL).join("roots/a/public/root.crt"));
    let transcript = fs::read_to_string(room.ceremony(REHEARSAL).join("transcript.jsonl")).unwrap();
    let told = format!("\"certificate\":\"{stand_in}\",\"stands_for\":\"{original}\"");
    assert!(transcript.contains(&told), "{transcript}");
    let bundle = room.ceremony(REHEARSAL).join("bundle");
    let mut verify = Command::new(PROGRAM);
    let verified =
        verify.args(["ceremony", "verify"]).arg(bundle).arg("--previous").arg(room.path("archive")).output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
