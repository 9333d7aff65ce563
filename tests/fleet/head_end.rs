//! Simulated meters behind a simulated head-end, under campaigns of the program that serves.

use std::process::Command;

use e2e::patience::eventually;
use e2e::roll_out::{self, Counted, Owner, text};
use serde_json::Value;

/// What goes wrong between head-end and meters, of a thousand calls each.
const MISHAPS: [&str; 12] = [
    "--lose-requests",
    "20",
    "--lose-answers",
    "20",
    "--restarts",
    "30",
    "--wrong-answers",
    "100",
    "--delay",
    "20",
    "--seed",
    "11",
];

/// A campaign in which a call that came to nothing is given again soon.
const HASTE: [&str; 8] =
    ["--lease-seconds", "10", "--pause-seconds", "1", "--attempts", "10", "--per-minute", "100000"];

fn waves(count: &str) -> Vec<&str> {
    [&HASTE[..], &["--wave", count]].concat()
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field}: {report}"))
}

/// Asks for operational certificates with what the maker gave the meters, as who has their factory keys would.
fn ask_with_factory_certificates(owner: &Owner) -> (Option<i32>, Value) {
    let thief = owner.serving.scratch("thief");
    std::fs::create_dir(&thief).expect("it can be made");
    let read = |name: &str| std::fs::read_to_string(owner.fleet.join(name)).expect("a file of the fleet");
    let memory = read("memory.jsonl");
    let stolen = memory.lines().filter(|line| line.contains(r#""life":"factory""#));
    let stolen: String = stolen.map(|line| format!("{line}\n")).collect();
    std::fs::write(thief.join("memory.jsonl"), stolen).expect("it can be written");
    std::fs::write(thief.join("meters.jsonl"), read("meters.jsonl")).expect("it can be written");
    let mut command = Command::new(e2e::process::program("meter-pki"));
    command.args([
        "--json",
        "sim",
        "run",
        &text(&thief),
        "--patience",
        "1",
        "--url",
        &owner.serving.origin(),
    ]);
    command.arg("--trust").arg(owner.serving.root());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    roll_out::report(command.spawn().expect("it starts"))
}

#[test]
fn a_fleet_behind_a_head_end_gets_through_though_calls_are_lost_and_the_server_is_killed_three_times() {
    let mut owner = Owner::of("40", &[]);
    owner.take_delivery();
    for suite in ["s1", "s2"] {
        let planned = owner.campaign(suite, ("head-end", suite), &waves("20"));
        assert_eq!(planned["campaign"]["count"], 20, "{planned}");
    }
    let rounds = ["--until-done", "--together", "8"];
    let run = owner.head_end(&[&rounds[..], &MISHAPS].concat()).spawn().expect("it starts");
    let mut counted = Counted::default();
    for kill in 1..=3 {
        eventually("some more certificates", || (counted.go_on(&owner.fleet) >= kill * 25).then_some(()));
        owner.serving.kill();
        owner.serving.serve();
    }
    let (code, report) = roll_out::report(run);
    assert_eq!(report["defects"], Value::from(Vec::<Value>::new()), "{report}");
    assert_eq!((code, number(&report, "compared")), (Some(0), 120), "{report}");
    for campaign in report["campaigns"].as_array().expect("a list") {
        assert_eq!((&campaign["state"], number(campaign, "done")), (&Value::from("done"), 20), "{report}");
    }
    for count in ["lost", "restarts", "wrong", "silent"] {
        assert!(number(&report, count) > 0, "{count}: {report}");
    }
    // Whatever was brought wrongly was refused, each kind by its own code.
    for code in ["dlms.other_invoke_id", "swap.not_given", "swap.other_device", "dlms.unreadable"] {
        assert!(number(&report["refused"], code) > 0, "{code}: {report}");
    }
    let good = owner.good();
    for title in &owner.titles {
        assert_eq!(
            good.get(title).map(Vec::as_slice),
            Some(&["key-agreement", "signature", "tls"].map(String::from)[..]),
            "{title}"
        );
    }
    // The factory certificates open no door any more.
    let (code, refused) = ask_with_factory_certificates(&owner);
    assert_eq!((code, number(&refused, "through")), (Some(3), 0), "{refused}");
    // The same command finds nothing to do.
    let (code, again) =
        roll_out::report(owner.head_end(&["--until-done", "--campaign", "s1"]).spawn().expect("it starts"));
    assert_eq!((code, number(&again, "calls"), number(&again, "compared")), (Some(0), 0, 60), "{again}");
    let judged = owner.judged();
    assert!(judged.success, "{}", judged.all());
}

#[test]
fn a_meter_that_shows_anothers_certificate_stops_until_people_have_looked() {
    let owner = Owner::of("6", &["--suite", "1"]);
    owner.take_delivery();
    drop(owner.campaign(
        "strange",
        ("head-end", "s1"),
        &[&waves("6")[..], &["--stop-percent", "100"]].concat(),
    ));
    let strange = ["--until-done", "--other-certificates", "250", "--seed", "2"];
    let (code, report) = roll_out::report(owner.head_end(&strange).spawn().expect("it starts"));
    assert_eq!(report["defects"], Value::from(Vec::<Value>::new()), "{report}");
    assert_eq!(code, Some(3), "{report}");
    let stuck = number(&report["stuck_by_reason"], "swap.other_certificate");
    assert!(stuck > 0 && stuck == number(&report["campaigns"][0], "stuck"), "{report}");
    // Looked at: the meters show what they hold, and go on.
    drop(owner.serving.operator(&["campaign", "resume", "strange", "--stuck"]).ok());
    let (code, report) = roll_out::report(owner.head_end(&["--until-done"]).spawn().expect("it starts"));
    assert_eq!((code, number(&report, "compared")), (Some(0), 18), "{report}");
}

#[test]
fn what_is_no_file_of_orders_or_would_be_written_over_is_refused_and_no_call_is_made_after_its_time() {
    let owner = Owner::of("2", &["--suite", "1"]);
    owner.expect(&owner.titles);
    drop(owner.campaign("late", ("head-end", "s1"), &waves("2")));
    let place = |name: &str| text(&owner.serving.scratch(name));
    let (orders, answers) = (place("orders.jsonl"), place("answers.jsonl"));
    let said = |orders: &str, answers: &str| {
        let output = owner.head_end(&[orders, answers]).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    std::fs::write(&orders, "\n{}\n").expect("it can be written");
    let (code, told) = said(&orders, &answers);
    assert!(code == Some(2) && told.contains("sim.orders") && told.contains("line 2"), "{told}");
    std::fs::remove_file(&orders).expect("ours");
    eventually("two meters have work", || {
        drop(std::fs::remove_file(&orders));
        let taken = owner.serving.operator_json(&["campaign", "work-orders", "--out", &orders]);
        (taken["orders"] == 2).then_some(())
    });
    let whole = std::fs::read_to_string(&orders).expect("the orders");
    // One is too late, and one is for a meter that is not of this fleet.
    let mut lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines[0]["until"] = Value::from("2026-01-01T00:00:00Z");
    lines[1]["system_title"] = Value::from("53494D01FFFFFFFF");
    let changed = place("changed.jsonl");
    std::fs::write(&changed, format!("{}\n{}\n", lines[0], lines[1])).expect("it can be written");
    let (code, told) = said(&changed, &answers);
    let round: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(
        (code, number(&round, "late"), number(&round, "foreign"), number(&round, "calls")),
        (Some(0), 1, 1, 0)
    );
    assert_eq!(std::fs::read_to_string(&answers).expect("it was written"), "");
    let (code, told) = said(&orders, &answers);
    assert!(code == Some(7) && told.contains("file.exists"), "{told}");
}
