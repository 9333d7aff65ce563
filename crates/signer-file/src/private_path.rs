//! Files and directories that only their owner may touch: 0600 and 0700, anything looser is refused.
//!
//! A credential of systemd is as private where an access list lets its service in, which shows as the group's right to read.
//! Nothing about keys here. A file appears under its name whole and durable or not at all, and never replaces another.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Permission bits of group and others; a private path has none of them.
const NOT_OWNER: u32 = 0o077;

/// Permission bits that a credential has none of: it may show the right to read of whoever is on its access list.
const NOT_LISTED: u32 = 0o037;

/// Where systemd puts the credentials of services, each in a directory that its service alone enters.
const CREDENTIALS: &str = "/run/credentials";

/// Why a file or directory is not taken for a private one.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePathError {
    /// There is nothing under this name.
    #[error("{path} does not exist", path = path.display())]
    Missing {
        /// The path asked for.
        path: PathBuf,
    },
    /// There is something else under this name, such as a symbolic link, a device or a pipe.
    #[error("{path} is not a {wanted}", path = path.display())]
    WrongKind {
        /// The path asked for.
        path: PathBuf,
        /// "regular file" or "directory".
        wanted: &'static str,
    },
    /// Group or others may use it.
    #[error(
        "{path} has mode {mode:04o}, which lets others than its owner in; run: chmod {wanted:04o} {path}",
        path = path.display()
    )]
    TooOpen {
        /// The path asked for.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The mode it must have.
        wanted: u32,
    },
    /// The file is longer than any file of its purpose.
    #[error("{path} is longer than {limit} octets", path = path.display())]
    TooLong {
        /// The path asked for.
        path: PathBuf,
        /// How many octets are read at most.
        limit: usize,
    },
    /// It was removed, and is there.
    #[error("{path} was removed and is still there", path = path.display())]
    StillThere {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{path} cannot be read or written: {cause}", path = path.display())]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// Makes a directory of mode 0700 in a directory that exists; fails when there is something under its name.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    sync_directory(parent(path))
}

/// Checks that a directory exists and is private.
pub(crate) fn check_directory(path: &Path) -> Result<(), PrivatePathError> {
    let metadata = fs::metadata(path).map_err(|cause| refusal(path, cause))?;
    if !metadata.is_dir() {
        return Err(PrivatePathError::WrongKind { path: path.to_owned(), wanted: "directory" });
    }
    check_mode(path, &metadata, (NOT_OWNER, 0o700))
}

/// Reads a private file of at most `limit` octets. The octets are wiped when they are dropped.
pub(crate) fn read_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivatePathError> {
    // Before it is opened, since opening a pipe waits for its writer.
    let metadata = fs::symlink_metadata(path).map_err(|cause| refusal(path, cause))?;
    let denied = denied_to_others(path);
    check_file(path, &metadata, denied)?;
    let file = File::open(path).map_err(|cause| refusal(path, cause))?;
    // And again on what was opened, which is what is read.
    check_file(path, &file.metadata().map_err(|cause| refusal(path, cause))?, denied)?;
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(limit + 1));
    file.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut octets)
        .map_err(|cause| refusal(path, cause))?;
    if octets.len() > limit {
        return Err(PrivatePathError::TooLong { path: path.to_owned(), limit });
    }
    Ok(octets)
}

/// Stores octets in a new file of mode 0600; durable when it answers, and absent when it fails.
///
/// The octets are written and synced under a name in the same directory that begins with a dot, then linked to `path`;
/// linking fails when something stands there, so nothing is overwritten and no crash leaves half a file. A file system
/// without hard links (FAT) cannot keep the modes either, and is refused by this.
pub(crate) fn store_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let aside = aside(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let linked =
        file.write_all(octets).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&aside, path));
    let removed = fs::remove_file(&aside);
    linked?;
    removed?;
    sync_directory(parent(path))
}

