//! Rounds, rates and medians. Knows nothing of what is measured.
//!
//! In each round the limit is measured right before and right after the thing, so that whatever else the machine does hits
//! both. The ratio is taken in each round; the median and both ends of all rounds are told. Processor time is measured
//! beside the time that passes, since it is what other work on the machine changes least.

use std::io::{Write, stderr};
use std::time::Duration;

use anyhow::Context;

use crate::memory::Process;
use crate::options::Pace;
use crate::speed::{Speed, Spread, Stopwatch, Waits};
use crate::yardsticks::Yardsticks;

/// The most that is done in one round, unless a scene says otherwise.
const MOST: usize = 200_000;

/// A step that cannot be left out: `times` of it for every `shared_by` things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(crate) step: &'static str,
    pub(crate) times: u32,
    pub(crate) shared_by: u32,
    /// How fast the machine does it.
    pub(crate) speed: Speed,
}

impl Term {
    pub(crate) const fn new(times: u32, step: &'static str, speed: Speed) -> Self {
        Self { step, times, shared_by: 1, speed }
    }

    pub(crate) const fn shared_by(self, shared_by: u32) -> Self {
        Self { shared_by, ..self }
    }

    /// Returns the seconds that it takes of each thing.
    pub(crate) fn seconds(&self) -> f64 {
        self.share() / self.speed.per_second
    }

    fn share(&self) -> f64 {
        f64::from(self.times) / f64::from(self.shared_by)
    }
}

/// What the machine allows: steps of a lane come one after the other, lanes go side by side. The slowest lane is the limit.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) lanes: Vec<Vec<Term>>,
    /// Beside it, and no part of it: what the order of issuance by itself allows, where many wait for the ledger one by one.
    pub(crate) in_order: Option<Speed>,
}

impl Limit {
    pub(crate) const fn of(lanes: Vec<Vec<Term>>) -> Self {
        Self { lanes, in_order: None }
    }

    /// Returns how many per second it allows.
    pub(crate) fn per_second(&self) -> f64 {
        1.0 / self.lanes.iter().map(|lane| seconds(lane)).fold(0.0, f64::max)
    }

    /// Returns the least that each takes of the processors.
    fn processor_seconds(&self) -> f64 {
        self.lanes.iter().flatten().map(|term| term.share() * term.speed.processor_seconds).sum()
    }

    /// Returns the slowest lane.
    pub(crate) fn slowest(&self) -> &[Term] {
        let slowest = self.lanes.iter().max_by(|one, other| seconds(one).total_cmp(&seconds(other)));
        slowest.map_or(&[], Vec::as_slice)
    }

    /// Makes one of many: each step at its median.
    fn median(limits: &[Self]) -> Option<Self> {
        let mut median = limits.first()?.clone();
        for (place, lane) in median.lanes.iter_mut().enumerate() {
            for (step, term) in lane.iter_mut().enumerate() {
                let same = || limits.iter().filter_map(|limit| limit.lanes.get(place)?.get(step));
                let middle = |values: Vec<f64>| Some(Spread::of(&values)?.median);
                term.speed = Speed {
                    per_second: middle(same().map(|term| term.speed.per_second).collect())?,
                    processor_seconds: middle(same().map(|term| term.speed.processor_seconds).collect())?,
                };
            }
        }
        Some(median)
    }
}

fn seconds(lane: &[Term]) -> f64 {
    lane.iter().map(Term::seconds).sum()
}

/// Something that is measured.
pub(crate) trait Scene {
    /// What is made ready for one round and used up in it.
    type Work;

    /// What is done comes in multiples of this, and so much of it is done first of all.
    fn step(&self) -> usize;

    /// The most that is done in one round, whatever the calibration says.
    fn most(&self) -> usize {
        MOST
    }

    /// Whose memory is told.
    fn process(&self) -> Process {
        Process::Own
    }

    /// Makes ready `count` things to do; its time is not measured.
    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work>;

    /// Does them. Returns how long each was waited for, where somebody waits for one.
    fn run(&mut self, work: Self::Work) -> anyhow::Result<Vec<Duration>>;

    /// Measures what the machine allows.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit>;

    /// How many certificates there are in the ledger that it asks, where it asks one.
    fn stored(&self) -> Option<u32> {
        None
    }

    /// Makes sure that what was measured has been done.
    fn check(&mut self) -> anyhow::Result<()>;
}

/// What was measured, what the machine allows, and the one by the other, each over all rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) measured: Spread,
    pub(crate) limit: Spread,
    pub(crate) ratio: Spread,
}

/// What the order of issuance by itself allows, with the same signatures and verifications, on the same disk, by as many requesters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered {
    pub(crate) per_second: Spread,
    /// Microseconds of processor time each.
    pub(crate) processor: Spread,
    /// The measured by what the order allows.
    pub(crate) ratio: Spread,
}

/// One measured thing.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// How many per second, and how many at most.
    pub(crate) per_second: Comparison,
    /// Microseconds of processor time each, and how many at least; the ratio is the least by the measured.
    pub(crate) processor: Comparison,
    /// Milliseconds that half of those who waited waited at most, and 99 of a hundred.
    pub(crate) waits: Option<[Spread; 2]>,
    /// The most memory that the process had meanwhile, in MiB; what was made ready is in it.
    pub(crate) peak_mib: Option<Spread>,
    /// By how much that exceeds what it had right before.
    pub(crate) grown_mib: Option<Spread>,
    /// What the limit is made of, each step at its median.
    pub(crate) made_of: Limit,
    /// Beside its limit, what the order of issuance allows.
    pub(crate) order: Option<Ordered>,
    /// How many certificates there were in the ledger when rounds began.
    pub(crate) stored: Option<Spread>,
    /// How many were stored before the row, where that was asked for.
    pub(crate) size: Option<u32>,
}

