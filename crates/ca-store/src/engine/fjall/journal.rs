//! What a crash tore off the end of fjall's journals is cut off before fjall reads them, and what is damaged is refused.
//!
//! fjall cannot do either by itself. A power cut may take one sector out of the middle of the last batch, which leaves it with
//! a wrong checksum, and fjall refuses to open over that. A flipped bit in an old batch may look to fjall like a torn end, and it
//! cuts off all that follows.
//!
//! What tells them apart is the order of writes. One thread writes, and a batch with an audit record is synced before the
//! next is written; so is a journal before the next one is begun, and what an earlier life left before a later one writes. Hence
//! a broken batch that a synced batch (or the journal's end) *and* one more whole batch follow was synced once: it is damaged.
//! Any other may never have been synced, and is cut off with all that follows.
//!
//! A power cut alone never costs what was acknowledged: that was synced, so it is whole, and a cut begins at a batch that
//! is not. What cannot be told from a tear is rot in the last two batches with audit records and in what stands between and
//! behind them: too little follows. The ledger is then older by that much, as the exported log and published CRLs show.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use batch::WholeBatch;

mod batch;
#[cfg(test)]
mod tests;

/// fjall's number of the audit trail's keyspace: it numbers them from 1 as they are made, and this one is made second.
pub(super) const AUDIT: u64 = 2;

/// How many octets are compared with zeros at once.
const BLOCK: usize = 1 << 16;

/// Octets of a journal are not what was written and synced.
#[derive(Debug, thiserror::Error)]
#[error("{} is damaged at octet {at}: what was synced there does not stand there any more", journal.display())]
pub(super) struct DamagedJournal {
    journal: PathBuf,
    at: usize,
}

/// Reads all journals; cuts off what may never have been synced, if there is any.
pub(super) fn cut_torn_end(directory: &Path) -> Result<(), CutError> {
    let journals = journals(directory)?;
    let mut reading = Reading::default();
    for journal in journals.values() {
        reading.read(journal, &written(journal)?)?;
    }
    let Some(tear) = reading.broken else { return Ok(()) };
    // What stands in later journals, if there are any, is not whole either.
    let mut later = journals.values().rev().take_while(|journal| **journal != tear.journal);
    later.try_for_each(|journal| cut(journal, 0))?;
    cut(&tear.journal, tear.at)?;
    tracing::warn!(
        journal = %tear.journal.display(),
        at = tear.at,
        "the end of the journal is cut off: it was being written when the program or the machine stopped, and nobody was promised it"
    );
    Ok(())
}

/// Why the end of the journals is not known to be whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutError {
    #[error(transparent)]
    Damaged(#[from] DamagedJournal),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What was seen so far of all journals, in the order in which they were written.
#[derive(Default)]
struct Reading {
    /// The number of the last whole batch.
    last: Option<u64>,
    /// Where the first octets stand that are not a whole batch.
    broken: Option<DamagedJournal>,
    /// Whether something that was certainly synced before anything later was written follows the broken octets.
    synced_behind: bool,
}

impl Reading {
    /// Reads what was written to a journal.
    fn read(&mut self, journal: &Path, octets: &[u8]) -> Result<(), DamagedJournal> {
        let mut at = 0;
        while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
            let here = || DamagedJournal { journal: journal.to_owned(), at };
            match WholeBatch::read(rest, AUDIT) {
                Some(batch) => {
                    self.take(batch, here)?;
                    at = at.saturating_add(batch.octets);
                }
                None => {
                    self.broken.get_or_insert_with(here);
                    at = at.saturating_add(1);
                }
            }
        }
        self.synced_behind = self.broken.is_some();
        Ok(())
    }

    fn take(
        &mut self,
        batch: WholeBatch,
        here: impl FnOnce() -> DamagedJournal,
    ) -> Result<(), DamagedJournal> {
        if self.synced_behind
            && let Some(damaged) = self.broken.take()
        {
            return Err(damaged);
        }
        if self.last.is_some_and(|last| batch.number <= last) {
            return Err(here());
        }
        self.last = Some(batch.number);
        self.synced_behind = self.broken.is_some() && batch.touches;
        Ok(())
    }
}

/// Lists the journals by number. Names that fjall would not give are left for it to complain of.
fn journals(directory: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut journals = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    Ok(journals)
}

/// Reads a journal without the zeros that fjall makes it with, to be written over.
fn written(journal: &Path) -> io::Result<Vec<u8>> {
    let journal = File::open(journal)?;
    let mut octets = Vec::new();
    (&journal).take(end_of_written(&journal)?).read_to_end(&mut octets)?;
    let end = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last.saturating_add(1));
    octets.truncate(end);
    Ok(octets)
}

/// Finds where only blocks of zeros follow, from behind: a new journal is nothing else.
fn end_of_written(journal: &File) -> io::Result<u64> {
    let zeros = vec![0; BLOCK];
    let mut block = zeros.clone();
    let step = u64::try_from(BLOCK).map_err(io::Error::other)?;
    let mut end = journal.metadata()?.len();
    while let Some(begin) = end.checked_sub(step) {
        journal.read_exact_at(&mut block, begin)?;
        if block != zeros {
            break;
        }
        end = begin;
    }
    Ok(end)
}

/// Cuts a journal off, durably. Its length is the file's own, so that no directory need be synced.
fn cut(journal: &Path, at: usize) -> io::Result<()> {
    let journal = OpenOptions::new().write(true).open(journal)?;
    journal.set_len(u64::try_from(at).unwrap_or(u64::MAX))?;
    journal.sync_all()
}
