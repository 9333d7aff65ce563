//! The fleet in a directory: which meters there are, and what each holds in its memory.
//!
//! `meters.jsonl` says which; `memory.jsonl` grows by one line for each key, request or certificate that a meter keeps, so that a
//! simulation that was killed goes on where it was. A last line that breaks off was never kept.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::profile::KeyPurpose;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use serde::{Deserialize, Serialize};

/// A simulated meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Its name.
    pub title: SystemTitle,
    /// Its security suite.
    pub suite: SecuritySuite,
}

/// Whose certificates a meter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// Of its manufacturer, from the line.
    Factory,
    /// Of its owner.
    Operational,
}

/// What of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// PKCS#8, DER.
    Key,
    /// PKCS#8, DER, of a key pair that waits for its certificate; empty where none does any more.
    PendingKey,
    /// PKCS#10, DER.
    Request,
    /// X.509, DER.
    Certificate,
    /// A CMP conversation that has begun.
    Conversation,
}

/// A place in a meter's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) title: SystemTitle,
    pub(crate) life: Life,
    pub(crate) purpose: KeyPurpose,
    pub(crate) kind: Kind,
}

/// A line of `memory.jsonl`.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    system_title: &'a str,
    life: Life,
    purpose: &'a str,
    kind: Kind,
    octets: &'a str,
}

/// A line of `meters.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MeterLine {
    pub(crate) system_title: String,
    pub(crate) suite: u8,
}

/// All simulated meters of a directory.
#[derive(Debug)]
pub struct Fleet {
    /// The meters.
    pub meters: Vec<Meter>,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    file: File,
    held: HashMap<Place, Vec<u8>>,
}

/// The names of the files.
pub(crate) fn meters_file(directory: &Path) -> PathBuf {
    directory.join("meters.jsonl")
}

fn memory_file(directory: &Path) -> PathBuf {
    directory.join("memory.jsonl")
}

impl Fleet {
    /// Opens the fleet of a directory.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn open(directory: &Path) -> Result<Self, MemoryError> {
        let path = meters_file(directory);
        let mut meters = Vec::new();
        for (number, line) in BufReader::new(open(&path)?).lines().enumerate() {
            let line = line.map_err(|cause| MemoryError::File { path: path.clone(), cause })?;
            let damaged = || MemoryError::Damaged { path: path.clone(), line: number.saturating_add(1) };
            let MeterLine { system_title, suite } = serde_json::from_str(&line).map_err(|_| damaged())?;
            let title = SystemTitle::parse(&system_title).map_err(|_| damaged())?;
            let suite = SecuritySuite::from_number(suite).ok_or_else(damaged)?;
            meters.push(Meter { title, suite });
        }
        Ok(Self { meters, memory: Mutex::new(Memory::open(&memory_file(directory))?) })
    }

    pub(crate) fn held(&self, place: &Place) -> Option<Vec<u8>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).held.get(place).cloned()
    }

    pub(crate) fn keep(&self, place: Place, octets: &[u8]) -> io::Result<()> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keep(place, octets)
    }

    /// Keeps several pages with one write.
    pub(crate) fn keep_all(&self, pages: &[(Place, Vec<u8>)]) -> io::Result<()> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keep_all(pages)
    }

    /// Returns a certificate that a meter holds, DER.
    #[must_use]
    pub fn certificate(&self, title: &SystemTitle, life: Life, purpose: KeyPurpose) -> Option<Vec<u8>> {
        self.held(&Place { title: *title, life, purpose, kind: Kind::Certificate })
    }
}

