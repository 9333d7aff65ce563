//! The registry of devices: states, owners, history with proofs, deliveries and reconciliation, with the real program.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use e2e::chapter::steps;
use e2e::fleet::{Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::peer::{Answer, Shown, encoded, path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish};
use serde_json::{Value, json};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/devices.md");

/// A meter of the rehearsed fleet.
const METER: &str = "4D504B0100000000";

/// The other meter of that fleet.
const OTHER: &str = "4D504B0200000001";

/// One that is delivered later.
const DELIVERED: &str = "4D504B0100000D01";

const USER: u32 = 1001;

fn step(rehearsal: &Rehearsal, block: &str) -> Said {
    let (case, configuration) = (path(&rehearsal.state("case")), path(&rehearsal.state("meter-pki.toml")));
    let named = format!("meter-pki() {{ command meter-pki --config {configuration} \"$@\"; }}");
    run_as(rehearsal, USER, &format!("umask 022; cd {case}; {named}\n{block}"))
}

fn state_of(rehearsal: &Rehearsal, title: &str) -> String {
    let view = rehearsal.operator_json(&["device", "show", title]);
    view["device"]["state"].as_str().expect("a state").to_owned()
}

#[track_caller]
fn assert_refused(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().ends_with(&format!("({code})\n")), "{}", answer.text());
}

#[test]
fn the_chapter_on_devices_works_as_it_stands() {
    let [look, suspend, resume, recall, clear, history, verify, reconcile] = steps(CHAPTER);
    let rehearsal =
        Rehearsal::start_with(2, |text| text.replace("[operator]\n", "[operator]\nusers = [1001]\n"));
    let_in(&rehearsal);
    let case = rehearsal.state("case");
    std::fs::create_dir(&case).expect("it can be made");
    std::fs::set_permissions(&case, Permissions::from_mode(0o777)).expect("ours");

    let said = step(&rehearsal, look).ok();
    assert!(said.out.contains(METER) && said.out.contains("operational"), "{}", said.out);
    drop(step(&rehearsal, suspend).ok());
    assert_eq!(state_of(&rehearsal, METER), "suspended");
    drop(step(&rehearsal, resume).ok());
    assert_eq!(state_of(&rehearsal, METER), "operational");
    drop(step(&rehearsal, recall).ok());
    let suspended = rehearsal.operator_json(&["device", "list", "--tenant", "dso", "--state", "suspended"]);
    assert_eq!(suspended["devices"].as_array().expect("a list").len(), 2);
    drop(step(&rehearsal, clear).ok());
    let counts = rehearsal.operator_json(&["device", "count", "--tenant", "dso"]);
    assert_eq!(counts, json!([{"value": "", "total": 2, "states": {"operational": 2}}]));
    let said = step(&rehearsal, history).ok();
    for event in ["imported", "claimed", "certificate-issued", "operational", "suspended", "resumed"] {
        assert!(said.out.contains(event), "{event}: {}", said.out);
    }
    let said = step(&rehearsal, verify).ok();
    assert!(said.out.contains("are in the log"), "{}", said.out);
    // One octet of a record changed: its proof holds no more.
    let file = case.join("history.json");
    let mut proofs: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("the step wrote it")).expect("JSON");
    let proof = proofs["proofs"][0]["proof"].as_str().expect("a proof");
    let (head, rest) = proof.split_once("extra ").expect("the record");
    let forged = format!("{head}extra {}{}", "TUFN", &rest[4..]);
    proofs["proofs"][0]["proof"] = forged.into();
    std::fs::write(case.join("forged.json"), proofs.to_string()).expect("it can be written");
    let said = step(&rehearsal, &verify.replace("history.json", "forged.json"));
    assert_eq!(said.code, Some(9), "{}", said.all());

    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    let line = |purpose: &str, certificate: Option<String>| {
        let mut line = json!({"system_title": METER, "purpose": purpose});
        line["certificate"] = certificate.into();
        line.to_string()
    };
    let good = line("key-agreement", Some(encoded(&to_der(&held.certificate)).replace('\n', "")));
    let its_own =
        encoded(&to_der(&Meter::new(&rehearsal, OTHER, Suite::One).held("meter-op-ka").certificate));
    let mut other: Value = serde_json::from_str(&good).expect("JSON");
    other["system_title"] = OTHER.into();
    other["certificate"] = its_own.replace('\n', "").into();
    let good = format!("{good}\n{other}");
    std::fs::write(case.join("exported.jsonl"), &good).expect("it can be written");
    let said = step(&rehearsal, reconcile).ok();
    assert!(said.out.contains("2 lines compared, 0 differences"), "{}", said.out);
    let bad = format!("{good}\n{}\n", line("tls", None));
    std::fs::write(case.join("exported.jsonl"), bad).expect("it can be written");
    std::fs::remove_file(case.join("differences.csv")).expect("the step wrote it");
    let said = step(&rehearsal, reconcile);
    assert_eq!(said.code, Some(9), "{}", said.all());
    let csv = std::fs::read_to_string(case.join("differences.csv")).expect("the step wrote it");
    assert!(csv.contains("reconcile.without_certificate"), "{csv}");
}

