//! What is too long for a row, in parts of 4,096 octets at most, numbered from 0. How long it is stands in the row that it belongs to.

use core::ops::Range;

use crate::keyspace::{Keyspace, PART_OCTETS};
use crate::row::RowFault;
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many parts so many octets have.
pub(crate) fn count(octets: usize) -> u32 {
    u32::try_from(octets.div_ceil(PART_OCTETS)).unwrap_or(u32::MAX)
}

/// Writes octets; `key` tells where a part stands.
pub(crate) fn put(
    tx: &mut Transaction<'_>,
    keyspace: Keyspace,
    key: impl Fn(u32) -> Vec<u8>,
    octets: &[u8],
) -> Result<(), ActFault> {
    (0_u32..)
        .zip(octets.chunks(PART_OCTETS))
        .try_for_each(|(part, octets)| tx.put_octets(keyspace, key(part), octets.to_vec()))
}

/// Reads so many octets.
pub(crate) fn read(
    rows: &(impl Rows + ?Sized),
    keyspace: Keyspace,
    key: impl Fn(u32) -> Vec<u8>,
    length: u32,
) -> Result<Vec<u8>, ReadFault> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut octets = Vec::new();
    for part in 0..count(length) {
        octets.extend(rows.octets(keyspace, &key(part))?.unwrap_or_default());
    }
    if octets.len() == length {
        Ok(octets)
    } else {
        Err(RowFault::Value { keyspace: keyspace.name() }.into())
    }
}

/// Takes parts away.
pub(crate) fn remove(
    tx: &mut Transaction<'_>,
    keyspace: Keyspace,
    key: impl Fn(u32) -> Vec<u8>,
    parts: Range<u32>,
) {
    parts.for_each(|part| tx.remove_key(keyspace, key(part)));
}
