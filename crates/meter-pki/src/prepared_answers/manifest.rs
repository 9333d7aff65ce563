//! What a directory of prepared answers holds, one line for each certificate in the order of serial numbers: read and
//! written as a stream, so that its length does not matter.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use ca_core::serial_number::SerialNumber;
use serde::{Deserialize, Serialize};

use crate::time_text;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// 1.
    pub(crate) format: u32,
    /// The name of the authority.
    pub(crate) authority: String,
    /// Its key.
    pub(crate) key: String,
}

/// What was said of one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) serial: String,
    /// The status by which the answers were signed, with the time and the reason of a revocation.
    pub(crate) told: String,
    pub(crate) this_update: String,
    pub(crate) next_update: String,
    /// SHA-256 of each response, beside its path below `answers/`.
    pub(crate) files: Vec<(String, String)>,
}

impl Row {
    /// Returns the serial number; nothing when the line was written by somebody else.
    pub(crate) fn number(&self) -> Option<SerialNumber> {
        SerialNumber::parse(&self.serial).ok()
    }

    /// Returns from when on it is to be signed again: after half of its validity, in seconds since 1970.
    pub(crate) fn due(&self) -> Option<i64> {
        let (from, to) =
            (time_text::parse(&self.this_update).ok()?, time_text::parse(&self.next_update).ok()?);
        Some(from.seconds().midpoint(to.seconds()))
    }
}

/// The rows of a manifest from before, in their order.
#[derive(Debug)]
pub(crate) struct Rows {
    lines: Option<io::Lines<BufReader<File>>>,
    next: Option<Row>,
}

impl Rows {
    /// Opens the manifest; without one there are no rows.
    ///
    /// # Errors
    /// When it cannot be read, or is of another authority.
    pub(crate) fn open(path: &Path, head: &Head) -> io::Result<Self> {
        let mut lines = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { lines: None, next: None });
            }
            opened => BufReader::new(opened?).lines(),
        };
        let first = lines.next().transpose()?.unwrap_or_default();
        check_head(&first, head)?;
        let mut rows = Self { lines: Some(lines), next: None };
        rows.advance()?;
        Ok(rows)
    }

    /// Returns the next row if its serial number is below `bound`; any, if there is no bound.
    pub(crate) fn below(&mut self, bound: Option<&SerialNumber>) -> io::Result<Option<Row>> {
        match &self.next {
            Some(row) if bound.is_none_or(|bound| row.number().is_none_or(|number| number < *bound)) => {
                self.take()
            }
            _ => Ok(None),
        }
    }

    /// Returns the next row if it is of this serial number.
    pub(crate) fn of(&mut self, serial: &SerialNumber) -> io::Result<Option<Row>> {
        match &self.next {
            Some(row) if row.number().as_ref() == Some(serial) => self.take(),
            _ => Ok(None),
        }
    }

    fn take(&mut self) -> io::Result<Option<Row>> {
        let row = self.next.take();
        self.advance()?;
        Ok(row)
    }

    fn advance(&mut self) -> io::Result<()> {
        let line = self.lines.as_mut().and_then(Iterator::next).transpose()?;
        self.next = line.map(|line| serde_json::from_str(&line)).transpose()?;
        Ok(())
    }
}

fn check_head(line: &str, head: &Head) -> io::Result<()> {
    let found: Head = serde_json::from_str(line)?;
    if found == *head {
        return Ok(());
    }
    let why = format!("the directory holds answers of {} with the key {}", found.authority, found.key);
    Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
}

/// A manifest that is being written beside the one before.
#[derive(Debug)]
pub(crate) struct NewManifest {
    file: BufWriter<File>,
    path: PathBuf,
}

