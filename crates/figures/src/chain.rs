//! Certificates through the whole chain of issuance, from the verb of the certification authority to the disk and back:
//! one by one, by many requesters at once, in batches, and in batches under a production order. No front end is involved; requests are decoded beforehand.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{bail, ensure};
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::record::ProductionId;
use ca_core::request::EnrolmentRequest;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_store::EngineKind;

use crate::applicants::{Queue, applicants, on_all_processors, processors};
use crate::house::House;
use crate::measure::{Limit, Scene, Term, measure};
use crate::speed::Stopwatch;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Many requesters.
const MANY: usize = 64;

/// Measures all rows about issuance.
pub(crate) fn rows(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let batch = stage.pace().batch;
    let (one, many, batches) = (Asking::Singly(1), Asking::Singly(MANY), Asking::InBatches(batch));
    let ordered = Asking::UnderAnOrder(batch);
    let plan = [
        (SecuritySuite::Suite1, EngineKind::Fjall, vec![one, many, batches, ordered]),
        (SecuritySuite::Suite2, EngineKind::Fjall, vec![one, many, batches]),
        (SecuritySuite::Suite1, EngineKind::Sled, vec![many]),
    ];
    for (suite, engine, ways) in plan {
        let named = |asking: &Asking| format!("chain, {}, {engine}, {asking}", suite.curve());
        let wanted: Vec<Asking> = ways.into_iter().filter(|asking| stage.wants(&named(asking))).collect();
        if wanted.is_empty() {
            continue;
        }
        let house = stage.house(&format!("chain-{suite}-{engine}"), suite, engine)?;
        for asking in wanted {
            let order = matches!(asking, Asking::UnderAnOrder(_)).then(|| house.open_order()).transpose()?;
            let mut scene = Issuance { house: Arc::clone(&house), asking, order, last: None };
            stage.keep(measure(&named(&asking), &mut scene, stage.pace(), yardsticks)?);
        }
    }
    Ok(())
}

/// How certificates are asked for.
#[derive(Debug, Clone, Copy)]
enum Asking {
    /// By so many requesters, each of whom waits for one certificate before it asks for the next.
    Singly(usize),
    /// By one requester, so many at a time.
    InBatches(usize),
    /// The same by a factory line, each device counted.
    UnderAnOrder(usize),
}

impl std::fmt::Display for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Singly(1) => f.write_str("1 requester"),
            Self::Singly(requesters) => write!(f, "{requesters} requesters"),
            Self::InBatches(length) => write!(f, "batches of {length}"),
            Self::UnderAnOrder(length) => write!(f, "batches of {length} under an order"),
        }
    }
}

/// A factory line that has devices certified.
struct Issuance {
    house: Arc<House>,
    asking: Asking,
    order: Option<ProductionId>,
    last: Option<SystemTitle>,
}

impl Scene for Issuance {
    type Work = Vec<EnrolmentRequest>;

    fn step(&self) -> usize {
        match self.asking {
            Asking::Singly(count) | Asking::InBatches(count) | Asking::UnderAnOrder(count) => count,
        }
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Vec<EnrolmentRequest>> {
        let (suite, titles) = (self.house.suite, self.house.new_titles(count));
        self.last = titles.last().copied();
        let profile = self.house.profile("meter-factory-ds")?;
        on_all_processors(applicants(suite, titles)?, |applicant| {
            applicant.request(&self.house.line, &profile)
        })
    }

    fn run(&mut self, work: Vec<EnrolmentRequest>) -> anyhow::Result<Vec<Duration>> {
        match self.asking {
            Asking::Singly(requesters) => self.singly(requesters, work),
            Asking::InBatches(length) | Asking::UnderAnOrder(length) => {
                self.in_batches(length, work).map(|()| Vec::new())
            }
        }
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let curve = self.house.suite.curve();
        // As many threads as sign for the one measured: beside other work on the machine, each thread has its share.
        let threads = match self.asking {
            Asking::Singly(requesters) => requesters,
            Asking::InBatches(_) | Asking::UnderAnOrder(_) => processors(),
        };
        let mut steps = vec![
            Term::new(1, "sign", yardsticks.signatures(curve, threads)?),
            Term::new(2, "verify", yardsticks.verifications(curve, threads)?),
        ];
        // The intent is on disk before anything is signed, and the certificate before it is delivered.
        let syncs = Term::new(2, "fdatasync", yardsticks.syncs()?);
        // One who comes alone waits for the disk in the limit already, and so does a batch.
        let in_order = match self.asking {
            Asking::Singly(1) | Asking::InBatches(_) | Asking::UnderAnOrder(_) => None,
            Asking::Singly(requesters) => Some(yardsticks.in_order(curve, requesters)?),
        };
        Ok(Limit {
            in_order,
            lanes: match self.asking {
                Asking::Singly(1) => {
                    steps.push(syncs);
                    vec![steps]
                }
                // While some wait for the disk, others use the processors; all that wait share one sync.
                Asking::Singly(requesters) => vec![steps, vec![syncs.shared_by(u32::try_from(requesters)?)]],
                Asking::InBatches(length) | Asking::UnderAnOrder(length) => {
                    steps.push(syncs.shared_by(u32::try_from(length)?));
                    vec![steps]
                }
            },
        })
    }

    fn stored(&self) -> Option<u32> {
        Some(self.house.stored())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        self.last.map_or(Ok(()), |title| self.house.expect_issued(&self.house.factory, &title))
    }
}

impl Issuance {
    fn singly(&self, requesters: usize, work: Vec<EnrolmentRequest>) -> anyhow::Result<Vec<Duration>> {
        let (queue, authority) = (Queue::new(work), &*self.house.factory);
        thread::scope(|scope| {
            let requester = || {
                let mut waits = Vec::new();
                while let Some(request) = queue.take() {
                    let watch = Stopwatch::start();
                    expect_new(authority.enrol(request))?;
                    waits.push(watch.elapsed());
                }
                anyhow::Ok(waits)
            };
            let threads: Vec<_> = (0..requesters).map(|_| scope.spawn(requester)).collect();
            let mut waits = Vec::new();
            for one in threads {
                waits.extend(one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(waits)
        })
    }

    fn in_batches(&self, length: usize, work: Vec<EnrolmentRequest>) -> anyhow::Result<()> {
        let mut work = work.into_iter();
        loop {
            let batch: Vec<_> = work.by_ref().take(length).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let asked = batch.len();
            let authority = &self.house.factory;
            let answers = match &self.order {
                Some(order) => authority.enrol_batch_under(order, batch),
                None => authority.enrol_batch(batch),
            };
            ensure!(answers.len() == asked, "{asked} were asked for and {} answered", answers.len());
            answers.into_iter().try_for_each(expect_new)?;
        }
    }
}

fn expect_new(answer: Result<IssuedCertificate, IssueError>) -> anyhow::Result<()> {
    match answer?.delivery() {
        Delivery::New => Ok(()),
        Delivery::Repeated => bail!("a certificate was given a second time"),
    }
}
