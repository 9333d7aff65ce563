//! `meter-pki bench`: what this machine does, beside what it could.

use std::sync::Arc;

use figures::{Figures, Means, Options};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::compose::{SystemClock, abort_on_fatal};
use crate::exit::{Exit, Failure};

/// The rows that there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FigureNames)]
pub(in crate::commands) struct RowsView {
    rows: Vec<String>,
}

pub(super) fn run(options: &Options, printer: &Printer) -> Result<(), Failure> {
    let program = concat!("meter-pki ", env!("CARGO_PKG_VERSION")).to_owned();
    let executable = std::env::current_exe().map_err(|cause| {
        Failure::new(Exit::Failed, "bench.not-measured", format!("where is this program? {cause}"))
    })?;
    let means = Means { clock: Arc::new(SystemClock), settings: abort_on_fatal, program, executable };
    if options.list {
        let rows = figures::names(options, &means).map_err(|cause| failed(&cause))?;
        printer.result(&RowsView { rows }, |view| view.rows.clone());
        return Ok(());
    }
    let report = figures::run(options, &means).map_err(|cause| failed(&cause))?;
    printer.result(&Figures::of(&report), |_| vec![figures::text(&report)]);
    match report.failed() {
        [] => Ok(()),
        causes => Err(not_measured(causes.join("; "))),
    }
}

fn failed(cause: &anyhow::Error) -> Failure {
    not_measured(format!("{cause:#}"))
}

fn not_measured(cause: String) -> Failure {
    Failure::new(Exit::Failed, "bench.not-measured", cause).then("meter-pki bench --list")
}
