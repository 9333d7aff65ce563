//! Campaigns that renew and that lift to another suite, on both roads: by a head-end with simulated meters of class 64, and by
//! meters that ask by themselves, over EST and over CMP with OpenSSL; over lost answers, pauses, and a server that is killed.

use std::path::PathBuf;

use ca_core::suite::{Curve, SecuritySuite};
use dlms::security_setup::{MeterKey, SecurityPolicy};
use e2e::fleet::{Credential, Meter, Suite};
use e2e::head_end::{HeadEnd, authority};
use e2e::judged;
use e2e::messages::{make_message_signer, serving_cmp};
use e2e::patience::eventually;
use e2e::peer::{Operation, certificate_of, make_key, path, send_request, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::{Value, json};

/// The meter of the rehearsed fleet.
const METER: &str = "4D504B0100000000";

/// How many meters are behind the head-end.
const METERS: u8 = 3;

fn title(number: u8) -> String {
    format!("4D504B0100000D{:02X}", 0x10 + number)
}

pub(crate) fn view(rehearsal: &Rehearsal, name: &str) -> Value {
    rehearsal.operator_json(&["campaign", "show", name])
}

/// Plans a campaign and has it run; returns the plan.
pub(crate) fn run(rehearsal: &Rehearsal, name: &str, goal: &str, more: &[&str]) -> Value {
    let begin = ["campaign", "plan", "--tenant", "dso", "--name", name, "--goal", goal];
    let bounds =
        ["--lease-seconds", "10", "--pause-seconds", "1", "--stop-percent", "100", "--per-minute", "600"];
    let plan = rehearsal.operator_json(&[&begin[..], &bounds, more].concat());
    let digest = plan["campaign"]["digest"].as_str().expect("it has devices").to_owned();
    drop(rehearsal.operator(&["campaign", "start", &digest]).ok());
    plan
}

/// What was left out of a plan: codes and how many.
pub(crate) fn left_out(plan: &Value) -> Vec<(String, u64)> {
    let all = plan["left_out"].as_array().expect("a list").iter();
    all.map(|one| (one["code"].as_str().expect("a code").to_owned(), one["count"].as_u64().expect("a count")))
        .collect()
}

/// Has a head-end work until there is nothing left to do for it; `between` is told how many rounds there were, after each call
/// was made and before it is answered.
pub(crate) fn work(
    rehearsal: &mut Rehearsal,
    head_end: &mut HeadEnd,
    (name, is_over): (&str, &dyn Fn(&Value) -> bool),
    mut between: impl FnMut(&mut Rehearsal, usize),
) {
    for round in 1.. {
        let orders = eventually("work for the head-end, or the end", || {
            let orders = rehearsal.unique("orders.jsonl");
            drop(rehearsal.operator(&["campaign", "work-orders", name, "--out", &path(&orders)]));
            let any = std::fs::read_to_string(&orders).is_ok_and(|text| !text.is_empty());
            (any || is_over(&view(rehearsal, name))).then_some(any.then_some(orders))
        });
        let Some(orders) = orders else { return };
        let answers = rehearsal.unique("answers.jsonl");
        head_end.work(&orders, &answers);
        between(rehearsal, round);
        drop(rehearsal.operator(&["campaign", "answers", &path(&answers)]).ok());
    }
}

pub(crate) fn is_done(view: &Value) -> bool {
    view["state"] == "done"
}

pub(crate) fn killed_at(rounds: &'static [usize]) -> impl FnMut(&mut Rehearsal, usize) {
    move |rehearsal, round| {
        if rounds.contains(&round) {
            rehearsal.kill();
            rehearsal.serve();
        }
    }
}

/// An owner with meters behind a head-end, of which some are cleared for suite 2.
fn behind_a_head_end() -> (Rehearsal, HeadEnd) {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let text = text
            .replace("doors = [\"factory-certificate\"", "doors = [\"campaign\", \"factory-certificate\"");
        let cleared = "[[uplift]]\nmanufacturer = \"maker\"\nmodel = \"E350\"\nfirmware_from = \"4.10\"\nsuites = [2]\n";
        format!("{text}\n[revocation]\ntwo_people_from = 0\n\n{cleared}")
    });
    let rows: String =
        (1..=METERS).map(|number| format!("{},maker,E350,4.10.2,B-8\n", title(number))).collect();
    let list = rehearsal.unique("devices.csv");
    std::fs::write(&list, format!("system_title,manufacturer,model,firmware,batch\n{rows}")).expect("a list");
    drop(rehearsal.operator(&["device", "import", &path(&list), "--tenant", "dso"]).ok());
    let titles: Vec<String> = (1..=METERS).map(title).collect();
    let mut head_end = HeadEnd::new(&rehearsal, &titles);
    head_end.lose_one("import-certificate");
    (rehearsal, head_end)
}

