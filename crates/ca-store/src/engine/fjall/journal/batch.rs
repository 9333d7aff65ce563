//! One batch of fjall 3's journal: reads it, and tells whether it is whole. Not what its rows mean.
//!
//! ```text
//! start  01, number of rows u32, number of the batch u64
//! row    02, kind u8, compression u8, keyspace u64, length of key u16, of value u32, of value as it stands u32, key, value
//! end    03, XXH3 of all rows u64, "FJL" 03
//! ```
//!
//! All numbers are little-endian. A keyspace that is cleared has an entry of its own; the ledger never clears one.

use xxhash_rust::xxh3::xxh3_64;

const START: &[u8] = &[1];
const ROW: &[u8] = &[2];
const END: &[u8] = &[3];
const TRAILER: &[u8] = b"FJL\x03";

/// A batch with the checksum that it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WholeBatch {
    /// How long it is, in octets.
    pub(super) octets: usize,
    /// Its number: each batch has a greater one than those before it. No checksum covers it.
    pub(super) number: u64,
    /// Whether one of its rows is of the keyspace that was asked for.
    pub(super) touches: bool,
}

impl WholeBatch {
    /// Reads the batch that octets start with, if they do; `keyspace` is one to look out for.
    pub(super) fn read(octets: &[u8], keyspace: u64) -> Option<Self> {
        let mut rest = octets.strip_prefix(START)?;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let number = u64::from_le_bytes(take(&mut rest)?);
        let rows = rest;
        let mut touches = false;
        for _ in 0..count {
            touches |= row(&mut rest)? == keyspace;
        }
        let rows = rows.get(..rows.len().checked_sub(rest.len())?)?;
        rest = rest.strip_prefix(END)?;
        let checksum = u64::from_le_bytes(take(&mut rest)?);
        rest = rest.strip_prefix(TRAILER)?;
        let octets = octets.len().checked_sub(rest.len())?;
        (xxh3_64(rows) == checksum).then_some(Self { octets, number, touches })
    }
}

/// Passes over a row; returns its keyspace.
fn row(rest: &mut &[u8]) -> Option<u64> {
    *rest = rest.strip_prefix(ROW)?;
    let [_kind, _compression] = take(rest)?;
    let keyspace = u64::from_le_bytes(take(rest)?);
    let key = u16::from_le_bytes(take(rest)?);
    let [_value, standing] = [take(rest)?, take(rest)?].map(u32::from_le_bytes);
    let length = usize::from(key).checked_add(usize::try_from(standing).ok()?)?;
    *rest = rest.get(length..)?;
    Some(keyspace)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}
