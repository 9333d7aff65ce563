//! A ceremony on the root of an earlier one: what was signed is renewed, revoked and closed, and a neighbour certified.

use std::fs;

use crate::room::{Answer, Room, files};
use crate::sub_ca::SubCa;

const REQUEST: (&str, &str) = ("request", "sha256");

/// A room whose root `a` has signed a sub-CA for operation and one of a factory, in a ceremony that is over.
pub(crate) struct Founded {
    pub(crate) room: Room,
    pub(crate) operational: SubCa,
    pub(crate) serials: [String; 2],
}

impl Founded {
    pub(crate) fn new() -> Self {
        let mut room = Room::new(false);
        room.root("a", "1", "{ store = \"file\" }");
        Self::by(room)
    }

    /// The same with a room that has the plan of the root.
    pub(crate) fn by(mut room: Room) -> Self {
        room.found("a");
        let operational = SubCa::new(&room, "operational");
        let factory = SubCa::new(&room, "factory");
        for (sub_ca, name) in [(&operational, "operational"), (&factory, "factory")] {
            let request = sub_ca.request(["NL", &format!("Example {name} CA")], &format!("sub-{name}-s1"), 0);
            sign(&mut room, "a", &format!("{name}.request"), &request, "");
        }
        room.crl("a");
        room.write();
        room.hold().ok();
        room.verify("room");
        for file in ["a.crt", "operational.crt", "factory.crt"] {
            let made = room.ceremony("room").join("export").join(file);
            fs::copy(made, room.path(file)).unwrap();
        }
        let serials = ["operational", "factory"].map(|name| serial(&room, &format!("{name}.crt")));
        room.later(LATER, &["a"]);
        Self { room, operational, serials }
    }
}

/// Adds the signing of a request; the profile is that of its first name.
pub(crate) fn sign(room: &mut Room, root: &str, name: &str, request: &[u8], more: &str) {
    let input = room.input(REQUEST, name, request);
    let profile = name.split(['.', '-']).next().unwrap();
    room.act(&format!(
        "kind = \"sign-sub-ca\"\nroot = \"{root}\"\nprofile = \"sub-{profile}-s1\"\n{input}{more}"
    ));
}

pub(crate) fn serial(room: &Room, certificate: &str) -> String {
    let said = room.openssl(&format!("x509 -in {certificate} -noout -serial"));
    said.trim().strip_prefix("serial=").unwrap().to_owned()
}

pub(crate) fn revoke(room: &mut Room, serial: &str) {
    room.act(&format!("kind = \"revoke\"\nroot = \"a\"\nserial = \"{serial}\"\nreason = \"superseded\""));
    crl(room);
}

/// Adds the CRL of a month after the founding.
pub(crate) fn crl(room: &mut Room) {
    room.act(
        "kind = \"crl\"\nroot = \"a\"\nthis_update = \"2026-12-28T10:00:00Z\"\nnext_update = \"2027-06-28T10:00:00Z\"",
    );
}

/// Has openssl sign the last CRL of the factory's sub-CA.
fn last_crl(room: &Room) -> Vec<u8> {
    let config = "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ndefault_md=sha256\ncrlnumber=number\ncrl_extensions=ext\n\
                  [ext]\nauthorityKeyIdentifier=keyid\n";
    for (file, text) in [("ca.cnf", config), ("index", ""), ("number", "01")] {
        fs::write(room.path(file), text).unwrap();
    }
    room.openssl(
        "ca -config ca.cnf -gencrl -keyfile factory.key -cert factory.crt -crl_lastupdate 20261128090000Z -crl_nextupdate 99991231235959Z -out last.crl",
    );
    fs::read(room.path("last.crl")).unwrap()
}

pub(crate) fn close(room: &mut Room, serial: &str) {
    let crl = last_crl(room);
    let last = room.input(("last_crl", "last_crl_sha256"), "factory.crl", &crl);
    let record =
        room.input(("destruction", "destruction_sha256"), "destroyed.txt", b"overwritten by two people\n");
    room.act(&format!("kind = \"close-sub-ca\"\nroot = \"a\"\nserial = \"{serial}\"\n{last}{record}"));
}

/// Copies what the ceremony made to where openssl runs.
fn fetch(room: &Room, ending: &str, to: &str) {
    let all = files(&room.ceremony("room").join("export"));
    let (_, octets) = all.into_iter().find(|(name, _)| name.ends_with(ending)).unwrap();
    fs::write(room.path(to), octets).unwrap();
}

/// A month after the founding.
pub(crate) const LATER: &str = "2026-12-28T09:00:00Z";
pub(crate) const MONTH: i64 = 30 * 86_400;

/// A day after that.
pub(crate) const AT: &str = "-attime 1798534800";

pub(crate) const NAME: [&str; 2] = ["NL", "Example operational CA"];

