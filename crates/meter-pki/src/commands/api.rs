//! `api`: prints the document of the operator's interface, as this program serves it, and the schemas of what verbs print.

use super::printer::Printer;
use super::schemas;
use crate::cli::api::{ApiCommand, SchemaArgs};
use crate::exit::Failure;
use crate::operator::api_document;

pub(super) fn run(verb: &ApiCommand, printer: &Printer) -> Result<(), Failure> {
    let text = match verb {
        ApiCommand::Document => api_document().text(),
        ApiCommand::Schema(SchemaArgs { failure: true, .. }) => schemas::text(&schemas::failure()),
        ApiCommand::Schema(SchemaArgs { verb, .. }) if verb.is_empty() => schemas::text(&schemas::document()),
        ApiCommand::Schema(SchemaArgs { verb, .. }) => schemas::text(&schemas::of(&verb.join(" "))?),
    };
    printer.script(&text);
    Ok(())
}
