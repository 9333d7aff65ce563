//! What is measured: built for release as it is released, and asked for JSON. Reads nothing of what is said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

/// What there is to measure with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// The benchmark, which older commits have too.
    Benchmark,
    /// The installed program.
    Program,
}

impl Product {
    /// What cargo is told.
    const fn build(self) -> &'static [&'static str] {
        match self {
            Self::Benchmark => &["bench", "--bench", "throughput", "--no-run"],
            Self::Program => &["build", "--release", "--bin", "meter-pki"],
        }
    }

    /// What it is told, so that it measures.
    const fn ask(self) -> &'static [&'static str] {
        match self {
            Self::Benchmark => &["--bench", "--json"],
            Self::Program => &["bench", "--json"],
        }
    }
}

/// What cargo says of what it built.
#[derive(Debug, Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

/// Something that measures.
#[derive(Debug)]
pub(crate) struct Measuring {
    product: Product,
    executable: PathBuf,
}

impl Measuring {
    /// Builds it of a work tree.
    ///
    /// # Errors
    /// It does not build.
    pub(crate) fn build(product: Product, sources: &Path, target: &Path) -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").context("call this as `cargo xtask`")?;
        let built = Command::new(cargo)
            .args(product.build())
            .args(["--locked", "--package", "meter-pki", "--message-format=json-render-diagnostics"])
            .env("CARGO_TARGET_DIR", target)
            .current_dir(sources)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo does not start")?;
        if !built.status.success() {
            bail!("what measures does not build in {}", sources.display());
        }
        let text = String::from_utf8_lossy(&built.stdout);
        let of = |line: &str| serde_json::from_str::<Built>(line).ok()?.executable;
        let executable = text.lines().filter_map(of).next_back();
        let executable =
            executable.with_context(|| format!("cargo built no executable in {}", sources.display()))?;
        Ok(Self { product, executable })
    }

    /// Has it measure, and returns what it says: one JSON object, in which stands also what could not be measured. What it is about
    /// goes to standard error.
    ///
    /// # Errors
    /// It failed before it measured anything.
    pub(crate) fn ask<O: AsRef<std::ffi::OsStr>>(
        &self,
        options: impl IntoIterator<Item = O>,
    ) -> anyhow::Result<Vec<u8>> {
        let said = Command::new(&self.executable)
            .args(self.product.ask())
            .args(options)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("{} does not start", self.executable.display()))?;
        if !said.status.success() && said.stdout.is_empty() {
            bail!("{} failed and said why above", self.executable.display());
        }
        Ok(said.stdout)
    }
}
