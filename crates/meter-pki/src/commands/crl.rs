//! `meter-pki crl list`, `crl publish` and `crl import`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::printer::{Printer, heading, table};
use crate::cli::CrlCommand;
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::{CrlText, CrlView, ImportedCrlView};

pub(super) async fn run(
    verb: &CrlCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        CrlCommand::List => {
            let all: Vec<CrlView> = client.get("/v1/crls", &()).await?;
            printer.result(&all, |all| rows(all));
        }
        CrlCommand::Publish { name } => {
            let one: CrlView = client.post(&format!("/v1/crls/{}", escaped(name)), &()).await?;
            printer.result(&one, |one| rows(std::slice::from_ref(one)));
        }
        CrlCommand::Import { file } => {
            let octets = std::fs::read(file).map_err(|error| {
                Failure::new(Exit::Usage, "crl.file", format!("cannot read {}: {error}", file.display()))
            })?;
            let text = CrlText { der: STANDARD.encode(octets) };
            let view: ImportedCrlView = client.post("/v1/root-crls", &text).await?;
            printer.result(&view, |view| {
                vec![format!(
                    "CRL {} of {} is published; next by {}",
                    view.number, view.issuer, view.next_update
                )]
            });
        }
    }
    Ok(())
}

fn rows(all: &[CrlView]) -> Vec<String> {
    let mut rows =
        vec![heading(&["AUTHORITY", "NUMBER", "ENTRIES", "OCTETS", "THIS UPDATE", "NEXT UPDATE", "URI"])];
    rows.extend(all.iter().map(|one| {
        vec![
            one.authority.clone(),
            one.number.to_string(),
            one.entries.to_string(),
            one.octets.to_string(),
            one.this_update.clone(),
            one.next_update.clone(),
            one.uri.clone().unwrap_or_default(),
        ]
    }));
    table(&rows)
}
