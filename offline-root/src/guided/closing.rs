//! The closing: the bundle, its manifest signed by operator and all witnesses, and the medium of what leaves.
//!
//! Everything is made of what lies on the disk, so that a power cut here costs nothing: what is not whole is made once more.

use std::fs;
use std::io;
use std::path::Path;

use ceremony::bundle::BundleDraft;
use ceremony::file::act::FileName;
use ceremony::record::Record;
use ceremony::transcript::action::{Action, Tool};

use super::error::{GuidedError, OutputError};
use super::scene::{Scene, settle, unreadable};
use super::table::Table;
use crate::medium;
use crate::new_file;

/// Makes the bundle of a ceremony that was closed, unless it is there.
pub(crate) fn bundle(table: &Table<'_>, scene: &Scene, records: &[Record]) -> Result<(), GuidedError> {
    if scene.bundle().is_dir() {
        return Ok(());
    }
    let path = scene.transcript();
    let transcript = fs::read(&path).map_err(unreadable(&path))?;
    let mut draft = BundleDraft::new(table.file, &transcript, &tools(table))?;
    for (name, octets) in files(&scene.inputs())? {
        draft = draft.input(&name, octets);
    }
    for (name, octets) in files(&scene.outputs())? {
        draft = draft.output(&name, octets);
    }
    for record in records {
        draft = draft.record(record)?;
    }
    let unsigned = draft.manifest()?;
    let signed = table.each_key(unsigned, |bundle, person, key| Ok(bundle.sign(person, key)?))?;
    let bundle = signed.seal()?;
    let tar = scene.path().join("bundle.tar");
    let mut placed = settle(&tar, &bundle.to_tar()?);
    if matches!(placed, Err(GuidedError::Output(OutputError::OutputDiffers { .. }))) {
        // Signed by an earlier run, which a power cut kept from writing the directory.
        fs::remove_file(&tar).map_err(unreadable(&tar))?;
        placed = settle(&tar, &bundle.to_tar()?);
    }
    placed?;
    let new = scene.path().join("bundle.new");
    clear(&new)?;
    bundle.write(&new).map_err(unreadable(&new))?;
    Ok(new_file::rename(&new, &scene.bundle())?)
}

/// Puts what leaves on its own: the outputs and nothing else (case R-20). It is looked at as every medium is.
pub(crate) fn export(table: &mut Table<'_>, scene: &Scene) -> Result<(), GuidedError> {
    let (export, new) = (scene.export(), scene.path().join("export.new"));
    clear(&new)?;
    new_file::directory(&new)?;
    for (name, octets) in files(&scene.outputs())? {
        new_file::place(&new.join(name.as_str()), &octets)?;
    }
    let review = medium::review(&new)?;
    new_file::rename(&new, &export)?;
    table.show(&format!("\nWhat leaves, in {}\n{review}", export.display()))?;
    let tip = *table.transcript().tip();
    table.show(&format!(
        "\nThe last line of the transcript has the SHA-256\n  {}\n  {}",
        tip.grouped(),
        tip.words().join(" ")
    ))
}

/// Every program that led the ceremony: after an interruption it may have been another.
fn tools(table: &Table<'_>) -> Vec<Tool> {
    let opened = table.transcript().actions().filter_map(|(_, action)| {
        if let Action::Opened { tool, .. } = action { Some(tool.clone()) } else { None }
    });
    opened.collect()
}

/// Reads the files of a directory, in the order of their names.
fn files(directory: &Path) -> Result<Vec<(FileName, Vec<u8>)>, GuidedError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let entry = entry.map_err(unreadable(directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Half of a file that a power cut kept from being placed.
        if !new_file::is_aside(&name) {
            let octets = fs::read(entry.path()).map_err(unreadable(&entry.path()))?;
            files.push((name.try_into()?, octets));
        }
    }
    files.sort();
    Ok(files)
}

fn clear(directory: &Path) -> Result<(), GuidedError> {
    match fs::remove_dir_all(directory) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unreadable(directory)(cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}