fn keys(head_end: &HeadEnd, key: MeterKey) -> Vec<Vec<u8>> {
    let certificate =
        |meter: &dlms::meter::Meter| meter.certificate(key).expect("a certificate").der().to_vec();
    head_end.meters.values().map(certificate).collect()
}

pub(crate) const OF_SUITE_1: [&str; 4] = ["--profile", "meter-op-ka-s1", "--profile", "meter-op-ds-s1"];
pub(crate) const OF_SUITE_2: [&str; 4] = ["--profile", "meter-op-ka-s2", "--profile", "meter-op-ds-s2"];
const WHOM: [&str; 4] = ["--road", "head-end", "--batch", "B-8"];

#[test]
fn a_head_end_swaps_renews_and_lifts_meters_over_kills_lost_answers_and_a_pause() {
    let (mut rehearsal, mut head_end) = behind_a_head_end();
    run(&rehearsal, "swap", "swap", &[&WHOM[..], &OF_SUITE_1].concat());
    work(&mut rehearsal, &mut head_end, ("swap", &is_done), killed_at(&[2]));
    let swapped = keys(&head_end, MeterKey::Signature);

    // Renewal: a wave of one, then the rest. Paused, no other is begun, and what is under way is finished.
    let waves = ["--wave", "1"];
    let plan = run(&rehearsal, "renew", "renew", &[&WHOM[..], &OF_SUITE_1, &waves].concat());
    assert_eq!(left_out(&plan), []);
    head_end.lose_one("import-certificate");
    eventually("the first is begun", || (view(&rehearsal, "renew")["total"]["underway"] == 1).then_some(()));
    drop(rehearsal.operator(&["campaign", "pause", "renew", "--reason", "storm"]).ok());
    let first_is_over = |view: &Value| view["total"]["done"] == 1;
    work(&mut rehearsal, &mut head_end, ("renew", &first_is_over), killed_at(&[1, 3, 6]));
    let paused = view(&rehearsal, "renew");
    assert_eq!((&paused["state"], &paused["total"]["waiting"]), (&json!("paused"), &json!(2)), "{paused}");
    drop(rehearsal.operator(&["campaign", "resume", "renew"]).ok());
    work(&mut rehearsal, &mut head_end, ("renew", &is_done), killed_at(&[4, 8]));
    let renewed = keys(&head_end, MeterKey::Signature);
    assert!(swapped.iter().zip(&renewed).all(|(before, after)| before != after));
    let shown = rehearsal.operator_json(&["campaign", "show", "renew", "--system-title", &title(1)]);
    assert_eq!(shown["evidence"][0]["certificates"].as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(shown["evidence"][0]["factory_record"], Value::Null);

    lift(&mut rehearsal, &mut head_end);
    is_sound(&mut rehearsal);
}

/// The ledger finds itself sound, and so does the program that reads it without any code of the ledger's.
fn is_sound(rehearsal: &mut Rehearsal) {
    assert!(rehearsal.audited() > 0, "its log is not empty");
    judged::is_sound(rehearsal, false);
}

/// From suite 1 to suite 2: one meter's firmware was not updated, whatever the records say.
fn lift(rehearsal: &mut Rehearsal, head_end: &mut HeadEnd) {
    let swap = rehearsal.operator(
        &[
            &["campaign", "plan", "--tenant", "dso", "--name", "wrong", "--goal", "renew"],
            &WHOM[..],
            &OF_SUITE_2,
        ]
        .concat(),
    );
    assert!(swap.out.contains("left out: 3 (swap.other_suite)"), "{}", swap.all());
    let policy = ["--security-policy", "authenticated-request", "--security-policy", "signed-request"];
    let without = rehearsal.operator(
        &[
            &["campaign", "plan", "--tenant", "dso", "--name", "lift", "--goal", "uplift"],
            &WHOM[..],
            &OF_SUITE_2,
        ]
        .concat(),
    );
    assert!(without.err.contains("(campaign.setup)"), "{}", without.all());
    let [behind, ..] = [1, 2, 3].map(title);
    let anchor = authority(rehearsal, "dso-operational-s2");
    for (_, meter) in head_end.meters.iter_mut().filter(|(title, _)| **title != behind) {
        meter.update(SecuritySuite::Suite2, [anchor.clone()]);
    }
    run(rehearsal, "lift", "uplift", &[&WHOM[..], &OF_SUITE_2, &policy].concat());
    head_end.made.clear();
    head_end.lose_one("import-certificate");
    let all_but_one = |view: &Value| view["total"]["done"] == 2 && view["total"]["stuck"] == 1;
    work(rehearsal, head_end, ("lift", &all_but_one), killed_at(&[1, 5, 10]));
    let stuck = rehearsal.operator(&["campaign", "stuck", "lift"]).ok();
    assert!(stuck.out.contains(&behind) && stuck.out.contains("swap.meter_suite"), "{}", stuck.out);
    let untouched = head_end.meters.get(&behind).expect("ours");
    assert_eq!(curve(untouched, MeterKey::Signature), Curve::P256);
    assert!(
        head_end
            .made
            .iter()
            .filter(|(title, ..)| *title == behind)
            .all(|(.., call)| call == "read-security-suite")
    );
    // Its firmware comes, and a person has it tried again.
    head_end.meters.get_mut(&behind).expect("ours").update(SecuritySuite::Suite2, [anchor]);
    drop(rehearsal.operator(&["campaign", "resume", "lift", "--stuck"]).ok());
    work(rehearsal, head_end, ("lift", &is_done), killed_at(&[2]));
    for (title, meter) in &head_end.meters {
        assert_eq!(
            [MeterKey::Signature, MeterKey::KeyAgreement].map(|key| curve(meter, key)),
            [Curve::P384; 2]
        );
        assert_eq!(meter.policy(), SecurityPolicy::from_bits(0x14).expect("a policy"));
        let calls: Vec<&str> =
            head_end.made.iter().filter(|(of, ..)| of == title).map(|(.., call)| call.as_str()).collect();
        assert_eq!(calls.first(), Some(&"read-security-suite"), "{calls:?}");
        assert_eq!(calls.last(), Some(&"activate"), "{calls:?}");
    }
    let again = rehearsal.operator(
        &[
            &["campaign", "plan", "--tenant", "dso", "--name", "again", "--goal", "uplift"],
            &WHOM[..],
            &OF_SUITE_2,
            &policy,
        ]
        .concat(),
    );
    assert!(again.out.contains("left out: 3 (swap.already_uplifted)"), "{}", again.all());
}

pub(crate) fn curve(meter: &dlms::meter::Meter, key: MeterKey) -> Curve {
    meter.certificate(key).expect("a certificate").public_key().curve()
}

#[test]
fn meters_that_are_not_cleared_are_left_out_of_an_uplift_and_each_says_why() {
    let (rehearsal, _) = behind_a_head_end();
    let list = rehearsal.unique("others.csv");
    let row =
        |number: u8, model: &str, firmware: &str| format!("{},maker,{model},{firmware},B-9\n", title(number));
    let rows =
        [row(20, "E350", "4.9"), row(21, "E450", "4.10"), row(22, "E350", ""), row(23, "E350", "4.11")]
            .concat();
    std::fs::write(&list, format!("system_title,manufacturer,model,firmware,batch\n{rows}")).expect("a list");
    drop(rehearsal.operator(&["device", "import", &path(&list), "--tenant", "dso"]).ok());
    let whom = ["--road", "head-end", "--batch", "B-9", "--security-policy", "nothing"];
    let begin = ["campaign", "plan", "--tenant", "dso", "--name", "lift", "--goal", "uplift"];
    let plan = rehearsal.operator_json(&[&begin[..], &whom, &OF_SUITE_2].concat());
    let codes = ["uplift.firmware", "uplift.model", "uplift.not_described"];
    assert_eq!(left_out(&plan), codes.map(|code| (code.to_owned(), 1)));
    assert_eq!((&plan["campaign"]["count"], &plan["campaign"]["suite"]), (&json!(1), &json!(2)));
    let plan = rehearsal.operator_json(&[&begin[..], &whom, &OF_SUITE_1].concat());
    assert!(left_out(&plan).contains(&("uplift.suite".to_owned(), 1)), "{plan}");
    let mixed = ["--profile", "meter-op-ka-s1", "--profile", "meter-op-ds-s2"];
    let refused = rehearsal.operator(&[&begin[..], &whom, &mixed].concat());
    assert!(refused.err.contains("(campaign.suites)"), "{}", refused.all());
    // The meter of the fleet has keys of suite 1.
    let fleet = ["--road", "device", "--batch", "quickstart", "--profile", "meter-op-tls-s2"];
    let plan = rehearsal.operator_json(
        &[&["campaign", "plan", "--tenant", "dso", "--name", "renew", "--goal", "renew"], &fleet[..]]
            .concat(),
    );
    assert_eq!(
        (&plan["campaign"], left_out(&plan)),
        (&Value::Null, vec![("swap.other_suite".to_owned(), 1)])
    );
}

/// An owner whose meters renew at any time, over EST and CMP; what is replaced is revoked as soon as the new one is in use.
fn renewing() -> Rehearsal {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, core::convert::identity);
    rehearsal.stop();
    for row in ["meter-op-tls", "meter-op-ds"] {
        let profile = rehearsal.state(&format!("profiles/{row}.toml"));
        let text = std::fs::read_to_string(&profile).expect("the profile");
        std::fs::write(&profile, format!("{text}revoke_replaced_after_days = 0\n"))
            .expect("it can be written");
    }
    serve_cmp(&mut rehearsal, &["meter-op-ds-s1", "meter-op-tls-s1"], |text| {
        format!("{text}\n[revocation]\ntwo_people_from = 0\n")
    });
    rehearsal
}

