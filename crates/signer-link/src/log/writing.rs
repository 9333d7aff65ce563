//! The segment that is written: records behind each other, synced before anybody is told, and the next segment when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::reading::{LogFault, LogReader};
use super::recollection::Recollection;
use super::record::{self, BEGUN, CARRIED, Entry, Record};
use super::segments::{LogPlan, SegmentFile, directory_of, unnamed};
use super::{Head, OpenLogError};

/// How many records after a segment could not be begun it is tried again.
const NOT_AGAIN_FOR: u64 = 1_000;

/// Writes a log.
pub(super) struct Writer {
    plan: LogPlan,
    file: File,
    head: Head,
    /// Records and octets in the segment, beside what it carries over.
    records: u64,
    octets: u64,
    /// At how many records the segment is full.
    full_at: u64,
    recollection: Recollection,
}

impl Writer {
    /// Opens the last segment of a log, or begins the first in a file of mode 0600.
    pub(super) fn open(plan: LogPlan) -> Result<Self, OpenLogError> {
        let (file, current) = open_last(&plan.path)?;
        let unusable = |cause| OpenLogError::Unusable { path: current.path.clone(), cause };
        let reader = if current.first == 1 { LogReader::new } else { LogReader::of_segment };
        let mut reader = reader(BufReader::new(&file));
        let (mut recollection, mut carried, mut records) = (Recollection::default(), Carried::default(), 0);
        let fault = reader.by_ref().find_map(|record| {
            let record = match record {
                Ok(record) => record,
                Err(fault) => return Some(fault),
            };
            recollection.note(&record.entry);
            carried.note(&record.entry);
            records += u64::from(!is_carried(&record.entry));
            None
        });
        let damaged = |fault| OpenLogError::Damaged { path: current.path.clone(), fault };
        if current.first != 1 && !carried.is_whole() {
            return Err(damaged(LogFault::Carried { first: current.first }));
        }
        if current.first + records + carried.records() != reader.head().records + 1 {
            return Err(damaged(LogFault::Chain { number: current.first }));
        }
        match fault {
            None => {}
            Some(LogFault::Torn { at, octets }) => {
                tracing::warn!(
                    at,
                    octets,
                    "signer: the log ends in a record that was never whole; it is cut off"
                );
                file.set_len(at).and_then(|()| file.sync_all()).map_err(unusable)?;
            }
            Some(fault) => return Err(damaged(fault)),
        }
        let (head, octets) = (reader.head(), file.metadata().map_err(unusable)?.len());
        let full_at = plan.segment.records;
        Ok(Self { plan, file, head, records, octets, full_at, recollection })
    }

    /// Returns where the log stands.
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// Returns what the log says of the keys.
    pub(super) const fn recollection(&self) -> &Recollection {
        &self.recollection
    }

    /// Writes entries down together; when this returns they are on disk.
    pub(super) fn write(&mut self, entries: impl IntoIterator<Item = Entry>) -> io::Result<()> {
        let mut octets = Vec::new();
        let head = self.chain(entries, &mut octets)?;
        self.file.write_all(&octets)?;
        self.file.sync_data()?;
        self.records += head.records - self.head.records;
        self.octets += length(&octets);
        self.head = head;
        Ok(())
    }

    /// Begins the next segment, if this one is full. Where there is no room for it the log goes on in this one.
    ///
    /// # Errors
    /// The next segment has its name, and nobody knows whether it keeps it: nothing more can be written.
    pub(super) fn turn_over(&mut self) -> io::Result<()> {
        if self.records < self.full_at && self.octets < self.plan.segment.octets {
            return Ok(());
        }
        let next = SegmentFile::beginning_with(self.head.records + 1, &self.plan.path);
        let prepared = self.prepare(&next);
        let (file, head) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                tracing::warn!(%error, "signer: the log cannot go on in another file; it goes on in this one");
                drop(fs::remove_file(unnamed(&self.plan.path)));
                self.full_at = self.records.saturating_add(NOT_AGAIN_FOR);
                self.octets = 0;
                return Ok(());
            }
        };
        sync_directory(&next.path)?;
        tracing::info!(file = %next.path.display(), "signer: the log goes on in another file");
        (self.file, self.head) = (file, head);
        (self.records, self.octets, self.full_at) = (0, 0, self.plan.segment.records);
        Ok(())
    }

    /// Writes the beginning of the next segment aside, and gives it its name.
    fn prepare(&mut self, next: &SegmentFile) -> io::Result<(File, Head)> {
        let aside = unnamed(&self.plan.path);
        remove(&aside)?;
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&aside)?;
        // From before it has its name: whoever finds it finds that it is written.
        file.try_lock()?;
        let mut octets = Vec::new();
        let head = self.chain(self.recollection.to_carry(), &mut octets)?;
        file.write_all(&octets)?;
        file.sync_all()?;
        if next.path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, next.path.display().to_string()));
        }
        fs::rename(&aside, &next.path)?;
        Ok((file, head))
    }

    /// Makes the records of entries that follow what is written, and remembers them.
    fn chain(&mut self, entries: impl IntoIterator<Item = Entry>, octets: &mut Vec<u8>) -> io::Result<Head> {
        let mut head = self.head;
        for entry in entries {
            self.recollection.note(&entry);
            let record = Record { number: head.records + 1, previous: head.hash, entry };
            let der = record.to_der()?;
            head = Head { records: record.number, hash: record::hash(&der) };
            octets.extend_from_slice(&der);
        }
        Ok(head)
    }
}

/// How much of what a segment carries over was read.
#[derive(Default)]
struct Carried {
    /// As its first record says.
    announced: Option<u64>,
    read: u64,
}

impl Carried {
    fn note(&mut self, entry: &Entry) {
        match entry.outcome.as_str() {
            BEGUN => self.announced = entry.name.parse().ok(),
            CARRIED => self.read += 1,
            _ => {}
        }
    }

    /// How many records that makes, the first included.
    fn records(&self) -> u64 {
        self.read + u64::from(self.announced.is_some())
    }

    fn is_whole(&self) -> bool {
        self.announced == Some(self.read)
    }
}

fn is_carried(entry: &Entry) -> bool {
    matches!(entry.outcome.as_str(), BEGUN | CARRIED)
}

/// Opens and locks the file that is written.
fn open_last(log: &Path) -> Result<(File, SegmentFile), OpenLogError> {
    let unusable = |path: &Path, cause| OpenLogError::Unusable { path: path.to_owned(), cause };
    let last = || SegmentFile::last(log).map_err(|cause| unusable(log, cause));
    let mut current = last()?;
    loop {
        let path = current.path.clone();
        let created = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(&path);
        let file = file.map_err(|cause| unusable(&path, cause))?;
        if file.try_lock().is_err() {
            return Err(OpenLogError::InUse { path });
        }
        if created {
            sync_directory(&path).map_err(|cause| unusable(&path, cause))?;
        }
        // Another signer, which has ended since, may have begun the next one just now.
        let now = last()?;
        if now == current {
            remove(&unnamed(log)).map_err(|cause| unusable(log, cause))?;
            return Ok((file, current));
        }
        current = now;
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_directory(file: &Path) -> io::Result<()> {
    File::open(directory_of(file))?.sync_all()
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
