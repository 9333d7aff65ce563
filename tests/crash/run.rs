//! `crash-run`: the long form of the crash harness, for one issuer or for several that share a ledger, started by `cargo xtask crash`. Ends with 1 when anything was violated.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use e2e::cluster;
use e2e::crash::kill::Mix;
use e2e::crash::report::{Head, Medium, commit, report};
use e2e::crash::run::{Run, grounds};

/// How this program was built.
const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

#[derive(Debug, Parser)]
#[command(about = "Kills issuers and checks what is left")]
struct Arguments {
    /// How many issuers are ended
    #[arg(long, default_value_t = 300)]
    kills: u64,
    /// What everything follows from; from the clock unless given
    #[arg(long)]
    seed: Option<u64>,
    /// `fjall` or `sled`; both in turn unless given
    #[arg(long)]
    engine: Option<String>,
    /// Only power cuts
    #[arg(long, conflicts_with = "only")]
    power_cut: bool,
    /// Only `kills`, `power-cuts`, `strict-power-cuts` or `faults`
    #[arg(long, value_parser = mix)]
    only: Option<Mix>,
    /// Ledgers on ext4 over a block device that loses what was not flushed, after each SIGKILL; needs root and libfuse3
    #[arg(long, conflicts_with_all = ["only", "power_cut"])]
    block_device: bool,
    /// Three issuers that share a ledger in PostgreSQL, whose servers and network fail as well: --kills says how many faults; needs
    /// root
    #[arg(long, conflicts_with_all = ["only", "power_cut", "block_device", "engine"])]
    cluster: bool,
    /// How many houses at the same time
    #[arg(long, default_value_t = 2)]
    workers: u64,
    /// How many issuers are ended in one house
    #[arg(long, default_value_t = 48)]
    kills_a_house: u64,
    /// Only this house of the run
    #[arg(long)]
    house: Option<u64>,
    /// Where the report is written
    #[arg(long)]
    report: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let began = now();
    let seed = arguments.seed.unwrap_or(began.as_secs());
    if arguments.cluster {
        return cluster(&arguments, (began, seed));
    }
    let run = Run {
        kills: arguments.kills,
        kills_a_house: arguments.kills_a_house.max(1),
        seed,
        engines: match arguments.engine.as_deref() {
            None => vec!["fjall", "sled"],
            Some("fjall") => vec!["fjall"],
            Some("sled") => vec!["sled"],
            Some(other) => {
                eprintln!("there is no engine {other}: use fjall or sled");
                return ExitCode::from(2);
            }
        },
        mix: if arguments.power_cut {
            Mix::PowerCuts
        } else if arguments.block_device {
            Mix::Kills
        } else {
            arguments.only.unwrap_or(Mix::Everything)
        },
        block_device: arguments.block_device,
        workers: arguments.workers.max(1),
        only: arguments.house,
        grounds: grounds(),
    };
    println!("seed {seed}");
    let commit = commit();
    let outcome = run.play();
    let head = Head {
        command: run.command(None),
        seed,
        seconds: now().saturating_sub(began).as_secs(),
        commit,
        medium: if run.block_device { Medium::BlockDevice } else { Medium::Shim },
        profile: PROFILE,
    };
    let text = report(&head, &outcome.tally, &outcome.failures);
    end(&arguments, &text, (outcome.failures.is_empty(), &run.grounds))
}

/// The form with nodes.
fn cluster(arguments: &Arguments, (began, seed): (Duration, u64)) -> ExitCode {
    let run = cluster::run::Run {
        faults: arguments.kills,
        faults_a_house: arguments.kills_a_house.max(1),
        seed,
        only: arguments.house,
        grounds: grounds(),
    };
    println!("seed {seed}");
    let commit = commit();
    let outcome = run.play();
    let head = cluster::report::Head {
        command: run.command(None),
        seconds: now().saturating_sub(began).as_secs(),
        commit,
        profile: PROFILE,
    };
    let text = cluster::report::report(&head, &outcome.tally, &outcome.failures);
    end(arguments, &text, (outcome.failures.is_empty(), &run.grounds))
}

/// Gives the report, and clears up where nothing is wrong.
fn end(arguments: &Arguments, text: &str, (well, grounds): (bool, &Path)) -> ExitCode {
    println!("{text}");
    if let Some(path) = &arguments.report
        && let Err(error) = std::fs::write(path, text)
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if well {
        drop(std::fs::remove_dir_all(grounds));
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes is told by no port")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn mix(text: &str) -> Result<Mix, String> {
    match text {
        "kills" => Ok(Mix::Kills),
        "power-cuts" => Ok(Mix::PowerCuts),
        "strict-power-cuts" => Ok(Mix::StrictPowerCuts),
        "faults" => Ok(Mix::Faults),
        other => Err(format!("{other} is none of kills, power-cuts, strict-power-cuts, faults")),
    }
}
