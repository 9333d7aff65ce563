//! I-06 for the line: server and client are killed in the middle of a batch; the same command again gives each device one
//! certificate, what was there stays as it was, and no surplus leaves.

use std::process::{Command, Stdio};

use e2e::patience::eventually;
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;

use crate::ground::{certificates, faults, issue, open, order, rehearsal, report, requests, signature};

/// So many that a kill comes in the middle.
const DEVICES: usize = 1_100;

#[test]
fn i_06_a_batch_that_is_cut_on_either_side_goes_on_and_each_device_has_one_certificate() {
    let mut rehearsal = rehearsal();
    let more = signature(DEVICES + 10);
    open(&rehearsal, "PO-1", DEVICES, &more.iter().map(String::as_str).collect::<Vec<_>>());
    let wished = requests(&rehearsal.scratch("requests"), 'D', 1..=DEVICES);
    let out = rehearsal.scratch("out");

    // The server first.
    let (place, sheet) = (wished.to_string_lossy().into_owned(), out.to_string_lossy().into_owned());
    let arguments = ["factory", "issue", "--order", "PO-1", "--requests", &place, "--out", &sheet];
    let mut line = rehearsal.operator_command(&arguments);
    let mut line = line.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    eventually("some certificates are there", || (!certificates(&out).is_empty()).then_some(()));
    rehearsal.kill();
    let ended = line.wait().expect("it ends");
    let early = certificates(&out);
    assert!(!ended.success() && early.len() < DEVICES, "it was cut: {} certificates", early.len());
    rehearsal.serve();

    // Then the line itself.
    let mut line = rehearsal.operator_command(&arguments);
    let mut line = line.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let count = early.len();
    eventually("some more are there", || (certificates(&out).len() > count).then_some(()));
    line.kill().expect("it runs");
    drop(line.wait());
    let later = certificates(&out);
    assert!(later.len() < DEVICES, "it was cut: {} certificates", later.len());

    let said = issue(&rehearsal, "PO-1", &wished, &out).ok();
    let told = report(&said);
    assert_eq!(told["requests"], DEVICES);
    assert_eq!(told["refused"], 0);
    assert_eq!(told["done_before"], later.len());
    let all = certificates(&out);
    assert_eq!(all.len(), DEVICES);
    assert!(early.iter().chain(&later).all(|(name, octets)| all[name] == *octets), "what was there stays");
    let view = order(&rehearsal, "PO-1");
    assert_eq!(
        (&view["complete"], &view["places"], &view["under_way"]),
        (&DEVICES.into(), &DEVICES.into(), &0.into())
    );
    assert_eq!(report(&issue(&rehearsal, "PO-1", &wished, &out).ok())["done_before"], DEVICES);

    each_device_has_one(&rehearsal, &all);
    // A certificate that was lost on the disk comes back octet for octet.
    let lost = out.join(all.keys().next().expect("one"));
    std::fs::remove_file(&lost).expect("it was there");
    let again = report(&issue(&rehearsal, "PO-1", &wished, &out).ok());
    assert_eq!((&again["repeated"], &again["issued"]), (&1.into(), &0.into()));
    assert_eq!(certificates(&out), all);

    // One device more than was ordered, of a title that is in the range.
    requests(&wished, 'D', DEVICES + 1..=DEVICES + 1);
    let said = issue(&rehearsal, "PO-1", &wished, &out);
    assert_eq!(said.code, Some(3), "{}", said.all());
    let codes: Vec<String> = faults(&out).into_values().collect();
    assert_eq!(codes, ["order.full"]);
    assert_eq!(certificates(&out).len(), DEVICES);
    assert!(rehearsal.audited() > 0, "the trail is intact");
    rehearsal.stop();
    proves_that_no_surplus_left(&rehearsal);
}

/// The program that shares no code with what wrote the ledger reads it: every invariant, I18 among them.
fn proves_that_no_surplus_left(rehearsal: &Rehearsal) {
    let clients = rehearsal.unique("clients");
    std::fs::write(&clients, "").expect("a file");
    let mut checker = Command::new(program("ledger-checker"));
    for (option, place) in
        [("--store", "store"), ("--authorities", "authorities"), ("--published", "published")]
    {
        checker.arg(option).arg(rehearsal.state(place));
    }
    drop(finish(checker.arg("--clients").arg(&clients)).ok());
}

/// Every fiftieth is looked at: each look is a call.
fn each_device_has_one(rehearsal: &Rehearsal, all: &std::collections::BTreeMap<String, Vec<u8>>) {
    for name in all.keys().step_by(50) {
        let title = name.trim_start_matches('D').trim_end_matches(".pem");
        let issued = rehearsal.certificates_of(title);
        let good = issued.iter().filter(|row| row["status"] == "good").count();
        assert_eq!(good, 1, "{issued:?}");
    }
}
