//! What stands before the entries of a CRL, and the entries of one that was read before (RFC 5280 §5.1.2).

use std::io::Read;

use ca_core::validity::UnixTime;

use super::values::{GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Values};
use super::{LONGEST, ReadCrlError, ReadEntry, time};

/// What stands before the entries, and where they end.
pub(super) struct Head {
    /// Where the CRL ends.
    pub(super) whole: u64,
    /// Where what was signed ends.
    pub(super) tbs: u64,
    pub(super) algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) this_update: UnixTime,
    pub(super) next_update: UnixTime,
    /// Where the entries end, if there are any.
    pub(super) list: Option<u64>,
}

impl Head {
    /// Reads up to the first entry.
    pub(super) fn read(values: &mut Values<impl Read>) -> Result<Self, ReadCrlError> {
        let whole = values.enter(SEQUENCE)?;
        values.begin_signed();
        let tbs = values.enter(SEQUENCE)?;
        // RFC 5280 §5.1.2.1: with extensions, which each CRL has to have, the version is 2.
        if values.take(INTEGER, 4)? != [INTEGER, 1, 1] {
            return Err(ReadCrlError::Version);
        }
        let algorithm = values.take(SEQUENCE, 64)?.to_vec();
        let issuer = values.take(SEQUENCE, LONGEST)?.to_vec();
        let this_update = time(values.take_either(UTC_TIME, GENERALIZED_TIME)?)?;
        // RFC 5280 §5.1.2.5: nextUpdate is always there.
        let next_update = time(values.take_either(UTC_TIME, GENERALIZED_TIME)?)?;
        let list = if values.next_is(SEQUENCE, tbs)? { Some(values.enter(SEQUENCE)?) } else { None };
        Ok(Self { whole, tbs, algorithm, issuer, this_update, next_update, list })
    }
}

/// The entries of a CRL that was read before; its signature is not looked at again.
pub(crate) struct Entries<R> {
    values: Values<R>,
    end: u64,
}

impl<R: Read> Entries<R> {
    /// Begins with the first.
    pub(crate) fn of(source: R) -> Result<Self, ReadCrlError> {
        let mut values = Values::new(source, None);
        let end = Head::read(&mut values)?.list.unwrap_or_default();
        Ok(Self { values, end })
    }

    /// Returns the next, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<ReadEntry<'_>>, ReadCrlError> {
        if self.values.position() < self.end {
            return ReadEntry::read(self.values.take(SEQUENCE, LONGEST)?).map(Some);
        }
        Ok(None)
    }
}
