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
    /// Write down which certificates of their owner the meters hold, as a head-end exports them, for `device reconcile`.
    Export(ExportArgs),
    /// Play a head-end with the fleet behind it: make the calls of a campaign's work orders, and bring what the meters answered.
    HeadEnd(HeadEndArgs),
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

/// `sim export`
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The directory of the fleet.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The file for the export, one JSON object a line; never over an existing one.
    #[arg(value_name = "FILE")]
    pub out: PathBuf,
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

/// `sim head-end`
#[derive(Debug, Clone, Args)]
pub struct HeadEndArgs {
    /// The directory of the fleet.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// A file of work orders, as `campaign work-orders` writes it: its calls are made, once.
    #[arg(value_name = "ORDERS.jsonl", requires = "answers", required_unless_present = "until_done")]
    pub orders: Option<PathBuf>,
    /// The answers, into a file that must not exist, for `campaign answers`.
    #[arg(value_name = "ANSWERS.jsonl")]
    pub answers: Option<PathBuf>,
    /// Exchange orders and answers with the server over the operator's socket, until no meter is left that something can be done for.
    #[arg(long, conflicts_with = "orders")]
    pub until_done: bool,
    /// Only this campaign, by its name or digest; without it, every campaign that a head-end works.
    #[arg(long, value_name = "NAME", requires = "until_done")]
    pub campaign: Option<String>,
    /// An authority of the owner by which the meters verify what they import (PEM, or one in DER); may be given several times.
    #[arg(long = "authority", value_name = "FILE", required = true)]
    pub authorities: Vec<PathBuf>,
    /// For how many meters work is taken in one exchange.
    #[arg(long, default_value_t = 500, value_name = "N", requires = "until_done", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub together: u32,
    /// How many exchanges go on at the same time.
    #[arg(long, default_value_t = 2, value_name = "N", requires = "until_done", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub at_once: u16,
    /// How long a server that does not answer is waited for.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", requires = "until_done", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub patience: u32,
    /// The longest APDU that the meters take and send, in octets.
    #[arg(long, default_value_t = 1_024, value_name = "OCTETS", value_parser = clap::value_parser!(u16).range(64..))]
    pub max_pdu: u16,
    /// Decides at which calls to which meters things go wrong.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong.
    #[command(flatten)]
    pub faults: CallFaultArgs,
}

/// How often things go wrong, of a thousand calls.
#[derive(Debug, Clone, Copy, Args)]
pub struct CallFaultArgs {
    /// Calls that do not arrive, of a thousand.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub lose_requests: u16,
    /// Answers that do not come back, of a thousand.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub lose_answers: u16,
    /// Meters that start anew before a call, of a thousand, and forget the keys that wait for their certificates.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub restarts: u16,
    /// Answers that the server must refuse, of a thousand; the call is given again when its time is over.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub wrong_answers: u16,
    /// Exports that show another meter's certificate, of a thousand: each stops its meter until people have looked.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=250))]
    pub other_certificates: u16,
    /// The longest that a call is under way.
    #[arg(long, default_value_t = 0, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub delay: u32,
}
