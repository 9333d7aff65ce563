//! Builds the programs of a harness for release and runs its long form. What it does is said in tests/crash and tests/ceremony.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Builds and runs a program of the harness; tells whether nothing was violated.
pub(crate) fn run(root: &Path, program: &str, options: &[String]) -> anyhow::Result<bool> {
    let cargo = std::env::var_os("CARGO").context("call this as `cargo xtask`")?;
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", "e2e", "--bins"])
        .current_dir(root)
        .status()
        .context("cargo does not start")?;
    if !built.success() {
        bail!("the harness does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let harness = target.join("release").join(program);
    let status = Command::new(&harness)
        .args(options)
        .status()
        .with_context(|| format!("{} does not start", harness.display()))?;
    Ok(status.success())
}
