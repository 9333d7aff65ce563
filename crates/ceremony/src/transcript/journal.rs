//! The transcript on disk while a ceremony runs: one more line at a time, each on the disk before its effect is told.
//!
//! What a power cut leaves of a line that was never ended is cut away when the journal is opened again; nobody was told of
//! it. A line that was ended is never touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::entry::{DraftEntry, Entry, EntryError, SignEntryError};
use super::{Transcript, TranscriptError};
use crate::file::CeremonyFile;

/// A transcript that is being written. One process at a time writes it: the file is locked.
#[derive(Debug)]
pub struct Journal<'a> {
    file: File,
    ceremony: &'a CeremonyFile,
    transcript: Transcript,
}

impl<'a> Journal<'a> {
    /// Begins a journal in a new file.
    ///
    /// # Errors
    /// [`JournalError`], also when there is a file already (case R-06).
    pub fn create(path: &Path, ceremony: &'a CeremonyFile) -> Result<Self, JournalError> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        file.try_lock().map_err(|_| JournalError::Locked)?;
        file.sync_all()?;
        let parent =
            path.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."));
        File::open(parent)?.sync_all()?;
        Ok(Self { file, ceremony, transcript: Transcript::begin(ceremony) })
    }

    /// Opens a journal again, checks all of it, and cuts away a last line that was never ended.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn resume(path: &Path, ceremony: &'a CeremonyFile) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        file.try_lock().map_err(|_| JournalError::Locked)?;
        let mut octets = Vec::new();
        file.read_to_end(&mut octets)?;
        let ended = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        let transcript = Transcript::read(octets.get(..ended).unwrap_or_default(), ceremony)?;
        if ended < octets.len() {
            file.set_len(u64::try_from(ended).unwrap_or_default())?;
        }
        // Also what an earlier process wrote and could not wait for.
        file.sync_all()?;
        Ok(Self { file, ceremony, transcript })
    }

    /// Returns what was done so far.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Appends a signed entry. When this returns, the line is on the disk.
    ///
    /// # Errors
    /// [`JournalError`]; after [`JournalError::Io`] the journal must be resumed, since it is not known what is on the disk.
    pub fn append(&mut self, signed: DraftEntry) -> Result<&Entry, JournalError> {
        let line = signed.line()?;
        let entry = self.transcript.check(&line, self.ceremony)?;
        self.file.write_all(&[line.as_slice(), b"\n"].concat())?;
        self.file.sync_all()?;
        self.transcript.push(entry, &line);
        self.transcript.entries().last().ok_or(JournalError::Entry(EntryError::CutShort))
    }
}

/// Why a journal is not written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refuses.
    #[error("the transcript cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Another process writes it.
    #[error("another process writes this transcript")]
    Locked,
    /// What stands in it is not as it was written.
    #[error(transparent)]
    Read(#[from] TranscriptError),
    /// The entry does not follow the last one, or those did not sign who must.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The entry cannot be written.
    #[error(transparent)]
    Encode(#[from] SignEntryError),
}
