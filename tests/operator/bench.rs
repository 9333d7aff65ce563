//! `meter-pki bench`, by its chapter `docs/operate/bench.md`: what it tells, and that nothing of it stays.

use std::path::Path;
use std::process::Command;

use e2e::chapter::{Shell, steps};
use e2e::patience::eventually;
use e2e::process::{Process, program, signal};
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;
use serde_json::Value;

fn names(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

/// How many processes work in a directory or below it.
fn at_work_in(place: &Path) -> usize {
    let place = place.canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("cwd"));
    processes.filter_map(|link| std::fs::read_link(link).ok()).filter(|cwd| cwd.starts_with(&place)).count()
}

/// The block of the chapter in a directory of the test, quickly, with what programs read: an object for each command.
fn by_the_chapter(rehearsal: &Rehearsal, place: &Path) -> [Value; 3] {
    let [measure] = steps(include_str!("../../docs/operate/bench.md"));
    let around = "meter-pki() { command meter-pki --json \"$@\" --quick; }";
    let block = measure.replace("/var/lib/meter-pki", place.to_str().unwrap());
    let shell = Shell::new(&rehearsal.scratch(""), &rehearsal.scratch("programs"));
    let said = shell.run(&format!("{around}\n{block}")).ok().out;
    let printed: Vec<Value> =
        serde_json::Deserializer::from_str(&said).into_iter().collect::<Result<_, _>>().expect("JSON");
    printed.try_into().expect("three commands")
}

#[test]
fn every_row_is_measured_beside_its_limit_and_nothing_stays() {
    let rehearsal = Rehearsal::not_begun();
    let place = rehearsal.scratch("bench");
    std::fs::create_dir(&place).unwrap();
    let [told, chosen, listed] = by_the_chapter(&rehearsal, &place);
    assert_eq!(told["quick"], true, "it says that these figures mean nothing");
    let rows = told["rows"].as_array().unwrap();
    let measured: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    // What others' programs do is measured where they are installed.
    let ours: Vec<&str> = names(&listed["rows"]).into_iter().filter(|row| !row.contains('`')).collect();
    assert!(ours.iter().all(|row| measured.contains(row)), "{measured:?} of {ours:?}");
    for row in rows {
        let speed = &row["per_second"];
        assert!(speed["measured"]["median"].as_f64().unwrap() > 0.0, "{row}");
        assert!(speed["limit"]["median"].as_f64().unwrap() > 0.0, "{row}");
    }
    let of_words = chosen["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap());
    let of_words: Vec<&str> = of_words.collect();
    assert!(!of_words.is_empty() && of_words.iter().all(|row| row.contains("P-384, fjall")), "{of_words:?}");
    let targets = told["targets"].as_array().unwrap();
    assert!(targets.iter().any(|target| target["row"] == "CMP, P-384, ir confirmed, kept connections"));
    let starts = targets.iter().find(|target| target["row"] == "starts, meter-pki --help").unwrap();
    assert!(starts["of"].as_str().unwrap().contains("ms"), "{starts}");
    let served = rows.iter().find(|row| row["name"].as_str().unwrap().starts_with("serve, EST")).unwrap();
    assert!(served["peak_mib"]["median"].as_f64().unwrap() > 1.0, "what the server's process had: {served}");
    assert!(told["machine"]["program_octets"].as_u64().unwrap() > 1_000_000, "{}", told["machine"]);
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "what was written is gone");
    assert_eq!(at_work_in(&place), 0, "what was started has ended");
}

#[test]
fn a_plot_has_a_bar_for_each_row() {
    let rehearsal = Rehearsal::not_begun();
    let (place, plot) = (rehearsal.scratch("bench"), rehearsal.scratch("figures.svg"));
    std::fs::create_dir(&place).unwrap();
    let (directory, file) = (place.to_str().unwrap(), plot.to_str().unwrap());
    let asked = ["bench", "--quick", "--directory", directory, "--plot", file, "chain, P-256, fjall"];
    let told = rehearsal.operator_json(&asked);
    let read =
        "import sys, xml.dom.minidom as dom; print(len(dom.parse(sys.argv[1]).getElementsByTagName('rect')))";
    let drawn = finish(Command::new("python3").args(["-c", read]).arg(&plot)).ok();
    let rows = told["rows"].as_array().unwrap().len();
    assert!(rows > 1 && drawn.out.trim() == (rows + 1).to_string(), "before a ground: {}", drawn.out);
}

