//! Uplifts over all suites: from 0 to 1 to 2 by a head-end, of a meter that came with symmetric keys alone; and from 1 to 2 of a meter
//! that asks by itself over EST or CMP.

use ca_core::suite::{Curve, SecuritySuite};
use dlms::security_setup::MeterKey;
use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Asked, Credential, Meter, Suite};
use e2e::head_end::{HeadEnd, authority};
use e2e::patience::eventually;
use e2e::peer::{Answer, Operation, certificate_of, path, send_request};
use e2e::rehearsal::Rehearsal;
use serde_json::json;

use crate::campaigns::CHAPTER;
use crate::renewals::{
    OF_SUITE_1, curve, is_done, killed_at, kur, left_out, run, serve_cmp, stage_of, view, work,
};

const METER: &str = "4D504B0100000E01";
/// One with firmware that nobody cleared.
const OLD: &str = "4D504B0100000E02";

/// The heading of a delivery by the map `plain-csv`.
pub(crate) const DELIVERED: &str = "system_title,serial_number,model,firmware,batch,certificate_signature,\
    certificate_agreement,certificate_tls,kek,guek,gbek,gak,wrapped_by";
const POLICY: [&str; 2] = ["--security-policy", "authenticated-request"];

/// The configuration of an owner whose meters of one model are cleared for both suites, as the chapter on campaigns has it.
fn cleared(text: String) -> String {
    let [_, cleared] = <[&str; 2]>::try_from(blocks(CHAPTER, "toml")).expect("two settings");
    format!("{text}\n[revocation]\ntwo_people_from = 0\n\n{cleared}")
}

/// Delivers the meter with a wrapped key-encryption key, as those of suite 0 come.
fn deliver_with_symmetric_keys(rehearsal: &Rehearsal) {
    let list = rehearsal.unique("delivery.csv");
    let kek = "A5".repeat(24);
    std::fs::write(&list, format!("{DELIVERED}\n{METER},1,E350,4.10.2,B-10,,,,{kek},,,,line\n"))
        .expect("a list");
    let list = path(&list);
    let import =
        ["delivery", "import", &list, "--map", "plain-csv", "--tenant", "dso", "--manufacturer", "maker"];
    drop(rehearsal.operator(&import).ok());
}

#[test]
fn a_meter_of_suite_0_is_lifted_to_suite_1_and_then_to_suite_2_by_a_head_end() {
    let mut rehearsal = Rehearsal::start_with(1, cleared);
    deliver_with_symmetric_keys(&rehearsal);
    let whom = ["--road", "head-end", "--batch", "B-10"];
    let plan = ["campaign", "plan", "--tenant", "dso", "--name", "swap", "--goal", "swap"];
    let plan = rehearsal.operator_json(&[&plan[..], &whom, &OF_SUITE_1].concat());
    assert_eq!(left_out(&plan), [("swap.suite_0".to_owned(), 1)]);

    let mut head_end = HeadEnd::new(&rehearsal, &[METER.to_owned()]);
    head_end.lose_one("import-certificate");
    run(&rehearsal, "first", "uplift", &[&whom[..], &OF_SUITE_1, &POLICY].concat());
    work(&mut rehearsal, &mut head_end, ("first", &is_done), killed_at(&[3]));
    assert_eq!(both(&mut head_end), [Curve::P256; 2]);

    let anchor = authority(&rehearsal, "dso-operational-s2");
    head_end.meter(METER).update(SecuritySuite::Suite2, [anchor]);
    // As the chapter has it.
    let [.., lift] = steps::<9>(CHAPTER);
    let said = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs")).run(lift).ok().out;
    let digest = said.lines().find_map(|line| line.strip_prefix("digest:")).expect("it has devices").trim();
    drop(rehearsal.operator(&["campaign", "start", digest]).ok());
    work(&mut rehearsal, &mut head_end, ("lift", &is_done), killed_at(&[5]));
    assert_eq!(both(&mut head_end), [Curve::P384; 2]);
}

fn both(head_end: &mut HeadEnd) -> [Curve; 2] {
    let meter = head_end.meter(METER);
    [MeterKey::Signature, MeterKey::KeyAgreement].map(|key| curve(meter, key))
}

/// A meter of suite 1 in operation; returns what it holds for TLS.
fn in_operation(rehearsal: &Rehearsal, title: &str) -> Credential {
    let meter = Meter::new(rehearsal, title, Suite::One);
    let factory = meter.manufacture();
    meter.enrol("meter-op-tls", &factory.shown())
}

