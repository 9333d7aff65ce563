//! The table of docs/operate/metrics.md, the alert rules and the dashboard: what they name is what a running server tells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use e2e::patience::eventually;
use e2e::peer::curl;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, promtool};

const CHAPTER: &str = include_str!("../../docs/operate/metrics.md");
const RULES: &str = include_str!("../../docs/operate/prometheus/alerts.yml");
const RULE_TESTS: [&str; 2] = [
    include_str!("../../docs/operate/prometheus/alerts.test.yml"),
    include_str!("../../docs/operate/prometheus/alerts.days.test.yml"),
];
const DASHBOARD: &str = include_str!("../../docs/operate/prometheus/dashboard.json");

/// The rows of the table by the metric's name: kind, labels, and when it is shown.
fn table() -> BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>, &'static str)> {
    let rows = CHAPTER.lines().filter_map(|line| line.strip_prefix("| `pki_"));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, kind, labels, shown, ..] = cells.as_slice() else {
            panic!("a row has five cells: {line}")
        };
        let labels = labels.split(", ").filter(|label| !label.is_empty()).collect();
        (name.trim_end_matches('`'), (*kind, labels, *shown))
    };
    rows.map(row).collect()
}

fn metrics(rehearsal: &Rehearsal) -> String {
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    curl(rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]).text()
}

/// The metrics of an exposition: name without `pki_` and kind.
fn kinds(text: &str) -> BTreeMap<&str, &str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE pki_"));
    types.filter_map(|line| line.split_once(' ')).collect()
}

/// The labels of a metric in an exposition, but the bounds of histograms.
fn labels<'a>(text: &'a str, name: &str) -> BTreeSet<&'a str> {
    let series = text.lines().filter_map(|line| line.strip_prefix("pki_"));
    let of_it = series.filter(|line| {
        let rest = line.strip_prefix(name).unwrap_or("?");
        ["{", " ", "_bucket", "_sum", "_count"].iter().any(|next| rest.starts_with(next))
    });
    let inside = of_it.filter_map(|line| Some(line.split_once('{')?.1.rsplit_once('}')?.0));
    let pairs = inside.flat_map(|inside| inside.split("\",")).filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, _)| label).filter(|label| *label != "le").collect()
}

#[test]
fn a_server_at_work_tells_the_metrics_of_the_table_and_no_others() {
    let rehearsal = Rehearsal::start(1);
    let table = table();
    let always: Vec<&str> = table
        .iter()
        .filter(|(_, (.., shown))| ["always", "used", "issued", "revoked"].contains(shown))
        .map(|(name, _)| *name)
        .collect();
    let late = ["leniencies_total"];
    let text = eventually("all of them are there", || {
        let text = metrics(&rehearsal);
        let there = kinds(&text);
        let lacks = always.iter().any(|name| !there.contains_key(name) && !late.contains(name));
        (!lacks).then_some(text)
    });
    for (name, kind) in kinds(&text) {
        let (known, known_labels, _) =
            table.get(name).unwrap_or_else(|| panic!("pki_{name} is not in the table"));
        assert_eq!(kind, *known, "pki_{name}");
        assert_eq!(labels(&text, name), *known_labels, "pki_{name}");
    }
    let promtool = finish(
        std::process::Command::new("sh").args(["-c", "\"$0\" check metrics <\"$1\""]).arg(promtool()).arg({
            let file = rehearsal.unique("metrics.txt");
            std::fs::write(&file, &text).unwrap();
            file
        }),
    );
    // It exits with 3 for its opinions on names and missing HELP texts, with 1 for what it cannot read.
    assert!(promtool.code == Some(0) || promtool.code == Some(3), "{}", promtool.all());
}

/// Every name of a metric in a text, without `pki_` and without what a histogram adds.
fn named(text: &'static str) -> BTreeSet<&'static str> {
    let ends = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let names = text.split("pki_").skip(1).map(|rest| rest.split(ends).next().unwrap_or_default());
    names.map(|name| name.strip_suffix("_bucket").unwrap_or(name)).collect()
}

#[test]
fn rules_and_panels_name_metrics_of_the_table_alone() {
    let table = table();
    for (what, text) in [("alerts.yml", RULES), ("dashboard.json", DASHBOARD)] {
        let named = named(text);
        assert!(named.len() >= 15, "{what}: {named:?}");
        for name in named {
            assert!(table.contains_key(name), "{what} names pki_{name}");
        }
    }
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| !panel["targets"].as_array().unwrap().is_empty()));
}

#[test]
fn promtool_takes_the_rules_and_each_fires_on_its_series_and_not_on_another() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/operate/prometheus");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(promtool());
        finish(command.args(arguments).current_dir(&directory)).ok()
    };
    drop(run(&["check", "rules", "alerts.yml"]));
    drop(run(&["test", "rules", "alerts.test.yml", "alerts.days.test.yml"]));
    let tests = RULE_TESTS.concat();
    let alerts: Vec<&str> = RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 20, "{alerts:?}");
    for alert in alerts {
        let fires =
            tests.contains(&format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:"));
        let is_quiet = tests.contains(&format!("alertname: {alert}, exp_alerts: []"));
        assert!(fires && is_quiet, "{alert} has a series on which it fires and one on which it does not");
    }
}

/// What a dashboard asks is a query that Prometheus reads: each as a rule of a file for promtool.
#[test]
fn promtool_reads_the_queries_of_the_dashboard() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut rules = "groups:\n  - name: panels\n    rules:\n".to_owned();
    for (number, target) in targets.enumerate() {
        let query = serde_json::to_string(&target["expr"]).unwrap();
        rules.push_str(&format!("      - record: panel:query_{number}\n        expr: {query}\n"));
    }
    let rehearsal = Rehearsal::not_begun();
    let file = rehearsal.scratch("panels.yml");
    std::fs::write(&file, rules).unwrap();
    drop(finish(std::process::Command::new(promtool()).args(["check", "rules"]).arg(&file)).ok());
}
