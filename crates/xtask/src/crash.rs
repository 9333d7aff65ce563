//! Builds the programs of the crash harness for release and runs its long form. What it does is said in tests/crash.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Builds and runs; tells whether nothing was violated.
pub(crate) fn run(root: &Path, options: &[String]) -> anyhow::Result<bool> {
    let cargo = std::env::var_os("CARGO").context("call this as `cargo xtask crash`")?;
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", "e2e", "--bins"])
        .current_dir(root)
        .status()
        .context("cargo does not start")?;
    if !built.success() {
        bail!("the crash harness does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let harness = target.join("release/crash-run");
    let status = Command::new(&harness)
        .args(options)
        .status()
        .with_context(|| format!("{} does not start", harness.display()))?;
    Ok(status.success())
}
