//! Compares a published CRL with the ledger: whether it is the one on record, and lists what the ledger says is revoked, octet for
//! octet, and nothing else.
//!
//! Both are read once, side by side, in ascending order of serial numbers; nothing is kept but the first differences. It shares no
//! code with what makes CRLs: the reader is another, the verification of signatures is another, and what an entry has to be is
//! encoded here once more. Where octets and rows come from is for others. RFC 5280 §5.

mod expected;

use std::io::Read;

use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use status_server::crl_reader::{ReadCrl, ReadCrlError, ReadEntry};

use crate::exit::Failure;
pub(crate) use expected::Revoked;

/// How many differences are told at most; the others are counted.
const TOLD: usize = 10;

/// How long a revocation may take, in seconds, from the sample of its clock until whoever makes a CRL sees it.
const COMMIT_SECONDS: i64 = 10;

/// The reason removeFromCRL (RFC 5280 §5.3.1).
const REMOVE_FROM_CRL: u8 = 8;

/// The reason certificateHold.
const HOLD: u8 = 6;

/// A CRL as it is on record.
#[derive(Debug, Clone)]
pub(crate) struct OnRecord {
    /// The DER of the issuer's name.
    pub(crate) issuer: Vec<u8>,
    /// The key that signs.
    pub(crate) key: PublicKey,
    /// The CRL number.
    pub(crate) number: u64,
    /// thisUpdate.
    pub(crate) this_update: UnixTime,
    /// nextUpdate.
    pub(crate) next_update: UnixTime,
    /// The URI that it has to name as its issuing distribution point, where it speaks of a shard.
    pub(crate) point: Option<String>,
    /// The number of the complete CRL that it is a delta to.
    pub(crate) base: Option<u64>,
    /// Of a delta: what was revoked before, thisUpdate of its base, need not be listed. Without, nothing need be.
    pub(crate) changed_since: Option<UnixTime>,
    /// SHA-256 of its octets.
    pub(crate) sha256: [u8; 32],
}

/// What the ledger says is revoked, in ascending order of serial numbers.
pub(crate) trait Revocations {
    /// Returns the next.
    ///
    /// # Errors
    /// Where the ledger cannot be asked.
    fn next(&mut self) -> Result<Option<Revoked>, Failure>;

    /// Returns since when a serial number that was on hold is not any more.
    ///
    /// # Errors
    /// As [`Self::next`].
    fn released_at(&mut self, serial: &[u8]) -> Result<Option<UnixTime>, Failure>;
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The number of the CRL that was read.
    pub(crate) number: u64,
    /// How many entries it has.
    pub(crate) entries: u64,
    /// How many differences there are.
    pub(crate) differences: u64,
    /// The first of them, a sentence each.
    pub(crate) told: Vec<String>,
}

/// Compares.
///
/// # Errors
/// [`CheckError`] when there is nothing to compare. Differences are no error here.
pub(crate) fn compare(
    published: impl Read,
    record: &OnRecord,
    revocations: &mut dyn Revocations,
) -> Result<Found, CheckError> {
    let mut entries = Entries { record, walk: Walk::default(), next: None, revocations, failed: None };
    entries.advance();
    let crl = ReadCrl::read(published, &record.key, |entry| entries.take(entry))?;
    entries.finish();
    let Entries { walk, failed, .. } = entries;
    failed.map_or(Ok(()), Err)?;
    let base = crl.base()?;
    Ok(judge((&crl, base), record, walk))
}

/// Puts what the head says before what the entries say; of another CRL than the one on record the entries say nothing.
fn judge((crl, base): (&ReadCrl, Option<u64>), record: &OnRecord, walk: Walk) -> Found {
    let mut heads = Walk::default();
    if crl.issuer != record.issuer {
        // RFC 5280 §6.3.3 (b): compared octet for octet here, string types included.
        heads
            .tell("its issuer's name is not the subject of the CA's certificate, octet for octet".to_owned());
    }
    if crl.number != record.number {
        heads.tell(format!(
            "its number is {}; the last CRL on record has number {}",
            crl.number, record.number
        ));
        return heads.found(crl);
    }
    // RFC 5280 §5.2.4, §5.2.5.
    if base != record.base {
        let named = |base: Option<u64>| base.map_or_else(|| "none".to_owned(), |base| base.to_string());
        heads.tell(format!("its base is {}; by the ledger it is {}", named(base), named(record.base)));
    }
    if crl.issuing_distribution_point() != record.point.as_deref().map(expected::point).as_deref() {
        heads.tell("its issuing distribution point is not the place that certificates name".to_owned());
    }
    for (what, says, recorded) in [
        ("thisUpdate", crl.this_update, record.this_update),
        ("nextUpdate", crl.next_update, record.next_update),
    ] {
        if says != recorded {
            heads.tell(format!("its {what} is {says}; by the ledger it is {recorded}"));
        }
    }
    if crl.sha256 != record.sha256 {
        heads.tell("its octets are not those on record under this number".to_owned());
    }
    heads.append(walk);
    heads.found(crl)
}

