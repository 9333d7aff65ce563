//! Secrets in text files that nobody else may read. Read anew at each use, so that they can be changed while the program runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file that only its owner may read.
///
/// # Errors
/// Why it is unusable, without its name.
pub(crate) fn read(file: &Path) -> Result<Zeroizing<String>, String> {
    let mode = fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err("others may read it: chmod 600".to_owned());
    }
    fs::read_to_string(file).map(Zeroizing::new).map_err(|error| error.to_string())
}
