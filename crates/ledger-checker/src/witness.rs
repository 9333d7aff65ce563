//! The logs of signers in processes of their own, read by definitions of its own: the witness that no ledger has written.

mod segments;

use std::cmp::Ordering;
use std::path::PathBuf;

use der::asn1::{OctetStringRef, Utf8StringRef};
use der::{Decode, Reader as _, Sequence, SliceReader};
use sha2::{Digest, Sha256};

use crate::unreadable::Unreadable;
use segments::Segment;

/// The outcome of what was signed.
const SIGNED: &str = "signed";

/// A record of form 1.
#[derive(Sequence)]
struct WireRecord<'a> {
    number: u64,
    previous: &'a OctetStringRef,
    time: i64,
    user: u32,
    key: &'a OctetStringRef,
    kind: Utf8StringRef<'a>,
    issuer: &'a OctetStringRef,
    name: Utf8StringRef<'a>,
    scope: Utf8StringRef<'a>,
    digest: &'a OctetStringRef,
    outcome: Utf8StringRef<'a>,
}

/// A signature that the signer has written down.
pub(crate) struct Witnessed {
    pub(crate) number: u64,
    pub(crate) kind: String,
    /// The key of the authority.
    pub(crate) issuer: Vec<u8>,
    /// A serial number in hexadecimal, or the number of a CRL.
    pub(crate) name: String,
    /// The SHA-256 of what was signed.
    pub(crate) digest: Vec<u8>,
}

/// How much later a certificate may be recorded as issued than it was signed, in seconds: so much behind the first record of a log
/// that is read from its middle, nothing is looked for in it.
const UNTIL_RECORDED: i64 = 600;

/// A log.
pub(crate) struct SignerLog {
    pub(crate) signed: Vec<Witnessed>,
    /// From when on what was issued is in it.
    pub(crate) since: Option<i64>,
    /// What is wrong with the chain.
    pub(crate) broken: Vec<String>,
    /// The last record: its number and hash.
    number: u64,
    head: Vec<u8>,
    /// How much later it begins than its first record says.
    margin: i64,
}

impl SignerLog {
    /// Reads every log that lies in the files beside these paths, each up to where its chain breaks. Records before the number `from`
    /// are not looked for.
    pub(crate) fn all(paths: &[PathBuf], from: u64) -> Result<Vec<Self>, Unreadable> {
        let mut logs: Vec<Self> = Vec::new();
        for segment in segments::read(paths)? {
            let follows = logs.iter().position(|log| log.is_followed_by(&segment));
            // Of several logs, the one that is told furthest before the gap.
            let nearest = || {
                let before = logs.iter().enumerate().filter(|(_, log)| log.number < segment.first);
                before.max_by_key(|(_, log)| log.number).map(|(place, _)| place)
            };
            let begins = segment.first == 1 || logs.is_empty();
            let place = follows.or_else(|| if begins { None } else { nearest() });
            match place.and_then(|place| logs.get_mut(place)) {
                Some(log) => {
                    log.follow_up(&segment);
                    log.read(&segment);
                }
                None => {
                    let mut log = Self::beginning_with(&segment, if begins { from } else { u64::MAX });
                    if !begins {
                        log.broken.push(follows_another(&segment));
                    }
                    log.read(&segment);
                    logs.push(log);
                }
            }
        }
        Ok(logs)
    }

    fn beginning_with(segment: &Segment, from: u64) -> Self {
        let (number, head) = (segment.first.saturating_sub(1), segment.previous.clone());
        let broken = missing(from, segment).into_iter().collect();
        // Of a log that is read from its middle on.
        let margin = if number > 0 { UNTIL_RECORDED } else { 0 };
        Self { signed: Vec::new(), since: None, margin, broken, number, head }
    }

    fn is_followed_by(&self, segment: &Segment) -> bool {
        self.number + 1 == segment.first && self.head == segment.previous
    }

    /// Goes on with a segment, and says what is missing between.
    fn follow_up(&mut self, segment: &Segment) {
        if !self.is_followed_by(segment) {
            let missing = missing(self.number + 1, segment);
            self.broken.push(missing.unwrap_or_else(|| follows_another(segment)));
        }
        (self.number, self.head) = (segment.first.saturating_sub(1), segment.previous.clone());
    }

    /// Reads a segment.
    fn read(&mut self, segment: &Segment) {
        let mut rest = segment.octets.as_slice();
        while !rest.is_empty() {
            let number = self.number + 1;
            let Some((der, record)) = next(rest) else {
                self.broken.push(format!("record {number} of the signer's log is none"));
                break;
            };
            if record.number != number || record.previous.as_bytes() != self.head {
                self.broken.push(format!("record {number} of the signer's log follows no other"));
                break;
            }
            (self.number, self.head) = (record.number, Sha256::digest(der).to_vec());
            self.take(&record);
            rest = rest.get(der.len()..).unwrap_or_default();
        }
    }

    fn take(&mut self, record: &WireRecord<'_>) {
        self.since = self.since.or_else(|| Some(record.time.saturating_add(self.margin)));
        if record.outcome.as_str() == SIGNED {
            self.signed.push(Witnessed {
                number: record.number,
                kind: record.kind.as_str().to_owned(),
                issuer: record.issuer.as_bytes().to_vec(),
                name: record.name.as_str().to_owned(),
                digest: record.digest.as_bytes().to_vec(),
            });
        }
    }
}

/// Says which records are missing before a segment, if any are from this number on.
fn missing(from: u64, segment: &Segment) -> Option<String> {
    let (last, path) = (segment.first.saturating_sub(1), segment.path.display());
    let which = match last.cmp(&from) {
        Ordering::Less => return None,
        Ordering::Equal => format!("record {last} of the signer's log is missing"),
        Ordering::Greater => format!("records {from} to {last} of the signer's log are missing"),
    };
    Some(format!("{which}; the next that is there begins {path}"))
}

fn follows_another(segment: &Segment) -> String {
    let (first, path) = (segment.first, segment.path.display());
    format!(
        "record {first} of the signer's log, with which {path} begins, follows another record than the one before it"
    )
}

/// Reads the first record of octets.
fn next(octets: &[u8]) -> Option<(&[u8], WireRecord<'_>)> {
    let mut reader = SliceReader::new(octets).ok()?;
    let der = reader.tlv_bytes().ok()?;
    Some((der, WireRecord::from_der(der).ok()?))
}

/// The number of the first record, and what it says that it follows.
fn first_record(octets: &[u8]) -> Option<(u64, Vec<u8>)> {
    next(octets).map(|(_, record)| (record.number, record.previous.as_bytes().to_vec()))
}
