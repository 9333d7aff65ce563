//! The files of a log: `signatures.log`, and behind it `signatures.log.000001000001`, named by the number of the first record.
//!
//! A segment is written aside, whole, and then gets its name; it never gets another, and only the last one grows. So those before
//! it can be moved away at any time. What stands in them is for the reader and the writer.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::Head;
use super::reading::{LogFault, LogReader};
use super::record::Record;

/// How many digits the number has at least, so that the names stand in order.
const DIGITS: usize = 12;

/// Where a log is, and when it goes on in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlan {
    /// The first file; the others lie beside it.
    pub path: PathBuf,
    /// When a segment is closed.
    pub segment: SegmentBounds,
}

/// How much a segment holds, beside what it carries over; it is closed when one of the two is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentBounds {
    /// How many records.
    pub records: u64,
    /// How many octets.
    pub octets: u64,
}

impl Default for SegmentBounds {
    /// A million records, or 256 MiB: read and verified in one or two seconds.
    fn default() -> Self {
        Self { records: 1_000_000, octets: 256 * 1024 * 1024 }
    }
}

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentFile {
    /// The number of its first record, as its name says.
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl SegmentFile {
    /// The file of the segment that begins with this record.
    pub(super) fn beginning_with(first: u64, log: &Path) -> Self {
        let path = if first == 1 { log.to_owned() } else { beside(log, &format!(".{first:0DIGITS$}")) };
        Self { first, path }
    }

    /// Lists the files of a log that are there, first to last.
    pub(super) fn all(log: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory_of(log))? {
            let name = entry?.file_name();
            if let Some(first) = log.file_name().and_then(|log| first_of(&name, log)) {
                found.push(Self { first, path: log.with_file_name(name) });
            }
        }
        found.sort_by_key(|one| one.first);
        Ok(found)
    }

    /// The file that is written.
    pub(super) fn last(log: &Path) -> io::Result<Self> {
        Ok(Self::all(log)?.pop().unwrap_or_else(|| Self::beginning_with(1, log)))
    }
}

/// Where a segment is written that has no name yet.
pub(super) fn unnamed(log: &Path) -> PathBuf {
    beside(log, ".new")
}

pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."))
}

fn beside(log: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(ending);
    PathBuf::from(name)
}

/// The number of the first record of a file of this log; none where it is no such file.
fn first_of(name: &std::ffi::OsStr, log: &std::ffi::OsStr) -> Option<u64> {
    if name == log {
        return Some(1);
    }
    let digits = name.to_str()?.strip_prefix(log.to_str()?)?.strip_prefix('.')?;
    let is_number = digits.len() >= DIGITS && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Reads one log out of the files beside each of these, wherever they lie, from the record of the number `from` on, and tells `each`
/// of every record with the hash that it has. Returns where the log stands then.
///
/// # Errors
/// [`SegmentsFault`], which says where the first fault is.
pub fn read_segments(
    logs: &[PathBuf],
    from: u64,
    mut each: impl FnMut(&Record, [u8; 32]),
) -> Result<Head, SegmentsFault> {
    let mut head: Option<Head> = None;
    for one in sorted(logs)? {
        let next = head.map_or(from, |head| head.records + 1);
        if one.begins_after.records >= next {
            let last = one.begins_after.records;
            return Err(SegmentsFault::Missing { first: next, last, before: one.path });
        }
        let file = BufReader::new(File::open(&one.path).map_err(|cause| unreadable(&one.path, cause))?);
        // What lies before the first of them is not looked at, when nobody asked for it.
        let mut reader = LogReader::following(file, head.unwrap_or(one.begins_after));
        while let Some(record) = reader.next() {
            let record = record.map_err(|fault| SegmentsFault::Damaged { path: one.path.clone(), fault })?;
            each(&record, reader.head().hash);
        }
        head = Some(reader.head());
    }
    let head = head.unwrap_or_default();
    if head.records + 1 < from {
        return Err(SegmentsFault::Ended { from, last: head.records });
    }
    Ok(head)
}

/// A file, and what its first record says that it follows.
struct Found {
    path: PathBuf,
    octets: u64,
    begins_after: Head,
}

/// All files in the order of their records, of copies only the longest.
fn sorted(logs: &[PathBuf]) -> Result<Vec<Found>, SegmentsFault> {
    let mut found = Vec::new();
    for log in logs {
        let files = SegmentFile::all(log).map_err(|cause| unreadable(log, cause))?;
        if files.is_empty() {
            return Err(SegmentsFault::NoSuchLog { path: log.clone() });
        }
        for file in files {
            found.push(Found::look_at(file.path)?);
        }
    }
    found.sort_by(|one, other| {
        let by_number = one.begins_after.records.cmp(&other.begins_after.records);
        by_number.then(one.octets.cmp(&other.octets).reverse())
    });
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        match kept.last().map(|last| (last, last.begins_after.records.cmp(&one.begins_after.records))) {
            Some((last, Ordering::Equal)) if !is_beginning_of(&one.path, &last.path)? => {
                let (number, path) = (one.begins_after.records + 1, last.path.clone());
                return Err(SegmentsFault::TwoStories { number, path, other: one.path });
            }
            Some((_, Ordering::Equal)) => {}
            Some(_) | None => kept.push(one),
        }
    }
    Ok(kept)
}

