//! Programs of others, asked by the same clients in the same run, each in a process of its own and only where it is installed. Ours are
//! measured whatever theirs do.

mod responders;
mod openssl_ca;
mod cfssl_serve;
mod openssl_cmp;
mod ground;

use std::io::{Write, stderr};

use tokio::runtime::Runtime;

use crate::measure::{Scene, measure};
use crate::process::is_installed;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Measures all rows about programs of others.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    responders::rows(stage, runtime, yardsticks)?;
    openssl_ca::rows(stage, yardsticks)?;
    cfssl_serve::rows(stage, runtime, yardsticks)?;
    openssl_cmp::rows(stage, runtime, yardsticks)
}

/// Measures a row about a program of others, if it is wanted and there is one. Where it cannot be measured, that is said.
fn attempt<S: Scene>(
    stage: &Stage<'_>,
    (name, program): (&str, &str),
    yardsticks: &mut Yardsticks,
    open: impl FnOnce() -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    if !stage.wants(name) || !is_installed(program, name)? {
        return Ok(());
    }
    match open().and_then(|mut scene| measure(name, &mut scene, stage.pace(), yardsticks)) {
        Ok(row) => stage.keep(row),
        Err(error) => writeln!(stderr(), "not measured: {name}: {error:#}")?,
    }
    Ok(())
}
