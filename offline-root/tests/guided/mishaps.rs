//! What goes amiss at the worst moment: a draft that breaks a rule, a token that signs wrongly, a power cut while it signs or
//! makes keys. A module between the program and SoftHSM2 brings it about.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::later::sign;
use crate::room::{Answer, Room, files};
use crate::sub_ca::SubCa;
use crate::token::{find_module, token_room};

const NAME: [&str; 2] = ["NL", "Example operational CA"];

/// A room whose token is spoken to through the module of faults; acts are to be added.
fn faulty_room() -> Room {
    let mut room = token_room("1", |room| {
        let module = room.path("faulty.so");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/signer-pkcs11/tests/token/faulty_module.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).args([&module, &source]).arg("-ldl");
        assert!(cc.status().expect("cc is not installed: run tests/run").success());
        module
    });
    let told =
        [("SIGNER_PKCS11_TEST_DIRECTORY", room.path("")), ("SIGNER_PKCS11_TEST_SOFTHSM", find_module())];
    room.environment.extend(told.map(|(name, path)| (name.to_owned(), path.display().to_string())));
    room
}

/// Brings faults about from now on.
fn fault(room: &Room, faults: &str) {
    fs::write(room.path("faults"), faults).unwrap();
}

/// Holds the ceremony; before the witness says yes for the `at`th time, faults are brought about.
fn hold_with_fault(room: &Room, at: usize, faults: &str) -> crate::room::Ran {
    let mut asked = 0;
    room.hold_with(|_, question| {
        asked += usize::from(question.contains("Wim: type yes"));
        if asked == at && question.contains("Wim: type yes") {
            fault(room, faults);
        }
        None
    })
}

/// How many objects are on the token.
fn on_token(room: &Room) -> usize {
    let token = fs::read_dir(room.path("tokens")).unwrap().next().unwrap().unwrap().path();
    files(&token).iter().filter(|(name, _)| name.ends_with(".object") && name != "token.object").count()
}

#[test]
fn r_05_what_breaks_a_rule_is_not_signed_and_the_bundle_tells_why() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    // RFC 5280, appendix A: the code of a country has two upper-case letters.
    let request = SubCa::new(&room, "operational").request(["nl", NAME[1]], "sub-operational-s1", 0);
    sign(&mut room, "a", "operational.request", &request, "");
    room.write();
    let ran = room.hold();
    assert_eq!(ran.exit, Some(4), "{}", ran.said);
    assert!(ran.said.contains("breaks rules, so nothing was signed"), "{}", ran.said);
    assert_eq!(room.steps("room").pop().unwrap(), "incident");
    room.hold_with(|_, _| Some(Answer::Say("abort".to_owned()))).refused(4, "ceremony.aborted");
    let verified = room.verify("room");
    assert!(verified.contains("act 2, sign-sub-ca: the drafted certificate breaks rules"), "{verified}");
    assert!(verified.contains("rfc5280.country"), "{verified}");
    assert!(
        files(&room.ceremony("room").join("export")).iter().all(|(name, _)| !name.contains("operational"))
    );
}

#[test]
fn r_11_a_token_that_signs_wrongly_ends_the_ceremony_and_the_bundle_tells() {
    let mut room = faulty_room();
    room.found("a");
    let request = SubCa::new(&room, "operational").request(NAME, "sub-operational-s1", 0);
    sign(&mut room, "a", "operational.request", &request, "");
    room.crl("a");
    room.write();
    let ran = hold_with_fault(&room, 2, "spoil-C_Sign 1 1\n");
    ran.refused(9, "incident.quarantined");
    let steps = room.steps("room");
    let tail: Vec<&str> = steps.iter().rev().take(4).rev().map(String::as_str).collect();
    assert_eq!(tail, ["incident", "aborted", "settled", "closed"]);
    assert_eq!(files(&room.path("room/roots/a/quarantine")).len(), 2);
    let verified = room.verify("room");
    assert!(verified.contains("is not one over the octets that were checked"), "{verified}");
    assert!(verified.contains("nobody can tell whether the root a signed"), "{verified}");
    room.hold().refused(7, "ceremony.over");
}

#[test]
fn r_07_a_power_cut_while_the_token_signs_leaves_a_serial_number_that_transcript_and_crl_tell() {
    for when in ["1", "2"] {
        let mut room = faulty_room();
        room.found("a");
        let request = SubCa::new(&room, "operational").request(NAME, "sub-operational-s1", 0);
        sign(&mut room, "a", "operational.request", &request, "");
        room.crl("a");
        room.write();
        let cut = hold_with_fault(&room, 2, &format!("cut-C_Sign {when} 1\n"));
        assert_eq!(cut.exit, None, "{}", cut.said);
        room.hold().ok();
        assert!(room.steps("room").contains(&"settled".to_owned()));
        let verified = room.verify("room");
        assert!(verified.contains("nobody can tell whether the root a signed"), "{verified}");
        let export = room.ceremony("room").join("export");
        let crl = files(&export).into_iter().find(|(name, _)| name.ends_with(".crl")).unwrap().0;
        let said = room.openssl(&format!("crl -inform DER -noout -text -in {}", export.join(crl).display()));
        let listed: Vec<&str> =
            said.lines().filter_map(|line| line.trim().strip_prefix("Serial Number: ")).collect();
        assert_eq!(listed.len(), 1, "{said}");
        assert!(verified.contains(listed[0]), "{verified}");
        let (ca, sub_ca) = (export.join("a.crt"), export.join("operational.crt"));
        room.openssl(&format!("verify -x509_strict -CAfile {} {}", ca.display(), sub_ca.display()));
    }
}

#[test]
fn r_21_keys_that_a_founding_left_on_the_token_when_the_power_went_are_destroyed_before_it_is_tried_again() {
    for faults in [
        "cut-C_GenerateKeyPair 1 1\n",
        "cut-C_GenerateKeyPair 2 1\n",
        // Between the two halves' CKA_ID.
        "cut-C_SetAttributeValue 2 1\n",
        "cut-C_GenerateKeyPair 0 1\ncut-C_GenerateKeyPair 2 1\n",
        "cut-C_Sign 1 1\n",
        "cut-C_Sign 2 1\n",
    ] {
        let mut room = faulty_room();
        room.found("a");
        room.crl("a");
        room.write();
        fault(&room, faults);
        let cut = room.hold();
        assert_eq!(cut.exit, None, "{faults}: {}", cut.said);
        room.hold().ok();
        let steps = room.steps("room");
        assert!(!steps.contains(&"incident".to_owned()), "{faults}: {steps:?}");
        let made_any = !faults.starts_with("cut-C_GenerateKeyPair 1");
        assert_eq!(steps.contains(&"key-destroyed".to_owned()), made_any, "{faults}: {steps:?}");
        assert_eq!(steps.iter().filter(|step| *step == "keys-announced").count(), 2, "{steps:?}");
        assert_eq!(on_token(&room), 4, "two halves of two keys: {faults}");
        room.verify("room");
    }
}

#[test]
fn r_21_a_ceremony_that_is_broken_off_while_its_token_is_gone_tells_what_may_be_on_it() {
    let mut room = faulty_room();
    room.found("a");
    room.crl("a");
    room.write();
    fault(&room, "cut-C_GenerateKeyPair 2 1\n");
    assert_eq!(room.hold().exit, None);
    fs::rename(room.path("tokens"), room.path("gone")).unwrap();
    fs::create_dir(room.path("tokens")).unwrap();
    room.hold_with(|_, _| Some(Answer::Say("abort".to_owned()))).refused(4, "ceremony.aborted");
    assert!(room.verify("room").contains("may be on its token still"));
}
