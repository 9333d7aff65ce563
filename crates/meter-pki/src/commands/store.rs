//! `meter-pki store create`: the one verb that makes a ledger.

use std::path::Path;

use ca_store::{EngineKind, Store};
use serde::Serialize;

use super::printer::Printer;
use crate::exit::{Exit, Failure};

#[derive(Debug, Serialize)]
struct StoreView {
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
    let view = StoreView { directory: directory.display().to_string(), engine: engine.to_owned() };
    printer
        .result(&view, |view| vec![format!("an empty ledger on {} is in {}", view.engine, view.directory)]);
    Ok(())
}
