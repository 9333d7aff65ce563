//! The audit log outside the ledger, as it was exported: read here, never written, and the epochs that are claimed beside it.
//!
//! Its files are described where they are written, with the audit. Here comes one more for each epoch:
//!
//! ```text
//! <directory>/epoch-N     "installation <32 hexadecimal digits>": who issues under epoch N; made once, by one
//! ```

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ca_core::key_ref::KeyRef;
use ca_store::{ExportedRecord, Installation, TrailEnd};
use sha2::{Digest, Sha256};

use crate::audit::check::{LogFault, TrailCheck};
use crate::audit::export::ExportLine;
use crate::audit::note::{Checkpoint, NoteRefused, public_key};
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
        let ExportLine { sequence, der, certificate } = ExportLine::parse(text)?;
        Some(Self { sequence, record: ExportedRecord { der, certificate } })
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

    /// Checks the whole log: chain and tree, and the latest checkpoint when it is known which key signs them.
    pub(crate) fn check(&self, notary: Option<KeyRef>) -> Result<(), LogError> {
        let signed = match notary {
            Some(key) => self.latest_checkpoint(key)?,
            None => None,
        };
        let mut check = TrailCheck::new(signed.map(|checkpoint| checkpoint.head));
        for line in self.after(0)? {
            check.next(&line?.record.der)?;
        }
        check.finish()?;
        Ok(())
    }

    fn latest_checkpoint(&self, key: KeyRef) -> Result<Option<Checkpoint>, LogError> {
        let read = |name: &str| {
            let path = self.directory.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(cause) => Err(LogError::Unreadable { path, cause }),
            }
        };
        let (Some(note), Some(pem)) = (read("latest-checkpoint")?, read("checkpoint-key.pem")?) else {
            return Ok(None);
        };
        // The file with the key is no more to be believed than the note; the configuration names the key.
        let public =
            public_key(&pem).ok().filter(|public| public.key_ref() == key).ok_or(LogError::OtherKey)?;
        Ok(Some(Checkpoint::open(&note, &public)?))
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

    /// Says that somebody claimed the epoch after this one, if so.
    pub(crate) fn superseded(&self, epoch: u64) -> Option<String> {
        let next = epoch.saturating_add(1);
        self.epoch(next).exists().then(|| format!("another copy of this ledger has epoch {next}"))
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
    #[error("the checkpoints of the exported log are signed by another key than the configuration names")]
    OtherKey,
    #[error("the latest checkpoint of the exported log: {0}")]
    Checkpoint(#[from] NoteRefused),
    #[error("the exported log is not intact: {0}")]
    Broken(#[from] LogFault),
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
        assert!(log.superseded(1).is_some() && log.superseded(2).is_none());
        let held = log.hold(2).unwrap();
        assert!(matches!(log.hold(2), Err(ClaimError::InUse { epoch: 2 })));
        drop(held);
        assert!(log.hold(2).is_ok());
    }
}
