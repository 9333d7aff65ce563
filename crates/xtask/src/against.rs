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
    processor_microseconds: Compared,
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
    compare(&ratios_before, &ratios_now, out)
}

/// Tells each row; tells whether none is slower beyond noise, and none gone.
fn compare(before: &Ratios, now: &Ratios, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut in_order = true;
    for (row, now) in now {
        let Some(before) = before.get(row) else {
            writeln!(out, "new           {row}: {}", told(now))?;
            continue;
        };
        let verdict = verdict(before, now);
        in_order &= verdict != Verdict::Slower;
        writeln!(out, "{:<13} {row}: {} before, {} now", verdict.word(), told(before), told(now))?;
    }
    for row in before.keys().filter(|row| !now.contains_key(*row)) {
        in_order = false;
        writeln!(out, "gone          {row}: measured before, and not now")?;
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

/// Checks a commit out beside the work tree. What a run before has checked out stays, and with it what was built of it.
fn check_out(root: &Path, place: &Path, commit: &str) -> anyhow::Result<PathBuf> {
    let sources = place.join("sources");
    let git = |directory: &Path, arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(directory).args(arguments).output().context("git does not start")
    };
    let named = |directory: &Path, commit: &str| -> anyhow::Result<Option<Vec<u8>>> {
        let said = git(directory, &["rev-parse", "--verify", "--quiet", &format!("{commit}^{{commit}}")])?;
        Ok(said.status.success().then_some(said.stdout))
    };
    let wanted = named(root, commit)?.with_context(|| format!("there is no commit {commit}"))?;
    if sources.join(".git").exists() && named(&sources, "HEAD")?.as_ref() == Some(&wanted) {
        return Ok(sources);
    }
    let path = sources.to_str().context("the path of the work tree is not UTF-8")?;
    // Of another commit, perhaps.
    drop(git(root, &["worktree", "remove", "--force", path])?);
    let added = git(root, &["worktree", "add", "--detach", path, commit])?;
    if !added.status.success() {
        bail!("{commit} cannot be checked out: {}", String::from_utf8_lossy(&added.stderr).trim());
    }
    Ok(sources)
}

fn measure(benchmark: &Measuring, words: &[String], ratios: &mut Ratios) -> anyhow::Result<()> {
    let said = serde_json::from_slice(&benchmark.ask(words)?).context("the benchmark says something else")?;
    add(ratios, said);
    Ok(())
}

fn add(ratios: &mut Ratios, said: Said) {
    for row in said.rows {
        // Other work on the machine changes what passes in a second more than what each takes of the processors.
        let processor = format!("{}, least by processor time", row.name);
        ratios.entry(processor).or_default().push(row.processor_microseconds.ratio.median);
        ratios.entry(row.name).or_default().push(row.per_second.ratio.median);
    }
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
        let text = r#"{"rows":[{"name":"chain","per_second":{"ratio":{"median":0.5,"least":0.4,"most":0.6}},
                       "processor_microseconds":{"ratio":{"median":0.25}}}]}"#;
        let mut ratios = Ratios::new();
        add(&mut ratios, serde_json::from_str(text).unwrap());
        let expected = [("chain", 0.5), ("chain, least by processor time", 0.25)];
        assert_eq!(ratios, expected.map(|(row, ratio)| (row.to_owned(), vec![ratio])).into());
    }

    #[test]
    fn a_row_that_is_slower_or_gone_is_told_and_is_not_in_order() {
        let of = |rows: &[(&str, f64)]| {
            rows.iter().map(|(row, ratio)| ((*row).to_owned(), vec![*ratio])).collect()
        };
        let judged = |before: &[(&str, f64)], now: &[(&str, f64)]| {
            let mut out = Vec::new();
            let in_order = compare(&of(before), &of(now), &mut out).unwrap();
            (in_order, String::from_utf8(out).unwrap())
        };
        assert!(judged(&[("chain", 0.5)], &[("chain", 0.5), ("EST", 0.1)]).0, "another row is no fault");
        for (now, word) in [([("chain", 0.4)].as_slice(), "slower "), (&[], "gone ")] {
            let (in_order, text) = judged(&[("chain", 0.5)], now);
            assert!(!in_order && text.starts_with(word), "{text}");
        }
    }
}
