//! `meter-pki sim`: simulated meters.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `sim`
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Make a fleet in a new directory: a maker's authorities, meters with factory certificates, and the file that is delivered with them.
    Make(MakeArgs),
    /// Have every meter of a fleet that is not through ask for its owner's certificates.
    Run(RunArgs),
}

/// Suites by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuiteNumber {
    /// P-256.
    #[value(name = "1")]
    One,
    /// P-384.
    #[value(name = "2")]
    Two,
}

/// `sim make`
#[derive(Debug, Clone, Args)]
pub struct MakeArgs {
    /// The directory, which is new or empty.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// How many meters.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub meters: u32,
    /// Their security suite; every other meter has the other one unless given.
    #[arg(long)]
    pub suite: Option<SuiteNumber>,
    /// The three letters that their system titles begin with.
    #[arg(long, default_value = "SIM", value_name = "LETTERS")]
    pub flag: String,
    /// The name of the batch.
    #[arg(long, default_value = "batch-1", value_name = "NAME")]
    pub batch: String,
    /// Behind how many data concentrators they are.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub concentrators: u32,
}

/// By which protocol meters ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoadName {
    /// EST over TLS.
    Est,
    /// CMP over HTTP.
    Cmp,
}

/// `sim run`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The directory of the fleet.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The server, such as `https://est.example:8443`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The roots that vouch for it (PEM, or one in DER).
    #[arg(long, value_name = "FILE")]
    pub trust: PathBuf,
    /// By which protocol.
    #[arg(long, default_value = "est")]
    pub road: RoadName,
    /// The label to ask under: {purpose} stands for ds, ka or tls and {suite} for s1 or s2.
    #[arg(long, default_value = "meter-op-{purpose}-{suite}", value_name = "LABEL")]
    pub label: String,
    /// How many meters ask at the same time.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub at_once: u16,
    /// How often a meter asks for one certificate before it gives up.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub patience: u32,
    /// Decides at which steps of which meters things go wrong.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong.
    #[command(flatten)]
    pub faults: FaultArgs,
}

/// How often things go wrong, of a thousand messages.
#[derive(Debug, Clone, Copy, Args)]
pub struct FaultArgs {
    /// Requests that do not arrive, of a thousand.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub lose_requests: u16,
    /// Answers that do not arrive, of a thousand.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub lose_answers: u16,
    /// Meters that start anew before they ask, of a thousand.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub restarts: u16,
    /// Requests that the server must refuse, of a thousand; the meter asks rightly afterwards.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub wrong_requests: u16,
    /// The longest that a message is under way.
    #[arg(long, default_value_t = 0, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub delay: u32,
}