#[test]
fn what_it_starts_ends_with_it_also_when_it_is_interrupted_or_killed() {
    let rehearsal = Rehearsal::not_begun();
    let place = rehearsal.scratch("bench");
    std::fs::create_dir(&place).unwrap();
    for end in ["INT", "KILL"] {
        let row = "`openssl cmp` mock server";
        let log = rehearsal.scratch(&format!("{end}.log"));
        let bench = Process::start(&["bench", "--directory", place.to_str().unwrap(), row], log);
        eventually("it measures", || bench.log().contains("measuring").then_some(()));
        assert_eq!(at_work_in(&place), 1, "the mock server");
        signal(bench.number(), end);
        eventually("the mock server has ended", || (at_work_in(&place) == 0).then_some(()));
    }
}

#[test]
fn a_word_that_no_row_has_and_a_directory_that_is_absent_are_told() {
    let rehearsal = Rehearsal::not_begun();
    let absent = rehearsal.scratch("absent");
    let said = rehearsal.operator(&["bench", "--quick", "--directory", absent.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.all().contains("no directory for the ledgers"), "{}", said.all());
    assert!(!absent.exists());
    let place = rehearsal.scratch("bench");
    std::fs::create_dir(&place).unwrap();
    let said =
        rehearsal.operator(&["bench", "--quick", "--directory", place.to_str().unwrap(), "no such row"]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.all().contains("meter-pki bench --list"), "it says what to type next: {}", said.all());
}

#[test]
fn what_was_measured_is_told_also_where_something_else_could_not_be() {
    let rehearsal = Rehearsal::not_begun();
    let place = rehearsal.scratch("bench");
    std::fs::create_dir(&place).unwrap();
    // Files enough for a ledger, and not for 64 connections.
    let mut bench = Command::new("prlimit");
    bench.arg("--nofile=100:100").arg(program("meter-pki"));
    bench.args(["bench", "--quick", "--json", "--directory", place.to_str().unwrap()]);
    let (chain, est) = ("chain, P-256, fjall, 1 requester", "EST, P-256, kept connections");
    let said = finish(bench.args([chain, est]));
    assert_eq!(said.code, Some(1), "{}", said.all());
    let told: Value = serde_json::from_str(&said.out).expect("one object");
    let measured: Vec<&str> =
        told["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(measured, [chain], "{}", said.all());
    let failed = names(&told["failed"]).join("; ");
    assert!(failed.contains(est), "it says which: {failed}");
    assert!(said.err.contains("bench.not-measured"), "{}", said.err);
}

#[test]
fn rows_are_measured_again_as_the_ledger_grows_and_what_falls_is_refused() {
    let rehearsal = Rehearsal::not_begun();
    let place = rehearsal.scratch("bench");
    std::fs::create_dir(&place).unwrap();
    let stored = |sizes| {
        let directory = place.to_str().unwrap();
        [
            "bench",
            "--quick",
            "--stored",
            sizes,
            "--directory",
            directory,
            "chain, P-256, fjall",
            "ocsp`, signed",
        ]
    };
    let told = rehearsal.operator_json(&stored("100,1500"));
    let rows = told["rows"].as_array().unwrap();
    let named = |name: &str| rows.iter().filter(|row| row["name"] == name).collect::<Vec<_>>();
    let row = "chain, P-256, fjall, 64 requesters";
    let sizes: Vec<&Value> = named(row).iter().map(|row| &row["size"]).collect();
    assert_eq!(sizes, [100, 1_500]);
    for row in rows.iter().filter(|row| row["size"].is_u64()) {
        assert!(row["stored"]["least"].as_f64().unwrap() >= row["size"].as_f64().unwrap(), "{row}");
    }
    // Another program has no ledger of ours.
    assert!(
        rows.iter().all(|row| !row["name"].as_str().unwrap().contains("openssl") || row["size"].is_null())
    );
    let grown = told["growth"].as_array().unwrap().iter().filter(|one| one["row"] == row);
    let [first, second] = grown.collect::<Vec<_>>()[..] else { panic!("{}", told["growth"]) };
    assert_eq!((first["grows"].as_str(), first["ratio"].as_f64()), (Some(""), Some(1.0)));
    assert!(second["stored"].as_f64() > first["stored"].as_f64(), "{second}");
    let targets = told["targets"].as_array().unwrap();
    let judged = targets.iter().filter(|target| target["row"] == row && target["of"] == "its limit");
    assert_eq!(judged.map(|target| &target["size"]).collect::<Vec<_>>(), [100, 1_500]);
    let said = rehearsal.operator(&stored("1500,100"));
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.all().contains("must rise, as in --stored 10000,100000"), "{}", said.all());
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "what was written is gone");
}
