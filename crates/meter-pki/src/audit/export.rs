//! The copy of the trail in a directory: append-only files that the ledger can be checked against, and made anew from.
//!
//! ```text
//! <directory>/
//!     records              a line for each record: its number, base64 of its DER, and for an issuance base64 of the certificate
//!     checkpoints          the signed notes, each ended by an empty line
//!     latest-checkpoint    the latest of them, replaced as a whole
//!     checkpoint-key.pem   the public key that verifies them
//! ```
//!
//! The file of records is its own cursor: its last whole line says how far the copy has come. A line that a crash left torn is
//! cut off and written again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_store::{CopiedRecord, Store};

use super::note::decimal;

/// How much of a file's end is read to find its last line, in octets; no line is so long.
const TAIL_OCTETS: u64 = 65_536;

/// The copy, open for what comes.
#[derive(Debug)]
pub struct Export {
    directory: PathBuf,
    records: Appended,
    notes: Appended,
    reached: u64,
}

impl Export {
    /// Opens the copy in a directory that exists, makes its files where there are none, and checks that it is one of this
    /// ledger.
    ///
    /// # Errors
    /// [`OpenExportError`].
    pub fn open(directory: &Path, store: &Store) -> Result<Self, OpenExportError> {
        let io = |cause| OpenExportError::Io { directory: directory.to_owned(), cause };
        let (records, last) =
            Appended::open(directory, "records", |text| text.ends_with('\n')).map_err(io)?;
        let reached = match last {
            Some(line) => check_last(&line, store)?,
            None => 0,
        };
        let (notes, _) = Appended::open(directory, "checkpoints", ends_with_note).map_err(io)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
        Ok(Self { directory: directory.to_owned(), records, notes, reached })
    }

    /// Returns the number of the last record that is copied.
    #[must_use]
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// Appends records; when it returns they are on disk.
    ///
    /// # Errors
    /// What the operating system says; the next call begins where this one did.
    pub fn append(&mut self, records: &[CopiedRecord]) -> io::Result<()> {
        let Some(last) = records.last() else { return Ok(()) };
        let text: String = records.iter().map(line).collect();
        self.records.append(&text)?;
        self.reached = last.sequence;
        Ok(())
    }

    /// Appends a signed checkpoint, and makes it the latest.
    ///
    /// # Errors
    /// What the operating system says; the next call begins where this one did.
    pub fn append_checkpoint(&mut self, note: &str) -> io::Result<()> {
        self.notes.append(&format!("{note}\n"))?;
        self.replace("latest-checkpoint", note)
    }

    /// Keeps the public key of the checkpoints beside them.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn show_key(&self, pem: &str) -> io::Result<()> {
        self.replace("checkpoint-key.pem", pem)
    }

    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let unfinished = self.directory.join(format!("{name}.unfinished"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(unfinished, self.directory.join(name))?;
        File::open(&self.directory)?.sync_all()
    }
}

/// A file that only grows.
#[derive(Debug)]
struct Appended {
    path: PathBuf,
    /// How many octets of it are whole.
    length: u64,
}

impl Appended {
    /// Opens the file, or makes it; cuts off what does not end as `whole` says, and returns the last line of the rest.
    fn open(
        directory: &Path,
        name: &str,
        whole: impl Fn(&str) -> bool,
    ) -> io::Result<(Self, Option<String>)> {
        let path = directory.join(name);
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
        let (length, last) = whole_lines(&mut file, whole)?;
        if file.metadata()?.len() != length {
            tracing::warn!(file = %path.display(), "the torn end of the file is cut off and written again");
            file.set_len(length)?;
        }
        file.sync_all()?;
        Ok((Self { path, length }, last))
    }

