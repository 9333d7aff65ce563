//! The chapter on claiming as it stands, from the manufacturer's file to a fleet that is owned, proven and, in part, retired: against
//! the real server, with two operators and simulated meters behind a head-end.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dlms::security_setup::MeterKey;
use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Meter, Suite};
use e2e::head_end::HeadEnd;
use e2e::operators::let_in;
use e2e::patience::eventually;
use e2e::peer::{encoded, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;
use serde_json::{Value, json};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/claiming.md");

const FIRST: u32 = 1001;
const SECOND: u32 = 1002;

/// The meters of the manifest, and those of the other manufacturer's file.
const SHIPPED: [&str; 3] = ["4D504B0100000E11", "4D504B0100000E12", "4D504B0100000E13"];
const MAPPED: [&str; 2] = ["4D504B0100000E21", "4D504B0100000E22"];

/// A factory certificate from the rehearsed line, base64 of its DER.
fn factory_certificate(rehearsal: &Rehearsal, title: &str) -> String {
    let made = Meter::new(rehearsal, title, Suite::One).manufacture();
    encoded(&to_der(&made.certificate)).replace('\n', "")
}

/// Writes what both sides have before the chapter begins into the directory in which it is typed.
fn lay_out(rehearsal: &Rehearsal, case: &Path) {
    std::fs::create_dir(case).expect("it can be made");
    std::fs::set_permissions(case, Permissions::from_mode(0o777)).expect("ours");
    let write = |file: &str, text: String| std::fs::write(case.join(file), text).expect("it can be written");
    for (file, names) in [
        ("maker-root.pem", ["maker-root-s1"].as_slice()),
        ("maker-infra.pem", &["maker-infra-s1"]),
        ("maker-factory.pem", &["maker-factory-s1", "maker-factory-s2"]),
    ] {
        let read = |name: &&str| std::fs::read_to_string(rehearsal.authority(name)).expect("a certificate");
        write(file, names.iter().map(read).collect());
    }
    let device = |title: &&str| {
        let certificate = factory_certificate(rehearsal, title);
        let device = json!({
            "system_title": title, "model": "E350", "batch": "B-9", "concentrator": "dc-1", "certificates": [certificate],
        });
        format!("{device}\n")
    };
    write("devices.jsonl", SHIPPED.iter().map(device).collect());
    let heading = "system_title,serial_number,model,firmware,batch,certificate_signature,certificate_agreement,\
                   certificate_tls,kek,guek,gbek,gak,wrapped_by\n";
    let row = |title: &&str| format!("{title},,E350,,B-9,,,{},,,,,\n", factory_certificate(rehearsal, title));
    write("other-maker.csv", heading.to_owned() + &MAPPED.iter().map(row).collect::<String>());
}

/// One who types what the chapter says.
struct Desk<'a> {
    rehearsal: &'a Rehearsal,
}

impl Desk<'_> {
    fn case(&self, file: &str) -> std::path::PathBuf {
        self.rehearsal.state("case").join(file)
    }

    fn step(&self, user: u32, round: usize, block: &str) -> Said {
        let configuration = self.rehearsal.state("meter-pki.toml").display().to_string();
        let named = format!("meter-pki() {{ command meter-pki --config {configuration} \"$@\"; }}");
        let shell = Shell::new(&self.case(""), &self.rehearsal.scratch("programs")).of(user);
        shell.with("ROUND", round.to_string()).run(&format!("umask 022\n{named}\n{block}"))
    }

    fn first(&self, block: &str) -> String {
        self.step(FIRST, 0, block).ok().out
    }

    /// Takes orders and brings answers until the campaign is done.
    fn swap(&self, head_end: &mut HeadEnd, orders: &str, answers: &str) {
        let mut round = 0;
        loop {
            let work = eventually("work for the head-end, or the end", || {
                round += 1;
                drop(self.step(FIRST, round, orders).ok());
                let written = self.case(&format!("orders-{round}.jsonl"));
                let any = !std::fs::read_to_string(written).expect("the step wrote it").is_empty();
                let state = self.rehearsal.operator_json(&["campaign", "show", "autumn"])["state"].clone();
                (any || state == "done").then_some(any)
            });
            if !work {
                break;
            }
            let orders = self.case(&format!("orders-{round}.jsonl"));
            head_end.work(&orders, &self.case(&format!("answers-{round}.jsonl")));
            drop(self.step(FIRST, round, answers).ok());
        }
    }

    /// What the head-end exports from the meters.
    fn export(&self, head_end: &mut HeadEnd) {
        let mut lines = String::new();
        for title in SHIPPED.iter().chain(&MAPPED) {
            for (key, purpose) in [
                (MeterKey::Signature, "signature"),
                (MeterKey::KeyAgreement, "key-agreement"),
                (MeterKey::Tls, "tls"),
            ] {
                let certificate = head_end.meter(title).certificate(key).expect("a certificate").der();
                let certificate = encoded(certificate).replace('\n', "");
                let line = json!({"system_title": title, "purpose": purpose, "certificate": certificate});
                lines.push_str(&format!("{line}\n"));
            }
        }
        std::fs::write(self.case("exported.jsonl"), lines).expect("it can be written");
    }
}