/// Differences so far.
#[derive(Debug, Default)]
struct Walk {
    differences: u64,
    told: Vec<String>,
}

impl Walk {
    fn tell(&mut self, sentence: String) {
        self.differences += 1;
        if self.told.len() < TOLD {
            self.told.push(sentence);
        }
    }

    fn append(&mut self, other: Self) {
        self.differences += other.differences;
        self.told.extend(other.told);
        self.told.truncate(TOLD);
    }

    fn found(self, crl: &ReadCrl) -> Found {
        let Self { differences, told } = self;
        Found { number: crl.number, entries: crl.entries, differences, told }
    }
}

/// The entries of the CRL beside the rows of the ledger.
struct Entries<'a> {
    record: &'a OnRecord,
    walk: Walk,
    /// The next row, whose serial number is greater than those of all entries so far.
    next: Option<Revoked>,
    revocations: &'a mut dyn Revocations,
    failed: Option<CheckError>,
}

impl Entries<'_> {
    fn take(&mut self, entry: &ReadEntry<'_>) {
        while let Some(row) = self.next.take_if(|row| row.serial.as_slice() < entry.serial) {
            self.only_on_record(&row);
            self.advance();
        }
        match self.next.take_if(|row| row.serial == entry.serial) {
            Some(row) => {
                self.on_both(entry, &row);
                self.advance();
            }
            None => self.only_listed(entry),
        }
    }

    fn finish(&mut self) {
        while let Some(row) = self.next.take() {
            self.only_on_record(&row);
            self.advance();
        }
    }

    fn advance(&mut self) {
        if self.failed.is_none() {
            match self.revocations.next() {
                Ok(next) => self.next = next,
                Err(failure) => self.failed = Some(failure.into()),
            }
        }
    }

    fn on_both(&mut self, entry: &ReadEntry<'_>, row: &Revoked) {
        match row.entry(self.record.this_update) {
            Ok(expected) if expected == entry.der => {}
            Ok(expected) => {
                let (serial, is, by) =
                    (hex::encode(entry.serial), hex::encode(entry.der), hex::encode(expected));
                self.walk.tell(format!("the entry of {serial} is {is}; by the ledger it is {by}"));
            }
            Err(error) => {
                let serial = hex::encode(entry.serial);
                self.walk.tell(format!("the ledger has a row of {serial} that no entry can say: {error}"));
            }
        }
    }

    /// RFC 5280 §3.3: what has expired may have left. What was revoked while the CRL was made need not be there yet, nor on a delta
    /// what its base may have (§5.2.4).
    fn only_on_record(&mut self, row: &Revoked) {
        let this_update = self.record.this_update;
        let was_there = row.time.plus_seconds(COMMIT_SECONDS) < this_update;
        let owed =
            self.record.base.is_none() || self.record.changed_since.is_some_and(|base| row.time > base);
        if owed && was_there && row.not_after >= this_update {
            let (serial, time) = (hex::encode(&row.serial), row.time);
            self.walk.tell(format!("{serial} was revoked at {time}, and is not listed"));
        }
    }

    /// What was released from hold after the CRL was made was rightly there.
    fn only_listed(&mut self, entry: &ReadEntry<'_>) {
        let released = match entry.reason {
            HOLD | REMOVE_FROM_CRL if self.failed.is_none() => {
                self.revocations.released_at(entry.serial).unwrap_or_else(|failure| {
                    self.failed = Some(failure.into());
                    None
                })
            }
            _ => None,
        };
        let rightly = match (entry.reason, released) {
            (REMOVE_FROM_CRL, Some(_)) => true,
            (_, Some(released)) => released.plus_seconds(COMMIT_SECONDS) >= self.record.this_update,
            (_, None) => false,
        };
        if !rightly {
            let serial = hex::encode(entry.serial);
            self.walk
                .tell(format!("{serial} is listed, and the ledger has no such revocation in this order"));
        }
    }
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// What is published is no CRL of this CA.
    #[error("what is published is no CRL of this CA: {0}")]
    Unfit(#[from] ReadCrlError),
    /// The ledger cannot be asked.
    #[error(transparent)]
    Ledger(#[from] Failure),
}

#[cfg(test)]
mod tests;
