//! Figures of the whole system: certificates through the chain of issuance, enrolments over EST, OCSP answers, each beside
//! the limit that this machine sets, measured in the same run.
//!
//! `cargo bench -p meter-pki [-- [--quick | --full] [--json] [--directory PATH] [WORD…]]`. It is not a test: nothing here
//! fails because something was slow, only because something was not done. The load comes from this same process, so that
//! clients and servers share the processors; the limits of the servers are measured with the same clients.

mod chain;
mod est;
mod est_scenes;
mod rivals;
mod truth;
mod ocsp;
mod ocsp_request;
mod kept;
mod http;
mod house;
mod authorities;
mod applicants;
mod report;
mod machine;
mod measure;
mod yardsticks;
mod speed;
mod options;

use std::process::ExitCode;

use anyhow::Context;

use measure::Row;
use options::Options;
use yardsticks::Yardsticks;

fn main() -> anyhow::Result<ExitCode> {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            report::complain(&usage)?;
            return Ok(ExitCode::from(2));
        }
    };
    let place = options.place().context("no directory for the ledgers")?;
    let mut machine = machine::Machine::look(place.path());
    let mut yardsticks = Yardsticks::new(place.path(), options.pace())?;
    let rows = measure_all(&options, place.path(), &mut yardsticks)?;
    machine.look_again();
    report::print(&options, &machine, &rows, &yardsticks)?;
    Ok(ExitCode::SUCCESS)
}

fn measure_all(
    options: &Options,
    place: &std::path::Path,
    yardsticks: &mut Yardsticks,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = chain::rows(options, place, yardsticks)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    rows.extend(est::rows(options, place, &runtime, yardsticks)?);
    rows.extend(ocsp::rows(options, place, &runtime, yardsticks)?);
    rows.extend(truth::rows(options, place, &runtime, yardsticks)?);
    rows.extend(rivals::rows(options, place, &runtime, yardsticks)?);
    Ok(rows)
}
