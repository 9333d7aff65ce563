//! Other programs, called to their end.
//!
//! Not those that go on running: nothing here starts one.

use std::process::Command;

use anyhow::{Context, bail};

/// Runs a program to its end and returns what it said on standard output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let said = command.output().with_context(|| format!("{program} is needed"))?;
    if !said.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&said.stderr).trim_end());
    }
    Ok(said.stdout)
}

/// The same where the answer is text.
pub(crate) fn text(command: &mut Command) -> anyhow::Result<String> {
    Ok(String::from_utf8(run(command)?)?)
}

/// The same where the answer is one line of text.
pub(crate) fn line(command: &mut Command) -> anyhow::Result<String> {
    Ok(text(command)?.trim_end().to_owned())
}
