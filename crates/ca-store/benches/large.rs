//! A ledger of tens of millions of rows in PostgreSQL: how long it takes to start, what a search by system title and by expiry
//! costs, and what a certificate costs, beside
//! a small ledger and a new one in the same server and the same run.
//!
//! `cargo bench -p ca-store --bench large -- CERTIFICATES` (5,000,000 unless told) fills a ledger, which takes about 2.5 GiB for
//! each million below the directory for temporary files, and prints figures. That the rows are those that the ledger writes
//! itself is checked first, on a small one. `SECONDS` behind it is how long each round of issuance takes (8).

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a bench that cannot go on says why and ends, and figures are for people"
)]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "large/fill.rs"]
mod fill;
#[path = "large/ledgers.rs"]
mod ledgers;
#[path = "large/measure.rs"]
mod measure;
#[path = "large/rows.rs"]
mod rows;

use std::time::{Duration, Instant};

use ledgers::Ledger;
use postgres_peer::Server;

/// Where everything that looks random comes from.
const SEED: u64 = 20_261_130;

/// On how many certificates it is checked that what is filled in is what the ledger writes.
const CHECKED: u64 = 1_050;

/// How many certificates the small ledger has, beside which the full one is measured.
const SMALL: u64 = 50_000;

/// How often a start is measured, of each kind.
const STARTS: usize = 5;

/// How often each of the two ledgers is issued into.
const ROUNDS: u64 = 5;

/// How many certificates a round may draw, so that rounds never meet.
const A_ROUND: u64 = 1_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let certificates = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    let length = Duration::from_secs(arguments.next().and_then(|text| text.parse().ok()).unwrap_or(8));
    let server = Server::with(&[
        ("shared_buffers", "2GB"),
        ("maintenance_work_mem", "384MB"),
        ("max_parallel_maintenance_workers", "0"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "15min"),
    ]);
    check(&server);
    let (full, small, new) = (Ledger::create(&server), Ledger::create(&server), Ledger::create(&server));
    let start = Instant::now();
    fill::fill(&full.database, SEED, certificates);
    println!("{certificates} certificates, filled in within {:.0} s", start.elapsed().as_secs_f64());
    println!("{}", measure::sizes(&full.database, certificates));
    fill::fill(&small.database, SEED, SMALL);
    starts(&server, &[("full", &full), ("small", &small)]);
    let stores = [("full", full.open()), ("small", small.open()), ("new", new.store_of_the_first_start())];
    measure::searches("full", &stores[0].1, (SEED, certificates));
    measure::searches("small", &stores[1].1, (SEED, SMALL));
    println!("{}", measure::bare_reads(&full.database, (SEED, certificates)));
    println!("{}", measure::plans(&full.database, SEED));
    let mut issued = [0; 3];
    for round in 0..ROUNDS {
        for (((name, store), ledger), issued) in stores.iter().zip([&full, &small, &new]).zip(&mut issued) {
            let (line, count) =
                measure::issuance((store, &ledger.database), (SEED, certificates + round * A_ROUND), length);
            println!("round {}, {name:5}: {line}", round + 1);
            *issued += count;
        }
    }
    for (name, ledger) in [("full", &full), ("small", &small), ("new", &new)] {
        println!("{name}: {}", measure::read_whole(&ledger.database));
    }
    println!("new, issued by the ledger itself: {}", measure::sizes(&new.database, issued[2]));
    measure::searches("full, after issuance,", &stores[0].1, (SEED, certificates));
}

/// Ends unless the rows that are filled in are those that the ledger writes.
fn check(server: &Server) {
    let (filled, issued) = (Ledger::create(server), Ledger::create(server));
    fill::fill(&filled.database, SEED, CHECKED);
    fill::issue(&issued.store_of_the_first_start(), SEED, 0..CHECKED);
    assert!(
        fill::is_true(&filled.database, &issued.database),
        "what is filled in is not what the ledger writes"
    );
    println!("checked: the rows of {CHECKED} certificates are octet for octet those that the ledger writes");
}

/// Opens ledgers with nothing of them in memory, and again and again.
fn starts(server: &Server, ledgers: &[(&str, &Ledger)]) {
    for (name, ledger) in ledgers {
        let cold: Vec<Duration> = (0..STARTS)
            .map(|_| {
                ledgers::go_cold(server);
                ledger.time_to_open()
            })
            .collect();
        let warm: Vec<Duration> = (0..STARTS).map(|_| ledger.time_to_open()).collect();
        println!("start, {name:5}: cold {}; warm {}", measure::listed(&cold), measure::listed(&warm));
    }
}