#[test]
fn a_later_ceremony_revokes_a_sub_ca_and_openssl_refuses_it_by_the_crl() {
    let Founded { mut room, serials, .. } = Founded::new();
    revoke(&mut room, &serials[0]);
    room.write();
    let held = room.hold().ok();
    assert!(held.said.contains("Revoked") && held.said.contains("- Number"), "{}", held.said);
    assert!(room.steps("room").contains(&"revoked".to_owned()));
    room.verify("room");
    fetch(&room, ".crl", "new.crl");
    room.openssl("crl -inform DER -in new.crl -out new.pem");
    let verify = format!("verify -x509_strict {AT} -crl_check -CRLfile new.pem -CAfile a.crt");
    room.openssl(&format!("{verify} factory.crt"));
    let (content, said) = room.try_openssl(&format!("{verify} operational.crt"));
    assert!(!content && said.contains("certificate revoked"), "{said}");
}

#[test]
fn a_later_ceremony_renews_and_rekeys_a_sub_ca_and_openssl_accepts_all_three() {
    let Founded { mut room, operational, serials: [first, _] } = Founded::new();
    let profile = "sub-operational-s1";
    sign(
        &mut room,
        "a",
        "operational-2.request",
        &operational.request(NAME, profile, MONTH),
        &format!("renews = \"{first}\"\n"),
    );
    let rekeyed = SubCa::new(&room, "rekeyed").request(NAME, profile, MONTH);
    sign(&mut room, "a", "operational-3.request", &rekeyed, &format!("rekeys = \"{first}\"\n"));
    room.write();
    let held = room.hold().ok();
    let said = held.said.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [format!("+ Renews {first}, valid until"), format!("+ Rekeys {first}, valid until")] {
        assert!(said.contains(&line), "{}", held.said);
    }
    assert!(said.contains("with the same key") && said.contains("with another key"), "{}", held.said);
    assert!(said.contains("= Key") && said.contains("- Key"), "{}", held.said);
    room.verify("room");
    for (made, file) in [("operational-2.crt", "renewed.crt"), ("operational-3.crt", "rekeyed.crt")] {
        fetch(&room, made, file);
    }
    room.openssl(&format!("verify -x509_strict {AT} -CAfile a.crt operational.crt renewed.crt rekeyed.crt"));
    let key = |file| room.openssl(&format!("x509 -in {file} -noout -pubkey"));
    assert_eq!(key("operational.crt"), key("renewed.crt"));
    assert_ne!(key("operational.crt"), key("rekeyed.crt"));
}

#[test]
fn a_later_ceremony_certifies_a_neighbour_by_its_request_or_by_its_certificate() {
    for (file, more) in [("other.csr", ""), ("other.crt", "-x509 -days 9000 ")] {
        let Founded { mut room, .. } = Founded::new();
        SubCa::new(&room, "other");
        room.openssl(&format!(
            "req -new {more}-sha256 -key other.key -subj /C=ZZ/O=Neighbour/CN=Neighbour-CA -out {file}"
        ));
        let input = room.input(REQUEST, file, &fs::read(room.path(file)).unwrap());
        room.act(&format!("kind = \"cross-certificate\"\nroot = \"a\"\nprofile = \"cross-s1\"\n{input}"));
        room.write();
        room.hold().ok();
        room.verify("room");
        fetch(&room, "other-by-a.crt", "cross.crt");
        room.openssl(&format!("verify -x509_strict {AT} -CAfile a.crt cross.crt"));
        fs::write(
            room.path("ext"),
            "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n",
        )
        .unwrap();
        SubCa::new(&room, "device");
        room.openssl("req -new -key device.key -subj /CN=device -out device.csr");
        room.openssl(
            "x509 -req -in device.csr -CA cross.crt -CAkey other.key -days 900 -extfile ext -out device.crt",
        );
        room.openssl(&format!("verify {AT} -CAfile a.crt -untrusted cross.crt device.crt"));
    }
}

#[test]
fn a_later_ceremony_closes_the_sub_ca_of_a_factory_and_signs_nothing_more_for_its_key() {
    let Founded { mut room, serials: [_, factory], .. } = Founded::new();
    close(&mut room, &factory);
    room.write();
    room.hold().ok();
    room.verify("room");
    let entry = last_entry(&room);
    assert!(entry.contains("authority-closed") && entry.contains("destroyed.txt"), "{entry}");
    let crl = room.ceremony("room").join("bundle/inputs/factory.crl");
    let said = room.openssl(&format!("crl -in {} -noout -CAfile factory.crt", crl.display()));
    assert!(said.contains("verify OK"), "{said}");
    // Closed once: another ceremony cannot do it again.
    room.later("2026-12-29T09:00:00Z", &[]);
    close(&mut room, &factory);
    room.write();
    room.hold().refused(4, "close.already");
}

