//! `ceremony-cuts`: the long form of `tests/ceremony/stops.rs`, started by `cargo xtask ceremony-cuts`: a guided ceremony stops at
//! each call by which it changes something. Ends with 1 when one did not come to its end.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use e2e::ceremony_cuts::{Cuts, Loss, Outcome, Which};
use e2e::crash::report::{commit, machine};
use e2e::ground;

#[derive(Debug, Parser)]
#[command(about = "Stops guided ceremonies and checks what comes of them")]
struct Arguments {
    /// Which ceremony stops: `founding`, or `stand-in`, the rehearsal of one on a root that another ceremony founded
    #[arg(long, default_value_t = Which::Founding, value_parser = which)]
    which: Which,
    /// The first call at which one stops
    #[arg(long, default_value_t = 1)]
    first: usize,
    /// How many calls are between one and the next
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// What is lost: `process`, `unsynced`, `some-unsynced`; each in turn unless given
    #[arg(long = "loss", value_parser = loss)]
    losses: Vec<Loss>,
    /// How many ceremonies at the same time
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// What the parts are drawn by that are lost; from the clock unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Where the report is written
    #[arg(long)]
    report: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let began = now();
    let seed = arguments.seed.unwrap_or(began);
    println!("seed {seed}");
    let (grounds, commit) = (ground::directory(), commit());
    let losses = if arguments.losses.is_empty() { Loss::ALL.to_vec() } else { arguments.losses };
    let Arguments { which, first, every, workers, .. } = arguments;
    let cuts = Cuts { which, first, every, losses, workers, seed };
    let outcome = cuts.play(grounds.path());
    let text = report(&cuts, &outcome, (&commit, now().saturating_sub(began)));
    println!("{text}");
    if let Some(path) = &arguments.report
        && let Err(error) = std::fs::write(path, &text)
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn which(text: &str) -> Result<Which, String> {
    let known = [Which::Founding, Which::StandIn].into_iter().find(|which| which.to_string() == text);
    known.ok_or_else(|| format!("{text} is none of founding, stand-in"))
}

fn loss(text: &str) -> Result<Loss, String> {
    let known = Loss::ALL.into_iter().find(|loss| loss.to_string() == text);
    known.ok_or_else(|| format!("{text} is none of process, unsynced, some-unsynced"))
}

fn report(cuts: &Cuts, outcome: &Outcome, (commit, seconds): (&str, u64)) -> String {
    let Cuts { which, first, every, losses, workers, seed } = cuts;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    line("# Guided ceremonies that stopped\n\n| | |\n|---|---|".to_owned());
    line(machine());
    line(format!("| commit | {commit} |"));
    let losses: String = losses.iter().map(|loss| format!(" --loss {loss}")).collect();
    let options =
        format!("--which {which} --first {first} --every {every} --workers {workers} --seed {seed}{losses}");
    line(format!("| command | `cargo xtask ceremony-cuts {options}` |"));
    line(format!("| seed | {seed} |"));
    line(format!("| built as | {} |", if cfg!(debug_assertions) { "dev" } else { "release" }));
    line(format!("| duration | {seconds} s |"));
    line(format!("| calls of a whole ceremony | {} |", outcome.calls));
    line(format!("| machines stopped | {} |", outcome.stops));
    line(format!(
        "| **ceremonies that did not come to their end, or whose bundle does not verify** | **{}** |",
        outcome.failures.len()
    ));
    line(NOT_RUN.to_owned());
    for failure in &outcome.failures {
        line(format!("\n```text\n{failure}\n```"));
    }
    text
}

const NOT_RUN: &str = "
`process`: it alone is killed; `unsynced`: everything is lost that was not synced; `some-unsynced`: some of it. A call is a creation,
write, sync, truncation, link, renaming, removal or new directory below the room. After each stop the same command was given
again; bundle, `.tar` and the root's directory had to verify, and what leaves had to be what was made.

## Not run

- Two stops in one ceremony; stops at questions and two in a row are tests of their own.
- Other acts than `found-root` and `crl`, in a rehearsal on a stand-in `revoke` and `crl`; shares, tokens: stops there
  are at questions, and in calls of the PKCS#11 module.
- New and removed directories count as durable at once.";

#[expect(clippy::disallowed_methods, reason = "how long a run takes is told by no port")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
