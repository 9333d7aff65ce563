//! `meter-pki profile files`: the files of the built-in profiles, to begin one's own with. Asks no server.

use std::collections::BTreeMap;
use std::path::Path;

use policies::{ProfileSet, Settings};
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};

/// The files that were written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileFiles)]
pub(in crate::commands) struct FilesView {
    /// Where they are.
    directory: String,
    /// Their names.
    files: Vec<String>,
}

/// Writes them into a directory, which is made where there is none; never over a file.
pub(super) fn write(directory: &Path, printer: &Printer) -> Result<(), Failure> {
    let set = ProfileSet::load_embedded(&Settings::default())
        .map_err(|error| Failure::new(Exit::Failed, "profile.built-in", error))?;
    let ids = set.ids().chain(set.crl_ids()).chain(set.ocsp_ids());
    // Two suites share a file.
    let files: BTreeMap<&str, &str> =
        ids.filter_map(|id| set.file(id.as_str())).map(|file| (file.name(), file.text())).collect();
    files.keys().try_for_each(|name| refuse_existing(&directory.join(name)))?;
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", directory.display()))
    })?;
    files.iter().try_for_each(|(name, text)| write_new(&directory.join(name), text.as_bytes()))?;
    let view = FilesView {
        directory: directory.display().to_string(),
        files: files.into_keys().map(str::to_owned).collect(),
    };
    printer.result(&view, |view| {
        vec![
            format!("{} files of profiles are in {}", view.files.len(), view.directory),
            "name the directory in [profiles], and raise `version` in each file that you change".to_owned(),
        ]
    });
    Ok(())
}
