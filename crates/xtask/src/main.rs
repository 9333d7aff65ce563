//! The project's own tools: `cargo xtask tidy` (house rules as a test), `cargo xtask conformance` (which RFC clause is
//! obeyed and tested where), `cargo xtask crash`, `cargo xtask ceremony-cuts`, `cargo xtask bundle-mutations` and `cargo xtask fuzz` (the
//! long forms of tests), `cargo xtask figures` (what the machine does, into README and evidence), `cargo xtask bench-against` (figures
//! beside those of another commit), `cargo xtask offline-build` (the programs of the ceremony, reproducibly), `cargo xtask package`
//! (packages for Debian) and `cargo xtask manual` (the pages of the manual that are made of what programs say).
//!
//! Not part of the product: nothing depends on this crate, it depends on none of ours, and it writes into `target` and
//! what is generated only: `docs/conformance.md`, pages of the manual, and what stands between the marks of figures.

mod against;
mod bundle;
mod called;
mod conformance;
mod crash;
mod figures;
mod fuzz;
mod help;
mod manual;
mod measured;
mod offline;
mod package;
mod source;
mod tidy;
mod tree;
mod workspace;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};

use crate::tidy::House;
use crate::tree::Tree;
use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(about = "The project's own tools")]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Checks the rules of the house and prints each breach as `file:line: rule: what to do`
    Tidy {
        /// Prints the rules and what each asks, and checks nothing
        #[arg(long)]
        list: bool,
    },
    /// Writes docs/conformance.md from the `// RFC nnnn §x: …` citations in code and tests and from docs/conformance/*.toml
    Conformance {
        /// Writes nothing; fails when the file is not what would be written. Both ways it fails when a statement has no answer
        #[arg(long)]
        check: bool,
    },
    /// Builds the programs for the air-gapped machine and for auditors with fixed flags, looks into them, and prints size,
    /// SHA-256 and its words
    OfflineBuild {
        /// Builds once more from a copy of the sources elsewhere, and compares
        #[arg(long)]
        twice: bool,
    },
    /// Makes the packages for Debian, of programs that it builds with fixed flags or that were built before, and prints their SHA-256
    Package(package::Options),
    /// Makes the pages of the manual that say what programs, profiles, sources and the document of the interface say of themselves
    Manual(manual::Options),
    /// Changes every octet of every file of a ceremony's bundle, one at a time, and holds that each change is found in its file
    BundleMutations {
        /// The directory of the bundle, or a .tar of it
        bundle: PathBuf,
    },
    /// Builds the crash harness for release and runs its long form; `cargo xtask crash --help` tells its options
    #[command(disable_help_flag = true)]
    Crash {
        /// What the harness is told
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Builds the same for guided ceremonies, which stop at every write; `cargo xtask ceremony-cuts --help` tells its options
    #[command(disable_help_flag = true)]
    CeremonyCuts {
        /// What the harness is told
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Measures what is checked out beside another commit, both in turns, and tells each row that is slower beyond noise
    BenchAgainst(against::Options),
    /// Builds the program for release, has it measure what this machine does, and writes docs/evidence/throughput-DATE.md with its
    /// plot and the tables of the README; with `-- --stored N,…` docs/evidence/growth-DATE.md
    Figures(figures::Options),
    /// Looks for octets that break what reads octets of strangers, by libFuzzer, with the readers of tests/fuzz
    Fuzz(fuzz::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    let in_order = match arguments.act {
        Act::Tidy { list: true } => tidy::list(&mut out).map(|()| true)?,
        Act::Tidy { list: false } => run_tidy(&mut out)?,
        Act::Conformance { check: true } => check_conformance(&mut out)?,
        Act::Conformance { check: false } => write_conformance(&mut out)?,
        Act::OfflineBuild { twice } => offline::run(&repository_root()?, twice, &mut out)?,
        Act::Package(options) => package::run(&repository_root()?, &options, &mut out)?,
        Act::Manual(options) => manual::run(&repository_root()?, &options, &mut out)?,
        Act::BundleMutations { bundle } => bundle::mutate(&repository_root()?, &bundle)?,
        Act::Crash { options } => crash::run(&repository_root()?, "crash-run", &options)?,
        Act::BenchAgainst(options) => against::run(&repository_root()?, &options, &mut out)?,
        Act::Figures(options) => figures::run(&repository_root()?, &options, &mut out).map(|()| true)?,
        Act::Fuzz(options) => fuzz::run(&repository_root()?, &options)?,
        Act::CeremonyCuts { options } => crash::run(&repository_root()?, "ceremony-cuts", &options)?,
    };
    Ok(if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_tidy(out: &mut impl Write) -> anyhow::Result<bool> {
    let root = repository_root()?;
    let house = House { tree: Tree::read(&root)?, workspace: Workspace::read(&root)? };
    Ok(tidy::run(&house, out)? == 0)
}

fn write_conformance(out: &mut impl Write) -> anyhow::Result<bool> {
    let root = repository_root()?;
    let table = conformance::written(&Tree::read(&root)?)?;
    let path = conformance::PATH;
    std::fs::write(root.join(path), table).with_context(|| format!("cannot write {path}"))?;
    writeln!(out, "wrote {path}")?;
    Ok(true)
}

fn check_conformance(out: &mut impl Write) -> anyhow::Result<bool> {
    let tree = Tree::read(&repository_root()?)?;
    let path = conformance::PATH;
    let written = conformance::written(&tree)?;
    let current = tree.file(path).is_some_and(|file| file.text == written);
    let verdict = match current {
        true => "is up to date",
        false => "is stale: run `cargo xtask conformance` and commit what it writes",
    };
    writeln!(out, "{path} {verdict}")?;
    Ok(current)
}

/// The top of the work tree that the command was called in.
fn repository_root() -> anyhow::Result<PathBuf> {
    let answer = Command::new("git")
        .args(["rev-parse", "--show-toplevel"])
        .output()
        .context("git is needed to tell which files belong to the project")?;
    if !answer.status.success() {
        bail!(
            "call this inside a clone of the repository: {}",
            String::from_utf8_lossy(&answer.stderr).trim_end()
        );
    }
    let path = String::from_utf8(answer.stdout).context("the path of the clone is not UTF-8")?;
    Ok(PathBuf::from(path.trim_end()))
}
