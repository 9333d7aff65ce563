//! Journals that fjall wrote, with sectors lost and bits flipped.

use std::ops::Range;

use super::super::FjallEngine;
use super::*;
use crate::engine::{self, Durability, Engine, EngineKind, EngineSetup, Write};
use crate::keyspace::Keyspace;

const SECTOR: usize = 512;

/// An engine's directory as it was when batches were on their way to disk, and where each batch stands in the journal.
struct Ground {
    parent: tempfile::TempDir,
    journal: Vec<u8>,
    batches: Vec<Range<usize>>,
}

/// A batch that is synced, with an audit record of so many octets; and one that is not, without any.
#[derive(Clone, Copy)]
enum Kind {
    Synced(usize),
    Mark,
}
use Kind::{Mark, Synced};

impl Ground {
    /// Commits batches one after the other, each with one row of `slots` under its number.
    fn with(kinds: &[Kind]) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("engine");
        fs::create_dir(&directory).unwrap();
        let engine = FjallEngine::create(&directory, 1 << 20).unwrap();
        let journal = directory.join("0.jnl");
        let mut batches = Vec::new();
        for (number, kind) in (0_u8..).zip(kinds) {
            let put = |keyspace, value| Write { keyspace, key: vec![number], value: Some(value) };
            let slot = put(Keyspace::Slots, vec![0xEE; 20]);
            match kind {
                Synced(octets) => engine
                    .commit(vec![put(Keyspace::Audit, vec![0xAA; *octets]), slot], Durability::Durable)
                    .unwrap(),
                Mark => engine.commit(vec![slot], Durability::ProcessCrash).unwrap(),
            }
            let start = batches.last().map_or(0, |before: &Range<usize>| before.end);
            batches.push(start..written(&journal).unwrap().len());
        }
        drop(engine);
        let octets = written(&journal).unwrap();
        Self { parent, journal: octets, batches }
    }

    fn directory(&self) -> PathBuf {
        self.parent.path().join("engine")
    }

    /// Opens a copy of the engine with these octets in its journal; tells which batches are there.
    fn opened_with(&self, journal: &[u8]) -> Result<Vec<bool>, engine::EngineError> {
        let copy = self.parent.path().join("copy");
        copy_directory(&self.directory(), &copy);
        fs::write(copy.join("0.jnl"), journal).unwrap();
        let setup = EngineSetup { kind: EngineKind::Fjall, cache_octets: 1 << 20 };
        // What was cut off stays cut off.
        drop(engine::open(setup, &copy)?);
        let engine = engine::open(setup, &copy).unwrap();
        let view = engine.view().unwrap();
        let there =
            |number: usize| view.value(Keyspace::Slots, &[u8::try_from(number).unwrap()]).unwrap().is_some();
        Ok((0..self.batches.len()).map(there).collect())
    }

    fn start(&self, batch: usize) -> usize {
        self.batches[batch].start
    }
}

fn copy_directory(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_directory(&path, &copied);
        } else if path.extension().is_none_or(|ending| ending != "jnl") {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

/// The octets after sectors were lost that had not been synced from `from` on.
fn without(journal: &[u8], from: usize, sectors: impl IntoIterator<Item = usize>) -> Vec<u8> {
    let mut torn = journal.to_vec();
    for sector in sectors {
        let lost = (sector * SECTOR).max(from)..((sector + 1) * SECTOR).min(journal.len());
        torn[lost].fill(0);
    }
    torn
}

/// Reads octets as the only journal; returns where they are to be cut, if anywhere.
fn read(octets: &[u8]) -> Result<Option<usize>, DamagedJournal> {
    let mut reading = Reading::default();
    reading.read(Path::new("0.jnl"), octets)?;
    Ok(reading.broken.map(|tear| tear.at))
}

#[test]
fn what_fjall_wrote_is_read_back_batch_by_batch() {
    let ground = Ground::with(&[Synced(700), Mark, Synced(4_800), Mark]);
    let mut numbers = Vec::new();
    for (batch, kind) in ground.batches.iter().zip([true, false, true, false]) {
        let read = WholeBatch::read(&ground.journal[batch.start..], AUDIT).unwrap();
        assert_eq!((read.octets, read.touches), (batch.len(), kind));
        numbers.push(read.number);
    }
    assert!(numbers.is_sorted_by(|one, next| one < next));
    assert_eq!(read(&ground.journal).unwrap(), None);
}

// The last batches of a power cut: a mark that needs no sync and a batch that was being synced, each perhaps without a sector.
#[test]
fn s_02_a_sector_lost_out_of_the_last_batches_costs_nothing_that_was_synced() {
    let ground = Ground::with(&[Synced(900), Mark, Synced(900), Mark, Synced(3_000)]);
    let synced = ground.start(3);
    for sector in synced / SECTOR..=ground.journal.len() / SECTOR {
        let torn = without(&ground.journal, synced, [sector]);
        let there = ground.opened_with(&torn).unwrap();
        assert_eq!(there[..3], [true; 3], "sector {sector}");
        // A batch that lost something is not there, nor is what follows it.
        let lost = |batch: &Range<usize>| torn[batch.clone()] != ground.journal[batch.clone()];
        let first = ground.batches.iter().position(lost).unwrap_or(5);
        assert!((0..5).all(|batch| there[batch] == (batch < first)), "sector {sector}: {there:?}");
    }
}

#[test]
fn s_02_whatever_sectors_of_the_unsynced_end_are_lost_it_is_cut_between_batches_and_behind_what_was_synced() {
    let ground = Ground::with(&[Synced(300), Mark, Mark, Mark, Mark, Mark, Mark, Synced(2_000)]);
    let synced = ground.batches[0].end;
    let sectors: Vec<usize> = (synced / SECTOR..=(ground.journal.len() - 1) / SECTOR).collect();
    for chosen in 1_u32..1 << sectors.len() {
        let lost =
            sectors.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, sector)| *sector);
        let torn = without(&ground.journal, synced, lost);
        let end = torn.iter().rposition(|octet| *octet != 0).unwrap() + 1;
        let cut = read(&torn[..end]).unwrap().unwrap_or(end);
        assert!(cut >= synced, "{chosen:b}");
        assert!(ground.batches.iter().any(|batch| batch.end == cut), "{chosen:b}");
        assert_eq!(torn[..cut], ground.journal[..cut], "{chosen:b}");
    }
}

