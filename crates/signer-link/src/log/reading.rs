//! Reading a segment of a log from its first record to its last, and verifying the chain on the way.

use std::io::{self, Read};

use der::{Reader as _, SliceReader};

use super::Head;
use super::record::{Kind, Record, hash};

/// How many octets a record has at most: what it quotes is bounded.
const LONGEST: usize = 64 * 1024;

/// Reads records; after a fault there are no more.
#[derive(Debug)]
pub struct LogReader<R> {
    from: R,
    head: Head,
    /// Whether the first record says itself what it follows.
    anywhere: bool,
    /// How many octets were read of whole records.
    at: u64,
    ended: bool,
}

impl<R: Read> LogReader<R> {
    /// Begins at the first record of a log.
    pub const fn new(from: R) -> Self {
        Self::following(from, Head { records: 0, hash: [0; 32] })
    }

    /// Begins at a segment that follows a record.
    pub const fn following(from: R, head: Head) -> Self {
        Self { from, head, anywhere: false, at: 0, ended: false }
    }

    /// Begins at a segment of which the record before it is not at hand: it is taken to be what the segment says.
    pub const fn of_segment(from: R) -> Self {
        Self { from, head: Head { records: 0, hash: [0; 32] }, anywhere: true, at: 0, ended: false }
    }

    /// Returns where the log stands after the last record that was read.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Reads the next record, if there is one.
    fn read(&mut self) -> Result<Option<Record>, LogFault> {
        let mut der = Vec::new();
        self.extend(&mut der, 2)?;
        let (header, length) = match *der.as_slice() {
            [] => return Ok(None),
            [0x30, short @ 0..=0x7F] => (2, usize::from(short)),
            [0x30, 0x81] => (3, 1),
            [0x30, 0x82] => (4, 2),
            [0x30] => return Err(self.torn(&der)),
            _ => return self.zeros(&der),
        };
        // In the long form the length stands in the octets that follow.
        let length = if header == 2 {
            length
        } else {
            self.extend(&mut der, length)?;
            let Some(octets) = der.get(2..).filter(|octets| octets.len() == length) else {
                return Err(self.torn(&der));
            };
            octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
        };
        if length > LONGEST {
            return Err(self.not_a_record());
        }
        self.extend(&mut der, length)?;
        if der.len() < header + length {
            return Err(self.torn(&der));
        }
        let record = Record::from_der(&der).ok_or_else(|| self.not_a_record())?;
        if self.anywhere && record.entry.kind == Kind::Segment {
            self.head = Head { records: record.number.saturating_sub(1), hash: record.previous };
        }
        self.anywhere = false;
        if record.number != self.head.records + 1 || record.previous != self.head.hash {
            return Err(LogFault::Chain { number: self.head.records + 1 });
        }
        self.head = Head { records: record.number, hash: hash(&der) };
        self.at += octets(der.len());
        Ok(Some(record))
    }

    /// Reads so many octets more, fewer where there are no more.
    fn extend(&mut self, der: &mut Vec<u8>, wanted: usize) -> Result<(), LogFault> {
        let limit = octets(wanted);
        self.from.by_ref().take(limit).read_to_end(der).map_err(LogFault::Unreadable)?;
        Ok(())
    }

    /// What a file system leaves where it grew a file and never wrote it: zeros to the end, and nothing else.
    fn zeros(&mut self, begun: &[u8]) -> Result<Option<Record>, LogFault> {
        let mut rest = [0; 4_096];
        let mut left = octets(begun.len());
        let mut zeros = begun.iter().all(|octet| *octet == 0);
        while zeros {
            let read = self.from.read(&mut rest).map_err(LogFault::Unreadable)?;
            if read == 0 {
                return Err(LogFault::Torn { at: self.at, octets: left });
            }
            left += octets(read);
            zeros = rest.iter().take(read).all(|octet| *octet == 0);
        }
        Err(self.not_a_record())
    }

    const fn not_a_record(&self) -> LogFault {
        LogFault::NotARecord { number: self.head.records + 1, at: self.at }
    }

    /// What ends before its length says so was torn off, unless a whole record stands behind its beginning.
    fn torn(&self, der: &[u8]) -> LogFault {
        if (1..der.len()).any(|at| der.get(at..).is_some_and(begins_with_a_record)) {
            return self.not_a_record();
        }
        LogFault::Torn { at: self.at, octets: octets(der.len()) }
    }
}

fn begins_with_a_record(der: &[u8]) -> bool {
    let mut reader = match SliceReader::new(der) {
        Ok(reader) if der.first() == Some(&0x30) => reader,
        Ok(_) | Err(_) => return false,
    };
    reader.tlv_bytes().is_ok_and(|one| Record::from_der(one).is_some())
}

fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl<R: Read> Iterator for LogReader<R> {
    type Item = Result<Record, LogFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// Why a log cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// The last record is not whole: it was never synced, and nothing that it speaks of left the signer.
    #[error("the last record is torn off: {octets} octets at octet {at}")]
    Torn {
        /// Where it begins.
        at: u64,
        /// How many octets there are of it.
        octets: u64,
    },
    /// What stands where a record should is none.
    #[error("record {number} is no record, at octet {at}")]
    NotARecord {
        /// Which it would be.
        number: u64,
        /// Where it begins.
        at: u64,
    },
    /// A record does not follow the one before it: something was changed, taken out or put in.
    #[error("record {number} does not follow the one before it")]
    Chain {
        /// Which it would be.
        number: u64,
    },
    /// A segment has not got all that it carries over from those before it. It was whole before it got its name.
    #[error(
        "the segment that begins with record {first} has lost what it carries over from the one before it"
    )]
    Carried {
        /// The number of its first record.
        first: u64,
    },
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
}