#[test]
fn a_suspended_meter_gets_nothing_by_certificate_or_token_and_goes_on_when_it_is_resumed() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    let factory = meter.manufacture().shown();
    meter.deliver();
    let (user, password) = rehearsal.token(DELIVERED, "meter-op-ka-s1");
    let suspend = ["device", "suspend", DELIVERED, "--tenant", "dso", "--reason", "reported stolen"];
    drop(rehearsal.operator(&suspend).ok());
    let records = rehearsal.audited();
    assert_refused(&meter.try_enrol("meter-op-tls", &factory), "device.suspended");
    let token = Shown::Password { user, password };
    assert_refused(&meter.try_enrol("meter-op-ka", &token), "device.suspended");
    assert_eq!(rehearsal.audited(), records + 2, "each refusal is on record");
    drop(rehearsal.operator(&["device", "resume", DELIVERED, "--tenant", "dso", "--reason", "found"]).ok());
    drop(meter.enrol("meter-op-tls", &factory));
    drop(meter.enrol("meter-op-ka", &token));
    drop(
        rehearsal.operator(&["device", "retire", DELIVERED, "--tenant", "dso", "--reason", "scrapped"]).ok(),
    );
    let shown = meter.try_enrol("meter-op-ds", &factory);
    assert_refused(&shown, "device.retired");
    let said = rehearsal.operator(&["device", "resume", DELIVERED, "--tenant", "dso", "--reason", "no"]);
    assert_eq!(said.code, Some(3), "{}", said.all());
    assert!(said.err.contains("device.retired"), "{}", said.err);
}

/// Asks over the operator's socket; the status and the JSON of the answer.
pub(crate) fn ask(rehearsal: &Rehearsal, method: &str, target: &str, body: &Value) -> (String, Value) {
    let file = rehearsal.unique("body.json");
    std::fs::write(&file, body.to_string()).expect("it can be written");
    let mut command = Command::new("curl");
    command.args(["-s", "-w", "\n%{http_code}", "-X", method, "-H", "content-type: application/json"]);
    command.arg("--unix-socket").arg(rehearsal.state("operator.sock"));
    command.arg("--data-binary").arg(format!("@{}", path(&file)));
    command.arg(format!("http://operator{target}"));
    let said = finish(&mut command).ok();
    let (answer, status) = said.out.rsplit_once('\n').expect("a status");
    (status.to_owned(), serde_json::from_str(answer).unwrap_or_default())
}

fn opening(announced: u64) -> Value {
    json!({
        "tenant": "dso", "manufacturer": "maker", "source": "mapped", "digest": "ab".repeat(32),
        "batch": "lot 7", "announced": announced,
    })
}

