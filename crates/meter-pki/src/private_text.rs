//! Secrets in files that nobody else may read. Read anew at each use, so that they can be changed while the program runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file that only its owner may read.
///
/// # Errors
/// Why it is unusable, without its name.
pub(crate) fn read(file: &Path) -> Result<Zeroizing<String>, String> {
    let mode = fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode();
    if mode & signer_file::denied_to_others(file) != 0 {
        return Err("others may read it: chmod 600".to_owned());
    }
    fs::read_to_string(file).map(Zeroizing::new).map_err(|error| error.to_string())
}

/// Writes octets into a file of mode 0600 aside and gives it its name: whole or not at all, also when the power goes.
///
/// # Errors
/// What the operating system says.
pub(crate) fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    by_way_of(path, (octets, 0o600), |aside| fs::rename(aside, path))
}

/// Writes octets into a file of this mode aside and has it put in place; nothing is left aside, whatever comes of it.
///
/// # Errors
/// What the operating system says.
pub(crate) fn by_way_of(
    path: &Path,
    (octets, mode): (&[u8], u32),
    put: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let aside = path.with_file_name(format!(".{}.new", name.to_string_lossy()));
    let placed = write_anew(&aside, octets, mode).and_then(|()| put(&aside));
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return placed.and(Err(error)),
        Ok(()) | Err(_) => placed?,
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Writes a file anew; what an earlier run left there is taken away.
fn write_anew(path: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}