    /// Appends a text; when it returns the text is on disk, and when it fails the next call overwrites what it left.
    fn append(&mut self, text: &str) -> io::Result<()> {
        // Opened each time, and never made anew: a directory that is gone must be told, not written around.
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        if file.metadata()?.len() < self.length {
            return Err(io::Error::other(format!("{} lost its end", self.path.display())));
        }
        file.set_len(self.length)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        self.length = self.length.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// Checks that the last line of the copy is a record of the ledger; returns its number.
fn check_last(line: &str, store: &Store) -> Result<u64, OpenExportError> {
    let unreadable = |error| OpenExportError::Ledger { error };
    let line = ExportLine::parse(line).ok_or(OpenExportError::Unreadable)?;
    let end = store.audit_end().map_err(unreadable)?.sequence();
    if line.sequence > end {
        return Err(OpenExportError::Ahead { export: line.sequence, ledger: end });
    }
    let kept = store.audit_copy(line.sequence.saturating_sub(1), 1).map_err(unreadable)?;
    match kept.first() {
        Some(kept) if kept.der == line.der => Ok(line.sequence),
        Some(_) | None => Err(OpenExportError::Differs { sequence: line.sequence }),
    }
}

fn line(record: &CopiedRecord) -> String {
    let CopiedRecord { sequence, der, certificate } = record;
    let der = STANDARD.encode(der);
    match certificate {
        Some(certificate) => format!("{sequence} {der} {}\n", STANDARD.encode(certificate)),
        None => format!("{sequence} {der}\n"),
    }
}

/// A line of the file of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLine {
    /// The record's number.
    pub sequence: u64,
    /// Its DER.
    pub der: Vec<u8>,
    /// The certificate whose issuance it tells of.
    pub certificate: Option<Vec<u8>>,
}

impl ExportLine {
    /// Reads a line, with or without its newline.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut columns = line.trim_end_matches('\n').split(' ');
        let sequence = decimal(columns.next()?)?;
        let der = STANDARD.decode(columns.next()?).ok()?;
        let certificate = match columns.next() {
            Some(column) => Some(STANDARD.decode(column).ok()?),
            None => None,
        };
        columns.next().is_none().then_some(Self { sequence, der, certificate })
    }
}

/// Finds how long the whole lines of a file are, and the last of them; `whole` tells whether a text ends where a line does.
fn whole_lines(file: &mut File, whole: impl Fn(&str) -> bool) -> io::Result<(u64, Option<String>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL_OCTETS);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    // A torn line may end within a character; nothing whole does.
    let text = String::from_utf8_lossy(&tail);
    let mut end = text.len();
    while !whole(text.get(..end).unwrap_or_default()) {
        match text.get(..end.saturating_sub(1)).and_then(|before| before.rfind('\n')) {
            Some(newline) => end = newline.saturating_add(1),
            None if start == 0 => return Ok((0, None)),
            None => return Err(io::Error::other("the end of the file is not one that we write")),
        }
    }
    let kept = text.get(..end).unwrap_or_default();
    let last = kept.trim_end_matches('\n').rsplit('\n').next().filter(|line| !line.is_empty());
    Ok((start.saturating_add(u64::try_from(end).unwrap_or(u64::MAX)), last.map(str::to_owned)))
}

/// Tells whether a text ends with a signed note and its empty line.
fn ends_with_note(text: &str) -> bool {
    text.strip_suffix("\n\n")
        .is_some_and(|note| note.rsplit('\n').next().is_some_and(|line| line.starts_with('\u{2014}')))
}

/// Why the copy cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum OpenExportError {
    /// It holds records that the ledger does not: the ledger was put back to an older state.
    #[error("the audit export holds {export} records, the ledger only {ledger}: the ledger is an old copy")]
    Ahead {
        /// The last record of the export.
        export: u64,
        /// The last record of the ledger.
        ledger: u64,
    },
    /// Its last record is another one.
    #[error("audit record {sequence} of the export is not the one of the ledger")]
    Differs {
        /// Which.
        sequence: u64,
    },
    /// Its last line is not one that we write.
    #[error("the last line of the file of records is not one that this program writes")]
    Unreadable,
    /// The ledger cannot be read.
    #[error("{error}")]
    Ledger {
        /// What it says.
        error: ca_core::ports::Unavailable,
    },
    /// The operating system refuses.
    #[error("the audit export in {}: {cause}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What it says.
        cause: io::Error,
    },
}