// Wrong, repeated, foreign and already claimed devices, a file that is imported twice, and a server that is killed between.
#[test]
fn a_delivery_is_imported_part_by_part_over_a_kill_and_refuses_what_is_wrong_with_its_code() {
    let mut rehearsal = Rehearsal::start(1);
    let parts = format!("/v1/deliveries/{}/parts", "ab".repeat(32));
    let other = "4D504B0100000D02";
    let (certificate, others) = {
        let der = |title: &str| {
            let made = Meter::new(&rehearsal, title, Suite::One).manufacture();
            encoded(&to_der(&made.certificate)).replace('\n', "")
        };
        (der(DELIVERED), der(other))
    };
    let device = |title: &str, certificate: &str| {
        json!({
            "system_title": title, "serial_number": "4711", "model": "MPK-1", "firmware": "1.2", "certificates": [certificate],
            "secrets": [{"kind": "gak", "wrapped_by": "dso-wrap-1", "octets": encoded(&[7; 24]).trim()}],
        })
    };
    let (status, view) = ask(&rehearsal, "POST", "/v1/deliveries", &opening(3));
    assert_eq!((status.as_str(), &view["next_part"]), ("200", &json!(0)), "{view}");
    let first = json!({"part": 0, "devices": [device(DELIVERED, &certificate), device(other, &certificate)]});
    let (_, view) = ask(&rehearsal, "POST", &parts, &first);
    assert_eq!(
        (&view["added"], &view["refused"][0]["code"]),
        (&json!(1), &json!("device.other_title")),
        "{view}"
    );

    rehearsal.kill();
    rehearsal.serve();
    let (_, again) = ask(&rehearsal, "POST", &parts, &first);
    assert_eq!(again, view, "the part is answered again");
    let (_, stands) = ask(&rehearsal, "POST", "/v1/deliveries", &opening(3));
    assert_eq!((&stands["next_part"], &stands["imported"]), (&json!(1), &json!(1)), "{stands}");
    let late = json!({"part": 5, "devices": [device(other, &others)]});
    let (_, refused) = ask(&rehearsal, "POST", &parts, &late);
    assert_eq!(refused["code"], "delivery.part_order", "{refused}");
    // A certificate of the owner's own hierarchy leads to no anchor of the manufacturer.
    let foreign = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let foreign = encoded(&to_der(&foreign.certificate)).replace('\n', "");
    let second = json!({"part": 1, "devices": [device(METER, &foreign)]});
    let (_, view) = ask(&rehearsal, "POST", &parts, &second);
    assert_eq!(view["refused"][0]["code"], "device.foreign_certificate", "{view}");
    let close = format!("/v1/deliveries/{}/close", "ab".repeat(32));
    let (_, closed) = ask(&rehearsal, "POST", &close, &json!({}));
    assert_eq!(closed["closed"], true, "{closed}");
    let (_, twice) = ask(&rehearsal, "POST", "/v1/deliveries", &opening(3));
    assert_eq!(twice["code"], "delivery.repeated", "{twice}");

    let shown = rehearsal.operator_json(&["device", "show", DELIVERED]);
    assert_eq!(shown["delivered"][0]["purpose"], "tls", "{shown}");
    assert_eq!(shown["secrets"], json!([{"kind": "gak", "wrapped_by": "dso-wrap-1"}]));
    assert!(!shown.to_string().contains(encoded(&[7; 24]).trim()), "no octets of a secret are shown");
    let by_firmware = rehearsal.operator_json(&["device", "list", "--tenant", "dso", "--firmware", "1.2"]);
    assert_eq!(by_firmware["devices"][0]["system_title"], DELIVERED, "{by_firmware}");
    let out = rehearsal.unique("secrets.json");
    let export =
        ["device", "secrets", DELIVERED, "--tenant", "dso", "--reason", "re-wrap", "--out", &path(&out)];
    drop(rehearsal.operator(&export).ok());
    assert!(std::fs::read_to_string(&out).expect("written").contains(encoded(&[7; 24]).trim()));
    let acts: Vec<Value> = rehearsal.audit_after(0).into_iter().map(|record| record["act"].clone()).collect();
    for act in ["delivery-opened", "delivery-part-taken", "delivery-closed", "secrets-exported"] {
        assert!(acts.contains(&json!(act)), "{act}");
    }
}

