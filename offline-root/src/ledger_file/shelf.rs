//! The files of a ledger: their names, their order, and that there are no others.
//!
//! Reads only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::book::{Book, BrokenBook};
use super::entry::Entry;
use super::page::{self, ReadPageError};
use crate::explain::{Exit, Explained};
use crate::new_file;

/// Returns the name of an entry's file, such as `000007-certificate.pem`.
pub(super) fn file_name(entry: &Entry) -> String {
    format!("{:06}-{}.pem", entry.number, entry.step.word())
}

/// Reads every entry into a book.
pub(super) fn read(path: &Path) -> Result<Book, ReadLedgerError> {
    let mut book = Book::EMPTY;
    for entry in entries(path)? {
        let (entry, der) = entry?;
        add(&mut book, &entry, &der)?;
    }
    Ok(book)
}

/// Adds an entry to a book, naming its file if it does not fit.
pub(super) fn add(book: &mut Book, entry: &Entry, der: &[u8]) -> Result<(), ReadLedgerError> {
    book.add(entry, der).map_err(|cause| ReadLedgerError::Broken { file: file_name(entry), cause })
}

type ReadEntry = Result<(Entry, Vec<u8>), ReadLedgerError>;

/// Reads the entries in the order of their names.
pub(super) fn entries(path: &Path) -> Result<impl Iterator<Item = ReadEntry>, ReadLedgerError> {
    let unreadable = |cause| ReadLedgerError::Unreadable { path: path.to_owned(), cause };
    let mut names = Vec::new();
    for file in fs::read_dir(path).map_err(unreadable)? {
        let name = file.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy().into_owned();
        // Never placed, so it never was an entry.
        if !new_file::is_aside(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names.into_iter().map(|name| read_entry(path, name)))
}

fn read_entry(path: &Path, name: String) -> ReadEntry {
    let file = path.join(&name);
    let text = fs::read(&file).map_err(|cause| ReadLedgerError::Unreadable { path: file, cause })?;
    let text = String::from_utf8(text).map_err(|_| ReadPageError::NotPem);
    match text.and_then(|text| page::read(&text)) {
        Ok((entry, _)) if file_name(&entry) != name => Err(ReadLedgerError::Misnamed { file: name }),
        Ok(read) => Ok(read),
        Err(cause) => Err(ReadLedgerError::Altered { file: name, cause }),
    }
}

/// Why the entries of a ledger are not in order. Each variant but the first is a matter of integrity.
#[derive(Debug, thiserror::Error)]
pub enum ReadLedgerError {
    /// The operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A file is not an entry as it was written.
    #[error("the ledger was altered: in {file}, {cause}")]
    Altered {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        #[source]
        cause: ReadPageError,
    },
    /// A file has the name of another entry.
    #[error("the ledger was altered: {file} holds an entry of another name")]
    Misnamed {
        /// The file's name.
        file: String,
    },
    /// An entry does not follow from those before it.
    #[error("the ledger was altered at {file}: {cause}")]
    Broken {
        /// The file's name.
        file: String,
        /// Why it does not follow.
        #[source]
        cause: BrokenBook,
    },
}

impl Explained for ReadLedgerError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Altered { .. } | Self::Misnamed { .. } | Self::Broken { .. } => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "ledger.unavailable",
            Self::Altered { .. } | Self::Misnamed { .. } | Self::Broken { .. } => "ledger.altered",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the disk and --dir".to_owned(),
            Self::Altered { .. } | Self::Misnamed { .. } | Self::Broken { .. } => {
                "stop, sign nothing, and compare the directory with its copies".to_owned()
            }
        }
    }
}
