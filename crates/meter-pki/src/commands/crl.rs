//! `meter-pki crl list` and `crl publish`.

use super::printer::{Printer, heading, table};
use crate::cli::CrlCommand;
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::CrlView;

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
