//! New files for whoever asked: whole under their names or not there, and never over another or through a link.
//!
//! Not what is replaced: `credential::file`. Not what comes in pieces: `secrets::aside`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::exit::{Exit, Failure};

/// Refuses a name that is taken, before anything is done for the sake of the file.
pub(super) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        let message = format!("{} exists, and nothing is written over", path.display());
        return Err(Failure::new(Exit::Conflict, "file.exists", message).then("name another file"));
    }
    Ok(())
}

/// Writes a new file for other people: it appears whole under its name, or not at all, and never over another.
pub(super) fn write_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_with(path, octets, 0o666)
}

/// The same for its owner alone.
pub(super) fn write_new_private(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_with(path, octets, 0o600)
}

fn write_with(path: &Path, octets: &[u8], mode: u32) -> Result<(), Failure> {
    refuse_existing(path)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let aside = path.with_file_name(name);
    let written = write_aside(&aside, octets, mode).and_then(|()| {
        // Linking fails where something stands by now.
        std::fs::hard_link(&aside, path)
    });
    // If it cannot be removed, it is in nobody's way: the next one takes its place.
    drop(std::fs::remove_file(&aside));
    let synced = written.and_then(|()| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
    });
    synced.map_err(|error| {
        Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", path.display()))
    })
}

/// Writes the octets under another name; what an earlier run left there is taken away.
fn write_aside(aside: &Path, octets: &[u8], mode: u32) -> std::io::Result<()> {
    match std::fs::remove_file(aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(aside)?;
    file.write_all(octets)?;
    file.sync_all()
}

/// Writes what may be there already, from a run that was cut short or from another response: the same octets are no conflict.
pub(super) fn write_same_or_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    if std::fs::read(path).is_ok_and(|present| present == octets) {
        return Ok(());
    }
    write_new(path, octets)
}
