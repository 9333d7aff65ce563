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

    /// What cargo calls it: with the benchmark it builds the program too.
    const fn target(self) -> &'static str {
        match self {
            Self::Benchmark => "throughput",
            Self::Program => "meter-pki",
        }
    }

    /// Finds where it lies in what cargo says of all that it built, a JSON object on each line.
    fn executable(self, said: &str) -> Option<PathBuf> {
        let of = |line: &str| serde_json::from_str::<Built>(line).ok();
        said.lines()
            .filter_map(of)
            .filter(|built| built.target.name == self.target())
            .find_map(|built| built.executable)
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
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
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
        let executable = product
            .executable(&text)
            .with_context(|| format!("cargo built no executable in {}", sources.display()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures_is_found_among_all_that_was_built() {
        let said = [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"throughput"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bench"],"name":"throughput"},"executable":"/t/throughput-1"}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"meter-pki"},"executable":"/t/meter-pki"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let said = said.join("\n");
        assert_eq!(Product::Benchmark.executable(&said), Some("/t/throughput-1".into()));
        assert_eq!(Product::Program.executable(&said), Some("/t/meter-pki".into()));
        assert_eq!(Product::Program.executable(said.lines().next().unwrap()), None);
    }
}
