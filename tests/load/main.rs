//! `shift-start`: the long form of a shift start. Ends with 1 when a device was lost or the goodput is too low.
//!
//! `cargo run --release -p e2e --bin shift-start`

use std::process::ExitCode;

use clap::Parser;
use e2e::peer::curl;
use e2e::process::{Labour, with_all_files};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Device, Outcome, born, crowd, with_est};

/// As many as keep the server busy and find room in any queue.
const CALM: usize = 32;

#[derive(Debug, Parser)]
#[command(
    about = "Lets thousands of devices come at once to a server, and compares with as many as it serves at ease"
)]
struct Arguments {
    /// How many devices come at once
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// How many devices are served before and after, on so few connections that nobody is sent away
    #[arg(long, default_value_t = 2_000)]
    beside: usize,
    /// How many connections the crowd has open at a time at most
    #[arg(long, default_value_t = 512)]
    connections: usize,
    /// How often all of it is done
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What [est.limits] has, as TOML; without, the limits are the default ones
    #[arg(long, default_value = "")]
    limits: String,
    /// What [est.pool] has, as TOML
    #[arg(long, default_value = "")]
    pool: String,
    /// What [est.rates] has, as TOML; without, a tenant may ask as often as it likes: the crowd is one tenant's
    #[arg(long, default_value = "tenant = { per_second = 0, burst = 0 }")]
    rates: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    println!("open files: {}", with_all_files());
    let Arguments { limits, pool, rates, .. } = &arguments;
    let tables = [("limits", limits.as_str()), ("pool", pool), ("rates", rates)];
    let server = Rehearsal::start_with(1, |text| with_est(&text, &tables));
    let (mut shares, mut lost) = (Vec::new(), 0);
    for round in 0..arguments.rounds {
        let (share, lost_now) = play(&server, &arguments, round);
        shares.push(share);
        lost += lost_now;
    }
    shares.sort_by(f64::total_cmp);
    let median = shares.get(shares.len() / 2).copied().unwrap_or_default();
    println!("goodput: {median:.0} % of the capacity in the median of {} rounds; lost: {lost}", shares.len());
    if lost == 0 && median >= 90.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays one round: at ease, the crowd, at ease. Returns the crowd's share of the capacity, in percent, and the lost.
fn play(server: &Rehearsal, arguments: &Arguments, round: usize) -> (f64, usize) {
    let Arguments { devices, beside, connections, .. } = *arguments;
    let first = round * (devices + 2 * beside);
    let fleet = born(server, first..first + devices + 2 * beside);
    let (before, rest) = fleet.split_at(beside);
    let (at_once, after) = rest.split_at(devices);
    let before = told("at ease", server, before, CALM);
    let rush = told("at once", server, at_once, connections);
    println!("connections ended since the start: {}", ends(server));
    let after = told("at ease", server, after, CALM);
    let capacity = f64::midpoint(before.rate(100), after.rate(100));
    let share = 100.0 * rush.rate(100) / capacity;
    let until_95 = 100.0 * rush.rate(95) / capacity;
    println!("goodput: {share:.0} % until the last device, {until_95:.0} % until 95 % of them");
    (share, devices - rush.served.len())
}

fn told(what: &str, server: &Rehearsal, devices: &[Device], connections: usize) -> Outcome {
    let (server_before, own_before) = (Labour::of(server.process_number()), Labour::own());
    let outcome = crowd(server, devices, connections);
    let each = |labour: Labour| labour.milliseconds() / devices.len() as f64;
    let server_each = each(Labour::of(server.process_number()) - server_before);
    let own_each = each(Labour::own() - own_before);
    let mut took = outcome.took.clone();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default().as_millis();
    println!(
        "{what}: {} served, {:.0}/s ({:.0}/s until 95 %); answers p50 {} ms, p99 {} ms; sent away {} times ({}), told {} s at most; \
         cut {} ({}); refused: {}; processor time each: server {server_each:.2} ms, device {own_each:.2} ms",
        outcome.served.len(),
        outcome.rate(100),
        outcome.rate(95),
        at(50),
        at(99),
        outcome.sent_away,
        outcome.last_sent_away,
        outcome.longest_wait,
        outcome.cut,
        outcome.last_cut,
        outcome.refused.first().map_or("none", String::as_str),
    );
    outcome
}

/// Why connections to the EST listener ended, each with its number, as the server counts them.
fn ends(server: &Rehearsal) -> String {
    let socket = e2e::peer::path(&server.state("operator.sock"));
    let metrics = curl(server, "http://meter-pki/metrics", &["--unix-socket", &socket]).text();
    let of_est = |line: &&str| line.contains("connections_closed_total") && line.contains("listener=\"est\"");
    let counts = metrics.lines().filter(of_est).filter_map(|line| line.split_once("reason=\""));
    counts.map(|(_, rest)| rest.replace("\"}", "")).collect::<Vec<_>>().join(", ")
}
