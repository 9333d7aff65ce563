//! `person create` and `person check`: people's own keys.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Place, names};

const CANARY: &str = "canary-passphrase-of-anna";

fn place_with_anna() -> Place {
    let place = Place::new();
    place.secret("anna.pass", CANARY);
    create(&place, "anna").ok();
    place
}

fn create(place: &Place, file: &str) -> crate::harness::Ran {
    let (out, public) = (format!("{file}.pem"), format!("{file}.pub.pem"));
    let fixed = ["person", "create", "--json", "--name", "Anna Example", "--passphrase-file", "anna.pass"];
    place.run([&fixed[..], &["--out", &out, "--public", &public]].concat())
}

#[test]
fn makes_a_key_that_only_its_holder_reads_and_openssl_opens() {
    let place = place_with_anna();
    assert_eq!(fs::metadata(place.path("anna.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        String::from_utf8(place.read("anna.pem")).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY")
    );
    let own = place.openssl_ok("pkey -in anna.pem -passin file:anna.pass -pubout");
    assert_eq!(own, String::from_utf8(place.read("anna.pub.pem")).unwrap());
    assert!(place.openssl_ok("pkey -pubin -in anna.pub.pem -noout -text").contains("prime256v1"));
    place.openssl_ok("pkey -pubin -in anna.pub.pem -outform DER -out anna.der");
    let digest = place.openssl_ok("dgst -sha256 -r anna.der");
    let checked = place.run(["person", "check", "--json", "anna.pem", "--passphrase-file", "anna.pass"]).ok();
    assert_eq!(checked.json()["sha256"], digest.split(' ').next().unwrap());
}

#[test]
fn tells_the_public_half_for_the_ceremony_file_and_no_secret() {
    let place = Place::new();
    place.secret("anna.pass", CANARY);
    let made = create(&place, "anna").ok();
    assert_eq!(made.json()["public_key"], String::from_utf8(place.read("anna.pub.pem")).unwrap());
    assert_eq!(made.json()["name"], "Anna Example");
    let checked = place.run(["person", "check", "anna.pem", "--passphrase-file", "anna.pass"]).ok();
    let text =
        ["person", "create", "--name", "B \"B\" Example", "--passphrase-file", "anna.pass", "--out", "b.pem"];
    let told = place.run([&text[..], &["--role", "share-holder"]].concat()).ok();
    let block: toml::Table = told.out.split_once("[[person]]").unwrap().1.parse().unwrap();
    let of_file = place.openssl_ok("pkey -in b.pem -passin file:anna.pass -pubout");
    assert_eq!(block["key"].as_str().unwrap(), of_file);
    assert_eq!(
        (block["name"].as_str(), block["role"].as_str()),
        (Some("B \"B\" Example"), Some("share-holder"))
    );
    for said in [&made.out, &made.err, &checked.out, &checked.err, &told.out, &told.err] {
        assert!(!said.contains(CANARY) && !said.contains("PRIVATE"), "{said}");
    }
}

#[test]
fn r_06_a_key_that_exists_is_left_as_it_is_and_nothing_is_made_beside_it() {
    let place = place_with_anna();
    let before = place.read("anna.pem");
    create(&place, "anna").refused(7, "file.exists");
    assert_eq!(place.read("anna.pem"), before);
    fs::write(place.path("ben.pub.pem"), "something").unwrap();
    create(&place, "ben").refused(7, "file.exists");
    assert_eq!(names(&place.path("")), ["anna.pass", "anna.pem", "anna.pub.pem", "ben.pub.pem", "pass"]);
}

#[test]
fn a_wrong_passphrase_and_a_key_that_others_can_read_are_refused() {
    let place = place_with_anna();
    let check = |pass: &str| place.run(["person", "check", "--json", "anna.pem", "--passphrase-file", pass]);
    check("pass").refused(6, "secret.wrong");
    check("absent").refused(5, "secret.file");
    fs::set_permissions(place.path("anna.pem"), Permissions::from_mode(0o644)).unwrap();
    check("anna.pass").refused(6, "key.unreadable");
    place
        .run(["person", "check", "--json", "absent", "--passphrase-file", "pass"])
        .refused(5, "key.unreadable");
}

#[test]
fn i_08_without_a_terminal_no_passphrase_is_asked_and_a_bad_name_makes_nothing() {
    let place = Place::new();
    place.run(["person", "create", "--json", "--name", "Anna", "--out", "key"]).refused(2, "secret.unusable");
    let nameless = ["person", "create", "--json", "--name", " ", "--out", "key", "--passphrase-file", "pass"];
    place.run(nameless).refused(2, "person.name");
    assert_eq!(names(&place.path("")), ["pass"]);
}