/// Measures a scene.
pub(crate) fn measure<S: Scene>(
    name: &str,
    scene: &mut S,
    pace: Pace,
    yardsticks: &mut Yardsticks,
) -> anyhow::Result<Row> {
    writeln!(stderr(), "measuring: {name}")?;
    let count = calibrate(scene, pace).with_context(|| format!("{name}: while warming up"))?;
    let mut rounds = Vec::with_capacity(pace.rounds);
    for _ in 0..pace.rounds {
        let work = scene.prepare(count).with_context(|| format!("{name}: while making ready"))?;
        let (stored, before) = (scene.stored(), scene.limit(yardsticks)?);
        let process = scene.process();
        process.forget_peak();
        let resident_mib = process.resident_mib();
        let watch = Stopwatch::start();
        let waits = scene.run(work).with_context(|| format!("{name}: while measuring"))?;
        let speed = watch.speed(count)?;
        let peak_mib = process.peak_mib();
        let grown_mib = peak_mib.zip(resident_mib).map(|(peak, before)| (peak - before).max(0.0));
        let after = scene.limit(yardsticks)?;
        scene.check().with_context(|| format!("{name}: what was measured was not done"))?;
        let limits = [before, after];
        rounds.push(Round { speed, waits: Waits::of(waits), peak_mib, grown_mib, stored, limits });
    }
    row(name, &rounds).with_context(|| format!("{name}: no round"))
}

struct Round {
    speed: Speed,
    waits: Option<Waits>,
    peak_mib: Option<f64>,
    grown_mib: Option<f64>,
    stored: Option<u32>,
    /// Before and after.
    limits: [Limit; 2],
}

impl Round {
    fn limit(&self, of: impl Fn(&Limit) -> f64) -> f64 {
        let [before, after] = &self.limits;
        f64::midpoint(of(before), of(after))
    }

    fn order(&self, of: impl Fn(&Speed) -> f64) -> Option<f64> {
        let [before, after] = &self.limits;
        Some(f64::midpoint(of(before.in_order.as_ref()?), of(after.in_order.as_ref()?)))
    }
}

const MICROSECONDS: f64 = 1e6;

fn row(name: &str, rounds: &[Round]) -> Option<Row> {
    let spread = |of: &dyn Fn(&Round) -> f64| Spread::of(&rounds.iter().map(of).collect::<Vec<_>>());
    let known =
        |of: &dyn Fn(&Round) -> Option<f64>| Spread::of(&rounds.iter().filter_map(of).collect::<Vec<_>>());
    let most = |round: &Round| round.limit(Limit::per_second);
    let least = |round: &Round| round.limit(Limit::processor_seconds);
    let limits: Vec<Limit> = rounds.iter().flat_map(|round| round.limits.clone()).collect();
    Some(Row {
        name: name.to_owned(),
        per_second: Comparison {
            measured: spread(&|round| round.speed.per_second)?,
            limit: spread(&most)?,
            ratio: spread(&|round| round.speed.per_second / most(round))?,
        },
        processor: Comparison {
            measured: spread(&|round| MICROSECONDS * round.speed.processor_seconds)?,
            limit: spread(&|round| MICROSECONDS * least(round))?,
            ratio: spread(&|round| least(round) / round.speed.processor_seconds)?,
        },
        waits: waits(rounds),
        peak_mib: known(&|round| round.peak_mib),
        grown_mib: known(&|round| round.grown_mib),
        made_of: Limit::median(&limits)?,
        order: ordered(rounds),
        stored: Spread::of(
            &rounds.iter().filter_map(|round| round.stored).map(f64::from).collect::<Vec<_>>(),
        ),
        size: None,
    })
}

fn ordered(rounds: &[Round]) -> Option<Ordered> {
    let spread =
        |of: &dyn Fn(&Round) -> Option<f64>| Spread::of(&rounds.iter().filter_map(of).collect::<Vec<_>>());
    let allowed = |round: &Round| round.order(|order| order.per_second);
    Some(Ordered {
        per_second: spread(&allowed)?,
        processor: spread(&|round| round.order(|order| MICROSECONDS * order.processor_seconds))?,
        ratio: spread(&|round| Some(round.speed.per_second / allowed(round)?))?,
    })
}

fn waits(rounds: &[Round]) -> Option<[Spread; 2]> {
    let waits: Vec<Waits> = rounds.iter().filter_map(|round| round.waits).collect();
    let spread = |of: fn(&Waits) -> f64| Spread::of(&waits.iter().map(of).collect::<Vec<_>>());
    Some([spread(|waits| waits.half)?, spread(|waits| waits.most)?])
}

/// Warms up, and returns how much fills a slice.
fn calibrate<S: Scene>(scene: &mut S, pace: Pace) -> anyhow::Result<usize> {
    let mut count = scene.step();
    for _ in 0..2 {
        let work = scene.prepare(count)?;
        let watch = Stopwatch::start();
        scene.run(work)?;
        let wanted = filling(count, watch.elapsed(), pace.slice)?.min(scene.most());
        count = wanted.next_multiple_of(scene.step());
    }
    Ok(count)
}

/// How much fills a slice, if so much took so long; at least one.
fn filling(count: usize, elapsed: Duration, slice: Duration) -> anyhow::Result<usize> {
    let wanted = u128::try_from(count)?.saturating_mul(slice.as_nanos()) / elapsed.as_nanos().max(1);
    Ok(usize::try_from(wanted).unwrap_or(MOST).clamp(1, MOST))
}
