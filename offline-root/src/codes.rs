//! `qr encode` and `qr scan`: a public file as a series of QR codes, and the file again.
//!
//! Only what [`show`] knows leaves on paper, so that nobody puts a key on the wall (case R-20). What is scanned is written as
//! it was, and believed no more than a file from a medium.

use std::fmt;
use std::path::{Path, PathBuf};

use paper::folder::{self, ScanError, WriteSeriesError};
use serde::Serialize;

use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file::{self, NewFileError, Readers};
use crate::show::{self, ShowError};

/// The codes that were written.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WrittenCodes {
    kind: &'static str,
    file_sha256: String,
    pictures: Vec<PathBuf>,
    sheets: Vec<PathBuf>,
}

impl fmt::Display for WrittenCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} in {} codes", self.kind, self.pictures.len())?;
        writeln!(f, "  File SHA-256  {}", fingerprint::aloud(&self.file_sha256))?;
        for path in self.sheets.iter().chain(&self.pictures) {
            writeln!(f, "  {}", path.display())?;
        }
        write!(f, "Next: print the sheets, or carry the pictures; `qr scan` takes them in any order")
    }
}

/// Writes a file as codes into a new folder.
pub(crate) fn encode(file: &Path, out: &Path) -> Result<WrittenCodes, CodesError> {
    let shown = show::show(file)?;
    let octets =
        std::fs::read(file).map_err(|cause| ShowError::Unreadable { path: file.to_owned(), cause })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let written = folder::write(&octets, &name, out)?;
    Ok(WrittenCodes {
        kind: shown.kind(),
        file_sha256: written.set.to_string(),
        pictures: written.pictures,
        sheets: written.sheets,
    })
}

/// The file that was scanned.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ScannedFile {
    file: PathBuf,
    file_sha256: String,
    octets: usize,
}

impl fmt::Display for ScannedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The codes are whole: {} octets are in {}", self.octets, self.file.display())?;
        writeln!(f, "  File SHA-256  {}", fingerprint::aloud(&self.file_sha256))?;
        write!(f, "Next: compare it with the sheet, then look at the file with `offline-root show`")
    }
}

/// Makes a new file of the codes in pictures.
pub(crate) fn scan(pictures: &[PathBuf], out: &Path) -> Result<ScannedFile, CodesError> {
    new_file::check_free(out)?;
    let octets = folder::scan(pictures)?;
    new_file::create(out, &octets, Readers::Everybody)?;
    Ok(ScannedFile { file: out.to_owned(), file_sha256: fingerprint::of(&octets), octets: octets.len() })
}

/// Why there are no codes, or no file of them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodesError {
    /// It is nothing that leaves the room.
    #[error("only what is public leaves on paper: {0}")]
    NotPublic(#[from] ShowError),
    /// The codes are not written.
    #[error(transparent)]
    NotWritten(#[from] WriteSeriesError),
    /// The codes are not read.
    #[error(transparent)]
    NotScanned(#[from] ScanError),
    /// The file is not written.
    #[error(transparent)]
    Output(#[from] NewFileError),
}

impl Explained for CodesError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotPublic(error) => error.exit(),
            Self::NotWritten(WriteSeriesError::Length(_)) => Exit::Refused,
            Self::NotWritten(WriteSeriesError::NotDrawn(_)) => Exit::Failed,
            Self::NotWritten(error @ WriteSeriesError::NotWritten { cause, .. }) => {
                if error.code() == "file.exists" { Exit::Conflict } else { new_file::exit_of(cause) }
            }
            Self::NotScanned(ScanError::Unreadable { cause, .. }) => new_file::exit_of(cause),
            Self::NotScanned(_) => Exit::Refused,
            Self::Output(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotPublic(error) => error.code(),
            Self::NotWritten(error) => error.code(),
            Self::NotScanned(error) => error.code(),
            Self::Output(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NotPublic(error) => error.next(),
            Self::NotWritten(WriteSeriesError::Length(_)) => "carry it as a file".to_owned(),
            Self::NotWritten(_) => "name another folder, which is made here".to_owned(),
            Self::NotScanned(_) => {
                "take the pictures that are named again, keep those of other files apart, then repeat"
                    .to_owned()
            }
            Self::Output(error) => error.next(),
        }
    }
}
