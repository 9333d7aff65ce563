//! New files, and only new ones: whole, on disk and read back before anything else happens.
//!
//! Nothing here ever replaces a file or follows a symbolic link at the end of a path. What goes to a transfer medium is
//! written in place, since such media know no links; what belongs to the ledger appears under its name in one step.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::explain::{Exit, Explained};

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner: mode 0600.
    Owner,
    /// Everybody, as far as the umask lets them: mode 0644.
    Everybody,
}

impl Readers {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

/// Makes a directory of mode 0700.
///
/// # Errors
/// [`NewFileError`], also when there is something under its name.
pub(crate) fn directory(path: &Path) -> Result<(), NewFileError> {
    DirBuilder::new().mode(0o700).create(path).and_then(|()| sync_parent(path)).map_err(failed(path))
}

/// Refuses a path that is taken already, so that nothing is signed for an output that could not be written.
///
/// # Errors
/// [`NewFileError::Exists`], and [`NewFileError::NotWritten`] when there is no directory to put it in.
pub(crate) fn check_free(path: &Path) -> Result<(), NewFileError> {
    match fs::symlink_metadata(path) {
        Ok(_) => return Err(NewFileError::Exists { path: path.to_owned() }),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(path)(cause)),
        Err(_) => {}
    }
    fs::metadata(parent(path)).map_err(failed(path)).and_then(|metadata| {
        let cause = || io::Error::from(io::ErrorKind::NotADirectory);
        if metadata.is_dir() { Ok(()) } else { Err(failed(path)(cause())) }
    })
}

/// Writes a new file in place, syncs it and its directory, and reads it back. If that fails, the file is removed again.
///
/// # Errors
/// [`NewFileError`].
pub(crate) fn create(path: &Path, octets: &[u8], readers: Readers) -> Result<(), NewFileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(readers.mode())
        .open(path)
        .map_err(failed(path))?;
    let written = file
        .write_all(octets)
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_parent(path))
        .map_err(failed(path))
        .and_then(|()| read_back(path, octets));
    if written.is_err() {
        // It is ours, made a moment ago. If it cannot be removed, the error that follows names it.
        fs::remove_file(path).unwrap_or_default();
    }
    written
}

/// Puts a new file under its name in one step: after a power cut it is there whole, or it is not there.
///
/// # Errors
/// [`NewFileError`].
pub(crate) fn place(path: &Path, octets: &[u8]) -> Result<(), NewFileError> {
    let aside = aside(path);
    match fs::remove_file(&aside) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(&aside)(cause)),
        Ok(()) | Err(_) => {}
    }
    create(&aside, octets, Readers::Owner)?;
    // A link, not a renaming: it fails when there is something under the name.
    let linked = fs::hard_link(&aside, path).map_err(failed(path));
    fs::remove_file(&aside).map_err(failed(&aside))?;
    linked?;
    sync_parent(path).map_err(failed(path))?;
    read_back(path, octets)
}

/// Tells whether a file name is that of a file which a power cut kept from being placed.
pub(crate) fn is_aside(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".new")
}

fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

fn read_back(path: &Path, octets: &[u8]) -> Result<(), NewFileError> {
    let read = fs::read(path).map_err(failed(path))?;
    if read == octets { Ok(()) } else { Err(NewFileError::ReadBackDiffers { path: path.to_owned() }) }
}

/// Gives a finished directory its name, durably.
///
/// # Errors
/// [`NewFileError`].
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), NewFileError> {
    fs::rename(from, to).and_then(|()| sync_parent(to)).map_err(failed(to))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

/// Returns the directory that a path lies in; a bare name lies in the working directory.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> NewFileError {
    move |cause| {
        let path = path.to_owned();
        if cause.kind() == io::ErrorKind::AlreadyExists {
            NewFileError::Exists { path }
        } else {
            NewFileError::NotWritten { path, cause }
        }
    }
}

/// How the program ends when the operating system refuses a file.
pub(crate) fn exit_of(cause: &io::Error) -> Exit {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    if matches!(cause.kind(), NotFound | NotADirectory) {
        Exit::NotFound
    } else if matches!(cause.kind(), PermissionDenied | ReadOnlyFilesystem) {
        Exit::Permission
    } else {
        Exit::Unavailable
    }
}

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
pub enum NewFileError {
    /// There is something under this name, be it a symbolic link that leads nowhere.
    #[error("{path} exists already, and nothing is ever overwritten", path = path.display())]
    Exists {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{path} cannot be written: {cause}", path = path.display())]
    NotWritten {
        /// The path asked for.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The medium gives back other octets than were written.
    #[error("{path} reads back other octets than were written to it", path = path.display())]
    ReadBackDiffers {
        /// The file.
        path: PathBuf,
    },
}

impl Explained for NewFileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } => Exit::Conflict,
            Self::NotWritten { cause, .. } => exit_of(cause),
            Self::ReadBackDiffers { .. } => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "file.exists",
            Self::NotWritten { .. } => "file.not-written",
            Self::ReadBackDiffers { .. } => "file.read-back",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Exists { .. } => "choose another name, or move what is there away yourself".to_owned(),
            Self::NotWritten { .. } => {
                "check the directory, the free space and the medium, then repeat".to_owned()
            }
            Self::ReadBackDiffers { .. } => "take another medium, and do not use this one again".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn i_04_never_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        create(&path, b"first", Readers::Everybody).unwrap();
        assert!(matches!(check_free(&path), Err(NewFileError::Exists { .. })));
        for second in [create(&path, b"second", Readers::Everybody), place(&path, b"second")] {
            assert_eq!(second.unwrap_err().exit(), Exit::Conflict);
        }
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no file is left aside");
    }

    #[test]
    fn i_14_refuses_a_symbolic_link_even_to_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).unwrap();
        assert!(matches!(check_free(&link), Err(NewFileError::Exists { .. })));
        for written in [create(&link, b"octets", Readers::Owner), place(&link, b"octets")] {
            assert!(matches!(written, Err(NewFileError::Exists { .. })));
        }
        assert!(!target.exists());
    }

    #[test]
    fn i_11_gives_secrets_to_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, below) = (folder.path().join("secret"), folder.path().join("below"));
        create(&secret, b"octets", Readers::Owner).unwrap();
        directory(&below).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&secret), mode(&below)), (0o600, 0o700));
    }

    #[test]
    fn places_a_file_although_a_power_cut_left_half_of_one_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000001-event.pem");
        fs::write(aside(&path), b"hal").unwrap();
        assert!(is_aside(aside(&path).file_name().unwrap().to_str().unwrap()));
        place(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn says_not_found_when_there_is_no_directory_to_write_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent/out");
        assert_eq!(check_free(&path).unwrap_err().exit(), Exit::NotFound);
        assert_eq!(create(&path, b"", Readers::Owner).unwrap_err().exit(), Exit::NotFound);
    }
}
