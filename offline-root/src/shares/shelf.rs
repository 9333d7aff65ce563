//! Where sets of shares are kept: `shares/set-N.json` describes the N-th set, `keys/set-N/` holds the keys under its wrap key.
//!
//! Which set is in force the ledger says, by the SHA-256 of its description. Descriptions stay; keys under a set that is no
//! longer in force are destroyed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::share_set::{ShareSet, digest_of};
use crate::explain::{Exit, Explained};
use crate::new_file::{self, NewFileError};

const SHARES: &str = "shares";
const KEYS: &str = "keys";

/// The sets of one root.
#[derive(Debug)]
pub(crate) struct SharesShelf {
    root: PathBuf,
}

/// The place of one set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetDirectory {
    number: u32,
    description: PathBuf,
    keys: PathBuf,
}

impl SetDirectory {
    pub(crate) fn description(&self) -> &Path {
        &self.description
    }

    /// The directory of the key files; not made yet for a new set.
    pub(crate) fn keys(&self) -> &Path {
        &self.keys
    }
}

impl SharesShelf {
    /// Makes the shelf of a new root.
    pub(crate) fn create(root: &Path) -> Result<Self, ShelfError> {
        new_file::directory(&root.join(SHARES))?;
        new_file::directory(&root.join(KEYS))?;
        Ok(Self::of(root))
    }

    /// The shelf of a root that has one.
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the place for the next set: a number that nothing has yet, not even what a power cut left.
    pub(crate) fn next(&self) -> Result<SetDirectory, ShelfError> {
        let taken = self.numbers(SHARES)?.into_iter().chain(self.numbers(KEYS)?).max();
        Ok(self.set(taken.unwrap_or(0).saturating_add(1)))
    }

    /// Finds the set whose description has this SHA-256.
    pub(crate) fn in_force(&self, digest: Option<&[u8]>) -> Result<(SetDirectory, ShareSet), ShelfError> {
        let digest = digest.ok_or(ShelfError::Altered)?;
        for number in self.numbers(SHARES)? {
            let directory = self.set(number);
            let text = fs::read_to_string(&directory.description).map_err(self.unreadable(SHARES))?;
            if digest_of(&text) == digest {
                return Ok((directory, ShareSet::from_text(&text).ok_or(ShelfError::Altered)?));
            }
        }
        Err(ShelfError::Altered)
    }

    /// Destroys the keys under every other set, once those under this one are there: nobody needs them, and whoever has an
    /// old share must not find them.
    pub(crate) fn retire_others(&self, in_force: &SetDirectory) -> Result<(), ShelfError> {
        let files = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
        for number in self.numbers(KEYS)? {
            let other = self.set(number);
            if other == *in_force || files(&other.keys) > files(&in_force.keys) {
                continue;
            }
            destroy(&other.keys).map_err(|cause| ShelfError::NotDestroyed { path: other.keys, cause })?;
        }
        Ok(())
    }

    fn set(&self, number: u32) -> SetDirectory {
        SetDirectory {
            number,
            description: self.root.join(SHARES).join(format!("set-{number}.json")),
            keys: self.root.join(KEYS).join(format!("set-{number}")),
        }
    }

    /// The numbers of the sets that have something in a directory, in ascending order.
    fn numbers(&self, name: &'static str) -> Result<Vec<u32>, ShelfError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(self.root.join(name)).map_err(self.unreadable(name))? {
            let name = entry.map_err(self.unreadable(name))?.file_name();
            let number: Option<u32> =
                name.to_str().and_then(|name| name.strip_prefix("set-")?.split('.').next()?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn unreadable(&self, name: &'static str) -> impl Fn(io::Error) -> ShelfError {
        let path = self.root.join(name);
        move |cause| ShelfError::Unreadable { path: path.clone(), cause }
    }
}

/// Writes over every file of a directory, then removes it. What a flash medium keeps of it nobody can say.
fn destroy(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let length = fs::metadata(&path)?.len();
        let mut file = OpenOptions::new().write(true).open(&path)?;
        io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
        file.flush()?;
        file.sync_all()?;
        fs::remove_file(&path)?;
    }
    fs::remove_dir(directory)?;
    directory.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
}

/// Why the sets of a root are not in order.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    /// A directory was not made.
    #[error(transparent)]
    NotMade(#[from] NewFileError),
    /// The operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// No description is the one that the ledger knows.
    #[error("the description of the shares was altered or is missing: none has the SHA-256 in the ledger")]
    Altered,
    /// Keys that nobody needs are still there.
    #[error("the keys under shares that are no longer in force cannot be destroyed: {path}: {cause}", path = path.display())]
    NotDestroyed {
        /// Their directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl Explained for ShelfError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotMade(error) => error.exit(),
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Altered => Exit::Integrity,
            Self::NotDestroyed { .. } => Exit::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotMade(error) => error.code(),
            Self::Unreadable { .. } => "file.unreadable",
            Self::Altered => "shares.altered",
            Self::NotDestroyed { .. } => "shares.not-destroyed",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NotMade(error) => error.next(),
            Self::Unreadable { .. } => "check the directory and its mode".to_owned(),
            Self::Altered => "stop, sign nothing, and compare the directory with its copies".to_owned(),
            Self::NotDestroyed { .. } => "remove the directory yourself, then repeat the command".to_owned(),
        }
    }
}
