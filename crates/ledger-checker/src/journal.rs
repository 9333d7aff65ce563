//! The end of fjall's journal, for a ledger that nobody has opened since the power was cut.
//!
//! fjall refuses a last batch that lacks a sector. Here the copy is cut off before the first batch that is not whole, without
//! asking why it is not: had it been acknowledged, the evidence would name what is missing.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

/// The octets of a batch without its rows: 01, count, number in front; 03, checksum and `FJL` 03 behind.
const HEAD: usize = 13;
const TAIL: usize = 13;

/// Cuts the last journal of a copied ledger off behind its last whole batch.
pub(crate) fn cut_torn_end(directory: &Path) -> io::Result<()> {
    let Some(last) = last_journal(directory)? else { return Ok(()) };
    let octets = fs::read(&last)?;
    let mut rest = octets.as_slice();
    while let Some(behind) = behind_whole_batch(rest) {
        rest = behind;
    }
    // Only zeros, and fjall has not used the rest yet.
    if rest.chunks(4_096).all(|chunk| chunk.iter().all(|octet| *octet == 0)) {
        return Ok(());
    }
    let whole = u64::try_from(octets.len().saturating_sub(rest.len())).unwrap_or(u64::MAX);
    OpenOptions::new().write(true).open(last)?.set_len(whole)
}

fn last_journal(directory: &Path) -> io::Result<Option<PathBuf>> {
    let mut last = None;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let number: Option<u64> =
            path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        last = last.max(number.map(|number| (number, path)));
    }
    Ok(last.map(|(_, path)| path))
}

fn behind_whole_batch(octets: &[u8]) -> Option<&[u8]> {
    let (head, behind) = octets.split_at_checked(HEAD)?;
    let [1, count @ .., _, _, _, _, _, _, _, _] = head else { return None };
    let count = u32::from_le_bytes(count.try_into().ok()?);
    let mut rest = behind;
    for _ in 0..count {
        let (row, values) = rest.split_at_checked(21)?;
        let [2, _, _, _, _, _, _, _, _, _, _, key @ .., _, _, _, _, a, b, c, d] = row else { return None };
        let key = usize::from(u16::from_le_bytes(key.try_into().ok()?));
        let value = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
        rest = values.get(key.checked_add(value)?..)?;
    }
    let rows = behind.get(..behind.len().checked_sub(rest.len())?)?;
    let (tail, rest) = rest.split_at_checked(TAIL)?;
    let [3, checksum @ .., b'F', b'J', b'L', 3] = tail else { return None };
    (checksum == xxh3_64(rows).to_le_bytes()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engines::{read, write_fjall};

    #[test]
    fn a_ledger_whose_last_batch_lacks_a_sector_is_read_without_it() {
        let store = tempfile::tempdir().unwrap();
        let rows = BTreeMap::from([((2, vec![1]), vec![0xAA; 900]), ((2, vec![2]), vec![0xBB; 2_000])]);
        write_fjall(store.path(), &rows).unwrap();
        let journal = store.path().join("engine/0.jnl");
        let mut octets = fs::read(&journal).unwrap();
        octets[1_024..1_536].fill(0);
        fs::write(&journal, octets).unwrap();
        let left = read(store.path()).unwrap();
        assert_eq!(left.keys().collect::<Vec<_>>(), [&(2, vec![1])]);
    }
}
