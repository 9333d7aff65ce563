//! `roll-out`: the long form of a roll-out. A campaign over a whole fleet by either road, with messages that get lost and a server that
//! is killed. Ends with 1 when a meter is stuck, has a certificate too many or too few, or the ledger does not hold.
//!
//! `cargo run --release -p e2e --bin roll-out -- --road head-end --meters 100000`

#![expect(
    clippy::disallowed_methods,
    reason = "what is measured is time, and the memory of the meters tells of no event"
)]

use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use e2e::process::{Labour, most_memory, with_all_files};
use e2e::roll_out::{Counted, Owner, report};
use e2e::shift::{Request, line, title, upload};
use serde_json::Value;

/// Each meter has so many certificates.
const TYPES: usize = 3;

/// How many certificates are issued by the bulk door to see what the chain of issuance does alone.
const MEASURED: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Road {
    /// Meters ask by themselves, over EST.
    Est,
    /// Meters ask by themselves, over CMP.
    Cmp,
    /// A head-end works them by calls.
    HeadEnd,
}

#[derive(Debug, Parser)]
#[command(about = "Swaps the certificates of a whole simulated fleet over losses and kills, and counts")]
struct Arguments {
    /// By which road
    #[arg(long)]
    road: Road,
    /// How many meters
    #[arg(long, default_value_t = 100_000)]
    meters: usize,
    /// The suite of their keys
    #[arg(long, default_value_t = 1)]
    suite: u8,
    /// Of a thousand messages, so many requests and so many answers are lost
    #[arg(long, default_value_t = 10)]
    lose: u16,
    /// How often the server is killed
    #[arg(long, default_value_t = 3)]
    kills: usize,
    /// Decides which messages
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many meters ask, or exchanges go on, at the same time
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// How long a head-end has for a call
    #[arg(long, default_value_t = 30)]
    lease_seconds: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    println!("open files: {}", with_all_files());
    let (meters, suite) = (arguments.meters.to_string(), arguments.suite.to_string());
    let began = Instant::now();
    let mut owner = Owner::of(&meters, &["--suite", &suite]);
    told("quickstart, and the fleet is made", began, arguments.meters);
    let began = Instant::now();
    owner.take_delivery();
    told("the delivery is imported", began, arguments.meters);
    let alone = alone(&owner);
    start(&owner, &arguments);
    let played = play(&mut owner, &arguments);
    let fine = look(&mut owner, &arguments, alone, &played);
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(what: &str, began: Instant, count: usize) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {seconds:.1} s, {:.0} a second", count as f64 / seconds);
}

/// How many certificates a second the chain of issuance makes of one upload: the most that any road can reach here.
fn alone(owner: &Owner) -> f64 {
    let births: Vec<Request> = (0..MEASURED).map(|number| Request::new(&title(number))).collect();
    let lines: String = (0..)
        .zip(&births)
        .map(|(number, birth)| line(&format!("{number}"), "meter-factory-tls-s1", "first", &birth.csr))
        .collect();
    let began = Instant::now();
    let answers = upload(&owner.serving, &lines);
    let rate = answers.len() as f64 / began.elapsed().as_secs_f64();
    println!("issuance alone, one upload of {MEASURED}: {rate:.0} certificates a second");
    rate
}

fn start(owner: &Owner, arguments: &Arguments) {
    let road = if arguments.road == Road::HeadEnd { "head-end" } else { "device" };
    let (wave, lease) = (arguments.meters.to_string(), arguments.lease_seconds.to_string());
    let more = [
        "--wave",
        &wave,
        "--per-minute",
        "100000",
        "--lease-seconds",
        &lease,
        "--pause-seconds",
        "2",
        "--device-seconds",
        "86400",
    ];
    let began = Instant::now();
    let planned = owner.campaign("roll-out", (road, &format!("s{}", arguments.suite)), &more);
    told("the campaign is planned", began, arguments.meters);
    println!("the plan: {}", planned["reckoning"]);
}

/// What a run came to.
struct Played {
    code: Option<i32>,
    report: Value,
    took: Duration,
    most_memory: u64,
    server: f64,
    restarts: Vec<Duration>,
}

