//! What was held before: the previous ceremony, which what is signed is shown beside, and the last rehearsal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::room::{PROGRAM, Room, certificate_sha256, sha256};

/// A ceremony that founds a root and signs a CRL was held; its bundle was taken away.
fn after_the_first() -> (Room, PathBuf) {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.crl("a");
    room.write();
    room.hold().ok();
    let bundle = room.path("archive");
    fs::rename(room.ceremony("room").join("bundle"), &bundle).unwrap();
    (room, bundle)
}

/// Writes the file of a second ceremony, which names the first and signs a CRL and a successor.
fn write_the_second(room: &mut Room, bundle: &Path) {
    let manifest = sha256(&bundle.join("manifest.json"));
    let root = certificate_sha256(&bundle.join("outputs/a.crt"));
    room.root("b", "1", "{ store = \"file\" }");
    room.rename_root("b", "a");
    room.found("b");
    room.write();
    let text = fs::read_to_string(room.path("ceremony.toml"))
        .unwrap()
        .replace("A ceremony of a test", "The second ceremony")
        .replacen("[[person]]", &format!("previous = \"{manifest}\"\n\n[[person]]"), 1)
        .replacen("{ store = \"file\" }", &format!("{{ store = \"file\" }}\ncertificate = \"{root}\""), 1)
        .replacen("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "", 1)
        .replace("2027-05-28", "2027-11-28");
    fs::write(room.path("ceremony.toml"), text).unwrap();
}

fn name_previous(room: &mut Room, bundle: &Path) {
    room.more.extend(["--previous".to_owned(), bundle.display().to_string()]);
}

fn verify_second(room: &Room, previous: &Path) -> std::process::Output {
    let second = fs::read_dir(room.path("room/ceremonies")).unwrap().map(|entry| entry.unwrap().path());
    let second = second.map(|path| path.join("bundle")).find(|path| path.join("manifest.json").is_file());
    let mut verify = Command::new(PROGRAM);
    verify.args(["ceremony", "verify"]).arg(second.unwrap()).arg("--previous").arg(previous);
    verify.output().unwrap()
}

#[test]
fn what_is_signed_is_shown_beside_the_previous_ceremony_and_goes_on_where_it_ended() {
    let (mut room, bundle) = after_the_first();
    write_the_second(&mut room, &bundle);
    name_previous(&mut room, &bundle);
    let said = room.hold().ok().said;
    let shown: Vec<&str> = said.split("\nTo be signed: ").skip(1).collect();
    // The CRL: what is the same is marked as such, what differs is there twice.
    assert!(shown[0].contains("beside a-act-2-2026-11-28.crl of the previous ceremony"), "{}", shown[0]);
    for line in
        ["= Issuer", "- Number", "+ Number", "= This update", "- Next update", "+ Next update", "= Entries"]
    {
        assert!(shown[0].contains(&format!("  {line} ")), "{line} in {}", shown[0]);
    }
    assert!(shown[0].contains("2027-05-28") && shown[0].contains("2027-11-28"));
    // The successor of a root: beside the root before it.
    assert!(shown[1].contains("beside a.crt of the previous ceremony"), "{}", shown[1]);
    assert!(shown[1].contains("= Subject ") && shown[1].contains("- Key ") && shown[1].contains("+ Key "));

    let verified = verify_second(&room, &bundle);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(String::from_utf8_lossy(&verified.stdout).contains("Follows"));
    let other = tempfile::tempdir().unwrap();
    assert_eq!(verify_second(&room, other.path()).status.code(), Some(9));
}

#[test]
fn l_16_a_file_that_names_a_previous_ceremony_is_not_held_without_its_bundle() {
    let (mut room, bundle) = after_the_first();
    write_the_second(&mut room, &bundle);
    let before = fs::read_dir(room.path("room/ceremonies")).unwrap().count();
    let refused = room.hold();
    refused.refused(2, "previous.absent");
    assert!(refused.said.contains("--previous BUNDLE"), "{}", refused.said);

    // Another one than is named.
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let manifest = sha256(&bundle.join("manifest.json"));
    name_previous(&mut room, &bundle);
    fs::write(room.path("ceremony.toml"), text.replace(&manifest, &"0".repeat(64))).unwrap();
    room.hold().refused(4, "previous.another");

    // The one that is named, and something in it was changed.
    fs::write(room.path("ceremony.toml"), text).unwrap();
    let root = bundle.join("outputs/a.crt");
    let certificate = fs::read_to_string(&root).unwrap();
    fs::write(&root, certificate.replacen('M', "N", 1)).unwrap();
    room.hold().refused(9, "previous.altered");
    assert_eq!(fs::read_dir(room.path("room/ceremonies")).unwrap().count(), before, "nothing was begun");
}

#[test]
fn a_bundle_of_a_previous_ceremony_that_the_file_does_not_name_is_refused() {
    let (mut room, bundle) = after_the_first();
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    fs::write(room.path("ceremony.toml"), text.replace("A ceremony of a test", "Another")).unwrap();
    name_previous(&mut room, &bundle);
    room.hold().refused(2, "previous.not-named");
}

#[test]
fn the_last_rehearsal_of_the_same_file_is_an_input_of_the_ceremony() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.write();
    room.rehearse().ok();
    let rehearsal = room.path("rehearsal.tar");
    fs::rename(room.ceremony("room/REHEARSAL").join("bundle.tar"), &rehearsal).unwrap();
    let manifest = sha256(&room.ceremony("room/REHEARSAL").join("bundle/manifest.json"));

    // The file was changed since.
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    fs::write(room.path("ceremony.toml"), text.replace("A ceremony of a test", "Changed")).unwrap();
    room.more.extend(["--rehearsed".to_owned(), rehearsal.display().to_string()]);
    room.hold().refused(4, "rehearsal.another");
    assert!(!room.path("room/ceremonies").exists());

    fs::write(room.path("ceremony.toml"), text).unwrap();
    let held = room.hold().ok();
    assert!(!held.said.contains("WARNING"), "{}", held.said);
    assert!(room.steps("room").contains(&"rehearsed".to_owned()));
    let transcript = fs::read_to_string(room.ceremony("room").join("transcript.jsonl")).unwrap();
    assert!(transcript.contains(&manifest));
    room.verify("room");

    // A ceremony is no rehearsal.
    let held = room.ceremony("room").join("bundle");
    fs::rename(room.path("room"), room.path("elsewhere")).unwrap();
    let held = room.path("elsewhere").join(held.strip_prefix(room.path("room")).unwrap());
    *room.more.last_mut().unwrap() = held.display().to_string();
    room.hold().refused(4, "rehearsal.another");

    // Without one the room is warned, and goes on.
    room.more.truncate(room.more.len() - 2);
    assert!(room.hold().ok().said.contains("WARNING: no rehearsal of this file was named"));
}
