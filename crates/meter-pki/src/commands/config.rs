//! `meter-pki config check` and `config statement`: every fault, not the first, and what a sound configuration amounts to for an auditor;
//! nothing is opened but files that are only read.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::cli::ConfigCommand;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::practice_statement::{self, Detail, PracticeStatement};

/// What a sound configuration amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedConfiguration)]
pub(in crate::commands) struct ConfigView {
    authorities: Vec<String>,
    labels: Vec<String>,
    manufacturers: usize,
    registration_authorities: usize,
}

pub(super) fn run(verb: &ConfigCommand, file: &Path, printer: &Printer) -> Result<(), Failure> {
    match verb {
        ConfigCommand::Check => {
            let config = Config::load(file).map_err(|error| faulty(&error))?;
            let labels =
                config.authorities.iter().flat_map(|one| &one.offers).filter_map(|offer| offer.label.clone());
            let view = ConfigView {
                authorities: config.authorities.iter().map(|one| one.name.clone()).collect(),
                labels: labels.collect(),
                manufacturers: config.manufacturers.len(),
                registration_authorities: config.registration_authorities.len(),
            };
            printer.result(&view, |view| {
                vec![format!(
                    "sound; authorities: {}, labels: {}, manufacturers: {}, registration authorities: {}",
                    view.authorities.len(),
                    view.labels.len(),
                    view.manufacturers,
                    view.registration_authorities
                )]
            });
            Ok(())
        }
        ConfigCommand::Statement { open, template } => {
            let config = Config::load(file).map_err(|error| faulty(&error))?;
            let detail = if *template { Detail::Template } else { Detail::Whole };
            let statement = practice_statement::of(&config, detail);
            let lines = if *open { PracticeStatement::open_places } else { PracticeStatement::markdown };
            printer.result(&statement, lines);
            Ok(())
        }
    }
}

/// Makes one failure of all faults, a line each.
pub(super) fn faulty(error: &crate::config::CheckConfigError) -> Failure {
    let count = error.faults.len();
    let message = format!("faults in the configuration: {count}\n{error}");
    Failure::new(Exit::Usage, "config.faulty", message)
}
