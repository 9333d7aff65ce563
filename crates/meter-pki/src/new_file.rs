//! New files for whoever asked: whole under their names or not there, and never over another or through a link.
//!
//! Not what is replaced: `credential::file`. Not what comes in pieces: `secrets::aside`.

use std::path::Path;

use crate::exit::{Exit, Failure};
use crate::private_text;

/// Refuses a name that is taken, before anything is done for the sake of the file.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        let message = format!("{} exists, and nothing is written over", path.display());
        return Err(Failure::new(Exit::Conflict, "file.exists", message).then("name another file"));
    }
    Ok(())
}

/// Writes a new file for other people: it appears whole under its name, or not at all, and never over another.
pub(crate) fn write_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_with(path, octets, 0o666)
}

/// The same for its owner alone.
pub(crate) fn write_new_private(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_with(path, octets, 0o600)
}

fn write_with(path: &Path, octets: &[u8], mode: u32) -> Result<(), Failure> {
    refuse_existing(path)?;
    // Linking fails where something stands by now.
    let written = private_text::by_way_of(path, (octets, mode), |aside| std::fs::hard_link(aside, path));
    written.map_err(|error| {
        Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", path.display()))
    })
}

/// Writes what may be there already, from a run that was cut short or from another response: the same octets are no conflict.
pub(crate) fn write_same_or_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    if std::fs::read(path).is_ok_and(|present| present == octets) {
        return Ok(());
    }
    write_new(path, octets)
}
