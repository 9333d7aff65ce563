//! Simulated meters against the program that serves: mishaps by seed, and a server that is killed.

use e2e::patience::eventually;
use e2e::rehearsal::Rehearsal;
use e2e::roll_out::{self, Owner, text};
use e2e::tool::openssl;
use serde_json::Value;

/// What goes wrong on the way, of a thousand messages each.
const MISHAPS: [&str; 10] = [
    "--lose-requests",
    "40",
    "--lose-answers",
    "40",
    "--restarts",
    "30",
    "--wrong-requests",
    "60",
    "--delay",
    "20",
];

fn good(serving: &Rehearsal, title: &str) -> Vec<String> {
    let all = serving.certificates_of(title);
    let good = all.iter().filter(|one| one["status"] == "good");
    let mut profiles: Vec<_> =
        good.map(|one| one["profile"].as_str().expect("a profile").to_owned()).collect();
    profiles.sort();
    profiles
}

#[test]
fn a_fleet_gets_through_though_messages_are_lost_and_the_server_is_killed_three_times() {
    let mut owner = Owner::of("60", &[]);
    owner.expect(&owner.titles);
    let run = owner.run(&[&MISHAPS[..], &["--seed", "11"]].concat()).spawn().expect("it starts");
    for kill in 1..=3 {
        eventually("some more certificates", || (owner.certificates() >= kill * 30).then_some(()));
        owner.serving.kill();
        owner.serving.serve();
    }
    let (code, report) = roll_out::report(run);
    assert_eq!(
        (code, &report["through"], &report["stuck"]),
        (Some(0), &Value::from(60), &Value::from(Vec::<Value>::new())),
        "{report}"
    );
    assert_eq!(report["defects"], Value::from(Vec::<Value>::new()));
    for count in ["lost", "restarts", "wrong_refused"] {
        assert!(report[count].as_u64() > Some(0), "{count}: {report}");
    }
    assert!(report["tries"].as_u64() > report["certificates"].as_u64(), "{report}");
    // However often a meter asked: one certificate of each purpose.
    for title in &owner.titles {
        let suite = if title.starts_with("53494D01") { "s1" } else { "s2" };
        assert_eq!(
            good(&owner.serving, title),
            ["ds", "ka", "tls"].map(|purpose| format!("meter-op-{purpose}-{suite}")),
            "{title}"
        );
    }
    // Whoever is through stays so, and the same command finds nothing to do.
    let (code, again) = roll_out::report(owner.run(&[]).spawn().expect("it starts"));
    assert_eq!(
        (code, &again["through_before"], &again["certificates"]),
        (Some(0), &Value::from(60), &Value::from(0)),
        "{again}"
    );
}

#[test]
fn meters_that_nobody_expects_are_stuck_and_the_report_says_why() {
    let owner = Owner::of("6", &[]);
    owner.expect(&owner.titles[..4]);
    let (code, report) = roll_out::report(owner.run(&[]).spawn().expect("it starts"));
    assert_eq!((code, &report["through"]), (Some(3), &Value::from(4)), "{report}");
    let stuck: Vec<_> =
        report["stuck"].as_array().expect("a list").iter().map(|one| one["system_title"].clone()).collect();
    assert_eq!(stuck, owner.titles[4..].iter().cloned().map(Value::from).collect::<Vec<_>>());
    let reasons = report["stuck_by_reason"].as_object().expect("reasons");
    assert_eq!(reasons.values().collect::<Vec<_>>(), [&Value::from(2)], "both are stuck alike: {report}");
    assert!(reasons.keys().all(|why| why.contains("403")), "{report}");
    // Put on the list, the same command gets them through.
    owner.expect(&owner.titles[4..]);
    let (code, report) = roll_out::report(owner.run(&[]).spawn().expect("it starts"));
    assert_eq!(
        (code, &report["through"], &report["through_before"]),
        (Some(0), &Value::from(6), &Value::from(4))
    );
}

