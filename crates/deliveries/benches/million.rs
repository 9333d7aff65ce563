//! What the reading of a delivery takes: time and peak of memory, beside what the parser alone takes over the same octets in
//! the same run.
//!
//! `cargo bench -p deliveries --bench million -- [--rows N] [--certificates] [--directory DIR]` prints a report. Each row has a
//! plate and two wrapped keys, and with `--certificates` a certificate, which then is parsed and its key checked. Every
//! reading is done in a process of its own, so that each has its own peak. Not a test: it fails only when something was not read.

#![expect(clippy::print_stdout, reason = "the report is the output")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::DeliveredDevice;
use deliveries::checks::Checks;
use deliveries::fault::{Fault, Place, ReadError};
use deliveries::map::Map;
use deliveries::reading::{Limits, Reading, Taker};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256};

/// How many rows there are unless another number is asked for.
const ROWS: u64 = 1_000_000;
/// How often each reading is done; the median counts.
const TIMES: usize = 3;

const CSV: &str = r#"
version = 1
name = "bench-csv"
[csv]
delimiter = ";"
[device]
system_title = { column = "title", steps = ["trim", "upper"] }
serial_number = { column = "serial" }
model = { column = "model" }
batch = { column = "batch" }
[[certificate]]
purpose = "signature"
value = { column = "certificate" }
required = false
[[secret]]
kind = "guek"
value = { column = "guek" }
wrapped_by = { column = "label" }
[[secret]]
kind = "gak"
value = { column = "gak" }
wrapped_by = { column = "label" }
"#;

const XML: &str = r#"
version = 1
name = "bench-xml"
[xml]
rows = "/Delivery/Device"
[device]
system_title = { path = "Title", steps = ["trim", "upper"] }
serial_number = { path = "Serial" }
model = { path = "Model" }
batch = { path = "Batch" }
[[certificate]]
purpose = "signature"
value = { path = "Certificate" }
required = false
[[secret]]
kind = "guek"
value = { path = "Key[@kind='guek']" }
wrapped_by = { path = "Key[@kind='guek']/@by" }
[[secret]]
kind = "gak"
value = { path = "Key[@kind='gak']" }
wrapped_by = { path = "Key[@kind='gak']/@by" }
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    if let Some(what) = after("--read") {
        return read_apart(&what, Path::new(&after("--file").unwrap()));
    }
    let rows = after("--rows").map_or(ROWS, |number| number.parse().unwrap());
    let certificates = arguments.iter().any(|argument| argument == "--certificates");
    let room =
        tempfile::tempdir_in(after("--directory").map_or_else(std::env::temp_dir, PathBuf::from)).unwrap();
    println!("{rows} rows{}", if certificates { ", a certificate each" } else { "" });
    for kind in ["csv", "xml"] {
        let file = room.path().join(kind);
        write(kind, rows, certificates, &file);
        let octets = file.metadata().unwrap().len();
        let [parser, ours] =
            [format!("{kind}-parser"), format!("{kind}-delivery")].map(|what| median(&what, &file, rows));
        println!(
            "{kind}: {} MB; parser alone {:.2} s, {:.1} MiB; delivery {:.2} s ({:.2} times), {:.1} MiB (+{:.1})",
            octets / 1_000_000,
            parser.0,
            parser.1,
            ours.0,
            ours.0 / parser.0,
            ours.1,
            ours.1 - parser.1,
        );
    }
}

/// Writes a delivery.
fn write(kind: &str, rows: u64, certificates: bool, file: &Path) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut out = BufWriter::new(File::create(file).unwrap());
    let csv = kind == "csv";
    let head = if csv { "title;serial;model;batch;certificate;guek;gak;label\n" } else { "<Delivery>\n" };
    out.write_all(head.as_bytes()).unwrap();
    let wrapped = ["A5".repeat(24), "C3".repeat(24)];
    for number in 0..rows {
        let title = format!("4D504B01{number:08X}");
        let certificate = if certificates { certificate(&title, &key) } else { String::new() };
        let [guek, gak] = &wrapped;
        if csv {
            writeln!(out, "{title};{number:012};MX-3;2027-W05;{certificate};{guek};{gak};transport-2027")
                .unwrap();
        } else {
            writeln!(
                out,
                "  <Device>\n    <Title>{title}</Title>\n    <Serial>{number:012}</Serial>\n    <Model>MX-3</Model>\n    \
                 <Batch>2027-W05</Batch>\n    <Certificate>{certificate}</Certificate>\n    \
                 <Key kind=\"guek\" by=\"transport-2027\">{guek}</Key>\n    \
                 <Key kind=\"gak\" by=\"transport-2027\">{gak}</Key>\n  </Device>"
            )
            .unwrap();
        }
    }
    if !csv {
        out.write_all(b"</Delivery>\n").unwrap();
    }
    out.flush().unwrap();
}

fn certificate(title: &str, key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, title);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    STANDARD.encode(params.self_signed(key).unwrap().der())
}

/// Reads in a process of its own, three times; returns seconds and MiB of the median.
fn median(what: &str, file: &Path, rows: u64) -> (f64, f64) {
    let mut times: Vec<(f64, f64)> = (0..TIMES)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--read", what, "--file"]).arg(file);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let told = String::from_utf8(output.stdout).unwrap();
            let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
            let [seconds, mebibytes, read] = numbers.as_slice() else { panic!("{told}") };
            assert!((*read - f64::from(u32::try_from(rows).unwrap())).abs() < 0.5, "{what} read {read} rows");
            (*seconds, *mebibytes)
        })
        .collect();
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    times.get(TIMES / 2).copied().unwrap()
}

/// Reads, and prints seconds, the peak in MiB, and how many rows there were.
fn read_apart(what: &str, path: &Path) {
    let begun = Instant::now();
    let file = BufReader::with_capacity(65_536, File::open(path).unwrap());
    let rows = match what {
        "csv-parser" => csv_alone(file),
        "xml-parser" => xml_alone(file),
        "csv-delivery" => delivery(file, CSV),
        "xml-delivery" => delivery(file, XML),
        _ => panic!("{what} is none of the readings"),
    };
    println!("{} {} {rows}", begun.elapsed().as_secs_f64(), peak_mebibytes());
}

fn csv_alone(file: BufReader<File>) -> u64 {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(file);
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    while reader.read_record(&mut record).unwrap() {
        rows += 1;
    }
    rows
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is passed over")]
fn xml_alone(file: BufReader<File>) -> u64 {
    use quick_xml::events::Event;
    let mut reader = quick_xml::reader::NsReader::from_reader(file);
    let mut buffer = Vec::new();
    let mut rows = 0;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Eof => return rows,
            Event::Start(start) if start.local_name().as_ref() == "Device" => rows += 1,
            _ => {}
        }
    }
}

/// Takes devices and forgets them.
struct Forgotten;

impl Taker for Forgotten {
    fn device(&mut self, _place: Place, _number: u64, _device: DeliveredDevice) -> Result<(), ReadError> {
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        panic!("{fault}")
    }
}

fn delivery(file: BufReader<File>, map: &str) -> u64 {
    let (map, checks) = (Map::parse(map).unwrap(), Checks::default());
    let limits = Limits::default();
    let reading = Reading { map: &map, checks: &checks, beside: None, announced: None, limits };
    reading.read(file, &mut Forgotten).unwrap().good
}

/// The most that was resident, in MiB (`proc_pid_status(5)`).
fn peak_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap() / 1_024.0
}
