//! Whether a complete CRL keeps what the published one lists: both are read side by side, in constant memory.
//!
//! Entries stand in ascending order of their serial numbers in each. Why one may leave is the ledger's to say, not ours.

use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use super::{PublishError, PublishedCrl, UnfitCrl};
use crate::crl_reader::{Entries, ReadCrlError, ReadEntry};
use crate::document::ContentReader;

/// The number of certificateHold among the reasons (RFC 5280 §5.3.1).
const HOLD: u8 = 6;

/// An entry of the published CRL that the next one lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The serial number.
    pub serial: SerialNumber,
    /// Whether it was on hold.
    pub on_hold: bool,
    /// The thisUpdate of the next one.
    pub this_update: UnixTime,
}

/// Says whether an entry may leave. What cannot be told may not.
pub type Leaves<'a> = &'a dyn Fn(&Gone) -> bool;

/// The entries of a new CRL, walked through beside those of the published one.
pub(super) struct Kept<'a> {
    new: Entries<ContentReader<'a>>,
    /// The serial number that the walk has come to; none before the first.
    at: Vec<u8>,
    this_update: UnixTime,
    leaves: Leaves<'a>,
    missing: u64,
    first_missing: Option<SerialNumber>,
    /// What could not be read; nothing is compared behind it.
    fault: Option<ReadCrlError>,
}

impl<'a> Kept<'a> {
    /// Begins before the first of both.
    pub(super) fn beside(new: &'a PublishedCrl, leaves: Leaves<'a>) -> Result<Self, UnfitCrl> {
        let entries = Entries::of(new.content.reader())?;
        let (this_update, at) = (new.this_update, Vec::new());
        Ok(Self { new: entries, at, this_update, leaves, missing: 0, first_missing: None, fault: None })
    }

    /// Takes the next entry of the published CRL: it must be listed still, or may leave.
    pub(super) fn take(&mut self, entry: &ReadEntry<'_>) {
        if self.fault.is_none() {
            self.fault = self.look_for(entry).err();
        }
    }

    fn look_for(&mut self, entry: &ReadEntry<'_>) -> Result<(), ReadCrlError> {
        // A serial number that is none cannot be asked after.
        let serial = SerialNumber::from_octets(entry.serial).map_err(|_| ReadCrlError::NotDer { at: 0 })?;
        if self.lists(entry.serial)? {
            return Ok(());
        }
        let gone = Gone { serial, on_hold: entry.reason == HOLD, this_update: self.this_update };
        if !(self.leaves)(&gone) {
            self.missing += 1;
            self.first_missing.get_or_insert(gone.serial);
        }
        Ok(())
    }

    /// Tells whether the new CRL lists a serial number, which is above those that were asked for before.
    fn lists(&mut self, serial: &[u8]) -> Result<bool, ReadCrlError> {
        while self.at.as_slice() < serial {
            let Some(entry) = self.new.next()? else { return Ok(false) };
            self.at.clear();
            self.at.extend_from_slice(entry.serial);
        }
        Ok(self.at == serial)
    }

    /// RFC 5280 §3.3: an entry stays as long as its certificate is valid, unless it was released from hold. The published CRL
    /// was read to its end, and its signature is good.
    pub(super) fn finish(self, published: &PublishedCrl) -> Result<(), PublishError> {
        if let Some(fault) = self.fault {
            return Err(UnfitCrl::from(fault).into());
        }
        match self.first_missing {
            None => Ok(()),
            Some(first) => Err(PublishError::EntriesVanished {
                missing: self.missing,
                published: published.entries,
                first,
            }),
        }
    }
}
