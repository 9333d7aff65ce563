//! Rounds, rates and medians. Knows nothing of what is measured.
//!
//! In each round the limit is measured right before and right after the thing, so that whatever else the machine does hits
//! both. The ratio is taken in each round; the median and both ends of all rounds are told.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::options::Pace;
use crate::yardsticks::Yardsticks;

/// The most that is done in one round, whatever the calibration says.
const MOST: usize = 200_000;

/// Measures elapsed time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes, not the time of day")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How many per second.
pub(crate) fn rate(count: usize, elapsed: Duration) -> anyhow::Result<f64> {
    Ok(f64::from(u32::try_from(count)?) / elapsed.as_secs_f64())
}

/// Median and both ends of what was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get(sorted.len().saturating_sub(1) / 2)?;
        Some(Self { median: f64::midpoint(*lower, *upper), least: *sorted.first()?, most: *sorted.last()? })
    }
}

/// A step that cannot be left out: `times` of it for every `shared_by` things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(crate) step: &'static str,
    pub(crate) times: u32,
    pub(crate) shared_by: u32,
    /// How many such steps the machine does per second.
    pub(crate) per_second: f64,
}

impl Term {
    pub(crate) const fn new(times: u32, step: &'static str, per_second: f64) -> Self {
        Self { step, times, shared_by: 1, per_second }
    }

    pub(crate) const fn shared_by(self, shared_by: u32) -> Self {
        Self { shared_by, ..self }
    }

    /// Returns the seconds that it takes of each thing.
    pub(crate) fn seconds(&self) -> f64 {
        f64::from(self.times) / f64::from(self.shared_by) / self.per_second
    }
}

/// What the machine allows: steps of a lane come one after the other, lanes go side by side. The slowest lane is the limit.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) lanes: Vec<Vec<Term>>,
}

impl Limit {
    /// Returns how many per second it allows.
    pub(crate) fn per_second(&self) -> f64 {
        1.0 / self.lanes.iter().map(|lane| seconds(lane)).fold(0.0, f64::max)
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
                let rates: Vec<f64> = limits
                    .iter()
                    .filter_map(|limit| limit.lanes.get(place)?.get(step))
                    .map(|term| term.per_second)
                    .collect();
                term.per_second = Spread::of(&rates)?.median;
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

    /// Makes ready `count` things to do; its time is not measured.
    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work>;

    /// Does them.
    fn run(&mut self, work: Self::Work) -> anyhow::Result<()>;

    /// Measures what the machine allows.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit>;

    /// Makes sure that what was measured has been done.
    fn check(&mut self) -> anyhow::Result<()>;
}

/// One measured thing.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) per_second: Spread,
    pub(crate) limit: Spread,
    pub(crate) ratio: Spread,
    /// What the limit is made of, each step at its median.
    pub(crate) made_of: Limit,
}

/// Measures a scene.
pub(crate) fn measure<S: Scene>(
    name: &str,
    scene: &mut S,
    pace: Pace,
    yardsticks: &mut Yardsticks,
) -> anyhow::Result<Row> {
    crate::report::tell(name)?;
    let count = calibrate(scene, pace).with_context(|| format!("{name}: while warming up"))?;
    let (mut rates, mut limits, mut bounds, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pace.rounds {
        let work = scene.prepare(count).with_context(|| format!("{name}: while making ready"))?;
        let before = scene.limit(yardsticks)?;
        let watch = Stopwatch::start();
        scene.run(work).with_context(|| format!("{name}: while measuring"))?;
        let done = rate(count, watch.elapsed())?;
        let after = scene.limit(yardsticks)?;
        scene.check().with_context(|| format!("{name}: what was measured was not done"))?;
        let bound = f64::midpoint(before.per_second(), after.per_second());
        rates.push(done);
        bounds.push(bound);
        ratios.push(done / bound);
        limits.extend([before, after]);
    }
    let nothing = || format!("{name}: no round");
    Ok(Row {
        name: name.to_owned(),
        per_second: Spread::of(&rates).with_context(nothing)?,
        limit: Spread::of(&bounds).with_context(nothing)?,
        ratio: Spread::of(&ratios).with_context(nothing)?,
        made_of: Limit::median(&limits).with_context(nothing)?,
    })
}

/// Warms up, and returns how much fills a slice.
fn calibrate<S: Scene>(scene: &mut S, pace: Pace) -> anyhow::Result<usize> {
    let mut count = scene.step();
    for _ in 0..2 {
        let work = scene.prepare(count)?;
        let watch = Stopwatch::start();
        scene.run(work)?;
        count = filling(count, watch.elapsed(), pace.slice)?.next_multiple_of(scene.step());
    }
    Ok(count)
}

/// How much fills a slice, if so much took so long; at least one.
fn filling(count: usize, elapsed: Duration, slice: Duration) -> anyhow::Result<usize> {
    let wanted = u128::try_from(count)?.saturating_mul(slice.as_nanos()) / elapsed.as_nanos().max(1);
    Ok(usize::try_from(wanted).unwrap_or(MOST).clamp(1, MOST))
}
