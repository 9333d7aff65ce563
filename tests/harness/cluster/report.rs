//! What a run against nodes did, counted, and the report that is kept as evidence.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::world::Acknowledged;
use crate::crash::report::machine;

/// Counts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Faults, by what they were.
    pub faults: BTreeMap<String, u64>,
    /// Starts of a node.
    pub starts: u64,
    /// Runs of the checker.
    pub checks: u64,
    /// Houses that were played to the end.
    pub houses: u64,
    /// Audit records of those.
    pub records: u64,
    /// What was acknowledged in those.
    pub acknowledged: Acknowledged,
}

impl Tally {
    /// Counts a fault.
    pub fn count(&mut self, what: &str) {
        *self.faults.entry(what.to_owned()).or_default() += 1;
    }

    /// Returns how many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds what was acknowledged in a house.
    pub fn add_acknowledged(&mut self, more: Acknowledged) {
        let all = &mut self.acknowledged;
        all.certificates += more.certificates;
        all.repeats += more.repeats;
        all.revocations += more.revocations;
        all.crls += more.crls;
        all.later += more.later;
    }
}

/// What a report says of a run beside its counts.
#[derive(Debug)]
pub struct Head {
    /// What repeats it.
    pub command: String,
    /// How long it took.
    pub seconds: u64,
    /// The commit of the sources.
    pub commit: String,
    /// How the programs were built.
    pub profile: &'static str,
}

/// Writes the report.
#[must_use]
pub fn report(head: &Head, tally: &Tally, failures: &[String]) -> String {
    let Head { command, seconds, commit, profile } = head;
    let Acknowledged { certificates, repeats, revocations, crls, later } = tally.acknowledged;
    let mut text = String::new();
    let verdict = if failures.is_empty() {
        "nothing was violated".to_owned()
    } else {
        format!("{} findings", failures.len())
    };
    let rows: [(&str, String); 14] = [
        ("command", format!("`{command}`")),
        ("commit", commit.clone()),
        ("built", (*profile).to_owned()),
        ("took", format!("{seconds} s")),
        ("verdict", verdict),
        ("faults", tally.total().to_string()),
        ("ledgers played to the end", tally.houses.to_string()),
        ("starts of a node", tally.starts.to_string()),
        ("runs of ledger-checker", tally.checks.to_string()),
        ("audit records", tally.records.to_string()),
        ("certificates acknowledged", format!("{certificates}, of which {repeats} once more")),
        ("revocations acknowledged", revocations.to_string()),
        ("CRLs acknowledged", crls.to_string()),
        ("answers \"not now\"", later.to_string()),
    ];
    text.push_str("# Crash run of nodes that share a ledger\n\n| | |\n|---|---|\n");
    writeln!(text, "{}", machine()).expect("memory");
    for (name, value) in rows {
        writeln!(text, "| {name} | {value} |").expect("memory");
    }
    text.push_str("\n| fault | times |\n|---|--:|\n");
    for (what, times) in &tally.faults {
        writeln!(text, "| {what} | {times} |").expect("memory");
    }
    for failure in failures {
        writeln!(text, "\n- {failure}").expect("memory");
    }
    text
}
