//! What a root does beside signing sub-CAs, act by act as it stands in `docs/operate/ceremony-acts.md`.

use std::path::Path;

use e2e::chapter::steps;
use e2e::peer::{path, to_pem};
use e2e::tool::openssl;

use crate::releases::Site;
use crate::{CHAPTER, make_room, run_block};

/// The chapter that people read.
const ACTS: &str = include_str!("../../docs/operate/ceremony-acts.md");

fn serial(certificate: &Path) -> String {
    let said = openssl(["x509", "-in", &path(certificate), "-noout", "-serial"]).ok().out;
    said.trim().trim_start_matches("serial=").to_owned()
}

/// Has OpenSSL verify a link by an anchor.
#[track_caller]
fn verifies(room: &Path, anchor: &str, link: &str) {
    let place = |name: &str| path(&room.join(name));
    let said = openssl(["verify", "-CAfile", &place(anchor), &place(link)]);
    assert!(said.success, "{link} by {anchor}: {}", said.all());
}

#[test]
fn the_acts_of_a_root_work_as_they_stand() {
    let [series, successor, _, _, destroy] = steps(ACTS);
    let room = make_room();
    // A root whose name leaves the generation out, as the chapter advises.
    let [init, ..] = steps::<5>(CHAPTER);
    run_block(room.path(), &init.replace("Root S1 G1", "Root S1"), "");
    run_block(room.path(), series, "");
    let listed = std::fs::read_to_string(room.path().join("series/series.json")).expect("the series");
    assert_eq!(listed.matches(".crl\"").count(), 13, "{listed}");

    run_block(room.path(), successor, "");
    let (old, new) = ("root-s1/public/root.crt", "root-s1-g2/public/root.crt");
    let subject =
        |name: &str| openssl(["x509", "-in", &path(&room.path().join(name)), "-noout", "-subject"]).ok().out;
    assert_eq!(subject(old), subject(new), "of the same name");
    verifies(room.path(), old, "new-with-old.crt");
    verifies(room.path(), new, "old-with-new.crt");

    let number = serial(&room.path().join(old));
    run_block(room.path(), &format!("SERIAL={number}\n{destroy}"), "");
    let keys = std::fs::read_dir(room.path().join("root-s1/keys")).map_or(0, Iterator::count);
    assert_eq!(keys, 0, "the keys are gone");
}

#[test]
fn an_authority_is_closed_as_it_stands_and_its_root_records_it() {
    let [_, _, close, record, _] = steps(ACTS);
    let site = Site::new();
    let at = |name: &str| site.room.path().join(name);
    // Under the name that the chapter has.
    let text = std::fs::read_to_string(at("meter-pki.toml")).expect("a configuration");
    let text = text.replace("name = \"operational\"", "name = \"maker-factory-s1\"");
    std::fs::write(at("meter-pki.toml"), &text).expect("it can be written");
    let certificate = text.split("certificate_file = \"").nth(2).and_then(|rest| rest.split('"').next());
    to_pem(&at(certificate.expect("that of the authority")), &at("authority.pem"));
    let serial = format!("SERIAL={}\n", serial(&at("authority.pem")));
    let said = run_block(site.room.path(), &format!("{serial}{close}"), "");
    assert!(said.contains("is closed"), "{said}");
    let said = run_block(site.room.path(), &format!("{serial}{record}"), "");
    assert!(said.contains("The closing of the sub-CA is recorded."), "{said}");
}
