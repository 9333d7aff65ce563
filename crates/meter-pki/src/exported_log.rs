//! The audit log outside the ledger, as it was exported: read here, never written, and the epochs that are claimed beside it.
//!
//! ```text
//! <directory>/records     one line for each audit record: number, its DER in base64, and for an issued certificate its DER in base64
//! <directory>/epoch-N     "installation <32 hexadecimal digits>": who issues under epoch N; made once, by one
//! ```

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_store::{ExportedRecord, Installation, TrailEnd};
use sha2::{Digest, Sha256};

use crate::backup::private_file;

/// How far from its end the last line of the log begins at most.
const LAST_LINE_OCTETS: u64 = 65_536;

/// A directory with an exported log.
#[derive(Debug, Clone)]
pub(crate) struct ExportedLog {
    directory: PathBuf,
}

/// A record and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub sequence: u64,
    pub record: ExportedRecord,
}

impl Line {
    /// Returns the SHA-256 of the record.
    pub(crate) fn head(&self) -> [u8; 32] {
        Sha256::digest(&self.record.der).into()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut columns = text.split(' ');
        let sequence = columns.next()?.parse().ok()?;
        let der = STANDARD.decode(columns.next()?).ok()?;
        let certificate = match columns.next() {
            Some(column) => Some(STANDARD.decode(column).ok()?),
            None => None,
        };
        columns.next().is_none().then_some(Self { sequence, record: ExportedRecord { der, certificate } })
    }
}

impl ExportedLog {
    /// Makes a reader of a directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Returns the last whole line; `None` when nothing was exported yet.
    pub(crate) fn last(&self) -> Result<Option<Line>, LogError> {
        let path = self.records();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(LogError::Unreadable { path, cause }),
        };
        let mut end = Vec::new();
        let length = file.seek(SeekFrom::End(0)).and_then(|length| {
            file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE_OCTETS)))?;
            file.read_to_end(&mut end)?;
            Ok(length)
        });
        length.map_err(|cause| LogError::Unreadable { path: path.clone(), cause })?;
        let text = String::from_utf8_lossy(&end);
        // What stands behind the last line feed was being written when its writer ended.
        let Some((whole, _)) = text.rsplit_once('\n') else { return Ok(None) };
        let line = whole.rsplit('\n').next().unwrap_or_default();
        Line::parse(line).map(Some).ok_or(LogError::Malformed { path, line: 0 })
    }

    /// Returns the lines after record `sequence`, in order.
    pub(crate) fn after(&self, sequence: u64) -> Result<Lines, LogError> {
        let path = self.records();
        let file = File::open(&path).map_err(|cause| LogError::Unreadable { path: path.clone(), cause })?;
        Ok(Lines { input: BufReader::new(file), path, line: 0, after: sequence })
    }

    /// Tells, in one sentence, why a ledger is not the one that was exported last; nothing when it is.
    ///
    /// A ledger may be ahead of its log, whose writer comes after it; never behind, and never beside.
    pub(crate) fn witness(&self, ledger: &TrailEnd<'_>) -> Result<(), String> {
        let Some(last) = self.last().map_err(|error| error.to_string())? else { return Ok(()) };
        let (ours, exported) = (ledger.sequence(), last.sequence);
        if exported > ours {
            return Err(format!(
                "the ledger ends with audit record {ours}, the exported log with {exported}: it is an old copy"
            ));
        }
        if ledger.head_at(exported) == Some(last.head()) {
            Ok(())
        } else {
            Err(format!(
                "audit record {exported} of the ledger is not that of the exported log: they are of different histories"
            ))
        }
    }

    /// Claims an epoch for an installation; whoever has it already keeps it.
    pub(crate) fn claim(&self, Installation { id, epoch }: Installation) -> Result<(), ClaimError> {
        let path = self.epoch(epoch);
        let text = format!("installation {}\n", hex::encode(id));
        match private_file::store(&path, text.as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match std::fs::read_to_string(&path) {
                    Ok(found) if found == text => Ok(()),
                    Ok(found) => Err(ClaimError::Taken { epoch, holder: found.trim().to_owned() }),
                    Err(cause) => Err(ClaimError::Io { path, cause }),
                }
            }
            Err(cause) => Err(ClaimError::Io { path, cause }),
        }
    }

    /// Holds an epoch that was claimed, against every other process, until the value is dropped.
    pub(crate) fn hold(&self, epoch: u64) -> Result<File, ClaimError> {
        let path = self.epoch(epoch);
        let io = |cause| ClaimError::Io { path: path.clone(), cause };
        let file = File::open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(ClaimError::InUse { epoch }),
            Err(TryLockError::Error(cause)) => Err(io(cause)),
        }
    }

    /// Tells whether somebody claimed the epoch after this one.
    pub(crate) fn is_superseded(&self, epoch: u64) -> bool {
        self.epoch(epoch.saturating_add(1)).exists()
    }

    fn records(&self) -> PathBuf {
        self.directory.join("records")
    }

    fn epoch(&self, epoch: u64) -> PathBuf {
        self.directory.join(format!("epoch-{epoch}"))
    }
}

