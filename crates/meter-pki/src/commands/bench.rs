//! `meter-pki bench`: what this machine does, beside what it could.

use std::sync::Arc;

use figures::{Means, Options};

use super::printer::Printer;
use crate::compose::{SystemClock, abort_on_fatal};
use crate::exit::{Exit, Failure};

pub(super) fn run(options: &Options, printer: &Printer) -> Result<(), Failure> {
    let program = concat!("meter-pki ", env!("CARGO_PKG_VERSION")).to_owned();
    let means = Means { clock: Arc::new(SystemClock), settings: abort_on_fatal, program };
    let report = figures::run(options, &means)
        .map_err(|cause| Failure::new(Exit::Failed, "bench.not_measured", format!("{cause:#}")))?;
    printer.result(&report.view(), |_| vec![report.text()]);
    Ok(())
}