#[test]
fn the_chapter_on_claiming_works_as_it_stands() {
    let [
        own_keys,
        makers_keys,
        create,
        import,
        import_mapped,
        again,
        plan,
        approve,
        orders,
        answers,
        report,
        reconcile,
        history,
        record,
        later,
    ] = steps(CHAPTER);
    let rehearsal = Rehearsal::start_with(1, |text| {
        let [trust] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one setting");
        assert!(text.contains(trust), "the rehearsal is configured as the chapter says");
        let text = text.replace("[operator]\n", "[operator]\nusers = [1001, 1002]\n");
        format!("{text}\n[revocation]\ntwo_people_from = 2\n")
    });
    let_in(&rehearsal);
    lay_out(&rehearsal, &rehearsal.state("case"));
    let desk = Desk { rehearsal: &rehearsal };

    let said = desk.first(own_keys);
    assert!(said.contains("CN=Deliveries 1") && said.contains("is in dso-cert.pem, until"), "{said}");
    drop(desk.first(makers_keys));
    assert!(desk.first(create).contains("3 in 1 chunks"));
    let said = desk.first(import);
    assert!(said.contains("2026-0042 is imported: 3 of 3 devices, 3 new"), "{said}");
    let said = desk.first(import_mapped);
    assert!(said.contains("other-maker.csv is imported: 2 of 2 devices, 2 new"), "{said}");
    let before = rehearsal.audited();
    let said = desk.first(again);
    assert!(said.contains("ended with 7") && said.contains("delivery.repeated"), "{said}");
    assert_eq!(rehearsal.audited(), before + 1, "the refusal is on record, and nothing else");
    the_openings_say_what_they_were_read_by(&rehearsal, &desk);

    let said = desk.first(plan);
    assert!(said.contains("5 devices, 15 certificates") && said.contains("waves of 1, 4"), "{said}");
    assert!(desk.step(SECOND, 0, approve).ok().out.contains("is running"));
    let titles: Vec<String> = SHIPPED.iter().chain(&MAPPED).map(|title| (*title).to_owned()).collect();
    let mut head_end = HeadEnd::new(&rehearsal, &titles);
    desk.swap(&mut head_end, orders, answers);
    assert!(desk.first(report).contains("5 of 5 done, 0 under way, 0 stuck"));

    desk.export(&mut head_end);
    let said = desk.first(reconcile);
    assert!(said.contains("15 lines compared, 0 differences"), "{said}");
    let said = desk.first(history);
    assert!(said.contains("factory certificates superseded, audit record"), "{said}");
    for event in ["imported", "certificate-issued", "operational", "are in the log"] {
        assert!(said.contains(event), "{event}: {said}");
    }
    assert!(desk.first(record).contains("maker delivered 4D504B0100000E11 to dso with 2026-0042"));
    let said = desk.first(later);
    assert!(said.contains("retired"), "{said}");
    let shown = rehearsal.operator_json(&["device", "show", SHIPPED[1]]);
    assert_eq!((&shown["device"]["state"], &shown["device"]["tenant"]), (&json!("retired"), &json!("dso")));
}

/// The audit log names the signed header and who signed it, and the map of the other file.
fn the_openings_say_what_they_were_read_by(rehearsal: &Rehearsal, desk: &Desk<'_>) {
    let records = rehearsal.audit_after(0);
    let opened: Vec<&str> = records
        .iter()
        .filter(|record| record["act"] == "delivery-opened")
        .map(|record| record["detail"].as_str().expect("a detail"))
        .collect();
    let [manifest, mapped] = opened.as_slice() else { panic!("{opened:?}") };
    assert!(manifest.contains("; header ") && manifest.contains("signed by CN=Shipments 1"), "{manifest}");
    let map = desk.first("meter-pki delivery maps --show plain-csv | sha256sum | cut -d' ' -f1");
    assert!(mapped.contains(&format!("; by the map {}", map.trim())), "{mapped}");
    let listed: Value = rehearsal.operator_json(&["delivery", "list"]);
    let sources: Vec<&Value> =
        listed["deliveries"].as_array().expect("a list").iter().map(|one| &one["source"]).collect();
    assert!(sources.contains(&&json!("manifest")) && sources.contains(&&json!("mapped")), "{listed}");
}
