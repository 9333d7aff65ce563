//! Whatever is done to the log is found, and where it is found is told.

use std::fs;
use std::path::Path;

use e2e::rehearsal::Rehearsal;
use e2e::tool::run;

use crate::{act, exported, found, kept_checkpoint, serving, since, size, verify_export};

/// Replaces the exported records, and checks them.
#[track_caller]
fn after(rehearsal: &Rehearsal, lines: &[String], sentence: &str) {
    fs::write(rehearsal.state("audit/records"), lines.join("\n") + "\n").unwrap();
    found(&verify_export(rehearsal), sentence);
}

/// The same record with another letter in it, still in good form.
fn edited(line: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut columns: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let mut der = STANDARD.decode(&columns[1]).unwrap();
    let at = der.windows(2).position(|octets| octets == b"CN").unwrap();
    der[at] ^= 1;
    columns[1] = STANDARD.encode(der);
    columns.join(" ")
}

fn renumbered(line: &str, number: usize) -> String {
    format!("{number} {}", line.split_once(' ').unwrap().1)
}

#[test]
fn a_03_a_record_that_is_edited_deleted_inserted_or_moved_is_named() {
    let mut rehearsal = serving();
    rehearsal.stop();
    drop(verify_export(&rehearsal).ok());
    let lines = exported(&rehearsal);
    let told = lines.iter().position(|line| !line.contains(" process")).unwrap_or(1).max(1);
    let at = (told..lines.len()).find(|at| {
        use base64::Engine as _;
        let der =
            base64::engine::general_purpose::STANDARD.decode(lines[*at].split(' ').nth(1).unwrap()).unwrap();
        der.windows(2).any(|octets| octets == b"CN") && at + 3 < lines.len()
    });
    let at = at.expect("a record with a name in it");
    let mut changed = lines.clone();
    changed[at] = edited(&lines[at]);
    after(&rehearsal, &changed, &format!("audit record {} was changed", at + 1));
    let mut shorter = lines.clone();
    shorter.remove(at);
    after(
        &rehearsal,
        &shorter,
        &format!("audit record {} was expected, but {} stands there", at + 1, at + 2),
    );
    let mut longer = lines.clone();
    longer.insert(at, lines[at].clone());
    after(&rehearsal, &longer, &format!("audit record {} was expected, but {} stands there", at + 2, at + 1));
    let mut moved = lines.clone();
    moved.swap(at, at + 1);
    after(&rehearsal, &moved, &format!("audit record {} was expected, but {} stands there", at + 1, at + 2));
    // The number in front is not what counts.
    moved[at] = renumbered(&moved[at], at + 1);
    moved[at + 1] = renumbered(&moved[at + 1], at + 2);
    after(&rehearsal, &moved, &format!("audit record {} was expected, but {} stands there", at + 1, at + 2));
    // A certificate beside its record is bound to it, too.
    let issued = lines.iter().position(|line| line.split(' ').count() == 3).unwrap();
    let mut other = lines.clone();
    other[issued] = other[issued].rsplit_once(' ').unwrap().0.to_owned() + " MAA=";
    after(&rehearsal, &other, &format!("the certificate beside audit record {}", issued + 1));
    fs::write(rehearsal.state("audit/records"), lines.join("\n") + "\n").unwrap();
    drop(verify_export(&rehearsal).ok());
}

#[test]
fn a_04_a_tail_that_was_cut_off_is_found_against_a_checkpoint() {
    let mut rehearsal = serving();
    rehearsal.stop();
    let mut lines = exported(&rehearsal);
    let whole = lines.len();
    lines.truncate(whole - 2);
    after(
        &rehearsal,
        &lines,
        &format!("over {whole} audit records is signed, but there are only {}", whole - 2),
    );
}

fn copy(from: &Path, to: &Path) {
    drop(run("cp", ["-a", &from.to_string_lossy(), &to.to_string_lossy()]).ok());
}

