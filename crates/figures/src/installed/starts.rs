//! From exec until it has answered: `--help`, and `serve` until it says that it is ready; beside a process that does nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::runtime::Runtime;

use super::installation::Installation;
use crate::measure::{Limit, Scene, Term};
use crate::process::Process;
use crate::speed::Stopwatch;
use crate::yardsticks::Yardsticks;

/// A program that does nothing.
const NOTHING: &str = "true";

/// Somebody who wants to know what there is to type.
pub(super) struct Helping<'g> {
    pub(super) executable: &'g Path,
}

impl Scene for Helping<'_> {
    /// How often.
    type Work = usize;

    fn step(&self) -> usize {
        1
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<usize> {
        Ok(count)
    }

    fn run(&mut self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let ask = |_| {
            let watch = Stopwatch::start();
            let output = Command::new(self.executable).arg("--help").stdin(Stdio::null()).output()?;
            ensure!(output.status.success() && !output.stdout.is_empty(), "--help: {}", output.status);
            Ok(watch.elapsed())
        };
        (0..count).map(ask).collect()
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        limit(yardsticks)
    }

    /// Each answer was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Somebody who starts the server, again and again on the same ledger.
pub(super) struct Serving<'g> {
    installation: &'g Installation,
    runtime: &'g Runtime,
    running: Option<Process>,
}

impl<'g> Serving<'g> {
    pub(super) const fn new(installation: &'g Installation, runtime: &'g Runtime) -> Self {
        Self { installation, runtime, running: None }
    }

    fn end(&mut self) -> anyhow::Result<()> {
        self.running.take().map_or(Ok(()), Process::terminate)
    }
}

impl Scene for Serving<'_> {
    type Work = ();

    fn step(&self) -> usize {
        1
    }

    /// Its end is not measured.
    fn most(&self) -> usize {
        1
    }

    fn prepare(&mut self, _: usize) -> anyhow::Result<()> {
        self.end()
    }

    fn run(&mut self, (): ()) -> anyhow::Result<Vec<Duration>> {
        let watch = Stopwatch::start();
        self.running = Some(self.installation.serve(self.runtime)?);
        Ok(vec![watch.elapsed()])
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        limit(yardsticks)
    }

    /// It said that it was ready, and has not ended since.
    fn check(&mut self) -> anyhow::Result<()> {
        let running = self.running.as_mut().context("nothing was started")?;
        ensure!(running.ended()?.is_none(), "it has ended");
        self.end()
    }
}

/// Processes that do nothing, one after the other, each waited for.
fn limit(yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
    let (watch, mut count) = (Stopwatch::start(), 0);
    while count < 4 || watch.elapsed() < yardsticks.slice() {
        let output = Command::new(NOTHING).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("cannot start {NOTHING}"))?;
        ensure!(output.status.success(), "{NOTHING}: {}", output.status);
        count += 1;
    }
    let found = watch.speed(count)?;
    yardsticks.note(format!("processes that do nothing (`{NOTHING}`), one after the other"), found);
    Ok(Limit::of(vec![vec![Term::new(1, "process that does nothing", found)]]))
}