impl Memory {
    fn open(path: &Path) -> Result<Self, MemoryError> {
        let in_file = |cause| MemoryError::File { path: path.to_owned(), cause };
        let file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(in_file)?;
        let mut held = HashMap::new();
        let (mut whole, mut text) = (0_u64, Vec::new());
        let mut reader = BufReader::new(&file);
        for number in 1_usize.. {
            text.clear();
            let count = reader.read_until(b'\n', &mut text).map_err(in_file)?;
            if count == 0 || !text.ends_with(b"\n") {
                break;
            }
            let read = read_line(&text)
                .ok_or_else(|| MemoryError::Damaged { path: path.to_owned(), line: number })?;
            held.insert(read.0, read.1);
            whole = whole.saturating_add(u64::try_from(count).unwrap_or_default());
        }
        // What broke off is taken away, so that the next line does not begin behind it.
        file.set_len(whole).map_err(in_file)?;
        Ok(Self { file, held })
    }

    fn keep(&mut self, place: Place, octets: &[u8]) -> io::Result<()> {
        self.file.write_all(&written(&place, octets)?)?;
        self.held.insert(place, octets.to_vec());
        Ok(())
    }

    fn keep_all(&mut self, pages: &[(Place, Vec<u8>)]) -> io::Result<()> {
        let mut text = Vec::new();
        for (place, octets) in pages {
            text.extend(written(place, octets)?);
        }
        self.file.write_all(&text)?;
        self.held.extend(pages.iter().cloned());
        Ok(())
    }
}

/// Writes a page as a line.
fn written(place: &Place, octets: &[u8]) -> io::Result<Vec<u8>> {
    let line = Line {
        system_title: &place.title.to_string(),
        life: place.life,
        purpose: place.purpose.name(),
        kind: place.kind,
        octets: &STANDARD.encode(octets),
    };
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    Ok(text)
}

fn read_line(text: &[u8]) -> Option<(Place, Vec<u8>)> {
    let line: Line<'_> = serde_json::from_slice(text).ok()?;
    let title = SystemTitle::parse(line.system_title).ok()?;
    let purpose = KeyPurpose::ALL.into_iter().find(|purpose| purpose.name() == line.purpose)?;
    let place = Place { title, life: line.life, purpose, kind: line.kind };
    Some((place, STANDARD.decode(line.octets).ok()?))
}

fn open(path: &Path) -> Result<File, MemoryError> {
    File::open(path).map_err(|cause| MemoryError::File { path: path.to_owned(), cause })
}

/// Why a fleet cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the file system says.
        cause: io::Error,
    },
    /// A line is not what was written.
    #[error("{}, line {line}: this is not a line of a simulated fleet", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(kind: Kind) -> Place {
        Place {
            title: SystemTitle::new(*b"SIM\x01\0\0\0\x07"),
            life: Life::Operational,
            purpose: KeyPurpose::Tls,
            kind,
        }
    }

    #[test]
    fn what_was_kept_is_held_after_a_kill_in_the_middle_of_a_line() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            meters_file(directory.path()),
            "{\"system_title\":\"53494D0100000007\",\"suite\":1}\n",
        )
        .unwrap();
        let fleet = Fleet::open(directory.path()).unwrap();
        assert_eq!(fleet.meters.len(), 1);
        fleet.keep(place(Kind::Key), b"a key").unwrap();
        drop(fleet);
        let file = memory_file(directory.path());
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, [whole.as_slice(), &whole[..20]].concat()).unwrap();
        let fleet = Fleet::open(directory.path()).unwrap();
        assert_eq!(fleet.held(&place(Kind::Key)).as_deref(), Some(b"a key".as_slice()));
        fleet.keep(place(Kind::Request), b"a request").unwrap();
        drop(fleet);
        let fleet = Fleet::open(directory.path()).unwrap();
        assert_eq!(fleet.held(&place(Kind::Request)).as_deref(), Some(b"a request".as_slice()));
        assert_eq!(fleet.held(&place(Kind::Certificate)), None);
    }

    #[test]
    fn a_damaged_line_is_told_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(meters_file(directory.path()), "").unwrap();
        std::fs::write(memory_file(directory.path()), "{}\n").unwrap();
        let error = Fleet::open(directory.path()).unwrap_err().to_string();
        assert!(error.ends_with("memory.jsonl, line 1: this is not a line of a simulated fleet"), "{error}");
    }
}
