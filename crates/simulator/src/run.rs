//! A run: all meters of a fleet that are not through, so many at the same time, and what is told of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use crate::desk::{Road, Server};
use crate::link::Link;
use crate::luck::Luck;
use crate::memory::Fleet;
use crate::meter::{AtWork, DEFECT, Effort, NoCertificate, PURPOSES, Surroundings};
use crate::mishap::Faults;

/// How many stuck meters are named; the rest is counted.
const NAMED: usize = 100;

/// What is to be done.
#[derive(Debug)]
pub struct Run {
    /// The fleet.
    pub fleet: Fleet,
    /// The server.
    pub server: Server,
    /// Over which protocol.
    pub road: Road,
    /// What goes wrong.
    pub faults: Faults,
    /// What decides at which steps.
    pub seed: u64,
    /// How often a meter asks for one certificate before it gives up.
    pub patience: u32,
    /// How many meters ask at the same time.
    pub at_once: usize,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Meters of the fleet.
    pub meters: usize,
    /// Those that have all three certificates of their owner now.
    pub through: usize,
    /// Those of them that had them before.
    pub through_before: usize,
    /// Certificates that came in this run.
    pub certificates: u64,
    /// How often was asked.
    pub tries: u64,
    /// Messages that were lost on purpose.
    pub lost: u64,
    /// Meters that started anew on purpose.
    pub restarts: u64,
    /// Wrong requests that the server refused, as it has to.
    pub wrong_refused: u64,
    /// Meters that are not through, by why.
    pub stuck_by_reason: BTreeMap<String, u64>,
    /// The first of them by name.
    pub stuck: Vec<Stuck>,
    /// What a server must never do, and did.
    pub defects: Vec<String>,
    /// How long the run took, in seconds.
    pub seconds: f64,
    /// Milliseconds from a meter's wish for a certificate to the certificate: half are faster, and all but one in a hundred.
    pub p50_ms: f64,
    /// See `p50_ms`.
    pub p99_ms: f64,
}

/// A meter that is not through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// Its system title.
    pub system_title: String,
    /// For which certificate.
    pub purpose: &'static str,
    /// Why.
    pub why: String,
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address of the server is none.
    #[error("{address} is not the address of a server: {why}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// No way can be laid to it.
    #[error("no way can be laid to the server: {0}")]
    Link(#[from] io::Error),
    /// A part of the simulation died.
    #[error("a part of the simulation died: {0}")]
    Died(#[from] tokio::task::JoinError),
}

/// What is told together, while meters are at work.
#[derive(Debug, Default)]
struct Tally {
    report: Report,
    /// Microseconds each.
    took: Vec<u32>,
}

impl Run {
    /// Plays every meter that is not through. `told` hears after each how many are done.
    ///
    /// # Errors
    /// [`RunError`]; that meters are stuck is in the report.
    #[expect(clippy::disallowed_methods, reason = "the report says how long the run took")]
    pub async fn play(self, told: impl Fn(usize) + Send + Sync + 'static) -> Result<Report, RunError> {
        let destination = destination(&self.server.address, self.road)?;
        let (at_once, began) = (self.at_once.max(1), Instant::now());
        let around = Arc::new(Surroundings {
            fleet: self.fleet,
            server: self.server,
            road: self.road,
            faults: self.faults,
            luck: Luck::new(self.seed),
            patience: self.patience.max(1),
        });
        let (tally, next) = (Arc::new(Mutex::new(Tally::default())), Arc::new(AtomicUsize::new(0)));
        let told = Arc::new(told);
        let mut places = JoinSet::new();
        for _ in 0..at_once {
            let link = Link::lay(destination.clone()).await?;
            let (around, tally, next, told) =
                (Arc::clone(&around), Arc::clone(&tally), Arc::clone(&next), Arc::clone(&told));
            places.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(meter) = around.fleet.meters.get(number) else { break };
                    live(AtWork::new(&around, meter, &link), &meter.title.to_string(), &tally).await;
                    told(number.saturating_add(1));
                }
            });
        }
        while let Some(ended) = places.join_next().await {
            ended?;
        }
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.report.meters = around.fleet.meters.len();
        tally.report.seconds = began.elapsed().as_secs_f64();
        Ok(tally.end())
    }
}

