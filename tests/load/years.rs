//! `fleet-years`: what fleets of a million to a billion devices come to over the years: certificates, rows, octets, signatures a
//! second, CRLs, and how many shards that asks for. Draws the lives of a sample of devices from a seed; opens no ledger.
//!
//! `cargo run --release -p e2e --bin fleet-years` prints the tables of docs/operate/scale.md. What a certificate costs was
//! measured (docs/evidence/cluster-large-2026-11-30.md); how devices live is assumed, and can be said otherwise: see `--help`.

#[path = "years/cost.rs"]
mod cost;
#[path = "years/lives.rs"]
mod lives;

use clap::Parser;

use cost::{Bill, Costs};
use lives::{Habits, draw};

/// The size of a fleet, and what it comes to.
#[derive(Debug, Parser)]
#[command(about = "What a fleet of devices comes to over the years")]
struct Args {
    /// How many devices are in service; may be given several times.
    #[arg(long, default_values_t = [1_000_000, 10_000_000, 100_000_000, 1_000_000_000])]
    devices: Vec<u64>,
    /// How many of them are drawn: each stands for its share of the fleet.
    #[arg(long, default_value_t = 200_000)]
    sample: u64,
    /// Where everything that is drawn comes from.
    #[arg(long, default_value_t = 20_261_130)]
    seed: u64,
    #[command(flatten)]
    habits: Habits,
    #[command(flatten)]
    costs: Costs,
}

fn main() {
    let args = Args::parse();
    let sample = args.sample.max(1);
    let lives = draw(&args.habits, sample, args.seed);
    println!("{}", args.habits.said());
    println!("{}", args.costs.said());
    let costs = (args.habits.certificates, &args.costs);
    let bill = |devices: &u64| (*devices, Bill::of(&lives, (*devices, sample), costs));
    let bills: Vec<(u64, Bill)> = args.devices.iter().map(bill).collect();
    println!("{}", cost::table(&bills));
}
