//! The journal of the exchange: every response that was taken in or refused, kept beside the open requests.
//!
//! `ceremony import` runs before there is a server of the new authority, and so without a ledger. Its audit records are the same
//! DER and chained the same way; a line has the number of a record, its SHA-256 and its DER in base64. The whole chain is checked
//! before each append. It is signed by nobody: a tail that was cut off, or a journal made anew, is seen by whoever wrote the last
//! SHA-256 down.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{AuditEvent, AuditRecord, AuditTrail};
use sha2::{Digest, Sha256};

use crate::exit::{Exit, Failure};

/// The file in the directory of the open requests.
const NAME: &str = "journal";

/// A journal whose chain was checked, held against every other process.
#[derive(Debug)]
pub(crate) struct ExchangeJournal {
    path: PathBuf,
    file: File,
    trail: AuditTrail,
}

impl ExchangeJournal {
    /// Opens the journal in a directory, makes both when they are absent, and checks every record. A line that a power cut left
    /// torn told of nothing that was done, and is cut off.
    pub(crate) fn open(exchanges: &Path) -> Result<Self, Failure> {
        let path = exchanges.join(NAME);
        let (file, text) = begin(exchanges, &path).map_err(|error| unusable(&path, &error))?;
        let whole = whole_lines(&text);
        if whole.len() < text.len() {
            let length = u64::try_from(whole.len()).unwrap_or(u64::MAX);
            file.set_len(length).and_then(|()| file.sync_all()).map_err(|error| unusable(&path, &error))?;
        }
        let (trail, _) = check(&path, whole)?;
        Ok(Self { path, file, trail })
    }

    /// Reads a journal and changes nothing; without one, nothing was ever taken in or refused.
    pub(crate) fn read(exchanges: &Path) -> Result<(AuditTrail, Vec<AuditRecord>), Failure> {
        let path = exchanges.join(NAME);
        match std::fs::read_to_string(&path) {
            Ok(text) => check(&path, whole_lines(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((AuditTrail::EMPTY, Vec::new())),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    /// Appends what happened; when it returns, the record is on the disk.
    pub(crate) fn append(&mut self, event: AuditEvent) -> Result<(), Failure> {
        let sealed = self.trail.seal(event).map_err(|error| unusable(&self.path, &error))?;
        self.file
            .write_all(line(sealed.sequence, &sealed.der).as_bytes())
            .and_then(|()| self.file.sync_all())
            .map_err(|error| unusable(&self.path, &error))
    }
}

/// Opens the file, waits for whoever holds it, and reads it.
fn begin(exchanges: &Path, path: &Path) -> io::Result<(File, String)> {
    DirBuilder::new().recursive(true).mode(0o700).create(exchanges)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.lock()?;
    File::open(exchanges)?.sync_all()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((file, text))
}

fn whole_lines(text: &str) -> &str {
    text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default()
}

/// Checks every line: its form, its own SHA-256, and that it is bound to the one before.
fn check(path: &Path, text: &str) -> Result<(AuditTrail, Vec<AuditRecord>), Failure> {
    let (mut trail, mut records) = (AuditTrail::EMPTY, Vec::new());
    for text in text.split_inclusive('\n') {
        let number = trail.sequence().saturating_add(1);
        let der = text.trim_end().rsplit(' ').next().and_then(|column| STANDARD.decode(column).ok());
        let der = der.filter(|der| line(number, der) == text);
        let der = der.ok_or_else(|| altered(path, &format!("line {number} is not as it was written")))?;
        let (record, _) = trail.check_next(&der).map_err(|broken| altered(path, &broken))?;
        records.push(record);
    }
    Ok((trail, records))
}

fn line(sequence: u64, der: &[u8]) -> String {
    format!("{sequence} {} {}\n", hex::encode(Sha256::digest(der)), STANDARD.encode(der))
}

fn altered(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Integrity, "journal.altered", format!("{} was altered: {why}", path.display()))
        .then("take nothing in, keep the file as it is, and find out who wrote there")
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "journal.unusable", format!("{}: {error}", path.display()))
        .then("look at the disk and --exchanges; nothing is taken in without a record")
}

#[cfg(test)]
mod tests {
    use ca_core::audit::Act;
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    fn event(detail: &str) -> AuditEvent {
        AuditEvent {
            time: UnixTime::from_seconds(1_795_219_200),
            tenant: TenantId::parse("exchange").unwrap(),
            actor: "operator:test".to_owned(),
            act: Act::RequestRefused,
            issuer: None,
            serial: None,
            reason: "exchange.stale".to_owned(),
            detail: detail.to_owned(),
            digest: vec![7; 32],
        }
    }

    fn journal(details: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        for detail in details {
            ExchangeJournal::open(directory.path()).unwrap().append(event(detail)).unwrap();
        }
        let path = directory.path().join(NAME);
        (directory, path)
    }

    #[test]
    fn goes_on_where_it_left_off() {
        let (directory, _) = journal(&["one", "two", "three"]);
        let (trail, records) = ExchangeJournal::read(directory.path()).unwrap();
        let details: Vec<&str> = records.iter().map(|record| record.event.detail.as_str()).collect();
        assert_eq!((trail.sequence(), details), (3, vec!["one", "two", "three"]));
        let absent = ExchangeJournal::read(&directory.path().join("absent")).unwrap();
        assert_eq!(absent.1, []);
    }

    #[test]
    fn a_changed_octet_anywhere_is_found_and_nothing_is_appended() {
        let (directory, path) = journal(&["one", "two"]);
        let whole = std::fs::read(&path).unwrap();
        // The last line feed alone tells a whole line from a torn one.
        for place in 0..whole.len() - 1 {
            let mut changed = whole.clone();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            std::fs::write(&path, &changed).unwrap();
            let failure = ExchangeJournal::open(directory.path()).unwrap_err();
            assert_eq!((failure.exit, &*failure.code), (Exit::Integrity, "journal.altered"), "{place}");
        }
        std::fs::write(&path, whole).unwrap();
        assert_eq!(ExchangeJournal::read(directory.path()).unwrap().1.len(), 2);
    }

    #[test]
    fn a_line_left_out_doubled_or_exchanged_is_found() {
        let (directory, path) = journal(&["one", "two", "three"]);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for order in [&[1, 2][..], &[0, 2], &[0, 0, 1, 2], &[0, 1, 1], &[1, 0, 2]] {
            let other: String = order.iter().map(|at| lines[*at]).collect();
            std::fs::write(&path, other).unwrap();
            assert_eq!(
                ExchangeJournal::read(directory.path()).unwrap_err().exit,
                Exit::Integrity,
                "{order:?}"
            );
        }
    }

    #[test]
    fn a_line_that_a_power_cut_left_torn_is_cut_off() {
        let (directory, path) = journal(&["one"]);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}2 5f")).unwrap();
        assert_eq!(ExchangeJournal::read(directory.path()).unwrap().1.len(), 1);
        ExchangeJournal::open(directory.path()).unwrap().append(event("two")).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(&whole));
        assert_eq!(ExchangeJournal::read(directory.path()).unwrap().1.len(), 2);
    }
}
