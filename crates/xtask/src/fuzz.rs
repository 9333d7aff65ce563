//! Builds tests/fuzz for libFuzzer and runs one of its targets, or all. What the targets are and what they hold is said there.
//!
//! The compiler of the workspace is enough: coverage is put in by a pass of LLVM that the stable compiler has. Only the engine
//! is C++, and wants a C++ compiler.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Edges counted, comparisons told: what libFuzzer asks of a compiler.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What is to be run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A target of tests/fuzz/targets.rs; all of them, one after another, if not said
    #[arg(long)]
    target: Option<String>,
    /// For how long, each
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// What the engine's choices follow from
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Runs the targets; tells whether none of them was broken. What breaks one is kept in target/fuzz/found/TARGET.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<bool> {
    let targets = targets(root)?;
    let chosen: Vec<&String> =
        targets.iter().filter(|name| options.target.as_ref().is_none_or(|one| one == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no such target; there are: {}", targets.join(", "));
    }
    let program = build(root)?;
    let mut holds = true;
    for target in chosen {
        holds &= run_one(root, &program, target, options)?;
    }
    Ok(holds)
}

/// The names in the table, which is Rust: one line each.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let table = root.join("tests/fuzz/targets.rs");
    let text = std::fs::read_to_string(&table).with_context(|| format!("cannot read {}", table.display()))?;
    let name = |line: &str| Some(line.trim().strip_prefix("Target::new(\"")?.split('"').next()?.to_owned());
    Ok(text.lines().filter_map(name).collect())
}

/// Builds with coverage, into a folder of its own, on the versions that the workspace has.
fn build(root: &Path) -> anyhow::Result<std::path::PathBuf> {
    let package = root.join("tests/fuzz");
    std::fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    let host = host()?;
    let folder = root.join("target/fuzz");
    let built = Command::new(cargo()?)
        .args(["build", "--release", "--target", &host, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", COVERAGE)
        .current_dir(&package)
        .status()
        .context("cargo does not start")?;
    if !built.success() {
        bail!("the fuzz targets do not build");
    }
    Ok(folder.join(host).join("release/fuzz"))
}

fn run_one(root: &Path, program: &Path, target: &str, options: &Options) -> anyhow::Result<bool> {
    let folder = |kind: &str| {
        let folder = root.join("target/fuzz").join(kind).join(target);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        anyhow::Ok(folder)
    };
    let (corpus, seeds, found) = (folder("corpus")?, folder("seeds")?, folder("found")?);
    let mut artifacts = found.into_os_string();
    artifacts.push("/");
    let status = Command::new(program)
        .env("METER_PKI_FUZZ_TARGET", target)
        .env("METER_PKI_FUZZ_SEEDS", &seeds)
        .args([&corpus, &seeds])
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-seed={}", options.seed))
        .args(["-max_len=65536", "-timeout=5", "-print_final_stats=1"])
        .arg([OsStr::new("-artifact_prefix="), &artifacts].into_iter().collect::<std::ffi::OsString>())
        .status()
        .with_context(|| format!("{} does not start", program.display()))?;
    Ok(status.success())
}

/// The platform, named so that build scripts and derive macros are built without coverage.
fn host() -> anyhow::Result<String> {
    let answer = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let text = String::from_utf8(answer.stdout).context("rustc speaks no UTF-8")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

fn cargo() -> anyhow::Result<std::ffi::OsString> {
    std::env::var_os("CARGO").context("call this as `cargo xtask`")
}
