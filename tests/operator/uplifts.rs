//! An uplift over all suites, from 0 to 1 to 2 by a head-end, of a meter that came with symmetric keys alone.

use ca_core::suite::{Curve, SecuritySuite};
use dlms::security_setup::MeterKey;
use e2e::head_end::{HeadEnd, authority};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use serde_json::json;

use crate::renewals::{OF_SUITE_1, OF_SUITE_2, curve, is_done, killed_at, left_out, run, work};

const METER: &str = "4D504B0100000E01";
/// The heading of a delivery by the map `plain-csv`.
pub(crate) const DELIVERED: &str = "system_title,serial_number,model,firmware,batch,certificate_signature,\
    certificate_agreement,certificate_tls,kek,guek,gbek,gak,wrapped_by";
const POLICY: [&str; 2] = ["--security-policy", "authenticated-request"];

/// The configuration of an owner whose meters of one model are cleared for both suites.
fn cleared(text: String) -> String {
    let cleared =
        "[[uplift]]\nmanufacturer = \"maker\"\nmodel = \"E350\"\nfirmware_from = \"4.10\"\nsuites = [1, 2]\n";
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
    run(&rehearsal, "second", "uplift", &[&whom[..], &OF_SUITE_2, &POLICY].concat());
    work(&mut rehearsal, &mut head_end, ("second", &is_done), killed_at(&[5]));
    assert_eq!(both(&mut head_end), [Curve::P384; 2]);
}

fn both(head_end: &mut HeadEnd) -> [Curve; 2] {
    let meter = head_end.meter(METER);
    [MeterKey::Signature, MeterKey::KeyAgreement].map(|key| curve(meter, key))
}

#[test]
fn a_meter_that_asks_by_itself_is_not_lifted_by_a_campaign_and_that_is_told() {
    let rehearsal = Rehearsal::start_with(1, cleared);
    let plan = ["campaign", "plan", "--tenant", "dso", "--name", "lift", "--goal", "uplift"];
    let whom = ["--road", "device", "--batch", "quickstart", "--profile", "meter-op-tls-s2"];
    let refused = rehearsal.operator(&[&plan[..], &whom].concat());
    assert!(
        refused.err.contains("(campaign.setup)") && refused.err.contains("by a head-end"),
        "{}",
        refused.all()
    );
    assert_eq!(rehearsal.operator_json(&["campaign", "list"])["campaigns"], json!([]));
}
