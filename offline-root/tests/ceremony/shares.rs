//! Roots whose keys are shared m of n: founding, signing, every way to hand in the wrong share, renewal, power cuts.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ca_core::suite::Curve;

use crate::harness::{NEXT_UPDATE, Place, Ran, SubCa, TIME, files, names};

const PEOPLE: [&str; 5] = ["anna", "ben", "clara", "dora", "emil"];

/// What opens somebody's share; words that stand nowhere else.
fn canary(person: &str) -> String {
    format!("canary-share-of-{person}")
}

/// A place with five people who have keys and passphrases; the first made hers with the program.
fn place_with_people() -> Place {
    let place = Place::new();
    let create = ["person", "create", "--name", "anna", "--passphrase-file", "pass", "--out", "anna.pem"];
    place.run([&create[..], &["--public", "anna.pub.pem"]].concat()).ok();
    for person in PEOPLE {
        place.secret(&format!("{person}.pass"), &canary(person));
        if person != "anna" {
            place.put_pem(
                &format!("{person}.pub.pem"),
                "PUBLIC KEY",
                SubCa::new(Curve::P256).key().spki_der(),
            );
        }
    }
    place
}

/// The options that deal shares to people, into a new directory.
fn dealing(place: &Place, people: &[&str], threshold: &str, directory: &str) -> Vec<String> {
    fs::create_dir(place.path(directory)).unwrap();
    let mut options = ["--threshold", threshold, "--share-dir", directory].map(ToOwned::to_owned).to_vec();
    for person in people {
        options.extend(["--holder".to_owned(), format!("{person}={person}.pub.pem")]);
        options.extend(["--new-share-passphrase-file".to_owned(), format!("{person}.pass")]);
    }
    options
}

/// The options that hand in shares: file and whose passphrase.
fn handing(given: &[(&str, &str)]) -> Vec<String> {
    let option = |(file, person): &(&str, &str)| {
        [
            "--share-file".to_owned(),
            (*file).to_owned(),
            "--share-passphrase-file".to_owned(),
            format!("{person}.pass"),
        ]
    };
    given.iter().flat_map(option).collect()
}

fn init(place: &Place, suite: &str, dir: &str, dealing: &[String]) -> Ran {
    let fixed =
        ["init", "--json", "--dir", dir, "--suite", suite, "--country", "ZZ", "--organization", "Example"];
    let more = ["--common-name", "Example Root G1", "--time", TIME, "--shared"];
    let fixed = fixed.into_iter().chain(more).map(ToOwned::to_owned);
    place.run(fixed.chain(dealing.iter().cloned()))
}

/// A place with a root that three of five open; the shares are in `media`.
fn place_with_shared_root(suite: &str) -> Place {
    let place = place_with_people();
    let dealing = dealing(&place, &PEOPLE, "3", "media");
    init(&place, suite, "root", &dealing).ok();
    place
}

/// Three holders who are there, and their shares.
const THREE: [(&str, &str); 3] =
    [("media/share-1.txt", "anna"), ("media/share-4.txt", "dora"), ("media/share-5.txt", "emil")];

fn crl(place: &Place, out: &str, given: &[(&str, &str)]) -> Ran {
    let fixed = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", out].map(ToOwned::to_owned);
    let all: Vec<String> = fixed.into_iter().chain(handing(given)).collect();
    place.verb("crl", &all.iter().map(String::as_str).collect::<Vec<_>>())
}