#[test]
fn a_device_moves_to_another_owner_by_a_move_and_never_by_an_import() {
    let rehearsal = Rehearsal::start(1);
    rehearsal.expect_devices("dso", &[DELIVERED]);
    let list = rehearsal.unique("devices.csv");
    std::fs::write(&list, format!("system_title,manufacturer\n{DELIVERED},maker\n")).expect("a list");
    let said = rehearsal.operator(&["device", "import", &path(&list), "--tenant", "maker"]);
    assert_eq!(said.code, Some(3), "{}", said.all());
    let pass = ["device", "move", DELIVERED, "--tenant", "dso", "--to", "maker", "--reason", "sold"];
    drop(rehearsal.operator(&pass).ok());
    let shown = rehearsal.operator_json(&["device", "show", DELIVERED]);
    assert_eq!(
        (&shown["device"]["tenant"], &shown["device"]["state"]),
        (&json!("maker"), &json!("expected"))
    );
    let history: Vec<(Value, Value)> = shown["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(|line| (line["event"].clone(), line["owner"].clone()))
        .collect();
    assert_eq!(history, [(json!("imported"), json!("dso")), (json!("owner-changed"), json!("maker"))]);
}

/// What the counters of differences say, by kind; those that are 0 left out.
fn counted(rehearsal: &Rehearsal) -> Vec<(String, u32)> {
    let socket = path(&rehearsal.state("operator.sock"));
    let said = e2e::tool::run("curl", ["-s", "--unix-socket", &socket, "http://operator/metrics"]).ok();
    let lines =
        said.out.lines().filter_map(|line| line.strip_prefix("pki_reconciliation_differences_total{kind=\""));
    let counted = lines.map(|line| {
        let (kind, count) = line.split_once("\"} ").expect("a kind and a count");
        (kind.to_owned(), count.parse().expect("a number"))
    });
    let all: Vec<(String, u32)> = counted.collect();
    assert_eq!(all.len(), 13, "each kind is there from the start: {all:?}");
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn each_difference_is_a_line_an_audit_record_and_a_count() {
    let rehearsal = Rehearsal::start(2);
    let held =
        |title| encoded(&to_der(&Meter::new(&rehearsal, title, Suite::One).held("meter-op-ka").certificate));
    let line = |title: &str, certificate: String| {
        let line = json!({"system_title": title, "purpose": "key-agreement", "certificate": certificate.replace('\n', "")});
        format!("{line}\n")
    };
    let compare = |lines: String, more: &[&str]| {
        let file = rehearsal.unique("exported.jsonl");
        std::fs::write(&file, lines).expect("it can be written");
        let exported = path(&file);
        let verb = ["device", "reconcile", "--tenant", "dso", "--exported", &exported];
        rehearsal.operator(&[&verb[..], more].concat())
    };
    assert_eq!(counted(&rehearsal), []);
    let before = rehearsal.audited();
    // Somebody mixed them up: each shows what is the other's.
    let swapped = line(METER, held(OTHER)) + &line(OTHER, held(METER));
    let said = compare(swapped, &[]);
    assert_eq!(
        (said.code, said.out.matches("reconcile.other_meters_certificate").count()),
        (Some(9), 2),
        "{}",
        said.all()
    );
    // One is missing; not so where the export says that it is of one region.
    let only = || line(METER, held(METER));
    let said = compare(only(), &[]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.out.contains(OTHER) && said.out.contains("reconcile.not_exported"), "{}", said.out);
    assert_eq!(compare(only(), &["--partial"]).code, Some(0));
    assert_eq!(compare(only(), &["--region", "nowhere"]).code, Some(0));
    // A factory certificate of the other one: it was not issued to this owner, and names another.
    let factory =
        encoded(&to_der(&Meter::new(&rehearsal, OTHER, Suite::One).held("meter-factory-ka").certificate));
    let said = compare(line(METER, factory), &["--partial"]);
    assert!(said.out.contains("reconcile.other_"), "{}", said.all());

    let records = rehearsal.audit_after(before);
    let told: Vec<&Value> =
        records.iter().filter(|record| record["act"] == "reconciliation-differed").collect();
    assert_eq!(told.len(), 4, "{records:?}");
    assert!(told.iter().all(|record| record["reason"].as_str().expect("a code").starts_with("reconcile.")));
    assert!(told[2]["detail"].as_str().expect("a detail").starts_with(OTHER), "{}", told[2]);
    let counted = counted(&rehearsal);
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u32>(), 4, "{counted:?}");
    assert!(counted.contains(&("reconcile.not_exported".to_owned(), 1)), "{counted:?}");
}

#[test]
fn the_alarms_of_the_chapter_name_counters_that_there_are() {
    let rehearsal = Rehearsal::start(1);
    let socket = path(&rehearsal.state("operator.sock"));
    let said = e2e::tool::run("curl", ["-s", "--unix-socket", &socket, "http://operator/metrics"]).ok();
    let (_, rules) = CHAPTER.split_once("```yaml\n").expect("a block of rules");
    let rules = rules.split("```").next().expect("it ends");
    let named: std::collections::BTreeSet<&str> = rules
        .split(|one: char| !one.is_ascii_alphanumeric() && one != '_')
        .filter(|word| word.starts_with("pki_"))
        .collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(said.out.contains(&format!("# TYPE {name} ")), "{name}");
    }
}
