//! `api`: prints the document of the operator's interface, as this program serves it.

use super::printer::Printer;
use crate::cli::api::ApiCommand;
use crate::operator::api_document;

pub(super) fn run(verb: &ApiCommand, printer: &Printer) {
    match verb {
        ApiCommand::Document => printer.script(&api_document().text()),
    }
}