fn renew(place: &Place, given: &[(&str, &str)], dealing: &[String]) -> Ran {
    let fixed = ["share", "renew", "--json", "--dir", "root", "--time", TIME].map(ToOwned::to_owned);
    place.run(fixed.into_iter().chain(handing(given)).chain(dealing.iter().cloned()))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for name in names(from) {
        if from.join(&name).is_dir() {
            copy(&from.join(&name), &to.join(&name));
        } else {
            fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

#[test]
fn three_of_five_open_a_root_of_each_suite_for_every_act() {
    for (suite, curve) in [("1", Curve::P256), ("2", Curve::P384)] {
        let place = place_with_shared_root(suite);
        place.openssl_ok(
            "verify -x509_strict -check_ss_sig -CAfile root/public/root.crt root/public/root.crt",
        );
        let request = SubCa::new(curve).request(&format!("sub-operational-s{suite}"));
        place.put_request(&request);
        let fixed = ["--time", TIME, "--request", "request", "--out", "response"].map(ToOwned::to_owned);
        let all: Vec<String> = fixed.into_iter().chain(handing(&THREE)).collect();
        let made = place.verb("sign-subca", &all.iter().map(String::as_str).collect::<Vec<_>>()).ok().json();
        place.accept(&request);
        place.revoke(made["serial"].as_str().unwrap(), "superseded").ok();
        let others =
            [("media/share-3.txt", "clara"), ("media/share-2.txt", "ben"), ("media/share-5.txt", "emil")];
        let signed = crl(&place, "crl", &others).ok().json();
        assert_eq!(signed["entries"], 1);
        assert_eq!(signed["opened_by"], serde_json::json!(["clara", "ben", "emil"]));
        let said = place.openssl_ok("crl -inform DER -in crl -CAfile root/public/root.crt -noout");
        assert!(said.contains("verify OK"), "{said}");
        assert_eq!(place.verify().ok().json()["shares"], "3 of 5: anna, ben, clara, dora, emil");
    }
}

#[test]
fn the_keys_are_not_under_any_passphrase_that_somebody_has() {
    let place = place_with_shared_root("1");
    let key = names(&place.path("root/keys/set-1")).remove(0);
    for pass in ["pass", "anna.pass", "media/share-1.txt"] {
        let (opened, _) =
            place.openssl(&format!("pkey -noout -in root/keys/set-1/{key} -passin file:{pass}"));
        assert!(!opened, "{pass}");
    }
    let fixed = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"];
    place.verb("crl", &[&fixed[..], &["--passphrase-file", "pass"]].concat()).refused(2, "secret.unusable");
}

#[test]
fn r_02_wrong_shares_sign_nothing_and_are_named() {
    let place = place_with_shared_root("1");
    let text = String::from_utf8(place.read("media/share-4.txt")).unwrap();
    fs::write(place.path("altered"), text.replacen("sealed ", "sealed  ", 1)).unwrap();
    fs::copy(place.path("media/share-1.txt"), place.path("copy")).unwrap();
    let other = dealing(&place, &PEOPLE, "3", "other-media");
    init(&place, "2", "other-root", &other).ok();
    let before = place.ledger();
    let (one, four) = (THREE[0], THREE[1]);
    for (given, exit, code, named) in [
        (&[one, four][..], 6, "share.too-few", "1 missing, of ben, clara, emil"),
        (&[], 6, "share.too-few", "0 of the 3"),
        (&[one, four, ("copy", "anna")], 6, "share.repeated", "share 1, of anna,"),
        (
            &[one, ("altered", "dora"), THREE[2]],
            6,
            "share.altered",
            "share 4, of dora (altered), was altered or mistyped in line 9",
        ),
        (&[one, four, ("other-media/share-2.txt", "ben")], 6, "share.foreign", "share 2, of ben"),
        (&[one, four, ("media/share-5.txt", "ben")], 6, "secret.wrong", "share 5, of emil"),
        (&[one, four, ("absent", "ben")], 5, "share.unreadable", "absent"),
        (&[one, four, ("pass", "ben")], 2, "share.not-one", "pass"),
    ] {
        let run = crl(&place, "crl", given);
        run.refused(exit, code);
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(named), "{message}");
    }
    assert!(!place.path("crl").exists());
    assert_eq!(place.ledger(), before, "nothing was recorded either");
    crl(&place, "crl", &THREE).ok();
}

#[test]
fn r_02_two_shares_for_one_person_make_no_root_and_no_share() {
    let place = place_with_people();
    let mut dealing = dealing(&place, &["anna", "ben", "clara"], "2", "media");
    let second = dealing.iter().position(|option| option == "ben=ben.pub.pem").unwrap();
    for same in ["ben=anna.pub.pem", "Anna=ben.pub.pem"] {
        dealing[second] = same.to_owned();
        init(&place, "1", "root", &dealing).refused(2, "share.same-person");
        assert!(!place.path("root").exists() && names(&place.path("media")).is_empty());
    }
}

#[test]
fn shares_are_files_for_their_holders_only_and_are_never_written_over() {
    use std::os::unix::fs::PermissionsExt;
    let place = place_with_shared_root("1");
    for name in names(&place.path("media")) {
        let mode = fs::metadata(place.path("media").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = place.read("media/share-1.txt");
    let again = ["--threshold", "2", "--share-dir", "media", "--holder", "anna=anna.pub.pem", "--holder"]
        .into_iter()
        .chain(["ben=ben.pub.pem"])
        .map(ToOwned::to_owned)
        .collect::<Vec<_>>();
    renew(&place, &THREE, &again).refused(7, "file.exists");
    assert_eq!(place.read("media/share-1.txt"), before);
    assert_eq!(names(&place.path("root/keys")), ["set-1"]);
}

#[test]
fn r_20_neither_a_share_nor_the_key_of_a_person_leaves_on_a_medium() {
    let place = place_with_shared_root("1");
    let medium = |name: &str| place.run(["medium", "--json", name]);
    medium("root/public").ok();
    medium("media").refused(4, "medium.not-public");
    fs::create_dir(place.path("other")).unwrap();
    fs::copy(place.path("anna.pem"), place.path("other/anna.pem")).unwrap();
    medium("other").refused(4, "medium.not-public");
}

#[test]
fn a_share_is_checked_alone_and_against_the_root_without_being_revealed() {
    let place = place_with_shared_root("1");
    let check = |more: &[&str]| {
        place
            .run([&["share", "check", "--json", "media/share-2.txt", "--passphrase-file"][..], more].concat())
    };
    assert_eq!(check(&["ben.pass"]).ok().json()["in_force"], false);
    let checked = check(&["ben.pass", "--dir", "root"]).ok();
    assert_eq!(
        (checked.json()["in_force"].clone(), checked.json()["holder"].clone()),
        (true.into(), "ben".into())
    );
    assert!(!checked.out.contains("sealed") && checked.out.len() < 200, "{}", checked.out);
    check(&["anna.pass", "--dir", "root"]).refused(6, "secret.wrong");
    renew(&place, &THREE, &dealing(&place, &PEOPLE, "3", "new")).ok();
    check(&["ben.pass", "--dir", "root"]).refused(6, "share.foreign");
}

#[test]
fn after_a_renewal_the_old_shares_open_nothing_and_the_new_ones_do() {
    let place = place_with_shared_root("1");
    let old = files(&place.path("root/keys")).iter().map(|key| fs::read(key).unwrap()).collect::<Vec<_>>();
    let renewed = renew(&place, &THREE, &dealing(&place, &["clara", "ben"], "2", "new")).ok().json();
    assert_eq!(renewed["opened_by"], serde_json::json!(["anna", "dora", "emil"]));
    assert_eq!(names(&place.path("root/keys")), ["set-2"]);
    let new = files(&place.path("root/keys"));
    assert_eq!(new.len(), 2);
    assert!(new.iter().all(|key| !old.contains(&fs::read(key).unwrap())), "every key is encrypted anew");
    crl(&place, "crl", &THREE).refused(6, "share.foreign");
    crl(&place, "crl", &[("new/share-1.txt", "clara"), ("new/share-2.txt", "ben")]).ok();
    assert_eq!(place.verify().ok().json()["shares"], "2 of 2: clara, ben");
    // The key that signs is the same: the old CRLs and certificates stand.
    place.openssl_ok("crl -inform DER -in crl -CAfile root/public/root.crt -noout");
}

#[test]
fn a_renewal_that_is_refused_changes_nothing() {
    let place = place_with_shared_root("1");
    let new = dealing(&place, &PEOPLE, "3", "new");
    renew(&place, &THREE[..2], &new).refused(6, "share.too-few");
    let one_person = ["--holder", "anna=anna.pub.pem", "--holder", "ben=anna.pub.pem", "--share-dir", "new"];
    let one_person =
        one_person.into_iter().chain(["--threshold", "2"]).map(ToOwned::to_owned).collect::<Vec<_>>();
    renew(&place, &THREE, &one_person).refused(2, "share.same-person");
    assert!(names(&place.path("new")).is_empty());
    assert_eq!(
        (names(&place.path("root/keys")), names(&place.path("root/shares"))),
        (vec!["set-1".to_owned()], vec!["set-1.json".to_owned()])
    );
    crl(&place, "crl", &THREE).ok();
    let unshared = Place::with_root("1");
    for person in ["anna", "ben"] {
        fs::copy(place.path(&format!("{person}.pub.pem")), unshared.path(&format!("{person}.pub.pem")))
            .unwrap();
        unshared.secret(&format!("{person}.pass"), "other");
    }
    renew(&unshared, &[], &dealing(&unshared, &["anna", "ben"], "2", "new")).refused(4, "share.not-shared");
}

#[test]
fn r_07_a_cut_before_a_renewal_is_recorded_leaves_the_old_shares_in_force() {
    let place = place_with_shared_root("1");
    copy(&place.path("root"), &place.path("before"));
    renew(&place, &THREE, &dealing(&place, &PEOPLE, "3", "new")).ok();
    // All that a renewal writes before its record, and not the record.
    fs::remove_file(place.path("root/ledger").join(place.ledger().pop().unwrap())).unwrap();
    copy(&place.path("before/keys/set-1"), &place.path("root/keys/set-1"));
    crl(&place, "first", &[("new/share-1.txt", "anna"), THREE[1], THREE[2]]).refused(6, "share.foreign");
    crl(&place, "crl", &THREE).ok();
    assert_eq!(
        names(&place.path("root/keys")),
        ["set-1"],
        "keys under shares that never were in force are gone"
    );
    place.verify().ok();
    renew(&place, &THREE, &dealing(&place, &PEOPLE, "3", "again")).ok();
    assert_eq!(names(&place.path("root/shares")), ["set-1.json", "set-2.json", "set-3.json"]);
    crl(
        &place,
        "again.crl",
        &[("again/share-1.txt", "anna"), ("again/share-2.txt", "ben"), ("again/share-3.txt", "clara")],
    )
    .ok();
}

#[test]
fn r_07_a_cut_after_a_renewal_is_recorded_leaves_the_new_shares_in_force_and_the_old_keys_are_destroyed() {
    let place = place_with_shared_root("1");
    copy(&place.path("root"), &place.path("before"));
    renew(&place, &THREE, &dealing(&place, &PEOPLE, "3", "new")).ok();
    copy(&place.path("before/keys/set-1"), &place.path("root/keys/set-1"));
    crl(&place, "crl", &THREE).refused(6, "share.foreign");
    crl(
        &place,
        "crl",
        &[("new/share-1.txt", "anna"), ("new/share-2.txt", "ben"), ("new/share-3.txt", "clara")],
    )
    .ok();
    assert_eq!(names(&place.path("root/keys")), ["set-2"]);
}

#[test]
fn the_keys_in_force_are_never_destroyed_for_those_that_are_not() {
    let place = place_with_shared_root("1");
    copy(&place.path("root"), &place.path("before"));
    renew(&place, &THREE, &dealing(&place, &PEOPLE, "3", "new")).ok();
    // The ledger of before, the keys of after: somebody restored one of two.
    fs::remove_file(place.path("root/ledger").join(place.ledger().pop().unwrap())).unwrap();
    let run = crl(&place, "crl", &THREE);
    assert_eq!(run.exit, Some(6), "{run:?}");
    assert_eq!(names(&place.path("root/keys")), ["set-2"]);
    let review = place.verify();
    review.refused(9, "review.not-in-order");
}

#[test]
fn the_keys_of_a_shared_root_are_destroyed_by_three_of_five_and_by_no_fewer() {
    let place = place_with_shared_root("1");
    let root = place.openssl_ok("x509 -in root/public/root.crt -noout -serial");
    let serial = root.trim().trim_start_matches("serial=").to_owned();
    let destroy = |given: &[(&str, &str)]| {
        let fixed = ["--time", TIME, "--serial", &serial, "--reason", "superseded"].map(ToOwned::to_owned);
        let all: Vec<String> = fixed.into_iter().chain(handing(given)).collect();
        place.verb("destroy-key", &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    destroy(&THREE[..2]).refused(6, "share.too-few");
    assert_eq!(names(&place.path("root/keys/set-1")).len(), 2);
    destroy(&THREE).ok();
    assert!(names(&place.path("root/keys/set-1")).is_empty());
    place.verify().ok();
    crl(&place, "crl", &THREE).refused(7, "key.destroyed");
}

#[test]
fn r_21_the_keys_of_a_shared_root_that_no_root_came_of_are_destroyed() {
    let place = place_with_people();
    let dealing = dealing(&place, &PEOPLE, "3", "media");
    let fixed = ["init", "--json", "--dir", "root", "--suite", "1", "--country", "Z1", "--organization", "O"];
    let more = ["--common-name", "C", "--time", TIME, "--shared"];
    let fixed = fixed.into_iter().chain(more).map(ToOwned::to_owned);
    place.run(fixed.chain(dealing)).refused(4, "lint.failed");
    assert!(names(&place.path("root/keys/set-1")).is_empty());
    assert!(!place.path("root/ceremony.toml").exists());
}

#[test]
fn a_description_that_was_altered_stops_everything() {
    let place = place_with_shared_root("1");
    let path = place.path("root/shares/set-1.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"threshold\": 3", "\"threshold\": 2")).unwrap();
    crl(&place, "crl", &THREE).refused(9, "shares.altered");
    assert_eq!(place.verify().exit, Some(9));
    fs::write(&path, text).unwrap();
    crl(&place, "crl", &THREE).ok();
}

#[test]
fn no_secret_is_in_any_output_or_file() {
    let place = place_with_shared_root("1");
    let mut said = String::new();
    let new = dealing(&place, &PEOPLE, "3", "new");
    let check = ["share", "check", "media/share-1.txt", "--dir", "root", "--passphrase-file", "anna.pass"];
    for run in [
        place.run(check),
        place.run(["share", "check", "media/share-1.txt", "--passphrase-file", "ben.pass"]),
        crl(&place, "crl", &THREE),
        crl(&place, "crl2", &THREE[1..]),
        crl(&place, "crl3", &[THREE[0], THREE[1], ("media/share-5.txt", "ben")]),
        renew(&place, &THREE, &new),
        place.run(["verify", "--dir", "root"]),
        init(&place, "2", "second", &dealing(&place, &PEOPLE, "5", "second-media")),
    ] {
        said.push_str(&run.out);
        said.push_str(&run.err);
    }
    for file in files(&place.path("")).iter().filter(|file| file.extension().is_none_or(|end| end != "pass"))
    {
        said.push_str(&String::from_utf8_lossy(&fs::read(file).unwrap()));
    }
    for person in PEOPLE {
        assert!(!said.contains(&canary(person)), "{person}");
    }
    assert!(!said.contains("BEGIN PRIVATE KEY") && !said.contains("BEGIN EC PRIVATE KEY"));
}

/// Runs a command at a terminal, waits for each question in turn and types the answer; returns whether the command ended
/// well, and all that was shown.
fn at_a_terminal(place: &Place, arguments: &str, answers: &[(String, String)]) -> (bool, String) {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_offline-root"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(place.path(""));
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut shown = Vec::new();
    for (question, answer) in answers {
        let mut octet = [0];
        while !shown.ends_with(question.as_bytes()) {
            screen.read_exact(&mut octet).unwrap();
            shown.push(octet[0]);
        }
        child.stdin.as_ref().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    (child.wait().unwrap().success(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn i_03_each_holder_types_a_passphrase_at_the_terminal_and_none_is_shown() {
    let place = place_with_shared_root("1");
    let arguments = format!(
        "crl --dir root --this-update {TIME} --next-update {NEXT_UPDATE} --out crl \
         --share-file media/share-1.txt --share-file media/share-4.txt --share-file media/share-5.txt"
    );
    let answers = [(1, "anna"), (4, "dora"), (5, "emil")]
        .map(|(number, person)| (format!("Passphrase of share {number}, of {person}: "), canary(person)));
    let (done, shown) = at_a_terminal(&place, &arguments, &answers);
    assert!(done && place.path("crl").exists() && !shown.contains("canary"), "{shown}");
}

#[test]
fn i_03_each_holder_chooses_a_passphrase_at_the_terminal_and_types_it_twice() {
    let place = place_with_people();
    fs::create_dir(place.path("media")).unwrap();
    let arguments = format!(
        "init --dir root --suite 1 --country ZZ --organization Example --common-name Root --time {TIME} --shared \
         --threshold 2 --share-dir media --holder anna=anna.pub.pem --holder ben=ben.pub.pem"
    );
    let answers = |second: &str| {
        let first = |person| (format!("{person}: new passphrase of your share: "), canary(person));
        let again = |answer: String| ("The same once more: ".to_owned(), answer);
        [first("anna"), again(canary("anna")), first("ben"), again(canary(second))]
    };
    let (done, shown) = at_a_terminal(&place, &arguments, &answers("clara"));
    assert!(!done && shown.contains("the two passphrases are not the same"), "{shown}");
    assert!(!place.path("root").exists() && names(&place.path("media")).is_empty());
    let (done, shown) = at_a_terminal(&place, &arguments, &answers("ben"));
    assert!(done && !shown.contains("canary"), "{shown}");
    crl(&place, "crl", &[("media/share-2.txt", "ben"), ("media/share-1.txt", "anna")]).ok();
}

#[test]
fn options_that_do_not_fit_are_refused_before_anything_is_asked() {
    let place = place_with_shared_root("1");
    let fixed = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"];
    // No terminal and no passphrase files: a prompt would be refused, and is not reached by too few shares.
    place
        .verb("crl", &[&fixed[..], &["--share-file", "media/share-1.txt"]].concat())
        .refused(6, "share.too-few");
    let three = [
        "--share-file",
        "media/share-1.txt",
        "--share-file",
        "media/share-2.txt",
        "--share-file",
        "media/share-3.txt",
    ];
    place.verb("crl", &[&fixed[..], &three].concat()).refused(2, "secret.unusable");
    let one_pass = ["--share-passphrase-file", "anna.pass"];
    place.verb("crl", &[&fixed[..], &three, &one_pass].concat()).refused(2, "secret.unusable");
    let unshared = Place::with_root("1");
    let run =
        unshared.verb("crl", &[&fixed[..], &["--share-file", "x", "--passphrase-file", "pass"]].concat());
    run.refused(2, "secret.unusable");
    assert!(run.error()["message"].as_str().unwrap().contains("--share-file"), "{run:?}");
    let stray = ["--holder", "anna=anna.pub.pem", "--holder", "ben=ben.pub.pem", "--share-dir", "media"];
    let run = place.init("1", &[&["--dir", "third"][..], &stray].concat());
    assert_eq!(run.exit, Some(2), "{run:?}");
}
