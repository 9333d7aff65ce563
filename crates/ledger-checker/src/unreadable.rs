//! Why evidence cannot be read at all. Not a violation: nothing can be said of it.

use std::path::{Path, PathBuf};

/// Something cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The operating system says no.
    #[error("{}: {cause}", path.display())]
    Disk {
        /// What was to be read.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not what it should be", path.display())]
    File {
        /// Which file.
        path: PathBuf,
    },
    /// The engine cannot open or read the store.
    #[error("the store of {}: {cause}", path.display())]
    Engine {
        /// Which store.
        path: PathBuf,
        /// What the engine says.
        cause: String,
    },
    /// The database cannot be reached or read.
    #[error("the database: {cause}")]
    Database {
        /// What it says.
        cause: String,
    },
    /// A row does not have the form that is documented.
    #[error("a row of the keyspace {keyspace} does not have its documented form")]
    Row {
        /// Its keyspace.
        keyspace: &'static str,
    },
}

impl Unreadable {
    /// A file that is not what it should be.
    pub(crate) fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned() }
    }
}