impl Found {
    fn look_at(path: PathBuf) -> Result<Self, SegmentsFault> {
        let file = File::open(&path).map_err(|cause| unreadable(&path, cause))?;
        let octets = file.metadata().map_err(|cause| unreadable(&path, cause))?.len();
        let begins_after = match LogReader::of_segment(BufReader::new(file)).next() {
            Some(Ok(first)) => Head { records: first.number.saturating_sub(1), hash: first.previous },
            // A log that has only just begun has no record.
            None => Head::default(),
            Some(Err(fault)) => return Err(SegmentsFault::Damaged { path, fault }),
        };
        Ok(Self { path, octets, begins_after })
    }
}

/// Tells whether the octets of the one file are those that the other begins with: a copy, made while it still grew.
fn is_beginning_of(shorter: &Path, longer: &Path) -> Result<bool, SegmentsFault> {
    let open = |path: &Path| File::open(path).map(BufReader::new).map_err(|cause| unreadable(path, cause));
    let (mut ours, mut theirs) = (open(shorter)?.bytes(), open(longer)?.bytes());
    loop {
        match (ours.next(), theirs.next()) {
            (None, _) => return Ok(true),
            (Some(Ok(one)), Some(Ok(other))) if one == other => {}
            (Some(Err(cause)), _) => return Err(unreadable(shorter, cause)),
            (_, Some(Err(cause))) => return Err(unreadable(longer, cause)),
            (Some(Ok(_)), _) => return Ok(false),
        }
    }
}

fn range(first: u64, last: u64) -> String {
    if first == last { format!("record {first} is") } else { format!("records {first} to {last} are") }
}

fn unreadable(path: &Path, cause: io::Error) -> SegmentsFault {
    SegmentsFault::Damaged { path: path.to_owned(), fault: LogFault::Unreadable(cause) }
}

/// Why a log is not whole.
#[derive(Debug, thiserror::Error)]
pub enum SegmentsFault {
    /// There is no file of this log.
    #[error("there is no {}, and no segment of it", path.display())]
    NoSuchLog {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Records are in none of the files.
    #[error("{} missing, of all files here the next is {}", range(*first, *last), before.display())]
    Missing {
        /// The first that is missing.
        first: u64,
        /// The last.
        last: u64,
        /// The segment behind them.
        before: PathBuf,
    },
    /// The log ends before the record from which it was to be read.
    #[error("it was to be read from record {from} on, and ends with record {last}")]
    Ended {
        /// From where.
        from: u64,
        /// The last record that is there.
        last: u64,
    },
    /// Two segments begin with the same number and go on differently.
    #[error("record {number} and those behind it are told in two ways, by {} and by {}", path.display(), other.display())]
    TwoStories {
        /// The number of their first records.
        number: u64,
        /// The one.
        path: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A file is not as it was written.
    #[error("{}: {fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: LogFault,
    },
}
