//! `fleet-import`: what it costs an owner to import a large delivery, from the file to the last answer. Ends with 1 when a row was
//! refused.
//!
//! `METER_PKI_GROUND=DIRECTORY cargo run --release -p e2e --bin fleet-import`, with the directory on the disk that is to take it

#![expect(clippy::disallowed_methods, reason = "what is measured is time")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use e2e::process::{Labour, memory_so_far, most_memory};
use e2e::rehearsal::Rehearsal;
use e2e::roll_out::Owner;
use serde_json::Value;

/// How often it is looked at how much memory the client has.
const BETWEEN: Duration = Duration::from_millis(20);

/// How a delivery without certificates is to be read.
const MAP: &str = r#"
version = 1
name = "plates-and-keys"
[csv]
delimiter = ";"
[device]
system_title = { column = "title" }
serial_number = { column = "serial" }
model = { column = "model" }
firmware = { column = "firmware" }
batch = { column = "batch" }
[[secret]]
kind = "guek"
value = { column = "guek" }
wrapped_by = { column = "label" }
[[secret]]
kind = "gak"
value = { column = "gak" }
wrapped_by = { column = "label" }
"#;

#[derive(Debug, Parser)]
#[command(about = "Imports a large delivery into a server, and tells time, processor time and memory")]
struct Arguments {
    /// How many rows with plate data and two wrapped keys, as CSV; 0 for none
    #[arg(long, default_value_t = 1_000_000)]
    rows: u32,
    /// How many devices with three factory certificates each, which the server verifies; 0 for none
    #[arg(long, default_value_t = 100_000)]
    certified: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    println!(
        "| delivery | octets | imported in | rows/s | server: processor time a row | server: peak | client: peak |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let refused = [plates(arguments.rows), certified(arguments.certified)];
    if refused.iter().all(|&refused| refused == 0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Imports rows without certificates; returns how many were refused.
fn plates(rows: u32) -> u64 {
    if rows == 0 {
        return 0;
    }
    let serving = Rehearsal::start(1);
    let (file, map) = (serving.scratch("rows.csv"), serving.scratch("map.toml"));
    std::fs::write(&map, MAP).expect("a map");
    write_rows(&file, rows).expect("a delivery");
    import(&serving, ("plates and keys", rows), &file, &map.to_string_lossy(), "maker")
}

fn write_rows(file: &Path, rows: u32) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "title;serial;model;firmware;batch;guek;gak;label")?;
    let [guek, gak] = ["A5".repeat(24), "C3".repeat(24)];
    for number in 0..rows {
        let batch = number / 5_000;
        writeln!(out, "4D504B07{number:08X};{number:012};MX-3;2.1;L-{batch:04};{guek};{gak};transport-2027")?;
    }
    out.flush()
}

/// Imports devices with certificates; returns how many were refused.
fn certified(devices: u32) -> u64 {
    if devices == 0 {
        return 0;
    }
    let owner = Owner::of(&devices.to_string(), &[]);
    import(
        &owner.serving,
        ("three certificates", devices),
        &owner.fleet.join("delivery.jsonl"),
        "manifest-lines",
        "sim",
    )
}

/// Imports a file and prints a line of the table; returns how many rows were refused.
fn import(serving: &Rehearsal, (name, rows): (&str, u32), file: &Path, map: &str, maker: &str) -> u64 {
    let octets = file.metadata().expect("the delivery").len();
    let server = serving.process_number();
    let (labour, began) = (Labour::of(server).milliseconds(), Instant::now());
    let path = file.to_string_lossy();
    let arguments =
        ["--json", "delivery", "import", &path, "--map", map, "--tenant", "dso", "--manufacturer", maker];
    let mut client = serving.operator_command(&arguments);
    let mut client = client.stdout(Stdio::piped()).spawn().expect("the client starts");
    let mut client_peak = 0;
    while client.try_wait().expect("a child").is_none() {
        client_peak = memory_so_far(client.id()).unwrap_or_default().max(client_peak);
        std::thread::sleep(BETWEEN);
    }
    let (took, labour) = (began.elapsed().as_secs_f64(), Labour::of(server).milliseconds() - labour);
    let said = client.wait_with_output().expect("what it said");
    let report: Value = serde_json::from_slice(&said.stdout).expect("a report");
    assert_eq!(report["imported"].as_u64(), Some(rows.into()), "{report}");
    let server_peak = most_memory(server);
    println!(
        "| {name}, {rows} | {} MB | {took:.1} s | {:.0} | {:.0} µs | {} MiB | {} MiB |",
        octets / 1_000_000,
        f64::from(rows) / took,
        labour * 1000.0 / f64::from(rows),
        server_peak / 1024,
        client_peak / 1024,
    );
    report["refused"].as_u64().expect("how many were refused")
}