/// Starts a server that was stopped, for CMP with these profiles over TLS.
pub(crate) fn serve_cmp(rehearsal: &mut Rehearsal, profiles: &[&str], edit: impl FnOnce(String) -> String) {
    make_message_signer(rehearsal);
    rehearsal.configure("cmp.toml", |text| edit(serving_cmp(&text, profiles, "")));
    rehearsal.serve();
    to_pem(&rehearsal.state("tls/messages.cer"), &rehearsal.state("tls/messages.pem"));
}

fn re_enrol(rehearsal: &Rehearsal, row: &str, shown: &Credential) -> Credential {
    let meter = Meter::new(rehearsal, METER, Suite::One);
    let asked = meter.ask();
    let label = meter.label(row);
    let answer = send_request(rehearsal, (Operation::ReEnrol, &label), &asked.request, &shown.shown(), &[]);
    Credential { certificate: certificate_of(rehearsal, &answer), key: asked.key, request: asked.request }
}

/// The number of revocations that are scheduled.
fn scheduled(rehearsal: &Rehearsal) -> usize {
    rehearsal.operator_json(&["revocation", "scheduled"])["scheduled"].as_array().expect("a list").len()
}

fn status(rehearsal: &Rehearsal, serial: &str) -> Value {
    rehearsal.operator_json(&["cert", "show", serial])["status"].clone()
}

