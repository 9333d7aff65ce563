//! What a log keeps, and what is found of whatever was done to it.

use std::fs;
use std::path::Path;
use std::thread;

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;

use super::*;

fn entry(name: &str) -> Entry {
    Entry {
        time: UnixTime::from_seconds(1_795_255_200),
        user: 1_000,
        key: KeyRef::new([1; 20]),
        kind: Kind::Certificate,
        issuer: Some(KeyRef::new([1; 20])),
        name: name.to_owned(),
        scope: String::new(),
        digest: [7; 32],
        outcome: SIGNED.to_owned(),
    }
}

/// A log of so many records, its folder with it.
fn log_of(records: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signatures.log");
    let log = open(&path).unwrap();
    for number in 0..records {
        log.append(entry(&format!("{number:04x}"))).unwrap();
    }
    (folder, path)
}

fn plan(path: &Path) -> LogPlan {
    LogPlan { path: path.to_owned(), segment: SegmentBounds::default() }
}

fn open(path: &Path) -> Result<SignatureLog, OpenLogError> {
    open_by(plan(path)).map(|(log, _)| log)
}

fn open_by(plan: LogPlan) -> Result<(SignatureLog, Recollection), OpenLogError> {
    SignatureLog::open(plan, Box::new(|cause| panic!("{cause}")))
}

fn names(path: &Path) -> Result<Vec<String>, LogFault> {
    let octets = fs::read(path).unwrap();
    LogReader::new(octets.as_slice()).map(|record| record.map(|record| record.entry.name)).collect()
}

#[test]
fn goes_on_where_it_ended() {
    let (_folder, path) = log_of(3);
    let (log, mut told) = open_by(plan(&path)).unwrap();
    let told = told.take(&KeyRef::new([1; 20]));
    assert_eq!((told.signed, log.head().records), (3, 3));
    log.append(entry("ff")).unwrap();
    assert_eq!(log.head().records, 4);
    assert_eq!(names(&path).unwrap(), ["0000", "0001", "0002", "ff"]);
    assert!(matches!(open(&path), Err(OpenLogError::InUse { .. })), "one process writes a log");
}

#[test]
fn many_writers_make_one_chain() {
    let (_folder, path) = log_of(0);
    let log = open(&path).unwrap();
    thread::scope(|scope| {
        for writer in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..20 {
                    log.append(entry(&format!("{writer}{number}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(names(&path).unwrap().len(), 160);
}

#[test]
fn a_record_torn_off_at_any_octet_is_cut_off_and_the_rest_stays() {
    let (_folder, path) = log_of(3);
    let whole = fs::read(&path).unwrap();
    let last = whole.len() / 3 * 2;
    for length in last..whole.len() {
        for zeros in [0, 1, 5_000] {
            let mut octets = whole[..length].to_vec();
            if length == last {
                octets.resize(length + zeros, 0);
            }
            let other = path.with_extension("torn");
            fs::write(&other, &octets).unwrap();
            let log = open(&other).unwrap();
            assert_eq!(log.head().records, 2, "{length} {zeros}");
            assert_eq!(fs::read(&other).unwrap(), whole[..last]);
            fs::remove_file(&other).unwrap();
        }
    }
}

#[test]
fn no_octet_can_be_changed_and_no_record_taken_out() {
    let (_folder, path) = log_of(3);
    let whole = fs::read(&path).unwrap();
    let one = whole.len() / 3;
    // A change in the last record that is still a record is seen by whoever kept the head.
    for place in 0..2 * one {
        let mut octets = whole.clone();
        octets[place] ^= 1;
        let read: Result<Vec<_>, _> = LogReader::new(octets.as_slice()).collect();
        assert!(read.is_err(), "octet {place}");
        fs::write(&path, &octets).unwrap();
        assert!(matches!(open(&path), Err(OpenLogError::Damaged { .. })), "octet {place}");
    }
    let without = [&whole[..one], &whole[2 * one..]].concat();
    let read: Result<Vec<_>, _> = LogReader::new(without.as_slice()).collect();
    assert!(matches!(read, Err(LogFault::Chain { number: 2 })));
}

mod segments;
