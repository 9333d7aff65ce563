//! Files that are there whole or not at all, also when the power goes: written aside, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes octets in the place of what was there.
pub(super) fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    put(path, octets)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or_else(|| Path::new(".")))
}

/// The same, but for the directory: its entry lasts once [`sync`] was done.
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
