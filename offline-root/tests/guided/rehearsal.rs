//! Rehearsals of ceremonies on tokens: soft tokens take their places, and nothing that the file names is touched.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::room::{Room, files};
use crate::token::{find_module, room_with_token};

/// Every file of a token directory with its octets.
fn contents(tokens: &Path) -> Vec<Vec<(String, Vec<u8>)>> {
    let mut all: Vec<_> = fs::read_dir(tokens).unwrap().map(|token| files(&token.unwrap().path())).collect();
    all.sort();
    all
}

fn steps(room: &Room) -> Vec<serde_json::Value> {
    let path = room.ceremony("room/REHEARSAL").join("transcript.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_rehearsal_makes_a_soft_token_and_leaves_the_real_one_untouched() {
    let mut room = room_with_token("1");
    let before = contents(&room.path("tokens"));
    let real_pin = std::mem::take(&mut room.more);
    let rehearsed = room.rehearse().ok();
    assert_eq!(contents(&room.path("tokens")), before, "the real token has what it had");
    assert!(rehearsed.said.contains("which is not touched"), "{}", rehearsed.said);
    assert!(rehearsed.said.contains("The PIN of the rehearsal is ") && rehearsed.out.contains("REHEARSAL"));

    // The transcript has the soft token as it is, and says for which token it stands.
    let seen: Vec<_> = steps(&room)
        .into_iter()
        .map(|step| step["action"].clone())
        .filter(|action| action["kind"] == "token-seen")
        .collect();
    let file = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let named = file.split("serial = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!seen.is_empty());
    for seen in seen {
        assert_eq!((&seen["label"], &seen["stands_for"]["label"]), (&"root".into(), &"root".into()));
        assert_eq!(seen["stands_for"]["serial"], named);
        assert!(seen["serial"] != named && seen["manufacturer"].as_str().unwrap().contains("SoftHSM"));
    }

    // Every artefact says what it is.
    assert!(room.verify("room/REHEARSAL").contains("REHEARSAL"));
    let bundle = room.ceremony("room/REHEARSAL").join("bundle");
    assert!(fs::read_to_string(bundle.join("script.md")).unwrap().contains("REHEARSAL"));
    assert!(fs::read_to_string(bundle.join("manifest.json")).unwrap().contains("\"rehearsal\": true"));
    assert_eq!(steps(&room)[0]["action"]["rehearsal"], true);
    assert!(!room.path("room/roots").exists());

    // The ceremony itself is held on the token.
    room.more = real_pin;
    room.hold().ok();
    assert_ne!(contents(&room.path("tokens")), before);
    assert!(!room.verify("room").contains("REHEARSAL"));
}

#[test]
fn a_rehearsal_never_loads_the_module_that_the_file_names() {
    // A library that leaves a mark when it is loaded.
    let mut room = room_with_token("1");
    let (source, vendor, mark) = (room.path("vendor.c"), room.path("vendor.so"), room.path("loaded"));
    let text = format!(
        "#include <stdio.h>\n__attribute__((constructor)) static void mark(void) {{ fclose(fopen(\"{}\", \"w\")); }}\n",
        mark.display()
    );
    fs::write(&source, text).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&vendor, &source]).status();
    assert!(made.expect("a C compiler is installed").success());
    let file = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let (real, vendor) = (find_module().display().to_string(), vendor.display().to_string());
    fs::write(room.path("ceremony.toml"), file.replace(&real, &vendor)).unwrap();

    room.more.clear();
    room.rehearse().ok();
    assert!(!mark.exists(), "the rehearsal loaded the module");
    // Nor when it is named in the place of SoftHSM2.
    fs::remove_dir_all(room.path("room")).unwrap();
    room.more = vec!["--soft-token".to_owned(), vendor];
    room.rehearse().refused(2, "rehearsal.another-module");
    assert!(!mark.exists(), "the rehearsal loaded the module");
    // The mark works: the ceremony itself loads the module, which is none.
    room.more.clear();
    assert_ne!(room.hold().exit, Some(0));
    assert!(mark.exists());
}

#[test]
fn i_03_a_rehearsal_takes_no_pin_of_a_real_token() {
    let room = room_with_token("1");
    room.rehearse().refused(2, "rehearsal.real-pin");
    assert!(!room.path("room/REHEARSAL/soft-tokens").exists());
}

#[test]
fn r_07_a_rehearsal_that_was_interrupted_finds_its_soft_token_again() {
    let mut room = room_with_token("1");
    room.more.clear();
    // The root is founded; its first CRL waits.
    room.rehearse_until_again("Sven: type yes");
    room.rehearse().ok();
    room.verify("room/REHEARSAL");
    let tokens = fs::read_dir(room.path("room/REHEARSAL/soft-tokens/tokens")).unwrap();
    assert_eq!(tokens.count(), 1);
}