fn play(owner: &mut Owner, arguments: &Arguments) -> Played {
    let (lose, seed, at_once) =
        (arguments.lose.to_string(), arguments.seed.to_string(), arguments.at_once.to_string());
    let common = ["--lose-requests", &lose, "--lose-answers", &lose, "--seed", &seed, "--at-once", &at_once];
    let mut command = match arguments.road {
        Road::Est => owner.run(&common),
        Road::Cmp => owner.run_over_cmp(&common),
        Road::HeadEnd => owner.head_end(&[&["--until-done", "--campaign", "roll-out"], &common[..]].concat()),
    };
    let began = Instant::now();
    let mut run = command.spawn().expect("it starts");
    let (mut counted, mut most, mut restarts, mut server) = (Counted::default(), 0, Vec::new(), 0.0);
    let wanted = TYPES * arguments.meters;
    for kill in 1..=arguments.kills {
        if !wait_for(&mut run, owner, &mut counted, wanted * kill / (arguments.kills + 1)) {
            break;
        }
        let number = owner.serving.process_number();
        most = most.max(most_memory(number));
        server += Labour::of(number).milliseconds();
        owner.serving.kill();
        let killed = Instant::now();
        owner.serving.serve();
        restarts.push(killed.elapsed());
        println!(
            "killed at {} certificates, {:.0} s; serves again after {:.1} s",
            counted.go_on(&owner.fleet),
            began.elapsed().as_secs_f64(),
            killed.elapsed().as_secs_f64()
        );
    }
    for step in 1..=20 {
        if !wait_for(&mut run, owner, &mut counted, wanted * step / 20) {
            break;
        }
        if step >= 15 {
            println!("{} certificates after {:.0} s", wanted * step / 20, began.elapsed().as_secs_f64());
        }
    }
    let (code, report) = report(run);
    let took = began.elapsed();
    let number = owner.serving.process_number();
    most = most.max(most_memory(number));
    server += Labour::of(number).milliseconds();
    Played { code, report, took, most_memory: most, server, restarts }
}

/// Waits until the meters have so many certificates; tells whether the simulation still runs.
fn wait_for(run: &mut Child, owner: &Owner, counted: &mut Counted, certificates: usize) -> bool {
    while counted.go_on(&owner.fleet) < certificates {
        if run.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

/// Counts, compares and prints; tells whether all is as it has to be.
fn look(owner: &mut Owner, arguments: &Arguments, alone: f64, played: &Played) -> bool {
    let wanted = TYPES * arguments.meters;
    let seconds = played.took.as_secs_f64();
    let rate = wanted as f64 / seconds;
    println!("the simulation ended with {:?}: {}", played.code, without_lists(&played.report));
    println!(
        "{wanted} certificates, {} meters in {seconds:.1} s: {rate:.0} certificates and {:.1} meters a second, {:.0} % of issuance alone; \
         server: {:.2} ms of processor time a certificate, {} MiB at most; restarts took {:?}",
        arguments.meters,
        arguments.meters as f64 / seconds,
        100.0 * rate / alone,
        played.server / wanted as f64,
        played.most_memory / 1_024,
        played.restarts,
    );
    if arguments.road != Road::HeadEnd {
        let began = Instant::now();
        let compared = owner.reconcile();
        told("what the meters hold is compared", began, wanted);
        println!("differences: {}", compared["differences"].as_array().map_or(0, Vec::len));
    }
    let standing = owner.standing("roll-out");
    println!("the campaign is {}: {}", standing["state"], standing["total"]);
    let began = Instant::now();
    let good = owner.good();
    let of_fleet: Vec<_> =
        owner.titles.iter().map(|title| good.get(title).cloned().unwrap_or_default()).collect();
    let exact = of_fleet.iter().filter(|types| **types == ["key-agreement", "signature", "tls"]).count();
    let too_many = of_fleet.iter().filter(|types| types.len() > TYPES).count();
    told("all good certificates are listed", began, wanted);
    println!("{exact} meters with exactly one good certificate of each type; duplicates: {too_many}");
    let began = Instant::now();
    let judged = owner.judged();
    println!(
        "ledger-checker: {} after {:.0} s {}",
        if judged.success { "every invariant holds" } else { "VIOLATIONS" },
        began.elapsed().as_secs_f64(),
        judged.all()
    );
    let done = standing["total"]["done"].as_u64() == u64::try_from(arguments.meters).ok();
    played.code == Some(0) && exact == arguments.meters && too_many == 0 && done && judged.success
}

/// A report without the lists in it.
fn without_lists(report: &Value) -> Value {
    let kept = report.as_object().into_iter().flatten().filter(|(_, value)| !value.is_array());
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}