impl NewManifest {
    /// Begins a manifest; what a run that was cut off wrote is forgotten.
    pub(crate) fn begin(path: &Path, head: &Head) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(aside(path))?);
        write_line(&mut file, head)?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Goes on with the manifest of a run that was cut off, if there is one of the same authority, and returns the last serial
    /// number in it. A line that was cut off is dropped.
    pub(crate) fn resume(path: &Path, head: &Head) -> io::Result<Option<(Self, SerialNumber)>> {
        let Ok(file) = OpenOptions::new().read(true).write(true).open(aside(path)) else {
            return Ok(None);
        };
        let (mut whole, mut last, mut line) = (0_u64, None, String::new());
        let mut reader = BufReader::new(&file);
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            if whole == 0 {
                check_head(&line, head)?;
            } else {
                let Ok(row) = serde_json::from_str::<Row>(&line) else { break };
                last = row.number();
            }
            whole = whole.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
            line.clear();
        }
        let Some(last) = last else { return Ok(None) };
        file.set_len(whole)?;
        let file = OpenOptions::new().append(true).open(aside(path))?;
        Ok(Some((Self { file: BufWriter::new(file), path: path.to_path_buf() }, last)))
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) -> io::Result<()> {
        write_line(&mut self.file, row)
    }

    /// Hands what was added to the system, for a run that goes on after this one.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Puts the manifest in the place of the one before.
    pub(crate) fn finish(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(aside(&self.path), &self.path)
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("jsonl.new")
}

fn write_line(file: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { format: 1, authority: "dso".to_owned(), key: "ab".to_owned() }
    }

    fn row(serial: &str) -> Row {
        Row {
            serial: serial.to_owned(),
            told: "good".to_owned(),
            this_update: "2026-11-21T00:00:00Z".to_owned(),
            next_update: "2026-11-21T12:00:00Z".to_owned(),
            files: Vec::new(),
        }
    }

    fn number(text: &str) -> SerialNumber {
        SerialNumber::parse(text).unwrap()
    }

    #[test]
    fn rows_come_in_order_and_are_due_after_half_of_their_validity() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("manifest.jsonl");
        assert!(Rows::open(&path, &head()).unwrap().below(None).unwrap().is_none());
        let mut new = NewManifest::begin(&path, &head()).unwrap();
        for serial in ["4001", "4005", "4009"] {
            new.add(&row(serial)).unwrap();
        }
        assert!(!path.exists());
        new.finish().unwrap();
        let mut rows = Rows::open(&path, &head()).unwrap();
        assert!(rows.below(Some(&number("4001"))).unwrap().is_none());
        assert_eq!(rows.of(&number("4001")).unwrap(), Some(row("4001")));
        assert!(rows.of(&number("4006")).unwrap().is_none());
        assert_eq!(rows.below(Some(&number("4006"))).unwrap(), Some(row("4005")));
        assert_eq!(rows.below(None).unwrap(), Some(row("4009")));
        assert_eq!(row("4001").due(), Some(time_text::parse("2026-11-21T06:00:00Z").unwrap().seconds()));
        let other = Head { key: "cd".to_owned(), ..head() };
        assert_eq!(Rows::open(&path, &other).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_run_that_was_cut_off_is_gone_on_with_after_its_last_whole_line() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("manifest.jsonl");
        assert!(NewManifest::resume(&path, &head()).unwrap().is_none());
        let mut new = NewManifest::begin(&path, &head()).unwrap();
        new.add(&row("4001")).unwrap();
        new.add(&row("4005")).unwrap();
        new.flush().unwrap();
        drop(new);
        let whole = fs::read(aside(&path)).unwrap();
        for cut in 1..20 {
            fs::write(aside(&path), &whole[..whole.len() - cut]).unwrap();
            let (mut new, last) = NewManifest::resume(&path, &head()).unwrap().unwrap();
            assert_eq!(last, number("4001"));
            new.add(&row("4005")).unwrap();
            new.flush().unwrap();
            assert_eq!(fs::read(aside(&path)).unwrap(), whole);
        }
        fs::write(aside(&path), "{").unwrap();
        assert!(NewManifest::resume(&path, &head()).unwrap().is_none());
    }
}
