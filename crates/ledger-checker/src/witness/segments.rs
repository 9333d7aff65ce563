//! The files that the logs of signers lie in, here and where closed ones were moved to, in the order of their records.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::first_record;
use crate::unreadable::Unreadable;

/// How many digits the name of a later segment ends in, at least.
const DIGITS: usize = 12;

/// One file.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) octets: Vec<u8>,
    /// The number of the first record, and the hash of the one before it.
    pub(super) first: u64,
    pub(super) previous: Vec<u8>,
}

/// Reads the files beside each of these paths: the path itself, and that with a number behind it. Of copies, made while a file still
/// grew, the longest.
pub(super) fn read(logs: &[PathBuf]) -> Result<Vec<Segment>, Unreadable> {
    let mut segments = Vec::new();
    for log in logs {
        let files = files(log).map_err(|cause| Unreadable::Disk { path: log.clone(), cause })?;
        if files.is_empty() {
            return Err(Unreadable::file(log));
        }
        for path in files {
            segments.push(Segment::read(path)?);
        }
    }
    segments.sort_by_key(|one| (one.first, one.previous.clone(), Reverse(one.octets.len())));
    let mut kept: Vec<Segment> = Vec::new();
    for one in segments {
        let is_copy = |other: &Segment| other.first == one.first && other.octets.starts_with(&one.octets);
        if !kept.iter().any(is_copy) {
            kept.push(one);
        }
    }
    Ok(kept)
}

impl Segment {
    fn read(path: PathBuf) -> Result<Self, Unreadable> {
        let octets = fs::read(&path).map_err(|cause| Unreadable::Disk { path: path.clone(), cause })?;
        let (first, previous) = first_record(&octets).unwrap_or_else(|| (1, vec![0; 32]));
        Ok(Self { path, octets, first, previous })
    }
}

fn files(log: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = log.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."));
    let wanted = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(&wanted).and_then(|rest| rest.strip_prefix('.'));
        let is_segment = number.is_some_and(|digits| {
            digits.len() >= DIGITS && digits.bytes().all(|octet| octet.is_ascii_digit())
        });
        if name == wanted || is_segment {
            found.push(directory.join(name));
        }
    }
    Ok(found)
}
