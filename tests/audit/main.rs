//! The audit log: whatever is done to it is found, whoever has a proof needs nobody, and no copy ever lacks a record.

mod chapter;
mod copies;
mod outside;
mod proofs;
mod tampering;

use std::path::PathBuf;

use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;

/// A system that serves, with its audit trail copied to files as the quickstart sets it up.
fn serving() -> Rehearsal {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.serve();
    rehearsal
}

/// Does one act that leaves one audit record.
fn act(rehearsal: &Rehearsal) -> Said {
    rehearsal.operator(&["device", "token", "4D504B0100000A01", "--profile", "meter-op-ds-s1"])
}

/// A kept checkpoint, in a file.
fn kept_checkpoint(rehearsal: &Rehearsal) -> PathBuf {
    let file = rehearsal.unique("checkpoint");
    std::fs::write(&file, rehearsal.operator(&["audit", "checkpoint"]).ok().out).unwrap();
    file
}

/// The size that a checkpoint tells of: its second line.
fn size(checkpoint: &str) -> u64 {
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

fn since(rehearsal: &Rehearsal, checkpoint: &std::path::Path) -> Said {
    rehearsal.operator(&["audit", "verify", "--since", &checkpoint.to_string_lossy()])
}

fn verify_export(rehearsal: &Rehearsal) -> Said {
    rehearsal.operator(&["audit", "verify", "--export", &rehearsal.state("audit").to_string_lossy()])
}

/// The lines of the exported records.
fn exported(rehearsal: &Rehearsal) -> Vec<String> {
    let text = std::fs::read_to_string(rehearsal.state("audit/records")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Asserts that a check ended as it must when records do not agree, and said what.
#[track_caller]
fn found(said: &Said, sentence: &str) {
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains(sentence), "{}\ndoes not say: {sentence}", said.err);
}
