//! Figures of the whole system: certificates through the chain of issuance, enrolments over EST, OCSP answers, each beside
//! the limit that this machine sets, measured in the same run.
//!
//! Behind `meter-pki bench` and `cargo bench -p meter-pki`. It is not a test: nothing here fails because something was slow, only
//! because something was not done. The load comes from this same process, so that clients and servers share the processors; the
//! limits of the servers are measured with the same clients.

mod chain;
mod est;
mod installed;
mod rivals;
mod est_scenes;
mod cmp;
mod est_ground;
mod crl;
mod crl_octets;
mod truth;
mod many_revoked;
mod ocsp;
mod ocsp_request;
mod kept;
mod http;
mod process;
mod stage;
mod filling;
mod house;
mod counted;
mod authorities;
mod view;
mod tables;
mod plot;
mod targets;
mod growth;
mod report;
mod machine;
mod applicants;
mod measure;
mod memory;
mod yardsticks;
mod order;
mod raw_key;
mod appended;
mod speed;
mod options;

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ca_core::ports::Clock;
use ca_store::Settings;

use machine::Machine;
pub use many_revoked::ManyRevoked;
pub use options::Options;
use plot::plot;
pub use report::Report;
use stage::Stage;
pub use tables::text;
pub use view::{
    Compared, Figure, FigureGrowth, FigureOrder, FigureTarget, FigureWaits, Figures, MachineLimit, Measured,
    Range,
};
use yardsticks::Yardsticks;

/// What the caller gives: where time comes from, and how a ledger is opened.
#[expect(missing_debug_implementations, reason = "a clock has none")]
pub struct Means {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How ledgers are opened.
    pub settings: fn() -> Settings,
    /// The program, its version and, where it is known, its commit.
    pub program: String,
    /// The file of the program, for what is measured of its start and of a process of its own.
    pub executable: PathBuf,
}

/// Measures what is wanted, and draws it where that is wanted too. What is being measured is told on standard error.
///
/// # Errors
/// When there is no place for anything, or no row is wanted. What could not be measured is in the report beside what was.
pub fn run(options: &Options, means: &Means) -> anyhow::Result<Report> {
    // What cannot be written is told now, and not after all has been measured.
    let sizes = options.sizes()?;
    draw(options, "")?;
    let place = options.place().context("no directory for the ledgers")?;
    let mut machine = Machine::look(place.path(), means);
    let mut yardsticks = Yardsticks::new(place.path(), options.pace())?;
    let stage = Stage::new(options, place.path(), means);
    let mut failed = Vec::new();
    for size in sizes {
        stage.grow_to(size);
        failed.extend(measure_all(&stage, &mut yardsticks)?.iter().map(|cause| format!("{cause:#}")));
    }
    let rows = stage.rows();
    anyhow::ensure!(!rows.is_empty() || !failed.is_empty(), "no row has a name with one of these words");
    machine.look_again();
    let report = Report { smoke: options.is_smoke(), machine, rows, failed, limits: yardsticks.noted() };
    draw(options, &plot(&report))?;
    Ok(report)
}

fn draw(options: &Options, svg: &str) -> anyhow::Result<()> {
    let Some(file) = &options.plot else { return Ok(()) };
    std::fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))
}

/// Lists the names of all rows.
///
/// # Errors
/// When there is no place for anything.
pub fn names(options: &Options, means: &Means) -> anyhow::Result<Vec<String>> {
    let options = Options { list: true, ..options.clone() };
    let place = options.place().context("no directory for the ledgers")?;
    let mut yardsticks = Yardsticks::new(place.path(), options.pace())?;
    let stage = Stage::new(&options, place.path(), means);
    measure_all(&stage, &mut yardsticks)?;
    Ok(stage.names())
}

/// Measures what is wanted. Where one kind of rows cannot be measured to its end, the next one is; returns why each ended.
fn measure_all(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<Vec<anyhow::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut ended = vec![
        chain::rows(stage, yardsticks),
        est::rows(stage, &runtime, yardsticks),
        cmp::rows(stage, &runtime, yardsticks),
        ocsp::rows(stage, &runtime, yardsticks),
        crl::stored_rows(stage, yardsticks),
        truth::rows(stage, &runtime, yardsticks),
    ];
    // What follows asks no ledger that was filled, and costs the same whatever is stored.
    if !stage.has_been_measured_smaller() {
        ended.push(crl::rows(stage, yardsticks));
        ended.push(installed::rows(stage, &runtime, yardsticks));
        ended.push(rivals::rows(stage, &runtime, yardsticks));
    }
    let failed: Vec<anyhow::Error> = ended.into_iter().filter_map(Result::err).collect();
    for cause in &failed {
        writeln!(stderr(), "not measured: {cause:#}")?;
    }
    Ok(failed)
}
