//! Many files of one directory, each whole or not at all: written aside, synced, renamed, and the directory synced once for all of
//! them. Not for one file alone: `status_server::aside`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes octets in the place of what was there; that lasts once [`sync`] was done.
pub(super) fn put(path: &Path, octets: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let aside = path.with_file_name(format!(".{}.new", name.to_string_lossy()));
    // One that a run before left behind was never whole.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&aside)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}

/// Makes the entries of a directory last.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
