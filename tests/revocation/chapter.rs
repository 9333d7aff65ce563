//! The chapter on revocation, step by step as it stands in `docs/operate/revocation.md`; two operators are two users of this machine.

use e2e::chapter::{blocks, steps};
use e2e::fleet::{Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::patience::eventually;
use e2e::peer::{make_key, make_request, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;
use serde_json::Value;

use crate::{METER, is_on_crl, listed_for, ocsp, revoke};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/revocation.md");

/// The meter that the chapter names.
const NAMED: &str = "4D504B01000000C1";

const FIRST: u32 = 1001;
const SECOND: u32 = 1002;

/// A certificate that operators have issued for the hand-held units of others.
const UNIT: &str = "hhu-device-tls-s1";

/// A system in which two people revoke as many as the chapter says, and in which contractors have units. Its fleet is large enough
/// for that.
fn set_up() -> Rehearsal {
    let [two_people] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one setting");
    let rehearsal = Rehearsal::start_with(4, |text| {
        let text = text.replace("[operator]\n", "[operator]\nusers = [1001, 1002]\n");
        let (before, after) = text.split_once("name = \"dso-infra-s1\"").expect("there is such an authority");
        let offer = format!(
            "[[authority.offer]]\nprofile = \"{UNIT}\"\ndoors = [\"operator\"]\n\n[[authority.offer]]"
        );
        let after = after.replacen("[[authority.offer]]", &offer, 1);
        format!("{before}name = \"dso-infra-s1\"{after}\n{two_people}")
    });
    let_in(&rehearsal);
    rehearsal
}

/// Runs a block that speaks of one certificate.
#[track_caller]
fn of_certificate(rehearsal: &Rehearsal, serial: &str, block: &str) -> Said {
    run_as(rehearsal, FIRST, &format!("SERIAL={serial}\n{block}")).ok()
}

/// Runs a block that speaks of one order.
fn of_order(rehearsal: &Rehearsal, user: u32, digest: &str, block: &str) -> Said {
    run_as(rehearsal, user, &format!("DIGEST={digest}\n{block}"))
}

/// The certificate of a contractor's unit; its serial number.
fn contractors_unit(rehearsal: &Rehearsal) -> String {
    let (key, request) = (rehearsal.unique("unit.key"), rehearsal.unique("unit.csr"));
    make_key(&key, "P-256");
    let named = ["-addext", "subjectAltName=email:unit-7@contractor.example"];
    let der = make_request(&key, "/C=DE/O=Contractor Ltd/CN=Unit 7", "sha256", &named);
    std::fs::write(&request, der).expect("it can be written");
    let (request, out) = (path(&request), rehearsal.unique("unit.pem"));
    let words = ["cert", "issue", "--issuer", "dso-infra-s1", "--profile", UNIT];
    drop(rehearsal.operator(&[&words[..], &[&request, "--out", &path(&out)]].concat()).ok());
    e2e::peer::serial(&out)
}

fn status(rehearsal: &Rehearsal, serial: &str) -> String {
    rehearsal.operator_json(&["cert", "show", serial])["status"].as_str().expect("a status").to_owned()
}

#[test]
fn the_chapter_on_revocation_works_as_it_stands() {
    let [for_good, hold, found, not_found, look, apply, approve, later] = steps(CHAPTER);
    let rehearsal = set_up();
    rehearsal.expect_devices("dso", &[NAMED]);
    let token = rehearsal.token(NAMED, "meter-op-tls-s1").into();
    let named = Meter::new(&rehearsal, NAMED, Suite::One).enrol("meter-op-tls", &token);
    let said = of_certificate(&rehearsal, &named.serial(), for_good);
    assert!(said.out.contains(&named.serial()), "it was listed: {}", said.out);
    assert_eq!(ocsp(&rehearsal, &named.certificate), "revoked");

    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let serial = held.serial();
    let said = of_certificate(&rehearsal, &serial, hold);
    assert!(said.out.contains("on-hold"), "{}", said.out);
    eventually("the CRL lists it", || (listed_for(&rehearsal, &serial)? == "Certificate Hold").then_some(()));
    drop(of_certificate(&rehearsal, &serial, found));
    assert_eq!(ocsp(&rehearsal, &held.certificate), "good");
    eventually("the CRL forgets it", || (!is_on_crl(&rehearsal, &serial)).then_some(()));
    let since = revoke(&rehearsal, &serial, "certificateHold")["revoked_at"].clone();
    drop(of_certificate(&rehearsal, &serial, not_found));
    let shown = rehearsal.operator_json(&["cert", "show", &serial]);
    assert_eq!((&shown["reason"], &shown["revoked_at"]), (&"cessationOfOperation".into(), &since), "{shown}");

    many(&rehearsal, [look, apply, approve]);

    let replaced = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka").serial();
    let said = of_certificate(&rehearsal, &replaced, later);
    assert!(said.out.contains(&replaced), "it was scheduled: {}", said.out);
    let listed = rehearsal.operator_json(&["revocation", "scheduled"]);
    assert_eq!(listed["scheduled"].as_array().map(Vec::len), Some(0), "and taken back: {listed}");
    assert_eq!(status(&rehearsal, &replaced), "good");
}

/// One certificate of a contractor is revoked by one operator, the factory certificates of a manufacturer by two.
fn many(rehearsal: &Rehearsal, [look, apply, approve]: [&str; 3]) {
    let unit = contractors_unit(rehearsal);
    let looked = run_as(rehearsal, FIRST, look).ok();
    assert!(looked.out.contains("another operator approves it"), "{}", looked.out);
    let digests: Vec<&str> =
        looked.out.lines().filter_map(|line| line.strip_prefix("digest:")).map(str::trim).collect();
    let [of_contractor, of_manufacturer] = digests[..] else { panic!("{}", looked.out) };
    assert_eq!(status(rehearsal, &unit), "good", "nothing is changed by a look");
    drop(of_order(rehearsal, FIRST, of_contractor, apply).ok());
    assert_eq!(status(rehearsal, &unit), "revoked");

    let factory = Meter::new(rehearsal, METER, Suite::One).held("meter-factory-ds").serial();
    let asked = of_order(rehearsal, FIRST, of_manufacturer, apply).ok();
    assert!(asked.out.contains("waits for another operator"), "{}", asked.out);
    let own = of_order(rehearsal, FIRST, of_manufacturer, approve);
    assert!(own.err.contains("(order.own)"), "{}", own.all());
    assert_eq!(status(rehearsal, &factory), "good");
    let approved = of_order(rehearsal, SECOND, of_manufacturer, approve).ok();
    assert!(approved.out.contains(&factory) && approved.out.contains("is carried out"), "{}", approved.out);
    let told: Value = rehearsal.operator_json(&["revocation", "show", of_manufacturer]);
    assert_eq!((&told["state"], &told["skipped"]), (&"done".into(), &0.into()), "{told}");
    assert_eq!(status(rehearsal, &factory), "revoked");
}
