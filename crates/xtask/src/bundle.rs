//! Runs the long form of the mutation test over a bundle. What it does is said in crates/ceremony/examples.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// Builds for release and runs; tells whether every change was found.
pub(crate) fn mutate(root: &Path, bundle: &Path) -> anyhow::Result<bool> {
    let cargo = std::env::var_os("CARGO").context("call this as `cargo xtask bundle-mutations BUNDLE`")?;
    let bundle = bundle.canonicalize().with_context(|| format!("{} is not there", bundle.display()))?;
    let status = Command::new(cargo)
        .args([
            "run",
            "--release",
            "--locked",
            "--package",
            "ceremony",
            "--example",
            "bundle-mutations",
            "--",
        ])
        .arg(bundle)
        .current_dir(root)
        .status()
        .context("cargo does not start")?;
    Ok(status.success())
}
