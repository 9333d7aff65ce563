//! How long a ledger takes from start to ready, and how much memory, with many certificates and with none.
//!
//! `cargo bench -p ca-store --bench startup -- [--rows N] [--engine fjall|sled] [--directory DIR] [--keep]` generates a ledger
//! through the port that the authority uses, so that every row, index and audit record is there that a certificate has, and
//! then opens it and an empty one in fresh processes. Not a measure of how fast certificates are issued: `commits` is.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on says why and ends"
)]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "startup/generate.rs"]
mod generate;
#[path = "startup/measure.rs"]
mod measure;

use std::path::PathBuf;
use std::time::Instant;

use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Settings, Store};

use generate::{at, generate};
use measure::{Figures, measure, open_and_tell};

/// How many certificates are generated unless more are asked for: a minute's work.
const ROWS: u64 = 200_000;

/// How often each ledger is opened.
const ROUNDS: usize = 5;

/// What was asked for on the command line.
struct Options {
    rows: u64,
    engine: EngineKind,
    directory: PathBuf,
    keep: bool,
    /// In a child: the ledger to open.
    open: Option<PathBuf>,
}

fn main() {
    let options = options();
    if let Some(ledger) = &options.open {
        return open_and_tell(ledger);
    }
    let parent = tempfile::Builder::new().prefix("startup.").tempdir_in(&options.directory).unwrap();
    let (full, empty) = (parent.path().join("full"), parent.path().join("empty"));
    Store::create(&empty, options.engine).unwrap();
    Store::create(&full, options.engine).unwrap();
    let start = Instant::now();
    generate(&full, options.rows);
    println!(
        "{} with {} certificates, made in {:.0} s",
        options.engine,
        options.rows,
        start.elapsed().as_secs_f64()
    );
    println!("on disk: {} MiB", measure::octets_below(&full) >> 20);
    let [with, without] = [&full, &empty].map(|ledger| measure(ledger, ROUNDS));
    tell("full ", &with);
    tell("empty", &without);
    println!(
        "ready: {:.2} times the empty one; memory: {:.2} times",
        with.ready_over(&without),
        with.memory_over(&without)
    );
    if options.keep {
        println!("kept: {}", parent.keep().display());
    }
}

fn tell(name: &str, figures: &Figures) {
    let Figures { first_ms, median_ms, peak_kib } = figures;
    println!(
        "{name}: ready after {first_ms:.1} ms the first time, {median_ms:.1} ms in the median of {ROUNDS}, {peak_kib} KiB at most"
    );
}

fn options() -> Options {
    let mut options = Options {
        rows: ROWS,
        engine: EngineKind::Fjall,
        directory: std::env::temp_dir(),
        keep: false,
        open: None,
    };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap();
        match argument.as_str() {
            "--rows" => options.rows = value().parse().unwrap(),
            "--engine" => {
                let name = value();
                options.engine =
                    EngineKind::EMBEDDED.into_iter().find(|kind| kind.to_string() == name).unwrap();
            }
            "--directory" => options.directory = value().into(),
            "--keep" => options.keep = true,
            "--open" => options.open = Some(value().into()),
            other => panic!("{other} is none of --rows, --engine, --directory, --keep"),
        }
    }
    options
}

/// How the program opens a ledger.
fn open(ledger: &std::path::Path) -> Store {
    let opening = Opening { now: at(u64::MAX), tenant: TenantId::parse("dso").unwrap(), boot: None };
    let settings = Settings::new(Box::new(|fatal| panic!("{fatal}")));
    Store::open(ledger, &opening, settings).unwrap().0
}