#[test]
fn what_the_simulated_maker_certifies_openssl_verifies() {
    let owner = Owner::of("2", &[]);
    let pem_of = |name: &str| {
        let (der, pem) = (text(&owner.fleet.join(name)), text(&owner.serving.unique("authority.pem")));
        drop(openssl(["x509", "-inform", "der", "-in", &der, "-out", &pem]).ok());
        pem
    };
    let delivery = std::fs::read_to_string(owner.fleet.join("delivery.jsonl")).expect("a delivery");
    for (line, suite) in delivery.lines().zip(["s1", "s2"]) {
        let device: Value = serde_json::from_str(line).expect("JSON");
        let (root, above) =
            (pem_of(&format!("maker-root-{suite}.cer")), pem_of(&format!("maker-factory-{suite}.cer")));
        for certificate in device["certificates"].as_array().expect("certificates") {
            let one = owner.serving.unique("factory.cer");
            let base64 = certificate.as_str().expect("a text");
            let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
            std::fs::write(&one, pem).expect("a file");
            let verify = ["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &above, &text(&one)];
            drop(openssl(verify).ok());
        }
    }
}

#[test]
fn what_is_delivered_is_imported_once_swapped_and_its_history_is_proven() {
    let owner = Owner::of("4", &[]);
    let file = text(&owner.fleet.join("delivery.jsonl"));
    let import =
        ["delivery", "import", &file, "--map", "manifest-lines", "--tenant", "dso", "--manufacturer", "sim"];
    let imported = owner.serving.operator_json(&import);
    assert_eq!((&imported["imported"], &imported["refused"]), (&Value::from(4), &Value::from(0)));
    let again = owner.serving.operator(&import);
    assert!(!again.success && again.err.contains("delivery.repeated"), "{again:?}");
    let list = owner.serving.operator_json(&["delivery", "list"]);
    let [delivery] = list["deliveries"].as_array().expect("a list").as_slice() else { panic!("{list}") };
    assert_eq!((&delivery["announced"], &delivery["closed"]), (&Value::from(4), &Value::from(true)));

    let (code, report) = roll_out::report(owner.run(&[]).spawn().expect("it starts"));
    assert_eq!((code, &report["through"]), (Some(0), &Value::from(4)), "{report}");
    for title in &owner.titles {
        let device = owner.serving.operator_json(&["device", "show", title]);
        assert_eq!(
            (&device["device"]["tenant"], &device["device"]["state"]),
            (&Value::from("dso"), &Value::from("operational"))
        );
        let history = owner.serving.operator_json(&["device", "history", title]);
        let events =
            history.as_array().expect("lines").iter().map(|line| line["event"].as_str().expect("a word"));
        let wanted = [
            "imported",
            "claimed",
            "certificate-issued",
            "operational",
            "certificate-issued",
            "certificate-issued",
        ];
        assert_eq!(events.collect::<Vec<_>>(), wanted, "{title}");
    }
    let (title, proof) = (&owner.titles[0], text(&owner.serving.unique("history.json")));
    drop(owner.serving.operator(&["device", "history", title, "--proof", &proof]).ok());
    drop(owner.serving.operator(&["device", "history", title, "--verify", &proof]).ok());
    // It proves nothing of another device.
    let written = std::fs::read_to_string(&proof).expect("the proof");
    std::fs::write(&proof, written.replace(title, &owner.titles[1])).expect("a file");
    let other = owner.serving.operator(&["device", "history", &owner.titles[1], "--verify", &proof]);
    assert_eq!(other.code, Some(9), "{other:?}");
}

#[test]
fn a_campaign_of_meters_that_ask_over_est_is_done_once_what_they_hold_was_exported() {
    let mut owner = Owner::of("4", &["--suite", "1"]);
    owner.take_delivery();
    drop(owner.campaign("by-themselves", ("device", "s1"), &["--wave", "4", "--per-minute", "600"]));
    let standing = |field: &str| owner.standing("by-themselves")["total"][field].as_u64();
    eventually("all are begun", || (standing("underway") == Some(4)).then_some(()));
    let (code, report) = roll_out::report(owner.run(&[]).spawn().expect("it starts"));
    assert_eq!((code, &report["through"]), (Some(0), &Value::from(4)), "{report}");
    // The server knows what it gave, and not yet what they hold.
    assert_eq!((standing("underway"), standing("done")), (Some(4), Some(0)));
    let compared = owner.reconcile();
    assert_eq!(
        (&compared["compared"], &compared["differences"]),
        (&Value::from(12), &Value::from(Vec::<Value>::new()))
    );
    eventually("the campaign is done", || (owner.standing("by-themselves")["state"] == "done").then_some(()));
    let device = ["campaign", "show", "by-themselves", "--system-title", &owner.titles[0]];
    let told = owner.serving.operator_json(&device);
    let [evidence] = told["evidence"].as_array().expect("a list").as_slice() else { panic!("{told}") };
    let proofs = evidence["certificates"].as_array().expect("a list").iter().map(|one| &one["proof"]);
    assert_eq!(proofs.collect::<Vec<_>>(), ["export"; 3], "{evidence}");
    let judged = owner.judged();
    assert!(judged.success, "{}", judged.all());
}
