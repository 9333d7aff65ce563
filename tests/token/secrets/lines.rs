//! Many lines: what is wrong in one is told for it alone, nothing is in clear anywhere, and a run that was killed is taken up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use e2e::process::program;
use serde_json::{Value, json};

use super::device;
use super::house::{House, KEY_16, KEY_32, Wrap, base64};
use crate::desk::text;

const FILES: [&str; 4] = ["--in", "in.jsonl", "--out", "out.jsonl"];

fn one(kind: &str, octets: &[u8]) -> Value {
    json!([{"kind": kind, "wrapped_by": "batch", "octets": base64(octets)}])
}

#[test]
fn each_line_that_is_wrong_is_refused_with_its_code_and_the_others_go_through() {
    let house = House::with_known_transport("batch");
    let key = house.wrap(Wrap::Rfc3394, &KEY_16);
    let mut altered = key.clone();
    altered[11] ^= 0x10;
    let ten = house.wrap(Wrap::Rfc5649, b"ten-octets");
    let good = device(&house, "4D504B0100000A01");
    let mut mixed = good.clone();
    mixed["secrets"][1]["octets"] = json!(base64(&house.wrap(Wrap::Rfc3394, &KEY_32)));
    let mut one_of_four = good.clone();
    one_of_four["secrets"][2] = one("lls", &ten)[0].clone();
    let with = |secrets: Value| json!({"system_title": "4D504B0100000A0F", "secrets": secrets}).to_string();
    let lines = [
        (good.to_string(), ""),
        (with(one("guek", &altered)), "secret.not-unwrapped"),
        (with(one("guek", &KEY_16)), "secret.in-clear"),
        (with(one("gak", &KEY_32)), "secret.in-clear"),
        (with(one("guek", &key[..23])), "secret.length"),
        (with(one("lls", &KEY_16)), "secret.not-unwrapped"),
        (with(one("lls", &ten)), "secret.length-lost"),
        (one_of_four.to_string(), "secret.length-lost"),
        (mixed.to_string(), "secret.other-suite"),
        (with(one("pin", &key)), "secret.kind"),
        (house.with_labels(&good, "unheard-of").to_string(), "secret.other-key"),
        (
            format!("{{\"system_title\":\"4D504B0100000A0F\",\"secrets\":\"{}\"}}", base64(&KEY_16)),
            "line.unreadable",
        ),
        (format!("not JSON: {}", super::hex(&KEY_16)), "line.unreadable"),
        (String::new(), "line.unreadable"),
        (json!({"system_title": super::hex(&KEY_32)}).to_string(), "line.system-title"),
        (json!({"system_title": "4D504B0100000A02", "suite": 7}).to_string(), "line.suite"),
        (json!({"system_title": "4D504B0100000A03"}).to_string(), ""),
    ];
    let file: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    std::fs::write(house.desk.at("clear-in.jsonl"), file).expect("a file");
    let files = ["--in", "clear-in.jsonl", "--out", "out.jsonl"];
    let run = ["rewrap", &house.dso(), "--from", "batch", "--to", "storage"];
    house.refuses(&[&run[..], &files].concat(), 3, "secrets.refused");

    let refused: Vec<Value> = house
        .read("out.jsonl.refused")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let told: Vec<_> =
        refused.iter().map(|one| (one["line"].as_u64().unwrap(), text(one, "code").to_owned())).collect();
    let expected: Vec<_> = (1_u64..)
        .zip(&lines)
        .filter(|(_, (_, code))| !code.is_empty())
        .map(|(line, (_, code))| (line, (*code).to_owned()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!((text(&refused[0], "system_title"), text(&refused[0], "kind")), ("4D504B0100000A0F", "guek"));
    assert_eq!(house.read("out.jsonl").lines().count(), 2, "a line is whole or refused");
    // Neither what was wrapped nor what came in clear is told again.
    for secret in
        [&KEY_16[..], &KEY_32, b"12345678", b"a-long-secret-of-24-octe", b"ten-octets", &key, &altered]
    {
        house.is_nowhere(secret);
    }
}

#[test]
fn a_run_that_was_killed_is_taken_up_and_ends_as_one_that_was_not() {
    let house = House::with_known_transport("batch");
    let line = device(&house, "4D504B0100000A01").to_string();
    let file: String = (0..2_500)
        .map(|number| format!("{}\n", line.replace("00000A01", &format!("{number:08X}"))))
        .collect();
    std::fs::write(house.desk.at("in.jsonl"), file).expect("a file");
    let dso = house.dso();
    let run = [&["rewrap", &dso, "--from", "batch", "--to", "storage"][..], &FILES].concat();
    let mut killed = Command::new(program("meter-pki"))
        .current_dir(house.desk.at(""))
        .env("SOFTHSM2_CONF", house.desk.at("softhsm2.conf"))
        .arg("secrets")
        .args(&run)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut told = BufReader::new(killed.stderr.take().expect("its errors")).lines();
    assert_eq!(told.next().expect("a line").expect("text"), "1000 lines are done");
    killed.kill().expect("it is killed");
    assert!(!killed.wait().expect("it ends").success());
    assert!(!house.desk.at("out.jsonl").exists(), "nothing half done has its name");

    let other = run.iter().map(|word| if *word == "storage" { "batch" } else { word }).collect::<Vec<_>>();
    house.refuses(&other, 2, "secrets.same-key");
    let said = house.desk.meter_pki(&[&["secrets"], &run[..]].concat()).ok();
    assert!(said.err.contains("000 lines are done, and are kept"), "{}", said.all());
    assert!(said.out.contains("2500 of 2500 lines"), "{}", said.out);
    let straight = run.iter().map(|word| if *word == "out.jsonl" { "straight.jsonl" } else { word });
    drop(house.json(&straight.collect::<Vec<_>>()));
    assert!(house.read("out.jsonl") == house.read("straight.jsonl"), "the same octets");
    let left: Vec<_> = std::fs::read_dir(house.desk.at(""))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".out"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