fn stage(rehearsal: &Rehearsal, name: &str) -> (Value, Value) {
    stage_of(rehearsal, name, METER)
}

/// Where the first swap of a device stands, and how it is known that the device has its certificate.
pub(crate) fn stage_of(rehearsal: &Rehearsal, name: &str, title: &str) -> (Value, Value) {
    let shown = rehearsal.operator_json(&["campaign", "show", name, "--system-title", title]);
    (shown["swaps"][0]["stage"].clone(), shown["swaps"][0]["proof"].clone())
}

#[test]
fn a_meter_renews_over_est_and_its_former_certificate_goes_when_it_has_shown_the_new_one() {
    let mut rehearsal = renewing();
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let whom = ["--road", "device", "--batch", "quickstart", "--profile", "meter-op-tls-s1"];
    let plan = run(&rehearsal, "tls", "renew", &whom);
    assert_eq!(plan["campaign"]["count"], 1, "{plan}");
    eventually("it is begun", || (view(&rehearsal, "tls")["total"]["underway"] == 1).then_some(()));
    let new = re_enrol(&rehearsal, "meter-op-tls", &held);
    assert_eq!(stage(&rehearsal, "tls"), (json!("issued"), Value::Null));
    rehearsal.kill();
    rehearsal.serve();
    // Days are none, and the meter may never have got its answer: the former one is good.
    assert_eq!((scheduled(&rehearsal), status(&rehearsal, &held.serial())), (0, json!("good")));
    // It asks once more, and shows the new one: with that it is in use.
    let next = re_enrol(&rehearsal, "meter-op-tls", &new);
    assert_eq!(stage(&rehearsal, "tls"), (json!("activated"), json!("use")));
    eventually("the former one is revoked", || {
        (status(&rehearsal, &held.serial()) == "revoked").then_some(())
    });
    eventually("it is done", || is_done(&view(&rehearsal, "tls")).then_some(()));
    // What no campaign follows any more is replaced at once.
    eventually("so is the one before", || (status(&rehearsal, &new.serial()) == "revoked").then_some(()));
    assert_eq!(status(&rehearsal, &next.serial()), "good");
}

