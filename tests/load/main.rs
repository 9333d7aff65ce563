//! `shift-start`: the long form of a shift start. Ends with 1 when a device was lost or the goodput is too low.
//!
//! `cargo run --release -p e2e --bin shift-start`

use std::process::ExitCode;

use clap::Parser;
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Outcome, born, crowd, short_queue};

#[derive(Debug, Parser)]
#[command(about = "Lets thousands of devices come at once to a server whose queue is far too short")]
struct Arguments {
    /// How many devices
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// How many devices are served one crowd before, of as many as the server takes without sending anybody away
    #[arg(long, default_value_t = 2_000)]
    beforehand: usize,
    /// How many connections are open at a time at most
    #[arg(long, default_value_t = 512)]
    connections: usize,
    /// How many requests may wait in the server
    #[arg(long, default_value_t = 32)]
    queue: usize,
}

fn main() -> ExitCode {
    let Arguments { devices, beforehand, connections, queue } = Arguments::parse();
    let server = Rehearsal::start_with(1, |text| short_queue(&text, queue, 4 * connections));
    let fleet = born(&server, 0..beforehand + devices);
    let (first, rest) = fleet.split_at(beforehand);
    let calm = crowd(&server, first, queue);
    tell("capacity", &calm);
    let rush = crowd(&server, rest, connections);
    tell("shift start", &rush);
    let lost = devices - rush.served.len();
    let share = 100.0 * rush.rate(100) / calm.rate(100);
    println!(
        "goodput: {share:.0} % of the capacity until the last device, {:.0} % until 95 % of them; lost: {lost}",
        100.0 * rush.rate(95) / calm.rate(95)
    );
    if lost == 0 && share >= 90.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(what: &str, outcome: &Outcome) {
    let mut took = outcome.took.clone();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default().as_millis();
    let refused = outcome.refused.first().map_or("none", String::as_str);
    println!(
        "{what}: {} served, {:.0}/s ({:.0}/s until 95 %); answers p50 {} ms, p99 {} ms; sent away {} times, told {} s at most; \
         cut {} ({}); refused: {refused}",
        outcome.served.len(),
        outcome.rate(100),
        outcome.rate(95),
        at(50),
        at(99),
        outcome.sent_away,
        outcome.longest_wait,
        outcome.cut,
        outcome.last_cut,
    );
}
