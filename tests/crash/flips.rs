//! A bit of the ledger's files is flipped while nobody uses them.
//!
//! What is in tables and snapshots is found by the engine's checksums, what is in fjall's journal by ca-store: the program ends
//! with 9 and says what to do. A record at the end of a log that is damaged looks like one that was torn by a crash, and so
//! does any in sled's: it is cut off with all that follows, and the ledger is older than it was. That shows outside of it: the
//! CRL that is published is younger than the ledger's own, and clients hold what the ledger has lost.

use std::path::{Path, PathBuf};

use e2e::crash::house::House;
use e2e::crash::kill::Kill;
use e2e::crash::template::{Template, succeed};
use e2e::ground;

/// How many places are tried in the log, and how many in each other file.
const PLACES_IN_LOG: usize = 12;
const PLACES: usize = 3;

/// What a flip did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// The program did not start: damaged.
    Damaged,
    /// The program did not start: the ledger is older than what is published.
    Older,
    /// The program started, and evidence from outside shows that the ledger is older.
    ShownOutside,
    /// Octets that mean nothing were changed.
    NothingLost,
}

#[test]
fn s_05_a_flipped_bit_is_found_or_harmless_and_the_operator_is_told_what_to_do() {
    let grounds = ground::directory();
    let template = Template::found(grounds.path());
    for engine in ["fjall", "sled"] {
        let house = House::new(&template, &grounds.path().join(engine), engine, 7);
        let issuer = house.start(Kill::Never, 0);
        let est = issuer.serving().expect("it serves");
        house.load(&issuer, est, Kill::Never).until_dead(house.in_world());
        assert!(issuer.stop().success());
        let kept = house.directory().join("kept");
        copy(&house.directory().join("state"), &kept);
        let mut all = Vec::new();
        for file in files_of(&kept.join("store/engine")) {
            let log = file.ends_with("db") || file.extension().is_some_and(|ending| ending == "jnl");
            for place in 0..if log { PLACES_IN_LOG } else { PLACES } {
                let found = after_a_flip(&house, &kept, &file, place);
                assert!(log || found != Some(Found::ShownOutside), "{}: {found:?}", file.display());
                all.extend(found);
            }
        }
        let count = |wanted: Found| all.iter().filter(|found| **found == wanted).count();
        assert!(count(Found::Damaged) > 3, "{engine}: {all:?}");
    }
}

/// Flips one bit of a file, starts the program, and tells what was found; nothing for an empty file.
fn after_a_flip(house: &House<'_>, kept: &Path, file: &Path, place: usize) -> Option<Found> {
    let state = house.directory().join("state");
    copy(kept, &state);
    drop(std::fs::remove_file(house.directory().join("log")));
    let damaged =
        state.join("store/engine").join(file.strip_prefix(kept.join("store/engine")).expect("below"));
    let mut octets = std::fs::read(&damaged).expect("a file");
    // Places all over what is written; a log may end with zeros.
    let written = octets.iter().rposition(|octet| *octet != 0)? + 1;
    let octet = written * (2 * place + 1) / (2 * PLACES_IN_LOG.min(written).max(place + 1));
    octets[octet.min(written - 1)] ^= 0x10;
    std::fs::write(&damaged, octets).expect("it can be damaged");
    let issuer = house.start(Kill::Never, 0);
    let told = |log: &Path| std::fs::read_to_string(log).unwrap_or_default();
    if issuer.serving().is_some() {
        assert!(issuer.stop().success());
        let lines = house.check(None, "after a flip");
        return Some(if lines.is_empty() { Found::NothingLost } else { Found::ShownOutside });
    }
    let status = issuer.ended();
    let said = told(&house.directory().join("log"));
    let where_ = format!("{} at {octet}: {status}\n{said}", file.display());
    assert_eq!(status.code(), Some(9), "{where_}");
    assert!(said.contains("restore the last backup"), "{where_}");
    if said.contains("(crl.older-than-published)") {
        return Some(Found::Older);
    }
    assert!(said.contains("(store.damaged)"), "{where_}");
    Some(Found::Damaged)
}

fn files_of(directory: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files_of(&path) } else { vec![path] }).collect();
    // Of the many keyspaces, one stands for all.
    found.retain(|path| !path.to_string_lossy().contains("/keyspaces/1"));
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    let mut command = std::process::Command::new("cp");
    succeed(command.args(["-r", "--sparse=always"]).args([from, to]));
}
