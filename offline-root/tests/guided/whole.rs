//! Whole ceremonies: what comes out is what others believe.

use std::process::Command;

use crate::room::{Answer, PROGRAM, Room, files};

#[test]
fn a_root_is_founded_and_signs_a_crl_and_outsiders_believe_it() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.crl("a");
    room.write();
    room.hold().ok();
    assert!(room.verify("room").contains("1 certificates, 1 CRLs"));
    // what leaves is what was made, and nothing else.
    let ceremony = room.ceremony("room");
    assert_eq!(files(&ceremony.join("export")), files(&ceremony.join("outputs")));
    openssl(&ceremony.join("export"), "a");
    room.hold().refused(7, "ceremony.over");
}

/// OpenSSL believes the root and its CRL.
fn openssl(export: &std::path::Path, root: &str) {
    let certificate = export.join(format!("{root}.crt"));
    let mut verify = Command::new("openssl");
    verify.args(["verify", "-check_ss_sig", "-CAfile"]).args([&certificate, &certificate]);
    assert!(verify.output().unwrap().status.success());
    let crls = files(export).into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".crl"));
    for name in crls {
        let mut openssl = Command::new("openssl");
        openssl.args(["crl", "-inform", "DER", "-noout", "-in"]).arg(export.join(name));
        let looked = openssl.arg("-CAfile").arg(&certificate).output().unwrap();
        assert!(String::from_utf8_lossy(&looked.stderr).contains("verify OK"), "{looked:?}");
    }
}

#[test]
fn both_suites_with_shares_of_five_people() {
    let mut room = Room::new(true);
    for (name, suite) in [("a", "1"), ("b", "2")] {
        room.root(name, suite, "{ store = \"shared\" }");
        room.found(name);
        room.crl(name);
    }
    room.more.clear();
    room.write();
    // The power goes before the first CRL: three of five open the keys again.
    let cut = room.hold_with(|_, question| (question.contains("Wim: type yes")).then_some(Answer::CutPower));
    assert_eq!(cut.exit, None);
    room.hold().ok();
    room.verify("room");
}

#[test]
fn a_rehearsal_says_so_everywhere_and_meets_no_real_root() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.crl("a");
    room.write();
    let rehearsed = room.rehearse().ok();
    assert!(rehearsed.said.contains("REHEARSAL") && rehearsed.out.contains("REHEARSAL"));
    assert!(room.verify("room/REHEARSAL").contains("REHEARSAL"));
    assert!(!room.path("room/roots").exists());
    room.hold().ok();
    assert!(!room.verify("room").contains("REHEARSAL"));
}

/// A root in a second suite-1 generation, linked to the first; then the first one's keys are destroyed.
#[test]
fn two_generations_are_linked_and_the_first_ones_keys_destroyed() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.root("b", "1", "{ store = \"file\" }");
    // Links join roots of one name (RFC 9810 §4.4).
    room.rename_root("b", "a");
    for name in ["a", "b"] {
        room.found(name);
    }
    room.act("kind = \"link-certificates\"\nold = \"a\"\nnew = \"b\"");
    room.crl("a");
    room.act("kind = \"destroy-key\"\nroot = \"a\"\nkey = \"root\"\nwhy = \"its successor took over\"");
    room.write();
    room.hold().ok();
    let outputs: Vec<String> =
        files(&room.ceremony("room").join("outputs")).into_iter().map(|(name, _)| name).collect();
    assert!(outputs.contains(&"b-by-a.crt".to_owned()) && outputs.contains(&"a-by-b.crt".to_owned()));
    assert_eq!(room.steps("room").iter().filter(|step| *step == "key-destroyed").count(), 2);
    room.verify("room");
}

#[test]
fn r_20_a_bundle_leaves_on_a_medium_whole_or_by_its_manifest_and_never_with_more_in_it() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    room.crl("a");
    room.write();
    room.hold().ok();
    let medium = room.path("medium");
    std::fs::create_dir(&medium).unwrap();
    let looked = || Command::new(PROGRAM).arg("medium").arg(&medium).output().unwrap();
    let ceremony = room.ceremony("room");
    std::fs::copy(ceremony.join("bundle.tar"), medium.join("bundle.tar")).unwrap();
    std::fs::rename(ceremony.join("bundle"), medium.join("bundle")).unwrap();
    for name in ["manifest.json", "manifest.sig.json"] {
        std::fs::copy(medium.join("bundle").join(name), medium.join(name)).unwrap();
    }
    let seen = looked();
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
    let said = String::from_utf8_lossy(&seen.stdout);
    for kind in ["Bundle of a ceremony", "Part of the bundle", "Manifest of the bundle", "Signatures under"] {
        assert!(said.contains(kind), "{said}");
    }

    // The key of a person, put into the bundle or beside it.
    for place in ["bundle/inputs/more.request", "Olga.key"] {
        std::fs::copy(room.path("Olga.key"), medium.join(place)).unwrap();
        let refused = looked();
        assert_eq!(refused.status.code(), Some(4));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("(medium.not-public)") && said.contains(place), "{said}");
        std::fs::remove_file(medium.join(place)).unwrap();
    }
    assert!(looked().status.success());
}
