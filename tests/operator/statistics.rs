//! Statistics and plots: the chapter as it stands, days that go by under a running server, and what programs of others make of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::chapter::{Shell, steps};
use e2e::clock::WallClock;
use e2e::peer::{Answer, curl, make_key, make_request, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, run};
use serde_json::Value;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/statistics.md");

const DAY: i64 = 86_400;

/// The plots, and the statistics that they show.
const PLOTS: [(&str, &str, &[&str]); 6] = [
    ("expiries", "expiries", &["--by", "month"]),
    ("calendar", "expiry-calendar", &[]),
    ("issuance", "issuance", &["--by", "day"]),
    ("swaps", "swaps", &["--tenant", "dso", "--by", "manufacturer"]),
    ("crls", "crls", &[]),
    ("signing", "signing", &[]),
];

/// Whatever ends at all ends before.
const EVER: [&str; 4] = ["--from", "2020-01-01", "--until", "2099-01-01"];

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// How many certificates there are that were issued, by how they stand.
fn stand(rehearsal: &Rehearsal) -> (u64, u64, u64) {
    let listed = rehearsal.operator_json(&["cert", "list", "--limit", "10000"]);
    let count = |wanted: &[&str]| {
        let all = listed["certificates"].as_array().expect("a list");
        let those = all.iter().filter(|one| wanted.iter().any(|word| one["status"] == *word));
        u64::try_from(those.count()).expect("not so many")
    };
    (count(&["good", "expired", "revoked", "on-hold"]), count(&["revoked"]), count(&["good", "expired"]))
}

fn issuance(rehearsal: &Rehearsal) -> Value {
    rehearsal.operator_json(&["stats", "issuance"])
}

/// How many good certificates there are, whenever they end, or never.
fn good(rehearsal: &Rehearsal) -> u64 {
    let words = [&["stats", "expiries", "--by", "month"], EVER.as_slice()].concat();
    let told = rehearsal.operator_json(&words);
    number(&told["good"]) + number(&told["endless"])
}

/// The serial number of a good certificate of a meter.
fn serial_of_a_meter(rehearsal: &Rehearsal) -> String {
    let words = ["cert", "list", "--tenant", "dso", "--status", "good", "--limit", "1000"];
    let listed = rehearsal.operator_json(&words);
    let of_meter = |one: &&Value| one["profile"].as_str().is_some_and(|name| name.starts_with("meter-op-"));
    let all = listed["certificates"].as_array().expect("a list");
    all.iter().find(of_meter).expect("one")["serial"].as_str().expect("a serial number").to_owned()
}

/// Has the certificate of a station issued.
fn issue(rehearsal: &Rehearsal, name: &str) {
    let (key, request) = (rehearsal.unique("station.key"), rehearsal.unique("station.csr"));
    make_key(&key, "P-256");
    let der = make_request(&key, &format!("/C=DE/O=Example Grid/CN={name}"), "sha256", &[]);
    std::fs::write(&request, der).expect("it can be written");
    let (request, out) = (path(&request), path(&rehearsal.unique("station.pem")));
    let words = ["cert", "issue", "--issuer", "dso-infra-s1", "--profile", "ra-station-s1"];
    drop(rehearsal.operator(&[words.as_slice(), &[&request, "--out", &out]].concat()).ok());
}

/// Asserts that librsvg draws it, and that it is not one colour.
#[track_caller]
fn is_drawn(svg: &Path) {
    let picture = svg.with_extension("by-librsvg.png");
    let mut command = Command::new("rsvg-convert");
    drop(finish(command.args(["--width", "960"]).arg("-o").arg(&picture).arg(svg)).ok());
    is_picture(&picture, 960);
}

/// Asserts that a PNG is so wide, and holds more than its ground.
#[track_caller]
fn is_picture(file: &Path, width: u32) {
    let octets = std::fs::read(file).expect("a file");
    assert_eq!(octets.get(..8), Some(b"\x89PNG\r\n\x1a\n".as_slice()), "{}", file.display());
    let wide = octets.get(16..20).and_then(|wide| wide.try_into().ok()).map(u32::from_be_bytes);
    assert_eq!(wide, Some(width), "{}", file.display());
    assert!(octets.len() > 2_000, "{} is blank: {} octets", file.display(), octets.len());
}

/// The rows of a table, without its headings, as Python reads them.
fn rows(file: &Path) -> Vec<Vec<String>> {
    let program = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='')))))";
    let said = run("python3", ["-c", program, &path(file)]).ok();
    let rows: Vec<Vec<String>> = serde_json::from_str(&said.out).expect("rows");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    rows.into_iter().skip(1).collect()
}

/// The sum of a column.
fn sum(rows: &[Vec<String>], column: usize) -> u64 {
    rows.iter().map(|row| row[column].parse::<u64>().expect("a number")).sum()
}

