//! The directory of a ledger: who may use it, which engine and format it was made with. Not what the engine keeps in it.
//!
//! ```text
//! <directory>/          mode 0700
//!     lock              held exclusively by the one process that uses the ledger
//!     marker            three lines: "meter-pki ledger", "format 3", "engine fjall", "engine sled" or "engine postgres";
//!                       written last
//!     moved             the ledger is, or is on its way, elsewhere: nobody serves it from here
//!     engine/           the engine's own files
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::engine::EngineKind;
use crate::keyspace::FORMAT;

/// The oldest format whose rows, out of a backup, are brought to this one when the restored ledger is opened.
pub const OLDEST_RESTORED: u32 = 2;

/// The file that says that the ledger is elsewhere.
const MOVED: &str = "moved";

const TITLE: &str = "meter-pki ledger";

/// A directory that this process alone uses, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    format: u32,
    _lock: File,
}

impl Directory {
    /// Makes the directory, or takes one that is empty, and locks it. It is no ledger until [`Self::finish`].
    pub(crate) fn create(path: &Path) -> Result<Self, CreateDirectoryError> {
        let io = |doing| move |cause| CreateDirectoryError::Io { path: path.to_owned(), doing, cause };
        match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(false) => return Err(CreateDirectoryError::NotEmpty { path: path.to_owned() }),
            Ok(true) => fs::set_permissions(path, Permissions::from_mode(0o700))
                .map_err(io("restricting the access to"))?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().mode(0o700).create(path).map_err(io("making"))?;
            }
            Err(cause) => return Err(io("reading")(cause)),
        }
        let lock = File::create_new(path.join("lock")).map_err(io("locking"))?;
        lock.try_lock().map_err(|cause| io("locking")(cause.into()))?;
        let directory = Self { path: path.to_owned(), format: FORMAT, _lock: lock };
        fs::create_dir(directory.engine_path()).map_err(io("making the engine's directory in"))?;
        Ok(directory)
    }

    /// Makes everything in the directory durable and then declares it a ledger.
    pub(crate) fn finish(&self, engine: EngineKind) -> Result<(), CreateDirectoryError> {
        self.write_marker(engine).map_err(|cause| CreateDirectoryError::Io {
            path: self.path.clone(),
            doing: "finishing",
            cause,
        })
    }

    /// Makes everything in the directory durable and then declares that it has the newest format.
    pub(crate) fn declare(&self, engine: EngineKind) -> Result<(), MarkerError> {
        self.write_marker(engine).map_err(|cause| MarkerError { path: self.path.clone(), cause })
    }

    /// Returns the format that the directory had when it was taken.
    pub(crate) const fn format(&self) -> u32 {
        self.format
    }

    fn write_marker(&self, engine: EngineKind) -> io::Result<()> {
        sync_below(&self.path)?;
        let unfinished = self.path.join("marker.unfinished");
        let mut marker = File::create(&unfinished)?;
        marker.write_all(marker_text(FORMAT, engine.name()).as_bytes())?;
        marker.sync_all()?;
        fs::rename(&unfinished, self.path.join("marker"))?;
        File::open(&self.path)?.sync_all()?;
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            Some(_) | None => File::open(".")?.sync_all(),
        }
    }

    /// Tells whether the ledger of a directory is, or is on its way, elsewhere.
    pub(crate) fn is_moved(path: &Path) -> bool {
        path.join(MOVED).exists()
    }

    /// Declares that the ledger is, or is on its way, elsewhere.
    pub(crate) fn declare_moved(&self) -> Result<(), MarkerError> {
        let failed = |cause| MarkerError { path: self.path.clone(), cause };
        fs::write(self.path.join(MOVED), "into a database\n").map_err(failed)?;
        sync_below(&self.path).map_err(failed)
    }

    /// Locks the directory of a ledger; returns the engine that it was made with, which must be `asked` if that is given.
    pub(crate) fn open(
        path: &Path,
        asked: Option<EngineKind>,
    ) -> Result<(Self, EngineKind), OpenDirectoryError> {
        let opened = Self::open_moved(path)?;
        if Self::is_moved(path) {
            return Err(OpenDirectoryError::Moved { path: path.to_owned() });
        }
        match asked {
            Some(asked) if asked != opened.1 => {
                Err(OpenDirectoryError::OtherEngine { path: path.to_owned(), found: opened.1, asked })
            }
            Some(_) | None => Ok(opened),
        }
    }

    /// Locks the directory of a ledger, also of one that is on its way elsewhere; returns the engine that it was made with.
    pub(crate) fn open_moved(path: &Path) -> Result<(Self, EngineKind), OpenDirectoryError> {
        let io = |doing| move |cause| OpenDirectoryError::Io { path: path.to_owned(), doing, cause };
        let marker = path.join("marker");
        if !marker.try_exists().map_err(io("reading the marker of"))? {
            return Err(if path.join("lock").exists() {
                OpenDirectoryError::Unfinished { path: path.to_owned() }
            } else {
                OpenDirectoryError::NoLedger { path: path.to_owned() }
            });
        }
        let lock = lock(path)?;
        let marker = fs::read_to_string(marker).map_err(io("reading the marker of"))?;
        let (format, engine) = read_marker(path, &marker)?;
        Ok((Self { path: path.to_owned(), format, _lock: lock }, engine))
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the engine's files are.
    pub(crate) fn engine_path(&self) -> PathBuf {
        self.path.join("engine")
    }
}

/// Takes the lock of a ledger's directory; its marker is read behind the lock, since its holder may write it.
fn lock(path: &Path) -> Result<File, OpenDirectoryError> {
    let io = |cause| OpenDirectoryError::Io { path: path.to_owned(), doing: "locking", cause };
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenDirectoryError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(io(cause)),
    }
}

