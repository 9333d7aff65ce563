//! The chapter on the guided ceremony, step by step as it stands in `docs/operate/guided-ceremony.md`; people answer as it says.

use std::path::Path;

use e2e::chapter::steps;
use e2e::people::{self, Answered};
use e2e::tool::openssl;

use crate::{make_room, path_with_programs, run_block};

/// The chapter that people read.
const CHAPTER: &str = include_str!("../../docs/operate/guided-ceremony.md");

/// Runs a block on a machine without a network, and answers; the power goes at one question, if one is named. Returns
/// whether it came to its end, and what was said.
fn hold(room: &Path, block: &str, power_goes_at: Option<usize>) -> (bool, String) {
    let mut command = people::without_network();
    command.args(["bash", "-eu", "-c", &format!("exec {block}")]).current_dir(room);
    let Answered { exit, said } = people::hold(command.env("PATH", path_with_programs(room)), power_goes_at);
    assert!(exit == Some(0) || power_goes_at.is_some() && exit.is_none(), "{exit:?}: {said}");
    (exit == Some(0), said)
}

#[test]
fn the_chapter_on_the_guided_ceremony_works_as_it_stands() {
    let room = make_room();
    let blocks: [&str; 4] = steps(CHAPTER);
    let _ = run_block(room.path(), blocks[0], "");
    let checked = run_block(room.path(), blocks[1], "");
    assert!(checked.contains("The ceremony file is in order."), "{checked}");
    let (_, said) = hold(room.path(), blocks[2], None);
    assert!(said.contains("operational.crt is signed, verified, linted and read back"), "{said}");
    let verified = run_block(room.path(), blocks[3], "");
    assert!(verified.contains("The bundle is intact."), "{verified}");

    // OpenSSL believes the sub-CA and every CRL.
    let ceremony = std::fs::read_dir(room.path().join("room/ceremonies"))
        .expect("it is there")
        .next()
        .expect("there is one")
        .expect("it can be read")
        .path();
    let export = ceremony.join("export");
    let at = |name: &str| export.join(name).to_string_lossy().into_owned();
    let said = openssl(["verify", "-x509_strict", "-CAfile", &at("s1.crt"), &at("operational.crt")]).ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
    let mut crls = 0;
    for file in std::fs::read_dir(&export).expect("it is there") {
        let name = file.expect("it can be read").file_name().to_string_lossy().into_owned();
        if let Some((root, _)) = name.split_once('-').filter(|_| name.ends_with(".crl")) {
            let root = at(&format!("{root}.crt"));
            let said = openssl(["crl", "-inform", "DER", "-noout", "-in", &at(&name), "-CAfile", &root]).ok();
            assert!(said.all().contains("verify OK"), "{}", said.all());
            crls += 1;
        }
    }
    assert_eq!(crls, 8, "four for each root");
}

/// at the first question of the first run, at the second of the second, and so on, until a run comes to its end.
#[test]
fn r_07_a_power_cut_in_every_run_leaves_one_certificate_and_a_bundle_that_outsiders_believe() {
    let room = make_room();
    let blocks: [&str; 4] = steps(CHAPTER);
    let _ = run_block(room.path(), blocks[0], "");
    let _ = run_block(room.path(), blocks[1], "");
    // Acts 1 and 2 of the chapter's root s1, its sub-CA, and one more CRL: what was signed in vain would stand on it.
    let path = room.path().join("ceremony.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let mut acts = text.split("\n[[act]]\n");
    let head = acts.next().expect("there is a head").to_owned();
    let (head, _) = head.split_once("\n[[root]]\nname = \"s2\"").expect("s2 comes second");
    let acts: Vec<&str> = acts.filter(|act| act.contains("\"s1\"")).collect();
    let held = text.split("held = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("it says when");
    let crl = format!(
        "kind = \"crl\"\nroot = \"s1\"\nthis_update = \"{held}\"\nnext_update = \"{}\"\n",
        later(held)
    );
    let all = [acts[0], acts[2], &crl].map(|act| format!("\n[[act]]\n{act}")).concat();
    std::fs::write(&path, format!("{head}{all}")).expect("it can be written");
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs < 30, "it comes to its end");
        if hold(room.path(), blocks[2], Some(runs)).0 {
            break;
        }
    }
    assert!(runs > 4, "{runs}");
    let verified = run_block(room.path(), "offline-root ceremony verify room/ceremonies/*/bundle", "");
    assert!(verified.contains("The bundle is intact."), "{verified}");
    let looked = run_block(room.path(), "offline-root verify --dir room/roots/s1", "");
    assert!(looked.contains("Certificates  2, 0 of them revoked"), "{looked}");
}

/// The same day of the next year.
fn later(held: &str) -> String {
    let (year, rest) = held.split_at(4);
    let year: u32 = year.parse().expect("a year");
    format!("{}{}", year + 1, rest.replace("-02-29", "-02-28"))
}