/// Writes zeros over a private file, syncs them, takes its name away, syncs that, and looks that it is gone.
///
/// What a file system or a medium that copies on write keeps elsewhere of the old octets is beyond its reach.
pub(crate) fn destroy_file(path: &Path) -> Result<(), PrivatePathError> {
    let metadata = fs::symlink_metadata(path).map_err(|cause| refusal(path, cause))?;
    check_file(path, &metadata, NOT_OWNER)?;
    let overwritten = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        io::copy(&mut io::repeat(0).take(metadata.len()), &mut file)?;
        file.sync_all()?;
        fs::remove_file(path)?;
        sync_directory(parent(path))
    };
    overwritten().map_err(|cause| refusal(path, cause))?;
    match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(refusal(path, cause)),
        Ok(_) => Err(PrivatePathError::StillThere { path: path.to_owned() }),
    }
}

/// Returns `.name.new` beside `name`.
fn aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(".new");
    Ok(path.with_file_name(aside))
}

/// Returns the permission bits that a file with a secret must not have, by where it lies.
#[must_use]
pub fn denied_to_others(path: &Path) -> u32 {
    if path.starts_with(CREDENTIALS) { NOT_LISTED } else { NOT_OWNER }
}

fn check_file(path: &Path, metadata: &fs::Metadata, denied: u32) -> Result<(), PrivatePathError> {
    if !metadata.is_file() {
        return Err(PrivatePathError::WrongKind { path: path.to_owned(), wanted: "regular file" });
    }
    check_mode(path, metadata, (denied, 0o600))
}

fn check_mode(
    path: &Path,
    metadata: &fs::Metadata,
    (denied, wanted): (u32, u32),
) -> Result<(), PrivatePathError> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & denied == 0 {
        Ok(())
    } else {
        Err(PrivatePathError::TooOpen { path: path.to_owned(), mode, wanted })
    }
}

fn refusal(path: &Path, cause: io::Error) -> PrivatePathError {
    let path = path.to_owned();
    if cause.kind() == io::ErrorKind::NotFound {
        PrivatePathError::Missing { path }
    } else {
        PrivatePathError::Unreadable { path, cause }
    }
}

/// Returns the directory that a path lies in; a bare name lies in the working directory.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn never_overwrites_a_file_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        store_file(&path, b"first").unwrap();
        let refusal = store_file(&path, b"second").unwrap_err();
        assert_eq!(refusal.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read_file(&path, 100).unwrap().as_slice(), b"first");
        assert_eq!(names(directory.path()), ["key.pem"]);
    }

    #[test]
    fn does_not_touch_what_another_writer_has_begun() {
        let directory = tempfile::tempdir().unwrap();
        let begun = directory.path().join(".key.pem.new");
        fs::write(&begun, "by another").unwrap();
        let refusal = store_file(&directory.path().join("key.pem"), b"mine").unwrap_err();
        assert_eq!(refusal.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&begun).unwrap(), "by another");
        assert_eq!(names(directory.path()), [".key.pem.new"]);
    }

    #[test]
    fn what_is_destroyed_is_zeros_and_gone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, witness) = (directory.path().join("key.pem"), directory.path().join("witness"));
        store_file(&path, b"secret").unwrap();
        // A second name of the same octets shows what became of them.
        fs::hard_link(&path, &witness).unwrap();
        destroy_file(&path).unwrap();
        assert_eq!(fs::read(&witness).unwrap(), [0; 6]);
        assert!(matches!(destroy_file(&path), Err(PrivatePathError::Missing { .. })));
    }

    #[test]
    fn only_a_credential_of_systemd_may_show_an_access_list_as_its_group() {
        assert_eq!(denied_to_others(Path::new("/run/credentials/ca.service/passphrase")), NOT_LISTED);
        assert_eq!(denied_to_others(Path::new("/run/credentials-of-mine/passphrase")), NOT_OWNER);
        assert_eq!(denied_to_others(Path::new("run/credentials/ca.service/passphrase")), NOT_OWNER);
        assert_eq!(denied_to_others(Path::new("passphrase")), NOT_OWNER);
    }

    #[test]
    fn reads_up_to_the_limit_and_not_beyond() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        store_file(&path, b"12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap().as_slice(), b"12345");
        assert!(matches!(read_file(&path, 4), Err(PrivatePathError::TooLong { limit: 4, .. })));
    }
}
