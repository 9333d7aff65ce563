//! `cargo xtask manual`: the pages of the manual that are made of what programs, sources and documents say of themselves.
//!
//! Not the manual: what is written by hand stands beside these pages, and what they say is decided where it is said, in the
//! programs' help, the profile files, the document of the interface and the sources (ADR 72).

mod codes;
mod commands;
mod exits;
mod interface;
mod markdown;
mod shape;
mod statement;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::called;
use crate::tree::Tree;

/// How the pages are made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Writes nothing; fails when a page is not what would be written
    #[arg(long)]
    check: bool,
    /// The programs as they were built before, in this directory; without it they are built
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Where the pages of reference are.
const REFERENCE: &str = "docs/manual/reference";

/// The document of the operator's interface, a copy of which a test takes care.
const INTERFACE: &str = "docs/operate/openapi.json";

/// The programs that are asked, with the packages that build them.
const PROGRAMS: [(&str, &str); 4] = [
    ("meter-pki", "meter-pki"),
    ("offline-root", "offline-root"),
    ("ceremony-verify", "bundle-verifier"),
    ("ledger-checker", "ledger-checker"),
];

/// A page: its path from the root, and its text.
type Page = (String, String);

/// The programs, where they lie.
struct Programs {
    folder: PathBuf,
}

impl Programs {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Writes the pages, or compares them; tells whether all are as they must be.
pub(crate) fn run(root: &Path, options: &Options, out: &mut impl Write) -> anyhow::Result<bool> {
    let programs = programs(root, options)?;
    let pages = pages(root, &programs)?;
    let strays = strays(root, &pages)?;
    if options.check {
        return check(root, (&pages, &strays), out);
    }
    for (path, text) in &pages {
        let file = root.join(path);
        let folder = file.parent().context("a page has a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
    }
    for path in &strays {
        std::fs::remove_file(root.join(path)).with_context(|| format!("cannot remove {path}"))?;
        writeln!(out, "removed {path}")?;
    }
    writeln!(out, "wrote {} pages below docs/manual", pages.len())?;
    Ok(true)
}

fn check(root: &Path, (pages, strays): (&[Page], &[String]), out: &mut impl Write) -> anyhow::Result<bool> {
    let stale = pages.iter().filter(|(path, text)| {
        std::fs::read_to_string(root.join(path)).is_ok_and(|now| now == *text).then_some(()).is_none()
    });
    let stale: Vec<&String> = stale.map(|(path, _)| path).chain(strays).collect();
    for path in &stale {
        writeln!(out, "{path} is stale: run `cargo xtask manual` and commit what it writes")?;
    }
    if stale.is_empty() {
        writeln!(out, "{} pages below docs/manual are up to date", pages.len())?;
    }
    Ok(stale.is_empty())
}

/// Every page, in the order of the manual.
fn pages(root: &Path, programs: &Programs) -> anyhow::Result<Vec<Page>> {
    let tree = Tree::read(root)?;
    let document = tree.file(INTERFACE).with_context(|| format!("there is no {INTERFACE}"))?;
    let document = serde_json::from_str(&document.text).with_context(|| format!("{INTERFACE} is no JSON"))?;
    let mut pages = commands::pages(&tree, programs)?;
    pages.push(profiles(programs)?);
    pages.extend(interface::pages(&document)?);
    pages.push(codes::page(&tree));
    pages.push(statement::page(programs)?);
    Ok(pages)
}

/// The program makes the page itself, since a deployment with profiles of its own wants one of its own.
fn profiles(programs: &Programs) -> anyhow::Result<Page> {
    let text = called::text(Command::new(programs.path("meter-pki")).args(["profile", "reference"]))?;
    Ok((format!("{REFERENCE}/profiles.md"), markdown::page("`meter-pki profile reference`", &text)))
}

/// Pages that nothing makes any more.
fn strays(root: &Path, pages: &[Page]) -> anyhow::Result<Vec<String>> {
    let folder = format!("{REFERENCE}/commands");
    let Ok(listed) = std::fs::read_dir(root.join(&folder)) else { return Ok(Vec::new()) };
    let mut strays = Vec::new();
    for entry in listed {
        let path = format!("{folder}/{}", entry?.file_name().to_string_lossy());
        if !pages.iter().any(|(made, _)| *made == path) {
            strays.push(path);
        }
    }
    strays.sort();
    Ok(strays)
}

/// Builds the programs unless they are there.
fn programs(root: &Path, options: &Options) -> anyhow::Result<Programs> {
    let folder = match &options.programs {
        Some(folder) => folder.clone(),
        None => build(root)?,
    };
    let programs = Programs { folder };
    let missing = PROGRAMS.iter().map(|(name, _)| programs.path(name)).find(|path| !path.is_file());
    if let Some(missing) = missing {
        bail!("there is no {}: --programs names a directory with all programs", missing.display());
    }
    Ok(programs)
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--quiet", "--locked"]);
    for (name, package) in PROGRAMS {
        command.args(["--package", package, "--bin", name]);
    }
    let status = command.status().context("cargo does not start")?;
    if !status.success() {
        bail!("the programs do not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug"))
}