/// A meter with new firmware makes a key of suite 2, and shows what it has of suite 1.
fn ask_for_suite_2(rehearsal: &Rehearsal, title: &str, held: &Credential) -> (Answer, Asked) {
    let meter = Meter::new(rehearsal, title, Suite::Two);
    let (asked, label) = (meter.ask(), meter.label("meter-op-tls"));
    let answer = send_request(rehearsal, (Operation::ReEnrol, &label), &asked.request, &held.shown(), &[]);
    (answer, asked)
}

/// A cleared meter and another that is not, both in operation in suite 1, and a campaign that lifts the first.
fn lifting(rehearsal: &Rehearsal) -> [Credential; 2] {
    let list = rehearsal.unique("devices.csv");
    let heading = "system_title,manufacturer,model,firmware,batch";
    let rows = format!("{METER},maker,E350,4.10.2,B-10\n{OLD},maker,E350,4.9,B-10\n");
    std::fs::write(&list, format!("{heading}\n{rows}")).expect("a list");
    drop(rehearsal.operator(&["device", "import", &path(&list), "--tenant", "dso"]).ok());
    let held = [METER, OLD].map(|title| in_operation(rehearsal, title));
    let whom = ["--road", "device", "--batch", "B-10", "--profile", "meter-op-tls-s2"];
    let plan = run(rehearsal, "lift", "uplift", &whom);
    assert_eq!(left_out(&plan), [("uplift.firmware".to_owned(), 1)]);
    eventually("it is begun", || (view(rehearsal, "lift")["total"]["underway"] == 1).then_some(()));
    held
}

#[test]
fn a_meter_that_asks_by_itself_over_est_is_lifted_to_suite_2_if_its_firmware_is_cleared() {
    let rehearsal = Rehearsal::start_with(1, cleared);
    let [held, old] = lifting(&rehearsal);
    let (refused, _) = ask_for_suite_2(&rehearsal, OLD, &old);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("uplift.firmware"), "{}", refused.text());
    let (answer, asked) = ask_for_suite_2(&rehearsal, METER, &held);
    let certificate = certificate_of(&rehearsal, &answer);
    let lifted = Credential { certificate, key: asked.key, request: asked.request };
    assert_eq!(stage_of(&rehearsal, "lift", METER).0, json!("issued"));
    drop(Meter::new(&rehearsal, METER, Suite::Two).enrol("meter-op-ds", &lifted.shown()));
    assert_eq!(stage_of(&rehearsal, "lift", METER), (json!("activated"), json!("use")));
    eventually("it is done", || is_done(&view(&rehearsal, "lift")).then_some(()));
    // There is no way back to suite 1.
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    let (asked, label) = (meter.ask(), meter.label("meter-op-tls"));
    let back = send_request(&rehearsal, (Operation::ReEnrol, &label), &asked.request, &held.shown(), &[]);
    assert_eq!(back.status, 403, "{}", back.text());
}

#[test]
fn a_meter_that_asks_by_itself_over_cmp_is_lifted_to_suite_2_if_its_firmware_is_cleared() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    serve_cmp(&mut rehearsal, &["meter-op-tls-s1", "meter-op-tls-s2"], cleared);
    let [held, old] = lifting(&rehearsal);
    let refused =
        kur(&rehearsal, Meter::new(&rehearsal, OLD, Suite::Two), &old).expect_err("it is not cleared");
    assert!(refused.contains("uplift.firmware"), "{refused}");
    let lifted = kur(&rehearsal, Meter::new(&rehearsal, METER, Suite::Two), &held);
    let lifted = lifted.unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(stage_of(&rehearsal, "lift", METER), (json!("activated"), json!("message")));
    eventually("it is done", || is_done(&view(&rehearsal, "lift")).then_some(()));
    let back = kur(&rehearsal, Meter::new(&rehearsal, METER, Suite::One), &held);
    let back = back.expect_err("there is no way back to suite 1");
    assert!(back.contains("request.old-updated"), "{back}");
    // Its new one is known for what it is, and has time yet.
    let again = kur(&rehearsal, Meter::new(&rehearsal, METER, Suite::Two), &lifted).expect_err("it is new");
    assert!(again.contains("renewal.too-early"), "{again}");
}
