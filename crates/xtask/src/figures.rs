//! What the machine does, written down: has the program measure, and renders what it says into docs/evidence and the README, between
//! marks. What a figure means is written by hand, outside of them.

mod markdown;
mod marks;
mod said;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::measured::{Measuring, Product};
use said::Said;

/// What is measured, and where.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the ledgers are kept meanwhile: the disk that is measured. Below the target directory unless told
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Which part of the rows this is: its evidence stands beside that of the others, as in growth-p384-DATE
    #[arg(long, value_name = "PART")]
    part: Option<String>,
    /// What `meter-pki bench` is told, such as `--full` or `--stored 10000,100000`
    #[arg(last = true, value_name = "OPTION")]
    bench: Vec<String>,
}

/// Measures and writes: a run of an empty ledger as throughput-DATE and into the README, one of ledgers that grow as growth-DATE; a part
/// of the rows beside these, and not into the README. What is not for the repository is written below the target directory only.
pub(crate) fn run(root: &Path, options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let place = target.join("figures");
    std::fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let commit = commit(root)?;
    let (json, plot) = (place.join("figures.json"), place.join("figures.svg"));
    let mut told: Vec<&std::ffi::OsStr> = vec!["--plot".as_ref(), plot.as_ref(), "--directory".as_ref()];
    told.push(options.directory.as_deref().unwrap_or(&place).as_ref());
    told.extend(options.bench.iter().map(std::ffi::OsStr::new));
    let octets = Measuring::build(Product::Program, root, &target)?.ask(told)?;
    std::fs::write(&json, &octets).with_context(|| format!("cannot write {}", json.display()))?;
    let said: Said = serde_json::from_slice(&octets)
        .with_context(|| format!("meter-pki bench says something else: see {}", json.display()))?;
    let written = Written::of(&said, options, &commit);
    let plot = std::fs::read(&plot).with_context(|| format!("there is no {}", plot.display()))?;
    let unfit = unfit(&said, options.part.is_none());
    let place = if unfit.is_some() { place } else { root.to_owned() };
    written.write(&place, (root, &plot), out)?;
    let last = match unfit {
        Some(reason) => format!("nothing of it went into the repository: {reason}"),
        None => format!("read it, and say below the marks of {} what the figures mean", written.name("md")),
    };
    writeln!(out, "{last}")?;
    Ok(())
}

/// Why a run is not for the repository.
fn unfit(said: &Said, is_whole: bool) -> Option<String> {
    let missing = markdown::missing(said);
    match missing.first() {
        _ if !said.failed.is_empty() => Some(format!("not measured: {}", said.failed.join("; "))),
        _ if said.quick => Some("the figures of a quick run mean nothing".to_owned()),
        Some(one) if is_whole && !said.grows() => {
            Some(format!("not measured were {} rows of the README, such as {one}", missing.len()))
        }
        _ => None,
    }
}

/// What is written down of a run.
struct Written {
    /// How the names of its evidence begin.
    topic: String,
    title: &'static str,
    day: String,
    evidence: String,
    /// Where the run is of an empty ledger.
    readme: Option<String>,
}

impl Written {
    fn of(said: &Said, options: &Options, commit: &str) -> Self {
        let day = said.machine.began.split('T').next().unwrap_or_default().to_owned();
        let (topic, title) = match said.grows() {
            true => ("growth", "What issuance, enrolment and status cost as the ledger grows"),
            false => ("throughput", "What issuance, enrolment and status cost"),
        };
        let topic = options.part.as_ref().map_or_else(|| topic.to_owned(), |part| format!("{topic}-{part}"));
        let evidence = markdown::whole(said, (&command(options), commit, &format!("{topic}-{day}.svg")));
        let readme = (!said.grows() && options.part.is_none()).then(|| markdown::short(said, &day));
        Self { topic, title, day, evidence, readme }
    }

    /// The name of its evidence.
    fn name(&self, extension: &str) -> String {
        format!("docs/evidence/{}-{}.{extension}", self.topic, self.day)
    }

    /// Writes it into the files of `place`, as those of the repository would become.
    fn write(&self, place: &Path, (root, plot): (&Path, &[u8]), out: &mut impl Write) -> anyhow::Result<()> {
        let evidence = self.evidence_of(&read(root, &self.name("md"))?)?;
        let mut files = vec![(self.name("md"), evidence.into_bytes()), (self.name("svg"), plot.to_vec())];
        if let Some(written) = &self.readme {
            let readme = in_file("README.md", &read(root, "README.md")?, written)?;
            files.push(("README.md".to_owned(), readme.into_bytes()));
        }
        std::fs::create_dir_all(place.join("docs/evidence"))?;
        for (name, octets) in files {
            let path = place.join(&name);
            std::fs::write(&path, octets).with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(out, "wrote {}", path.display())?;
        }
        Ok(())
    }

    /// The evidence, with what is written by hand in the file that there is, if there is one.
    fn evidence_of(&self, now: &str) -> anyhow::Result<String> {
        if now.is_empty() {
            return Ok(format!("# {}, {}\n\n{}", self.title, self.day, marks::marked(&self.evidence)));
        }
        in_file(&self.name("md"), now, &self.evidence)
    }
}

fn in_file(name: &str, text: &str, written: &str) -> anyhow::Result<String> {
    marks::between(text, written).with_context(|| format!("{name} stays as it is"))
}

/// Reads a file of the repository; one that is absent is empty.
fn read(root: &Path, name: &str) -> anyhow::Result<String> {
    match std::fs::read_to_string(root.join(name)) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("cannot read {name}")),
    }
}

/// How it is measured again.
fn command(options: &Options) -> String {
    let quoted =
        |option: &String| if option.contains(' ') { format!("\"{option}\"") } else { option.clone() };
    let part = options.part.iter().map(|part| format!("--part {part}"));
    let told = (!options.bench.is_empty()).then(|| "--".to_owned());
    let words = part.chain(told).chain(options.bench.iter().map(quoted));
    std::iter::once("cargo xtask figures".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// What is checked out, and whether it was changed since.
fn commit(root: &Path) -> anyhow::Result<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["describe", "--always", "--dirty", "--abbrev=12"]);
    let output = git.output().context("git does not start")?;
    ensure!(output.status.success(), "git does not tell which commit this is");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests;
