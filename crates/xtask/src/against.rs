//! Measures what is checked out beside another commit: the benchmarks of both in turns on the same machine, so that whatever else it
//! does hits both. Ratios are compared, each to the limit of its own seconds.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use crate::measured::{Measuring, Product};

/// What is compared, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The commit to compare with
    #[arg(default_value = "HEAD~1")]
    commit: String,
    /// How often each of both is run
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// Only rows whose names contain one of these words
    #[arg(last = true, value_name = "WORD")]
    words: Vec<String>,
}

/// What a benchmark says, as far as it is compared.
#[derive(Debug, Deserialize)]
struct Said {
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    per_second: Compared,
}

#[derive(Debug, Deserialize)]
struct Compared {
    ratio: Spread,
}

#[derive(Debug, Deserialize)]
struct Spread {
    median: f64,
}

/// The ratios of each row, one for each turn.
type Ratios = BTreeMap<String, Vec<f64>>;

/// Builds both, runs them in turns and tells each row; tells whether none is slower beyond noise.
pub(crate) fn run(root: &Path, options: &Options, out: &mut impl Write) -> anyhow::Result<bool> {
    let place = root.join("target/against");
    let other = check_out(root, &place, &options.commit)?;
    let before = Measuring::build(Product::Benchmark, &other, &place.join("build"))?;
    let now = Measuring::build(Product::Benchmark, root, &root.join("target"))?;
    let (mut ratios_before, mut ratios_now) = (Ratios::new(), Ratios::new());
    for turn in 1..=options.turns {
        writeln!(out, "turn {turn} of {}", options.turns)?;
        measure(&before, &options.words, &mut ratios_before)?;
        measure(&now, &options.words, &mut ratios_now)?;
    }
    writeln!(out, "\nratios to the limit of the same seconds: median [least – most] of {}", options.turns)?;
    let mut in_order = true;
    for (row, now) in &ratios_now {
        let Some(before) = ratios_before.get(row) else {
            writeln!(out, "new           {row}: {}", told(now))?;
            continue;
        };
        let verdict = verdict(before, now);
        in_order &= verdict != Verdict::Slower;
        writeln!(out, "{:<13} {row}: {} before, {} now", verdict.word(), told(before), told(now))?;
    }
    Ok(in_order)
}

/// How two series of ratios compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Slower,
    WithinNoise,
    Faster,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::WithinNoise => "within noise",
            Self::Faster => "faster",
        }
    }
}

/// Beyond noise is what does not overlap.
fn verdict(before: &[f64], now: &[f64]) -> Verdict {
    if most(now) < least(before) {
        Verdict::Slower
    } else if least(now) > most(before) {
        Verdict::Faster
    } else {
        Verdict::WithinNoise
    }
}

fn least(ratios: &[f64]) -> f64 {
    ratios.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(ratios: &[f64]) -> f64 {
    ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn told(ratios: &[f64]) -> String {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    format!("{median:.2} [{:.2} – {:.2}]", least(ratios), most(ratios))
}

/// Checks a commit out beside the work tree.
fn check_out(root: &Path, place: &Path, commit: &str) -> anyhow::Result<PathBuf> {
    let sources = place.join("sources");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(arguments).status().context("git does not start")
    };
    let path = sources.to_str().context("the path of the work tree is not UTF-8")?;
    // Of a run before, perhaps.
    let _ = git(&["worktree", "remove", "--force", path])?;
    if !git(&["worktree", "add", "--detach", path, commit])?.success() {
        bail!("{commit} cannot be checked out");
    }
    Ok(sources)
}

fn measure(benchmark: &Measuring, words: &[String], ratios: &mut Ratios) -> anyhow::Result<()> {
    let said: Said =
        serde_json::from_slice(&benchmark.ask(words)?).context("the benchmark says something else")?;
    for row in said.rows {
        ratios.entry(row.name).or_default().push(row.per_second.ratio.median);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_noise_and_what_does_not_is_none() {
        assert_eq!(verdict(&[0.5, 0.6], &[0.55, 0.7]), Verdict::WithinNoise);
        assert_eq!(verdict(&[0.5, 0.6], &[0.4, 0.49]), Verdict::Slower);
        assert_eq!(verdict(&[0.5, 0.6], &[0.61, 0.9]), Verdict::Faster);
        assert_eq!(told(&[0.3, 0.1, 0.2]), "0.20 [0.10 – 0.30]");
    }

    #[test]
    fn what_a_benchmark_says_is_read() {
        let text =
            r#"{"rows":[{"name":"chain","per_second":{"ratio":{"median":0.5,"least":0.4,"most":0.6}}}]}"#;
        let said: Said = serde_json::from_str(text).unwrap();
        assert_eq!((said.rows[0].name.as_str(), said.rows[0].per_second.ratio.median), ("chain", 0.5));
    }
}
