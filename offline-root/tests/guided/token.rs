//! A ceremony on a token: SoftHSM2 as the USB token, which share-holders must agree to use.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::room::{Answer, Room};

pub(crate) const PIN: &str = "4711-pin";

/// A room with a token in it, and a ceremony that founds a root on it and signs a CRL.
pub(crate) fn room_with_token(suite: &str) -> Room {
    let mut room = token_room(suite, |_| find_module());
    room.found("a");
    room.crl("a");
    room.write();
    room
}

/// A room with a token in it that is spoken to through a module, and a root of which the key is to be on it.
pub(crate) fn token_room(suite: &str, module: impl FnOnce(&Room) -> PathBuf) -> Room {
    let mut room = Room::new(true);
    let module = module(&room);
    fs::create_dir(room.path("tokens")).unwrap();
    let tokens = room.path("tokens").display().to_string();
    fs::write(room.path("softhsm2.conf"), format!("directories.tokendir = {tokens}\n")).unwrap();
    let configuration = room.path("softhsm2.conf").display().to_string();
    room.environment.push(("SOFTHSM2_CONF".to_owned(), configuration));
    let mut tool = Command::new("softhsm2-util");
    tool.args(["--init-token", "--free", "--label", "root", "--so-pin", "so-1234", "--pin", PIN]);
    let made = tool.envs(room.environment.iter().cloned()).output();
    assert!(made.expect("softhsm2-util is not installed: run tests/run").status.success());
    let mut slots = Command::new("softhsm2-util");
    let shown = slots.arg("--show-slots").envs(room.environment.iter().cloned()).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let serial =
        shown.lines().find_map(|line| line.trim().strip_prefix("Serial number:")).unwrap().trim().to_owned();
    let keys = format!(
        "{{ store = \"token\", module = \"{}\", label = \"root\", serial = \"{serial}\", key_label = \"root-a\" }}",
        module.display()
    );
    room.root("a", suite, &keys);
    room.secret("a.pass", PIN);
    room
}

/// Finds the library where distributions put it.
pub(crate) fn find_module() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(PathBuf::from);
    let by_architecture = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    folders
        .into_iter()
        .chain(by_architecture)
        .flat_map(|folder| ["softhsm", "pkcs11"].map(|name| folder.join(name).join("libsofthsm2.so")))
        .find(|path| path.is_file())
        .expect("SoftHSM2 is not installed: run tests/run, which installs what the tests need")
}

#[test]
fn a_token_signs_when_the_quorum_agrees_and_outsiders_believe_it() {
    for suite in ["1", "2"] {
        let room = room_with_token(suite);
        let ran = room.hold().ok();
        assert!(ran.said.contains("Its PIN: all tries are left"), "{}", ran.said);
        assert!(room.steps("room").contains(&"token-seen".to_owned()));
        room.verify("room");
    }
}

#[test]
fn r_19_a_wrong_pin_is_tried_once_and_the_tries_left_are_shown_before_the_next() {
    let room = room_with_token("1");
    room.secret("a.pass", "0815-pin");
    let ran = room.hold();
    ran.refused(6, "secret.wrong");
    assert_eq!(
        ran.said.matches("refuses the PIN").count(),
        2,
        "told once in the room, once at the end: {}",
        ran.said
    );
    room.secret("a.pass", PIN);
    let again = room.hold().ok();
    assert!(again.said.contains("Its PIN: a wrong PIN was entered before"), "{}", again.said);
    room.verify("room");
}

#[test]
fn a_token_that_was_pulled_out_is_put_in_again_and_the_act_goes_on() {
    let room = room_with_token("1");
    fs::rename(room.path("tokens"), room.path("pulled")).unwrap();
    fs::create_dir(room.path("tokens")).unwrap();
    let mut told = 0;
    let ran = room.hold_with(|_, question| {
        let asked = question.contains("type `again`") && told == 0;
        told += usize::from(asked);
        if asked {
            fs::remove_dir_all(room.path("tokens")).unwrap();
            fs::rename(room.path("pulled"), room.path("tokens")).unwrap();
        }
        asked.then(|| Answer::Say("again".to_owned()))
    });
    // SoftHSM2 reads its directory once in a process: the token is seen by the next run, which goes on with the act.
    assert_eq!(told, 1, "{}", ran.said);
    if ran.exit != Some(0) {
        room.hold().ok();
    }
    room.verify("room");
}
