//! `meter-pki crl list`, `crl publish`, `crl import` and `crl verify`, which ask the server; `crl resign`, which needs none.

pub(super) mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::record::CrlRecord;
use ca_core::scope::CrlKind;

use super::config::faulty;
use super::printer::{Printer, heading, table};
use crate::cli::CrlCommand;
use crate::compose::compose;
use crate::compose::keys::Absence;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped, query_text};
use crate::operator::views;
use crate::operator::wire::{CrlChoice, CrlText, CrlView, ImportedCrlView, PublishedCrlsView};

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
        CrlCommand::Publish { name, shard, delta } => {
            let choice = CrlChoice { shard: shard.clone(), delta: *delta };
            let path = format!("/v1/crls/{}?{}", escaped(name), query_text(&choice)?);
            let made: PublishedCrlsView = client.post(&path, &()).await?;
            printer.result(&made, published);
        }
        CrlCommand::Resign { .. } => {
            return Err(Failure::new(Exit::Usage, "crl.resign", "crl resign asks no server"));
        }
        CrlCommand::Verify(args) => verify::run(args, client, printer).await?,
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

/// Signs and publishes a CRL with the ledger and the key, and nothing that serves.
pub(super) fn resign(name: &str, file: &Path, printer: &Printer) -> Result<(), Failure> {
    let config = Config::load_in_founding(file).map_err(|error| faulty(&error))?;
    let system = compose(&config, Absence::Fails, std::convert::identity)?;
    let served = system.authorities.iter().find(|served| served.name == name).ok_or_else(|| {
        Failure::new(Exit::NotFound, "authority.unknown", format!("there is no authority called {name}"))
            .then("look at [[authority]] in the configuration")
    })?;
    if let Some(recovery) = system.vault.recovery() {
        let message = format!("in recovery since {}: {}", recovery.since, recovery.reason);
        return Err(Failure::new(Exit::Unavailable, "store.in-recovery", message)
            .then("meter-pki restore reconcile, then meter-pki restore finish"));
    }
    let tenant = served.authority.issuer().tenant().clone();
    let actor = Actor { tenant, identity: Identity::Operator { name: super::user() } };
    let mut made = served.publish_crls(&actor, (None, CrlKind::Complete))?;
    made.sort_by_cached_key(CrlRecord::line);
    let view = views::published(served, &made)
        .ok_or_else(|| Failure::new(Exit::Failed, "crl.none", "no CRL was made"))?;
    printer.result(&view, published);
    Ok(())
}

fn published(made: &PublishedCrlsView) -> Vec<String> {
    let all: Vec<CrlView> = [&made.first].into_iter().chain(&made.further).cloned().collect();
    rows(&all)
}

fn rows(all: &[CrlView]) -> Vec<String> {
    let mut rows = vec![heading(&[
        "AUTHORITY",
        "SCOPE",
        "NUMBER",
        "BASE",
        "ENTRIES",
        "OCTETS",
        "THIS UPDATE",
        "NEXT UPDATE",
        "URI",
    ])];
    rows.extend(all.iter().map(|one| {
        vec![
            one.authority.clone(),
            one.shard.clone().unwrap_or_else(|| "all".to_owned()),
            one.number.to_string(),
            one.base.map(|base| base.to_string()).unwrap_or_default(),
            one.entries.to_string(),
            one.octets.to_string(),
            one.this_update.clone(),
            one.next_update.clone(),
            one.uri.clone().unwrap_or_default(),
        ]
    }));
    table(&rows)
}