/// Plays one meter to its end, or to where it is stuck.
#[expect(clippy::disallowed_methods, reason = "the report says how long a certificate took")]
async fn live(mut meter: AtWork<'_>, title: &str, tally: &Mutex<Tally>) {
    let wanted: Vec<_> = PURPOSES.into_iter().filter(|purpose| !meter.has(*purpose)).collect();
    let before = wanted.is_empty();
    for purpose in wanted {
        let (mut effort, began) = (Effort::default(), Instant::now());
        let ended = meter.enrol(purpose, &mut effort).await;
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count(&effort);
        match ended {
            Ok(()) => tally.took(began.elapsed()),
            Err(why) => return tally.stuck(title, purpose.name(), why),
        }
    }
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.report.through = tally.report.through.saturating_add(1);
    tally.report.through_before = tally.report.through_before.saturating_add(usize::from(before));
}

impl Tally {
    fn count(&mut self, effort: &Effort) {
        let report = &mut self.report;
        for (sum, more) in [
            (&mut report.tries, effort.tries),
            (&mut report.lost, effort.lost),
            (&mut report.restarts, effort.restarts),
            (&mut report.wrong_refused, effort.wrong_refused),
        ] {
            *sum = sum.saturating_add(more.into());
        }
    }

    fn took(&mut self, time: Duration) {
        self.report.certificates = self.report.certificates.saturating_add(1);
        self.took.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    fn stuck(&mut self, title: &str, purpose: &'static str, ended: NoCertificate) {
        let why = match ended {
            NoCertificate::Stuck { why } if why.starts_with(DEFECT) => {
                return self.defect(title, purpose, &why);
            }
            NoCertificate::Defect { what } => return self.defect(title, purpose, &what),
            NoCertificate::Stuck { why } | NoCertificate::Broken { why } => why,
        };
        // Meters that are stuck alike are told together, whatever of their own stands in the text.
        let alike = why.replace(title, "…");
        let count = self.report.stuck_by_reason.entry(alike).or_default();
        *count = count.saturating_add(1);
        if self.report.stuck.len() < NAMED {
            self.report.stuck.push(Stuck { system_title: title.to_owned(), purpose, why });
        }
    }

    fn defect(&mut self, title: &str, purpose: &str, what: &str) {
        self.report.defects.push(format!("{title}, {purpose}: {what}"));
    }

    fn end(&mut self) -> Report {
        self.took.sort_unstable();
        let at = |share: usize| {
            let place = self.took.len().saturating_mul(share).checked_div(100).unwrap_or_default();
            let took = self.took.get(place.min(self.took.len().saturating_sub(1))).copied();
            f64::from(took.unwrap_or_default()) / 1_000.0
        };
        let (p50_ms, p99_ms) = (at(50), at(99));
        self.report.stuck.sort_by(|one, other| one.system_title.cmp(&other.system_title));
        Report { p50_ms, p99_ms, ..self.report.clone() }
    }
}

fn destination(address: &str, road: Road) -> Result<(String, u16), RunError> {
    let wrong = |why: String| RunError::Address { address: address.to_owned(), why };
    match road {
        Road::Est => {
            let endpoint = est_client::Endpoint::parse(address).map_err(|error| wrong(error.to_string()))?;
            Ok((endpoint.host().to_owned(), endpoint.port()))
        }
        Road::Cmp => {
            let endpoint =
                cmp_client::Endpoint::parse(address, None).map_err(|error| wrong(error.to_string()))?;
            Ok(endpoint.authority().destination())
        }
    }
}
