//! `meter-pki store create`, which makes an empty ledger, and `store show`.

use std::path::Path;

use ca_store::{EngineKind, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::StoreView;

/// The ledger that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedStore)]
pub(in crate::commands) struct CreatedView {
    directory: String,
    engine: String,
}

pub(super) fn create(directory: &Path, engine: &str, printer: &Printer) -> Result<(), Failure> {
    let kind = EngineKind::from_name(engine).ok_or_else(|| {
        Failure::new(Exit::Usage, "store.engine", format!("there is no engine {engine}"))
            .then("use fjall or sled")
    })?;
    Store::create(directory, kind).map_err(|error| {
        Failure::new(Exit::Conflict, "store.not-created", format!("{}: {error}", directory.display()))
    })?;
    let view = CreatedView { directory: directory.display().to_string(), engine: engine.to_owned() };
    printer
        .result(&view, |view| vec![format!("an empty ledger on {} is in {}", view.engine, view.directory)]);
    Ok(())
}

pub(super) async fn show(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: StoreView = client.get("/v1/store", &()).await?;
    printer.result(&view, |view| {
        let epoch = view.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        let mut lines = vec![
            format!("engine:      {}", view.engine),
            format!("records:     {}", view.sequence),
            format!("root:        {}", view.root),
            format!("epoch:       {epoch}"),
        ];
        lines.extend(view.installation.iter().map(|id| format!("copy:        {id}")));
        if let (Some(since), Some(reason)) = (&view.recovery_since, &view.recovery_reason) {
            lines.push(format!("recovery:    since {since}: {reason}"));
        }
        lines
    });
    Ok(())
}
