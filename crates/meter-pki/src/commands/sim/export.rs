//! `meter-pki sim export`: what the meters of a fleet hold, as a head-end would export it.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::profile::KeyPurpose;
use serde::Serialize;
use simulator::Life;
use utoipa::ToSchema;

use super::fleet;
use crate::cli::sim::ExportArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::refuse_existing;
use crate::operator::wire::reconciliation::ExportedText;

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetExport)]
pub(in crate::commands) struct ExportView {
    file: String,
    meters: usize,
    certificates: usize,
}

pub(super) fn run(args: &ExportArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let fleet = fleet(&args.directory)?;
    let unwritten =
        |error| Failure::new(Exit::Failed, "sim.not-written", format!("{}: {error}", args.out.display()));
    let mut out = BufWriter::new(File::create_new(&args.out).map_err(unwritten)?);
    let mut certificates = 0;
    for meter in &fleet.meters {
        for purpose in KeyPurpose::ALL {
            let Some(held) = fleet.certificate(&meter.title, Life::Operational, purpose) else { continue };
            let line = ExportedText {
                system_title: meter.title.to_string(),
                purpose: purpose.name().to_owned(),
                certificate: Some(STANDARD.encode(held)),
                sha256: None,
            };
            let line = serde_json::to_string(&line).map_err(|error| unwritten(error.into()))?;
            writeln!(out, "{line}").map_err(unwritten)?;
            certificates += 1;
        }
    }
    out.flush().map_err(unwritten)?;
    let view = ExportView { file: args.out.display().to_string(), meters: fleet.meters.len(), certificates };
    printer.result(&view, |view| {
        vec![
            format!("{} certificates of {} meters are in {}", view.certificates, view.meters, view.file),
            format!("next: meter-pki device reconcile --tenant TENANT --exported {}", view.file),
        ]
    });
    Ok(())
}
