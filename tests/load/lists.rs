//! `console-lists`: what a page of a long list takes in a browser, beside the call of the interface that is behind it.
//!
//! `METER_PKI_GROUND=DIRECTORY cargo run --release -p e2e --bin console-lists`, with the directory on the disk that is to take it

#![expect(clippy::disallowed_methods, reason = "what is measured is time")]

use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use clap::Parser;
use e2e::browser::Window;
use e2e::office::Office;
use e2e::peer::path;
use e2e::process::most_memory;
use e2e::shift::{Request, line, title, upload};
use e2e::tool::run;

/// How many are brought to the server at once.
const AT_ONCE: usize = 5_000;

/// The label of what the rehearsed line asks for.
const LABEL: &str = "meter-factory-tls-s1";

#[derive(Debug, Parser)]
#[command(about = "Fills a ledger, and tells what pages of its lists take in a browser")]
struct Arguments {
    /// How many devices are put on their owner's list
    #[arg(long, default_value_t = 1_000_000)]
    devices: usize,
    /// How many certificates are issued, each to a device with a key of its own
    #[arg(long, default_value_t = 100_000)]
    certificates: usize,
    /// How often each page is asked for
    #[arg(long, default_value_t = 100)]
    times: usize,
}

/// A page, and the call that is behind it.
struct Row {
    what: &'static str,
    page: String,
    call: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let office = Office::open(1);
    bring_devices(&office, arguments.devices);
    let devices_after = began.elapsed().as_secs();
    issue(&office, arguments.certificates);
    println!(
        "{} devices on the list after {devices_after} s, {} certificates more after {} s; {} MiB on disk, server: {} MiB at most",
        arguments.devices,
        arguments.certificates,
        began.elapsed().as_secs(),
        on_disk(&office),
        most_memory(office.rehearsal.process_number()) / 1024,
    );
    let browser = office.browser();
    let eva = office.window(&browser, "eva");
    println!(
        "| page of 50 | octets | page, p50 ms | page, p95 ms | until it can be used, p95 ms | call, p50 ms | call, p95 ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for row in rows(&office, arguments.devices) {
        measure(&office, &eva, &row, arguments.times);
    }
    ExitCode::SUCCESS
}

/// The pages: the first of each list and the next, one in its midst, and some that are chosen.
fn rows(office: &Office, devices: usize) -> Vec<Row> {
    let row = |what, path: &str, chosen: &str| {
        let mark = if chosen.is_empty() { "" } else { "?" };
        let and = if chosen.is_empty() { "" } else { "&" };
        Row {
            what,
            page: format!("/console{path}{mark}{chosen}"),
            call: format!("{path}?limit=50{and}{chosen}"),
        }
    };
    let middle = title(devices / 2);
    let after = |path: &str, chosen: &str| {
        let told = office.ask(&format!("{path}?limit=50{chosen}"), None);
        // A short list has no next page: the first again.
        told["next"]
            .as_str()
            .map_or_else(|| chosen.trim_start_matches('&').to_owned(), |next| format!("after={next}{chosen}"))
    };
    let (certificates, list) = ("/v1/certificates", "/v1/devices");
    vec![
        row("certificates, the first", certificates, ""),
        row("certificates, the next", certificates, &after(certificates, "")),
        row(
            "certificates that are good of an authority",
            certificates,
            "issuer=maker-factory-s1&status=good",
        ),
        row("certificates that are revoked", certificates, "status=revoked"),
        row("certificates of a device", certificates, &format!("system_title={middle}")),
        row("devices, the first", list, "tenant=dso"),
        row("devices, the next", list, &after(list, "&tenant=dso")),
        row("devices, in the midst", list, &format!("tenant=dso&title_prefix={}", &middle[..14])),
        row(
            "devices in a state, of a region and a model",
            list,
            "tenant=dso&state=expected&region=north&model=MPK-3",
        ),
        row("devices, behind a concentrator", list, "tenant=dso&concentrator=dc-7"),
        row("devices of a state that none has", list, "tenant=dso&state=retired"),
    ]
}

fn measure(office: &Office, window: &Window<'_>, row: &Row, times: usize) {
    let (mut pages, mut usable, mut calls, mut octets) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let socket = path(&office.rehearsal.state("operator.sock"));
    for _ in 0..times {
        assert_eq!(window.open(&row.page), 200, "{}: {}", row.page, window.text("main"));
        let [page, use_] = window.took();
        pages.push(page);
        usable.push(use_);
        let (seconds, length) = call(&socket, &row.call);
        calls.push(seconds * 1000.0);
        octets = length;
    }
    drop(window.requests());
    let ([p50, p95], [_, used], [call50, call95]) = (at(pages), at(usable), at(calls));
    println!("| {} | {octets} | {p50:.1} | {p95:.1} | {used:.1} | {call50:.1} | {call95:.1} |", row.what);
}

/// Makes a call by curl over the socket; returns how many seconds it took, and the octets of its answer.
fn call(socket: &str, target: &str) -> (f64, usize) {
    let told = "%{time_total} %{size_download}";
    let address = format!("http://operator{target}");
    let said =
        run("curl", ["-sS", "--fail", "--unix-socket", socket, "-o", "/dev/null", "-w", told, &address]).ok();
    let (seconds, octets) = said.out.trim().split_once(' ').expect("two numbers");
    (seconds.parse().expect("seconds"), octets.parse().expect("octets"))
}

/// The median, and what 95 of a hundred are below.
fn at(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [50, 95].map(|percent| values.get(values.len() * percent / 100).copied().unwrap_or_default())
}

/// Puts devices on their owner's list, each with what a list can be searched by.
fn bring_devices(office: &Office, devices: usize) {
    let file = office.rehearsal.scratch("devices.csv");
    let rows = (0..devices).map(|number| {
        let (region, model) = (["north", "south", "east", "west"][number % 4], number % 5);
        format!("{},maker,MPK-{model},L-{:04},{region},dc-{}\n", title(number), number / 5_000, number / 200)
    });
    let text: String =
        std::iter::once("system_title,manufacturer,model,batch,region,concentrator\n".to_owned())
            .chain(rows)
            .collect();
    std::fs::write(&file, text).expect("a list");
    drop(office.operator(&["device", "import", &path(&file), "--tenant", "dso"]));
}

/// Has certificates issued at the line; requests are made while others are answered.
fn issue(office: &Office, certificates: usize) {
    std::thread::scope(|scope| {
        let (give, take) = sync_channel(1);
        drop(scope.spawn(move || {
            let mut first = 0;
            while first < certificates {
                let last = certificates.min(first + AT_ONCE);
                let one = |number: usize| {
                    let csr = Request::new(&title(number)).csr;
                    line(&number.to_string(), LABEL, "first", &csr)
                };
                // Whoever takes them has failed, and says why.
                if give.send((last - first, (first..last).map(one).collect::<String>())).is_err() {
                    return;
                }
                first = last;
            }
        }));
        for (count, lines) in take {
            let answers = upload(&office.rehearsal, &lines);
            let issued = answers.iter().filter(|answer| answer["certificate"].is_string()).count();
            assert_eq!(
                issued,
                count,
                "{:?}",
                answers.iter().find(|answer| !answer["certificate"].is_string())
            );
        }
    });
}

/// How many MiB the ledger has on disk.
fn on_disk(office: &Office) -> u64 {
    let said = run("du", ["-sm", &path(&office.rehearsal.state("store"))]).ok();
    said.out.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}