fn restore(rehearsal: &Rehearsal, old: &Path) {
    fs::remove_dir_all(rehearsal.state("store")).unwrap();
    copy(old, &rehearsal.state("store"));
}

// A-04, and S-06: a ledger that was silently put back to an older state lacks what the copy and the checkpoint tell of.
#[test]
fn a_04_an_old_ledger_issues_nothing_beside_its_export_and_is_found_by_a_kept_checkpoint() {
    let mut rehearsal = serving();
    rehearsal.stop();
    let old = rehearsal.unique("store");
    copy(&rehearsal.state("store"), &old);
    rehearsal.serve();
    drop(act(&rehearsal).ok());
    let kept = kept_checkpoint(&rehearsal);
    rehearsal.stop();
    restore(&rehearsal, &old);
    rehearsal.serve();
    let said = act(&rehearsal);
    assert!(!said.success && said.err.contains("recovery"), "{}", said.all());
    rehearsal.stop();
    // Even where the export is gone as well, whoever kept a checkpoint finds it.
    fs::remove_dir_all(rehearsal.state("audit")).unwrap();
    fs::create_dir(rehearsal.state("audit")).unwrap();
    restore(&rehearsal, &old);
    rehearsal.serve();
    let shorter = size(&fs::read_to_string(kept_checkpoint(&rehearsal)).unwrap());
    assert!(shorter < size(&fs::read_to_string(&kept).unwrap()));
    found(&since(&rehearsal, &kept), "the last ones were cut off");
}

#[test]
fn a_09_two_heads_of_the_same_size_are_found() {
    let mut rehearsal = serving();
    rehearsal.stop();
    let old = rehearsal.unique("store");
    copy(&rehearsal.state("store"), &old);
    rehearsal.serve();
    for _ in 0..20 {
        drop(act(&rehearsal).ok());
    }
    let shown = kept_checkpoint(&rehearsal);
    rehearsal.stop();
    restore(&rehearsal, &old);
    fs::remove_dir_all(rehearsal.state("audit")).unwrap();
    fs::create_dir(rehearsal.state("audit")).unwrap();
    rehearsal.serve();
    // Another history, told to somebody else: one record at a time, up to the same size.
    let size_of = |file: &Path| size(&fs::read_to_string(file).unwrap());
    while size_of(&kept_checkpoint(&rehearsal)) < size_of(&shown) {
        drop(act(&rehearsal).ok());
    }
    let number = size_of(&shown);
    found(&since(&rehearsal, &shown), &format!("two different heads over the same {number} audit records"));
    // Both signed notes together are the proof, for anybody.
    rehearsal.stop();
    let export = rehearsal.state("audit").to_string_lossy().into_owned();
    let said =
        rehearsal.operator(&["audit", "verify", "--export", &export, "--since", &shown.to_string_lossy()]);
    assert_eq!(said.code, Some(9), "{}", said.all());
}

#[test]
fn a_11_a_crash_between_a_record_and_its_checkpoint_gives_the_same_root() {
    let mut rehearsal = serving();
    let before = kept_checkpoint(&rehearsal);
    drop(act(&rehearsal).ok());
    let shown = rehearsal.operator_json(&["audit", "verify"]);
    drop(act(&rehearsal).ok());
    rehearsal.kill();
    rehearsal.serve();
    drop(since(&rehearsal, &before).ok());
    drop(rehearsal.operator(&["audit", "verify"]).ok());
    // The tree over the records of before is made anew from the copy, and is the one that was shown.
    rehearsal.stop();
    let lines = exported(&rehearsal);
    let records = usize::try_from(shown["records"].as_u64().unwrap()).unwrap();
    let part = rehearsal.scratch("part");
    fs::create_dir(&part).unwrap();
    fs::write(part.join("records"), lines[..records].join("\n") + "\n").unwrap();
    fs::write(part.join("checkpoints"), "").unwrap();
    let again = rehearsal.operator_json(&["audit", "verify", "--export", &part.to_string_lossy()]);
    assert_eq!((&again["root"], &again["head"]), (&shown["root"], &shown["head"]));
}
