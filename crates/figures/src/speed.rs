//! Time, speed, median. Knows nothing of what is measured.

use std::time::{Duration, Instant};

/// Measures the time that passes and the processor time that this process uses meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    began: Instant,
    used: Duration,
}

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark measures the time that passes, not the time of day"
    )]
    pub(crate) fn start() -> Self {
        Self { used: processor_time(), began: Instant::now() }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.began.elapsed()
    }

    /// Returns how fast so many things were done since the start.
    pub(crate) fn speed(self, count: usize) -> anyhow::Result<Speed> {
        let elapsed = self.elapsed().as_secs_f64();
        let used = processor_time().saturating_sub(self.used).as_secs_f64();
        let count = f64::from(u32::try_from(count)?);
        Ok(Speed { per_second: count / elapsed, processor_seconds: used / count })
    }
}

/// How fast something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    pub(crate) per_second: f64,
    /// What each takes of the processors, all threads of this process together.
    pub(crate) processor_seconds: f64,
}

/// The processor time that all threads of this process have used, those that ended included.
fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// How long somebody waits, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// Half wait no longer.
    pub(crate) half: f64,
    /// 99 of a hundred wait no longer.
    pub(crate) most: f64,
}

impl Waits {
    /// Nothing where nobody waited.
    pub(crate) fn of(mut waits: Vec<Duration>) -> Option<Self> {
        waits.sort();
        let at = |hundredths: usize| {
            let wait = waits.get(waits.len() * hundredths / 100).or_else(|| waits.last())?;
            Some(wait.as_secs_f64() * 1e3)
        };
        Some(Self { half: at(50)?, most: at(99)? })
    }
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
