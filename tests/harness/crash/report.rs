//! What a run did, counted, and the report that is kept as evidence.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use super::kill::Kill;
use super::world::Acknowledged;

/// Counts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Ends that came as planned, by what they were.
    pub ends: BTreeMap<String, u64>,
    /// Issuers that had done all they were asked before their planned end came; they were killed idle.
    pub idle: u64,
    /// Starts of an issuer.
    pub starts: u64,
    /// Runs of the checker.
    pub checks: u64,
    /// How much was acknowledged, in the order of [`Acknowledged::ALL`].
    pub acknowledged: [u64; 8],
    /// Houses that were played to the end.
    pub houses: u64,
}

impl Tally {
    /// Counts an end.
    pub fn count(&mut self, kill: Kill, as_planned: bool) {
        if as_planned {
            *self.ends.entry(kill.to_string()).or_default() += 1;
        } else {
            self.idle += 1;
        }
    }

    /// Returns how many ends there were.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.ends.values().sum::<u64>() + self.idle
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        for (end, count) in &other.ends {
            *self.ends.entry(end.clone()).or_default() += count;
        }
        self.idle += other.idle;
        self.starts += other.starts;
        self.checks += other.checks;
        self.houses += other.houses;
        self.acknowledged.iter_mut().zip(other.acknowledged).for_each(|(sum, count)| *sum += count);
    }
}

/// What the head of a report says.
#[derive(Debug, Clone)]
pub struct Head {
    /// The command that repeats the run.
    pub command: String,
    /// The seed.
    pub seed: u64,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// How it was built.
    pub profile: &'static str,
    /// On what the ledgers lay.
    pub medium: Medium,
    /// Of which commit the harness was when the run began.
    pub commit: String,
}

/// On what ledgers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Files in memory, behind the shim.
    Shim,
    /// ext4 on a block device that loses what was not flushed; the power is cut after each end.
    BlockDevice,
}

impl Medium {
    const fn words(self) -> &'static str {
        match self {
            Self::Shim => "files in memory, behind the fault shim",
            Self::BlockDevice => {
                "ext4 on a block device with a volatile cache; after each end its power is cut"
            }
        }
    }

    const fn not_run(self) -> &'static str {
        match self {
            Self::Shim => {
                "- Power cuts are cut by a library between the program and the C library: system calls that are made without it\n  \
                 count as durable at once, and so do new directories. The engines' journals are written through calls that are\n  \
                 seen."
            }
            Self::BlockDevice => {
                "- The power is cut right after SIGKILL, not in the middle of a system call.\n\
                 - Faults (EIO, ENOSPC, torn writes): the form without a device has them."
            }
        }
    }
}

/// Returns the commit of the work tree that this is called in.
#[must_use]
pub fn commit() -> String {
    said("git", &["describe", "--always", "--dirty", "--abbrev=12"])
}

fn said(program: &str, arguments: &[&str]) -> String {
    let said = Command::new(program).args(arguments).output().ok();
    said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default()
}

/// Returns the rows that say when, and on what machine.
#[must_use]
pub fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or_default().split_whitespace().nth(1).unwrap_or("?");
    let (date, kernel) = (said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]), said("uname", &["-r"]));
    format!("| date | {date} |\n| machine | {processors} processors, {memory} kB memory, Linux {kernel} |")
}

/// Writes the report.
///
/// # Panics
/// Never: memory takes every line.
#[must_use]
pub fn report(head: &Head, tally: &Tally, failures: &[String]) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("memory");
    line("# Crash run\n".to_owned());
    line("| | |\n|---|---|".to_owned());
    line(machine());
    line(format!("| commit | {} |", head.commit));
    line(format!("| command | `{}` |", head.command));
    line(format!("| seed | {} |", head.seed));
    line(format!("| built as | {} |", head.profile));
    line(format!("| medium | {} |", head.medium.words()));
    line(format!("| duration | {} s |", head.seconds));
    line(format!("| issuers ended | {} |", tally.kills()));
    line(format!("| issuers started | {} |", tally.starts));
    line(format!("| ledgers played to the end | {} |", tally.houses));
    line(format!("| runs of the checker | {} |", tally.checks));
    for ((_, what), count) in Acknowledged::ALL.iter().zip(tally.acknowledged) {
        line(format!("| acknowledged: {what} | {count} |"));
    }
    line(format!("| **violations** | **{}** |", failures.len()));
    line("\n| end of the issuer | times |\n|---|--:|".to_owned());
    for (end, count) in &tally.ends {
        line(format!("| {end} | {count} |"));
    }
    line(format!("| had done everything before its end came, killed idle | {} |", tally.idle));
    line("\n## Not run\n".to_owned());
    line(NOT_RUN.to_owned());
    line(head.medium.not_run().to_owned());
    if !failures.is_empty() {
        line("\n## Violations\n\n```text".to_owned());
        failures.iter().for_each(|failure| line(failure.clone()));
        line("```".to_owned());
    }
    text
}

/// What every run leaves out.
const NOT_RUN: &str = "\
- KP10 and KP11 are driven through the ports, by a front end that speaks no protocol, and not by messages of CMP.
- I10: the clients of these runs ask for nothing that needs approval; the checker's own tests break it.
- Ledgers are small: no table is flushed or merged by the engine while the power is cut.";