/// The text of the last entry of the ledger of root `a`.
fn last_entry(room: &Room) -> String {
    let (_, octets) = files(&room.path("room/roots/a/ledger")).pop().unwrap();
    String::from_utf8(octets).unwrap()
}

#[test]
fn another_root_than_the_one_that_the_file_means_signs_nothing() {
    let Founded { mut room, serials: [first, _], .. } = Founded::new();
    revoke(&mut room, &first);
    room.write();
    let text = fs::read_to_string(room.path("ceremony.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("certificate = ")).unwrap();
    let other = text.replace(line, &format!("certificate = \"{}\"", "0".repeat(64)));
    fs::write(room.path("ceremony.toml"), other).unwrap();
    let before = files(&room.path("room/roots/a/ledger"));
    room.hold().refused(9, "root.another");
    assert_eq!(files(&room.path("room/roots/a/ledger")), before);
}

#[test]
fn r_07_the_power_goes_at_one_question_of_a_later_ceremony_and_each_thing_is_done_once() {
    let Founded { mut room, operational, serials: [first, factory] } = Founded::new();
    let again = operational.request(NAME, "sub-operational-s1", MONTH);
    sign(&mut room, "a", "operational-2.request", &again, &format!("renews = \"{first}\"\n"));
    close(&mut room, &factory);
    revoke(&mut room, &first);
    room.write();
    let mut cuts = 0;
    let last = loop {
        let at = cuts + 1;
        let ran = room.hold_with(|number, _| (number == at).then_some(Answer::CutPower));
        if ran.exit.is_some() {
            break ran;
        }
        cuts += 1;
        assert!(cuts < 60, "{}", ran.said);
    };
    last.ok();
    assert!(cuts > 4, "{cuts}");
    room.verify("room");
    let text: String = files(&room.path("room/roots/a/ledger"))
        .into_iter()
        .map(|(_, octets)| String::from_utf8(octets).unwrap())
        .collect();
    assert_eq!(text.matches("authority-closed").count(), 1);
}

#[test]
fn what_is_said_to_be_renewed_is_refused_with_another_key_name_or_number_and_the_transcript_tells() {
    let Founded { mut room, operational, serials: [first, factory] } = Founded::new();
    let profile = "sub-operational-s1";
    let other = SubCa::new(&room, "rekeyed").request(NAME, profile, MONTH);
    let same = operational.request(NAME, profile, MONTH);
    for (request, follows, why) in [
        (&other, format!("renews = \"{first}\"\n"), "it is not renewed"),
        (&same, format!("rekeys = \"{first}\"\n"), "it is not re-keyed"),
        (&same, format!("renews = \"{factory}\"\n"), "it is for another name"),
        (&same, "renews = \"0BADC0DE\"\n".to_owned(), "no good one of this number"),
    ] {
        room.later(LATER, &[]);
        sign(&mut room, "a", "operational-2.request", request, &follows);
        room.write();
        let ran = room.hold();
        ran.refused(4, "ceremony.not-as-reviewed");
        assert!(ran.said.contains(why), "{}", ran.said);
        assert_eq!(room.steps("room").pop().unwrap(), "incident");
        // The one before must be over.
        room.hold_with(|_, _| Some(Answer::Say("abort".to_owned()))).refused(4, "ceremony.aborted");
        assert!(room.verify("room").contains(why));
    }
}

#[test]
fn a_certificate_that_the_root_would_only_repeat_is_refused_at_the_gate() {
    let mut room = Room::new(false);
    room.root("a", "1", "{ store = \"file\" }");
    room.found("a");
    let operational = SubCa::new(&room, "operational");
    for (name, after) in [("operational-1.request", 0), ("operational-2.request", 60)] {
        let request = operational.request(NAME, "sub-operational-s1", after);
        sign(&mut room, "a", name, &request, "");
    }
    room.write();
    let ran = room.hold();
    ran.refused(4, "ceremony.not-as-reviewed");
    assert!(ran.said.contains("less than a day old"), "{}", ran.said);
}

#[test]
fn a_successor_is_shown_beside_the_root_that_it_succeeds_and_openssl_follows_the_link() {
    let Founded { mut room, .. } = Founded::new();
    room.root("b", "1", "{ store = \"file\" }");
    room.rename_root("b", "a");
    room.found("b");
    room.act("kind = \"link-certificates\"\nold = \"a\"\nnew = \"b\"");
    room.write();
    let held = room.hold().ok();
    let said = held.said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("+ Succeeds") && said.contains("with another key"), "{}", held.said);
    assert!(said.contains("= Subject") && said.contains("- Key"), "{}", held.said);
    room.verify("room");
    fetch(&room, "b.crt", "b.crt");
    fetch(&room, "b-by-a.crt", "link.crt");
    room.openssl(&format!("verify -x509_strict {AT} -partial_chain -trusted a.crt link.crt"));
}
