//! Whether a complete CRL keeps what the published one lists: both are read side by side, in constant memory.
//!
//! Entries stand in ascending order of their serial numbers in each. Why one may leave is the ledger's to say, not ours.

use std::sync::mpsc::{SyncSender, sync_channel};

use ca_core::public_key::PublicKey;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use super::{PublishError, PublishedCrl};
use crate::crl_reader::{ReadCrl, ReadCrlError};

/// The number of certificateHold among the reasons (RFC 5280 §5.3.1).
const HOLD: u8 = 6;

/// How many entries are handed over together, and how many such groups wait.
const GROUP: usize = 1_024;
const GROUPS: usize = 4;

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

/// An entry of the published CRL: its serial number, and whether it is on hold.
type Listed = (SerialNumber, bool);

/// RFC 5280 §3.3: an entry stays as long as its certificate is valid, unless it was released from hold.
pub(super) fn check(
    new: &PublishedCrl,
    published: &PublishedCrl,
    key: &PublicKey,
    leaves: Leaves<'_>,
) -> Result<(), PublishError> {
    let mut missing = Missing { this_update: new.this_update, leaves, count: 0, first: None };
    std::thread::scope(|scope| {
        let (sender, groups) = sync_channel(GROUPS);
        let reading = scope.spawn(move || hand_over(published, key, &sender));
        let mut listed = groups.into_iter().flatten().peekable();
        ReadCrl::read(new.content.reader(), key, |entry| {
            while let Some(gone) = listed.next_if(|(serial, _)| serial.octets() < entry.serial) {
                missing.take(gone);
            }
            drop(listed.next_if(|(serial, _)| serial.octets() == entry.serial));
        })
        .map_err(super::UnfitCrl::from)?;
        listed.for_each(|gone| missing.take(gone));
        // What was not read to its end has not shown all that it lists.
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.map_err(super::UnfitCrl::from)?;
        Ok::<(), PublishError>(())
    })?;
    match missing.first {
        None => Ok(()),
        Some(first) => {
            Err(PublishError::EntriesVanished { missing: missing.count, published: published.entries, first })
        }
    }
}

/// Hands the entries of the published CRL over, in their order.
fn hand_over(
    published: &PublishedCrl,
    key: &PublicKey,
    sender: &SyncSender<Vec<Listed>>,
) -> Result<(), ReadCrlError> {
    let (mut group, mut all) = (Vec::new(), true);
    ReadCrl::read(published.content.reader(), key, |entry| {
        let serial = SerialNumber::from_octets(entry.serial);
        all &= serial.is_ok();
        group.extend(serial.map(|serial| (serial, entry.reason == HOLD)));
        if group.len() == GROUP {
            // Whoever takes nothing any more has found a fault and says so.
            drop(sender.send(core::mem::take(&mut group)));
        }
    })?;
    drop(sender.send(group));
    // A serial number that is none cannot be asked after.
    if all { Ok(()) } else { Err(ReadCrlError::NotDer { at: 0 }) }
}

/// What is missing and may not be.
struct Missing<'a> {
    this_update: UnixTime,
    leaves: Leaves<'a>,
    count: u64,
    first: Option<SerialNumber>,
}

impl Missing<'_> {
    fn take(&mut self, (serial, on_hold): Listed) {
        let gone = Gone { serial, on_hold, this_update: self.this_update };
        if !(self.leaves)(&gone) {
            self.count += 1;
            self.first.get_or_insert(gone.serial);
        }
    }
}
