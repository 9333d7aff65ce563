//! The chapter on the factory line, step by step as it stands in `docs/operate/factory-line.md`, and the manifest at its end.

use e2e::chapter::{Shell, steps};
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;
use serde_json::Value;

use crate::ground::needing_orders;

/// The chapter that operators read.
pub(crate) const CHAPTER: &str = include_str!("../../docs/operate/factory-line.md");

fn run(rehearsal: &Rehearsal, block: &str) -> Said {
    Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs")).run(block)
}

#[test]
fn the_chapter_on_the_factory_line_works_as_it_stands() {
    let [open, issue, scrap, close] = steps(CHAPTER);
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.configure("meter-pki.toml", |text| needing_orders(&text, CHAPTER));
    rehearsal.serve();

    let said = run(&rehearsal, open).ok();
    assert!(said.out.contains("3 ordered, 0 complete, 0 with a place"), "{}", said.out);
    let said = run(&rehearsal, issue).ok();
    assert!(said.out.contains("6 issued, 0 given again, 0 done before, 0 refused"), "{}", said.out);
    let verify = "openssl verify -CAfile <(openssl x509 -inform DER -in authorities/maker-root-s1.cer) \
         -untrusted <(openssl x509 -inform DER -in authorities/maker-factory-s1.cer) certificates/*.pem";
    let said = run(&rehearsal, verify).ok();
    assert_eq!(said.out.matches(": OK").count(), 6, "{}", said.out);
    let issued = rehearsal.certificates_of("4D504B0200000001");
    let serial = issued[0]["serial"].as_str().expect("a number");
    let history = rehearsal.operator_json(&["cert", "history", serial]);
    assert_eq!(history["request"]["production_order"], "PO-2026-0815", "{history}");
    let said = run(&rehearsal, scrap).ok();
    assert!(said.out.contains("4D504B0200000003 is scrapped: 2 certificates revoked"), "{}", said.out);
    assert!(said.out.contains("2 issued, 0 given again, 4 done before, 0 refused"), "{}", said.out);
    let said = run(&rehearsal, close).ok();
    assert!(said.out.contains("deliverable: 3") && said.out.contains("scrapped:    1"), "{}", said.out);
    let delivery = std::fs::read_to_string(rehearsal.state("delivery.jsonl")).expect("the delivery");
    let devices: Vec<Value> =
        delivery.lines().map(|line| serde_json::from_str(line).expect("a device")).collect();
    let told: Vec<_> = devices
        .iter()
        .map(|one| {
            (one["system_title"].as_str().expect("a title"), one["serial_number"].as_str().expect("a number"))
        })
        .collect();
    assert_eq!(
        told,
        [("4D504B0200000001", "SN-1"), ("4D504B0200000002", "SN-2"), ("4D504B0200000004", "SN-4")]
    );
    assert!(devices.iter().all(|one| one["certificates"].as_array().is_some_and(|all| all.len() == 2)));
    assert_eq!((&devices[0]["model"], &devices[0]["firmware"]), (&"M1".into(), &"2.4.1".into()));
    // Nothing more leaves a line whose order is closed.
    let again = "rm certificates/D4D504B0200000001.pem requests/D4D504B0200000001.csr\n\
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=4D504B0200000001 \
         -outform DER -out requests/D4D504B0200000001.csr 2> /dev/null\n\
         meter-pki factory issue --order PO-2026-0815 --requests requests --out certificates";
    let said = run(&rehearsal, again);
    assert_eq!(said.code, Some(3), "{}", said.all());
    let faults = std::fs::read_to_string(rehearsal.state("certificates/faults.csv")).expect("faults");
    assert!(faults.contains("D4D504B0200000001.csr,4D504B0200000001,signature,order.closed,"), "{faults}");
    let acts: Vec<String> = rehearsal
        .audit_after(0)
        .iter()
        .map(|record| record["act"].as_str().expect("an act").to_owned())
        .filter(|act| act.starts_with("production-") || act == "device-scrapped")
        .collect();
    assert_eq!(acts, ["production-opened", "device-scrapped", "production-closed"]);
}