#[test]
fn a_meter_renews_over_cmp_and_its_own_confirmation_ends_it() {
    let rehearsal = renewing();
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let whom = ["--road", "device", "--batch", "quickstart", "--profile", "meter-op-tls-s1"];
    run(&rehearsal, "tls", "renew", &whom);
    eventually("it is begun", || (view(&rehearsal, "tls")["total"]["underway"] == 1).then_some(()));
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    let new = kur(&rehearsal, meter, &held).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(stage(&rehearsal, "tls"), (json!("activated"), json!("message")));
    eventually("it is done", || is_done(&view(&rehearsal, "tls")).then_some(()));
    eventually("the former one is revoked", || {
        (status(&rehearsal, &held.serial()) == "revoked").then_some(())
    });
    assert_eq!(status(&rehearsal, &new.serial()), "good");
}

/// Key update of a meter's TLS certificate by OpenSSL, over TLS (RFC 9483 §4.1.3), to a key of the meter's suite; else what OpenSSL said.
pub(crate) fn kur(rehearsal: &Rehearsal, meter: Meter<'_>, held: &Credential) -> Result<Credential, String> {
    let (certificate, key): (PathBuf, PathBuf) = (rehearsal.unique("cmp.pem"), rehearsal.unique("cmp.key"));
    make_key(&key, meter.suite.curve());
    let host = rehearsal.origin().trim_start_matches("https://").to_owned();
    let (messages, root) = (path(&rehearsal.state("tls/messages.pem")), path(&rehearsal.root()));
    let (shown, its_key) = (path(&held.certificate), path(&held.key));
    let subject = format!("/CN={}", meter.title);
    let place = format!("/.well-known/cmp/p/{}", meter.label("meter-op-tls"));
    let ask = ["cmp", "-config", "", "-batch", "-server", &host, "-path", &place];
    let trust = ["-trusted", &messages, "-tls_used", "-tls_trusted", &root, "-msg_timeout", "30"];
    let (new, out) = (path(&key), path(&certificate));
    let what = [
        "-cmd",
        "kur",
        "-newkey",
        &new,
        "-certout",
        &out,
        "-cert",
        &shown,
        "-key",
        &its_key,
        "-subject",
        &subject,
        "-digest",
        meter.suite.digest(),
    ];
    let said = openssl([&ask[..], &trust, &what].concat());
    if !certificate.exists() {
        return Err(said.all());
    }
    Ok(Credential { certificate, key, request: Vec::new() })
}
