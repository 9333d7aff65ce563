//! A node under test: one of several issuers that share a ledger in PostgreSQL, with a signer that keeps a ledger of its own.
//!
//! `node-under-test HOUSE NAME`: the house holds `address`, `password`, `issuer.cer`, `issuer.key` and `signatures`, and in `NAME`
//! the node's directory. It says "serving" on standard output, has each line of its standard input answered by a line with
//! the same number, and ends in order when there are no more. The authority is ca-core's, the ledger ca-store's, as in the
//! installed program; no protocol and no configuration is between.

mod authority;
mod hsm;
mod work;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use ca_store::{Database, Node, Opening, Settings, Shared, Store};
use e2e::cluster::{LEASE, SKEW};

use crate::work::Work;

/// How many requests are worked on at the same time.
const WORKERS: usize = 6;

/// How often the node says that it is there.
const WATCH: Duration = Duration::from_millis(400);

/// How long an act waits for its turn.
const PATIENCE: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [house, name] = arguments.as_slice() else { anyhow::bail!("usage: node-under-test HOUSE NAME") };
    let house = PathBuf::from(house);
    let clock = Arc::new(AheadClock(AtomicI64::new(ahead(&house, name))));
    let store = Arc::new(open(&house, name, &clock)?);
    let work = Arc::new(Work::new(authority::found(&house, &store, clock.clone())?, Arc::clone(&store)));
    say("serving")?;
    let (stop, stopped) = channel::<()>();
    let watching = std::thread::spawn({
        let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
        move || watch(&store, &*clock, &stopped)
    });
    work_on_lines(&work, &clock);
    drop(stop);
    drop(watching.join());
    Ok(())
}

/// The seconds that the clock is ahead when the process starts.
fn ahead(house: &Path, name: &str) -> i64 {
    let text = std::fs::read_to_string(house.join(name).join("ahead")).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

fn open(house: &Path, name: &str, clock: &Arc<AheadClock>) -> anyhow::Result<Store> {
    let read = |file: &str| std::fs::read_to_string(house.join(file)).with_context(|| file.to_owned());
    let database =
        Database::parse(read("address")?.trim())?.with_password(read("password")?.trim().as_bytes());
    let node = Node {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: "00".repeat(32),
        clock: clock.clone(),
        lease: LEASE,
        skew: SKEW,
    };
    let settings = Settings {
        shared: Some(Shared { database, node }),
        patience: PATIENCE,
        // As the installed program: whoever does not know what is on record ends at once.
        ..Settings::new(Box::new(|fatal| {
            eprintln!("{fatal}");
            std::process::abort();
        }))
    };
    let opening = Opening { now: clock.now(), tenant: authority::tenant()?, boot: None };
    Ok(Store::open(&house.join(name).join("store"), &opening, settings)?.0)
}

/// Says to the others that this node is there, until there is nothing more to do.
fn watch(store: &Store, clock: &dyn Clock, stopped: &Receiver<()>) {
    let Ok(tenant) = authority::tenant() else { return };
    while stopped.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
        match store.watch_nodes(clock.now(), &tenant) {
            Ok(watched) if watched.ended == ca_store::Ended::default() => {}
            Ok(watched) => tracing::info!(?watched, "what a node left open was ended"),
            Err(error) => tracing::warn!(error = %error.cause, "the nodes cannot be watched"),
        }
    }
}

/// Has lines worked on by several threads until there are none.
fn work_on_lines(work: &Arc<Work>, clock: &AheadClock) {
    let (give, take) = channel::<String>();
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(line) = next else { return };
                    if say(&format!("{} .", work.answer(&line))).is_err() {
                        return;
                    }
                }
            });
        }
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.strip_prefix("clock ") {
                Some(ahead) => clock.0.store(ahead.parse().unwrap_or_default(), Ordering::SeqCst),
                None => drop(give.send(line)),
            }
        }
        drop(give);
    });
}

/// The machine's clock, so many seconds ahead.
struct AheadClock(AtomicI64);

impl Clock for AheadClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter of the Clock port")]
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        UnixTime::from_seconds(now.saturating_add(self.0.load(Ordering::SeqCst)))
    }
}

/// Says a line to whoever started this program.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
