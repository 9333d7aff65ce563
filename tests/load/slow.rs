//! `slow-clients`: a good client beside thousands of slow ones. Ends with 1 when it was refused, or waited much longer than alone.
//!
//! `cargo run --release -p e2e --bin slow-clients`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use e2e::call::Caller;
use e2e::process::{Labour, most_memory, with_all_files};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Device, born, with_est};
use e2e::slow::{Crowd, KINDS};
use tokio::runtime::Builder;
use tokio::time::Instant;

#[derive(Debug, Parser)]
#[command(
    about = "Asks for certificates one after another, alone and beside thousands of clients that are slow in every way"
)]
struct Arguments {
    /// How many slow clients there are
    #[arg(long, default_value_t = 12_000)]
    slow: usize,
    /// How many certificates the good client asks for each time
    #[arg(long, default_value_t = 300)]
    asked: usize,
    /// How often all of it is done
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// After how many seconds a slow client comes again that was closed
    #[arg(long, default_value_t = 30)]
    again: u64,
    /// How many connections the server takes, in all and in a handshake; without, the limits are the default ones
    #[arg(long)]
    seats: Option<usize>,
    /// How many times as long the good client may wait, for 99 of 100 answers, as alone
    #[arg(long, default_value_t = 4.0)]
    bound: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let files = with_all_files();
    println!("open files: {files}");
    let server = Rehearsal::start_with(1, |text| match arguments.seats {
        None => format!("# with the default limits\n{text}"),
        Some(seats) => {
            with_est(&text, &[("limits", &format!("max_connections = {seats}, max_handshakes = {seats}"))])
        }
    });
    let fleet = born(&server, 0..KINDS + arguments.rounds * 2 * arguments.asked);
    let (of_the_slow, good) = fleet.split_at(KINDS);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let ratios: Vec<f64> = good
        .chunks(2 * arguments.asked)
        .map(|good| runtime.block_on(play(&server, &arguments, (of_the_slow, good))))
        .collect();
    let mut sorted = ratios.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::INFINITY);
    println!("p99 beside the crowd: {median:.1} times that alone, in the median of {} rounds", ratios.len());
    println!("the server's memory was at most {} MiB", most_memory(server.process_number()) / 1024);
    if median <= arguments.bound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays one round; returns p99 beside the crowd over p99 alone.
async fn play(server: &Rehearsal, arguments: &Arguments, (shown, good): (&[Device], &[Device])) -> f64 {
    let caller = Caller::new(server);
    let (alone, beside) = good.split_at(arguments.asked);
    let (p50_alone, p99_alone, _) = ask(&caller, alone).await;
    let crowd = Arc::new(Crowd::new(&caller, shown));
    let clients = crowd.gather(arguments.slow, Duration::from_secs(arguments.again));
    crowd.has_come(arguments.slow).await;
    let (labour, own, begun) = (Labour::of(server.process_number()), Labour::own(), Instant::now());
    let (p50, p99, cut) = ask(&caller, beside).await;
    let share = |labour: Labour| labour.milliseconds() / 10.0 / begun.elapsed().as_secs_f64();
    let server_share = share(Labour::of(server.process_number()) - labour);
    let own_share = share(Labour::own() - own);
    println!("{}", crowd.told());
    drop(clients);
    println!(
        "alone: p50 {p50_alone:.1} ms, p99 {p99_alone:.1} ms; beside: p50 {p50:.1} ms, p99 {p99:.1} ms; \
         {:.1} and {:.1} times; cut {cut} times; processor: server {server_share:.0} %, all clients {own_share:.0} %",
        p50 / p50_alone,
        p99 / p99_alone
    );
    p99 / p99_alone
}

/// Asks for one certificate after another, at once again where a connection is cut; returns p50 and p99 of the time from the first
/// connecting to the answer, in milliseconds, and how often it was cut.
async fn ask(caller: &Caller, devices: &[Device]) -> (f64, f64, usize) {
    let (mut took, mut cut) = (Vec::new(), 0);
    for device in devices {
        let begun = Instant::now();
        let answer = loop {
            match device.ask(caller).await {
                Ok(answer) => break answer,
                Err(_) => cut += 1,
            }
        };
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    (at(50), at(99), cut)
}