/// The lines of a log, whole ones only, without gaps.
#[derive(Debug)]
pub(crate) struct Lines {
    input: BufReader<File>,
    path: PathBuf,
    line: u64,
    after: u64,
}

impl Lines {
    fn read(&mut self) -> Result<Option<Line>, LogError> {
        let mut text = String::new();
        loop {
            text.clear();
            self.input
                .read_line(&mut text)
                .map_err(|cause| LogError::Unreadable { path: self.path.clone(), cause })?;
            let Some(whole) = text.strip_suffix('\n') else { return Ok(None) };
            self.line = self.line.saturating_add(1);
            let malformed = || LogError::Malformed { path: self.path.clone(), line: self.line };
            let line = Line::parse(whole).ok_or_else(malformed)?;
            if line.sequence != self.line {
                return Err(malformed());
            }
            if line.sequence > self.after {
                return Ok(Some(line));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("cannot read the exported log {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("the exported log {} is damaged at line {line} (0: the last)", path.display())]
    Malformed { path: PathBuf, line: u64 },
}

/// Why an epoch is not ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("epoch {epoch} belongs to another copy of this ledger ({holder})")]
    Taken { epoch: u64, holder: String },
    #[error("another process issues under epoch {epoch}")]
    InUse { epoch: u64 },
    #[error("cannot claim the epoch in {}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> (tempfile::TempDir, ExportedLog) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("records"), text).unwrap();
        let log = ExportedLog::new(directory.path());
        (directory, log)
    }

    #[test]
    fn a_line_that_was_being_written_is_not_there_yet() {
        let (_directory, log) = log("1 AQ==\n2 Ag== Aw==\n3 AQ");
        let last = log.last().unwrap().unwrap();
        assert_eq!((last.sequence, last.record.certificate), (2, Some(vec![3])));
        assert_eq!(log.after(1).unwrap().count(), 1);
        let nothing = ExportedLog::new(Path::new("/nonexistent"));
        assert!(nothing.last().unwrap().is_none());
    }

    #[test]
    fn gaps_and_damage_are_told_with_their_lines() {
        for text in ["1 AQ==\n3 AQ==\n", "1 AQ==\n2 !!\n", "1 AQ==\n2 AQ== AQ== AQ==\n"] {
            let (_directory, log) = log(text);
            let outcome: Result<Vec<Line>, LogError> = log.after(0).unwrap().collect();
            assert!(matches!(outcome, Err(LogError::Malformed { line: 2, .. })), "{text}");
        }
    }

    #[test]
    fn an_epoch_is_claimed_once_and_held_by_one() {
        let (_directory, log) = log("");
        let ours = Installation { id: [1; 16], epoch: 2 };
        log.claim(ours).unwrap();
        log.claim(ours).unwrap();
        let other = log.claim(Installation { id: [2; 16], epoch: 2 });
        assert!(matches!(other, Err(ClaimError::Taken { epoch: 2, .. })));
        assert!(log.is_superseded(1) && !log.is_superseded(2));
        let held = log.hold(2).unwrap();
        assert!(matches!(log.hold(2), Err(ClaimError::InUse { epoch: 2 })));
        drop(held);
        assert!(log.hold(2).is_ok());
    }
}