fn marker_text(format: u32, engine: &str) -> String {
    format!("{TITLE}\nformat {format}\nengine {engine}\n")
}

fn read_marker(path: &Path, text: &str) -> Result<(u32, EngineKind), OpenDirectoryError> {
    let unreadable = || OpenDirectoryError::UnknownMarker { path: path.to_owned() };
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(unreadable());
    }
    let format: u32 = lines
        .next()
        .and_then(|line| line.strip_prefix("format "))
        .and_then(|number| number.parse().ok())
        .ok_or_else(unreadable)?;
    if format > FORMAT {
        return Err(OpenDirectoryError::NewerFormat { path: path.to_owned(), found: format, known: FORMAT });
    }
    let engine = lines
        .next()
        .and_then(|line| line.strip_prefix("engine "))
        .and_then(EngineKind::from_name)
        .ok_or_else(unreadable)?;
    if format > 0 && text == marker_text(format, engine.name()) {
        Ok((format, engine))
    } else {
        Err(unreadable())
    }
}

/// Syncs every file below a directory, and the directories after what they hold.
fn sync_below(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(directory)?.sync_all()
}

/// The marker of a ledger could not be written.
#[derive(Debug, thiserror::Error)]
#[error("writing the marker of the directory {} failed: {cause}", path.display())]
pub(crate) struct MarkerError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// Why no directory could be made for a ledger.
#[derive(Debug, thiserror::Error)]
pub enum CreateDirectoryError {
    /// Something is there already.
    #[error("{} is not empty: a new ledger needs a directory of its own", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{doing} the directory {} failed: {cause}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// Why the directory of a ledger could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum OpenDirectoryError {
    /// There is nothing of ours.
    #[error("there is no ledger in {}", path.display())]
    NoLedger {
        /// The directory.
        path: PathBuf,
    },
    /// Its creation was interrupted; nothing can have been recorded in it.
    #[error("the ledger in {} was never finished: remove the directory and create the ledger again", path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("the ledger in {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// It was moved.
    #[error("the ledger in {} was moved, or is being moved, into a database: `meter-pki store migrate` goes on with it", path.display())]
    Moved {
        /// The directory.
        path: PathBuf,
    },
    /// The marker is not one that we write.
    #[error("the marker in {} cannot be read: it was not written by this program", path.display())]
    UnknownMarker {
        /// The directory.
        path: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error("the ledger in {} has format {found}, this version knows format {known}: use the newer version", path.display())]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// It was made with another engine.
    #[error("the ledger in {} was made with the engine {found}, the configuration says {asked}", path.display())]
    OtherEngine {
        /// The directory.
        path: PathBuf,
        /// The engine it was made with.
        found: EngineKind,
        /// The engine asked for.
        asked: EngineKind,
    },
    /// The operating system refuses.
    #[error("{doing} the directory {} failed: {cause}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("ledger");
        Directory::create(&path).unwrap().finish(EngineKind::Sled).unwrap();
        (parent, path)
    }

    #[test]
    fn only_its_owner_may_enter_the_directory() {
        let (_parent, path) = finished();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let given = tempfile::tempdir().unwrap();
        fs::set_permissions(given.path(), Permissions::from_mode(0o755)).unwrap();
        drop(Directory::create(given.path()).unwrap());
        assert_eq!(fs::metadata(given.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn refuses_to_create_where_something_is_and_to_open_where_nothing_is() {
        let (parent, path) = finished();
        assert!(matches!(Directory::create(&path), Err(CreateDirectoryError::NotEmpty { .. })));
        let absent = Directory::open(&parent.path().join("other"), None);
        assert!(matches!(absent, Err(OpenDirectoryError::NoLedger { .. })));
        assert!(!parent.path().join("other").exists());
    }

    #[test]
    fn refuses_a_directory_whose_creation_was_interrupted() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("ledger");
        drop(Directory::create(&path).unwrap());
        assert!(matches!(Directory::open(&path, None), Err(OpenDirectoryError::Unfinished { .. })));
    }

    #[test]
    fn the_second_to_open_is_refused_until_the_first_lets_go() {
        let (_parent, path) = finished();
        let first = Directory::open(&path, Some(EngineKind::Sled)).unwrap();
        assert!(matches!(Directory::open(&path, None), Err(OpenDirectoryError::InUse { .. })));
        drop(first);
        assert!(Directory::open(&path, None).is_ok());
    }

    #[test]
    fn refuses_another_engine_and_a_newer_format() {
        let (_parent, path) = finished();
        assert!(matches!(
            Directory::open(&path, Some(EngineKind::Fjall)),
            Err(OpenDirectoryError::OtherEngine { found: EngineKind::Sled, asked: EngineKind::Fjall, .. })
        ));
        fs::write(path.join("marker"), marker_text(FORMAT + 1, "sled")).unwrap();
        assert!(matches!(
            Directory::open(&path, None),
            Err(OpenDirectoryError::NewerFormat { found, known: FORMAT, .. }) if found == FORMAT + 1
        ));
    }

    #[test]
    fn refuses_a_marker_that_we_do_not_write() {
        let (_parent, path) = finished();
        for text in [
            "",
            "meter-pki ledger\n",
            "meter-pki ledger\nformat 1\nengine bdb\n",
            "else\nformat 1\nengine sled\n",
        ] {
            fs::write(path.join("marker"), text).unwrap();
            assert!(
                matches!(Directory::open(&path, None), Err(OpenDirectoryError::UnknownMarker { .. })),
                "{text}"
            );
        }
    }
}