/// Three files of a plot.
fn files(rehearsal: &Rehearsal, verb: &str, words: &[&str]) -> [PathBuf; 3] {
    let named = ["svg", "png", "csv"].map(|form| rehearsal.unique(&format!("{verb}.{form}")));
    let [svg, png, csv] = named.each_ref().map(|file| path(file));
    let wanted = ["--svg", &svg, "--png", &png, "--csv", &csv];
    drop(rehearsal.operator(&[&["stats", verb], words, &wanted].concat()).ok());
    named
}

#[test]
fn the_chapter_on_statistics_works_as_it_stands() {
    let [verbs, interface] = steps(CHAPTER);
    let rehearsal = Rehearsal::start(2);
    let place = rehearsal.scratch("plots");
    std::fs::create_dir(&place).expect("a directory");
    let configuration = path(&rehearsal.state("meter-pki.toml"));
    let socket = path(&rehearsal.state("operator.sock"));
    let shell = Shell::new(&place, &rehearsal.scratch("programs"));
    let around =
        format!("meter-pki() {{ command meter-pki --config {configuration} \"$@\"; }}\nSOCKET={socket}\n");
    let said = shell.run(&format!("{around}{verbs}")).ok();
    for word in ["dso-operational-s1", "UNDER WAY", "THIS UPDATE", "WITHIN 100 MS"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    for name in ["expiries", "issuance", "swaps", "crls", "signing"] {
        is_drawn(&place.join(format!("{name}.svg")));
    }
    is_picture(&place.join("calendar.png"), 1_920);
    assert!(!rows(&place.join("issuance.csv")).is_empty());
    let said = shell.run(&format!("{around}{interface}")).ok();
    assert!(said.out.contains("\"issued_by\""), "{}", said.out);
    is_picture(&place.join("issuance.png"), 1_920);
}

#[test]
fn days_that_go_by_are_counted_as_they_were_and_each_plot_is_read_by_others() {
    let mut rehearsal = Rehearsal::start(2);
    rehearsal.stop();
    let clock = WallClock::new(&mut rehearsal);
    rehearsal.serve();
    // What the list of certificates says one by one, the counts say together.
    let (issued, revoked, standing) = stand(&rehearsal);
    let told = issuance(&rehearsal);
    assert_eq!((number(&told["issued"]), number(&told["revoked"])), (issued, revoked), "{told}");
    assert_eq!(good(&rehearsal), standing);

    let serial = serial_of_a_meter(&rehearsal);
    rehearsal.revoke(&serial, "superseded");
    assert_eq!(good(&rehearsal), standing - 1);
    let held = serial_of_a_meter(&rehearsal);
    drop(rehearsal.operator(&["cert", "revoke", &held, "--reason", "certificateHold"]).ok());
    assert_eq!(good(&rehearsal), standing - 2);
    drop(rehearsal.operator(&["cert", "release", &held]).ok());
    assert_eq!(good(&rehearsal), standing - 1);

    // Two more days, with one certificate and with two.
    for (day, names) in [(1, &["line-7"][..]), (2, &["line-8", "line-9"])] {
        clock.set_by(DAY);
        names.iter().for_each(|name| issue(&rehearsal, name));
        let told = issuance(&rehearsal);
        let spans = told["spans"].as_array().expect("spans");
        let last: Vec<u64> = spans.iter().rev().take(day).map(|span| number(&span["issued"])).collect();
        let expected: &[u64] = if day == 1 { &[1] } else { &[2, 1] };
        assert_eq!(last, expected, "{told}");
    }
    let told = issuance(&rehearsal);
    assert_eq!((number(&told["issued"]), number(&told["revoked"])), (issued + 3, revoked + 1), "{told}");
    assert_eq!(good(&rehearsal), standing + 2);
    // Counts are rows: they stand where the server is started anew.
    rehearsal.stop();
    rehearsal.serve();
    assert_eq!(issuance(&rehearsal), told);

    for (verb, _, words) in PLOTS {
        let [svg, png, csv] = files(&rehearsal, verb, words);
        is_drawn(&svg);
        is_picture(&png, 1_920);
        assert!(!rows(&csv).is_empty(), "{verb}");
        let again = rehearsal.operator(&[&["stats", verb], words, &["--svg", &path(&svg)]].concat());
        assert!(again.err.contains("file.exists"), "{}", again.all());
    }
    let [_, _, csv] = files(&rehearsal, "issuance", &[]);
    let table = rows(&csv);
    assert_eq!((sum(&table, 3), sum(&table, 4)), (issued + 3, revoked + 1), "{table:?}");
    let [_, _, csv] = files(&rehearsal, "expiries", &EVER);
    let told = rehearsal.operator_json(&[&["stats", "expiries"], EVER.as_slice()].concat());
    let endless = number(&told["endless"]);
    assert!(endless > 0, "factory certificates have no end: {told}");
    assert_eq!(sum(&rows(&csv), 3), standing + 2 - endless);
    what_devices_crls_and_keys_tell(&rehearsal);
    what_a_browser_is_told(&rehearsal);
}

/// Devices are swapped, CRLs have entries, and keys have signed.
fn what_devices_crls_and_keys_tell(rehearsal: &Rehearsal) {
    let swaps = rehearsal.operator_json(&["stats", "swaps", "--tenant", "dso", "--by", "firmware"]);
    let texts = swaps["texts"].as_array().expect("texts");
    let sum = |name: &str| texts.iter().map(|text| number(&text[name])).sum::<u64>();
    let all = rehearsal.operator_json(&["device", "count", "--tenant", "dso"]);
    assert_eq!(sum("total"), number(&all[0]["total"]), "{swaps}");
    assert_eq!(sum("swapped"), all[0]["states"]["operational"].as_u64().unwrap_or_default(), "{swaps}");

    let told = rehearsal.operator_json(&["stats", "crls", "--authority", "dso-operational-s1"]);
    let sizes = told["lines"][0]["sizes"].as_array().expect("sizes").clone();
    let listed = rehearsal.operator_json(&["crl", "list"]);
    let published = listed.as_array().expect("a list").iter().find(|one| {
        one["authority"] == "dso-operational-s1" && one["shard"].is_null() && one["base"].is_null()
    });
    let (last, published) = (sizes.last().expect("one"), published.expect("one"));
    for name in ["number", "octets", "entries"] {
        assert_eq!(last[name], published[name], "{name}: {told}");
    }
    assert!(sizes.len() > 1, "{told}");

    // What was signed is told since the start, and this one was a moment ago.
    drop(rehearsal.operator(&["crl", "publish", "dso-operational-s1"]).ok());
    let told = rehearsal.operator_json(&["stats", "signing"]);
    let keys = told["keys"].as_array().expect("keys");
    let of = |name: &str| keys.iter().find(|key| key["authority"] == name);
    let counts =
        of("dso-operational-s1").expect("it signed a CRL")["counts"].as_array().expect("counts").clone();
    assert_eq!(counts.len(), told["at_most_microseconds"].as_array().expect("bounds").len() + 1);
    assert!(counts.iter().map(number).sum::<u64>() > 0);
}

/// The value of a header field.
fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    let mut values = fields.filter(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    values.next()
}

/// What comes with a plot: its type, its name, a policy that lets nothing run, and a tag by which it is known again.
fn what_a_browser_is_told(rehearsal: &Rehearsal) {
    let socket = path(&rehearsal.state("operator.sock"));
    let asked = |target: &str, more: &[&str]| {
        curl(rehearsal, &format!("http://meter-pki{target}"), &[&["--unix-socket", &socket], more].concat())
    };
    for (_, plot, words) in PLOTS {
        let query = if words.contains(&"--tenant") { "?tenant=dso" } else { "" };
        for (form, kind) in [("svg", "image/svg+xml"), ("png", "image/png"), ("csv", "text/csv")] {
            let target = format!("/v1/plots/{plot}/{form}{query}");
            let answer = asked(&target, &[]);
            assert_eq!(answer.status, 200, "{target}");
            assert_eq!(field(&answer, "content-type"), Some(kind), "{target}");
            let name = format!("inline; filename=\"{plot}.{form}\"");
            assert_eq!(field(&answer, "content-disposition"), Some(name.as_str()), "{target}");
            let policy = field(&answer, "content-security-policy").expect("a policy");
            assert!(policy.contains("default-src 'none'"), "{policy}");
            assert_eq!(field(&answer, "x-content-type-options"), Some("nosniff"));
            if plot != "signing" {
                let tag = field(&answer, "etag").expect("a tag");
                let known = asked(&target, &["--header", &format!("If-None-Match: {tag}")]);
                assert_eq!(known.status, 304, "{target}");
            }
        }
    }
    for (target, status, code) in [
        ("/v1/plots/swaps/pdf?tenant=dso", 400, "plot.form.unknown"),
        ("/v1/statistics/expiries?by=year", 400, "statistics.span.unknown"),
        ("/v1/statistics/expiries?series=colour", 400, "statistics.series.unknown"),
        ("/v1/statistics/expiries?from=2026-02-30", 422, "statistics.day"),
        ("/v1/plots/expiry-calendar/svg?by=day", 400, "api.malformed"),
        ("/v1/statistics/issuance?from=2026-02-02&until=2026-02-01", 422, "statistics.days"),
        ("/v1/statistics/expiries?by=day&from=2000-01-01&until=2099-01-01", 422, "statistics.too-many"),
        ("/v1/statistics/crls?authority=nobody", 404, "authority.unknown"),
    ] {
        let answer = asked(target, &[]);
        assert_eq!(
            (answer.status, answer.text().contains(code)),
            (status, true),
            "{target}: {}",
            answer.text()
        );
    }
}