// S-05: bits are flipped in what was synced, in every octet once.
#[test]
fn s_05_a_flipped_bit_in_a_synced_batch_that_a_synced_batch_and_another_follow_is_damage() {
    let ground = Ground::with(&[Synced(200), Mark, Mark, Synced(600), Mark, Synced(100), Mark, Synced(90)]);
    for at in 0..ground.journal.len() {
        let mut rotten = ground.journal.clone();
        rotten[at] ^= 1 << (at % 8);
        match read(&rotten) {
            Err(_) => {}
            // Behind the last but one batch that is synced there is too little to tell.
            // No checksum covers the number of a batch, and nothing stands before the first: a lower one looks as good.
            Ok(None) if (5..13).contains(&at) && rotten[at] < ground.journal[at] => {}
            Ok(cut) => {
                assert!(at >= ground.start(4), "octet {at}");
                assert!(cut.is_none_or(|cut| cut >= ground.start(4)), "octet {at}");
            }
        }
    }
}

#[test]
fn s_05_a_ledger_with_a_flipped_bit_is_not_opened_and_its_journal_stays_as_it_is() {
    let ground = Ground::with(&[Synced(200), Mark, Synced(200), Mark]);
    // Left to itself fjall refuses the one, in a value, and opens an older ledger over the other, in the mark of a row.
    for at in [60, 13] {
        let mut rotten = ground.journal.clone();
        rotten[at] ^= 4;
        let refused = ground.opened_with(&rotten).unwrap_err();
        assert!(refused.tells_of_damage(), "{refused}");
        assert_eq!(fs::read(ground.parent.path().join("copy/0.jnl")).unwrap(), rotten);
    }
}

// What no reading of the journal can tell, and what is therefore found by evidence from outside (docs/adr/0011).
#[test]
fn rot_in_the_last_two_synced_batches_looks_like_a_tear() {
    let ground = Ground::with(&[Synced(200), Synced(200), Mark, Synced(200)]);
    let mut rotten = ground.journal.clone();
    rotten[ground.start(1) + 60] ^= 4;
    assert_eq!(ground.opened_with(&rotten).unwrap(), [true, false, false, false]);
}

#[test]
fn a_journal_that_another_one_follows_was_synced_to_its_end() {
    let ground = Ground::with(&[Synced(200), Mark, Synced(200)]);
    let (sealed, active) = ground.journal.split_at(ground.start(2));
    let mut rotten = sealed.to_vec();
    rotten[ground.start(1) + 50] ^= 1;
    let mut reading = Reading::default();
    reading.read(Path::new("0.jnl"), &rotten).unwrap();
    assert!(reading.read(Path::new("1.jnl"), active).is_err());
}

#[test]
fn of_a_tear_in_the_last_journal_but_one_nothing_is_left_in_the_last() {
    let ground = Ground::with(&[Synced(200), Mark]);
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = ["9.jnl", "10.jnl"].map(|name| directory.path().join(name));
    let torn = &ground.journal[..ground.journal.len() - 1];
    fs::write(&first, [torn, &[0; 3 * BLOCK]].concat()).unwrap();
    fs::write(&second, [&[0; BLOCK][..], b"torn"].concat()).unwrap();
    cut_torn_end(directory.path()).unwrap();
    assert_eq!(fs::read(&first).unwrap(), ground.journal[..ground.start(1)]);
    assert_eq!(fs::read(&second).unwrap(), []);
}
