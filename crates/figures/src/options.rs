//! What is measured, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use tempfile::TempDir;

/// How long everything takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Quick,
    Usual,
    Full,
}

/// Rounds and their lengths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How often each row is measured.
    pub(crate) rounds: usize,
    /// About how long the thing is measured in each round.
    pub(crate) slice: Duration,
    /// How long each part of its limit is measured, before and again after it.
    pub(crate) limit_slice: Duration,
    /// The same for the disk, which is less even.
    pub(crate) sync_slice: Duration,
    /// How many requests a batch has.
    pub(crate) batch: usize,
    /// How many certificates relying parties ask for in turn.
    pub(crate) certificates: usize,
    /// How many entries a CRL has.
    pub(crate) entries: u32,
}

/// What is measured, for how long, and where.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Some seconds in all: shows that everything runs, not how fast.
    #[arg(long, conflicts_with = "full")]
    pub quick: bool,
    /// More and longer rounds, about half an hour instead of ten minutes.
    #[arg(long)]
    pub full: bool,
    /// Also draw the ratios into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Only list the names of the rows.
    #[arg(long)]
    pub list: bool,
    /// Where the ledgers are kept meanwhile. Its disk is measured: name the one that will have the ledger.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Measure with so many certificates in the ledger, and again with more: what it costs after years. Numbers that rise, with
    /// commas between them
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    pub stored: Vec<u32>,
    /// Only rows whose names contain one of these words.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

impl Options {
    /// Tells whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// How many certificates are to be stored before the rows are measured, one after the other; nothing is stored where nobody asked.
    pub(crate) fn sizes(&self) -> anyhow::Result<Vec<Option<u32>>> {
        let rise = self.stored.iter().zip(self.stored.iter().skip(1)).all(|(one, next)| one < next);
        ensure!(rise, "ledgers only grow: the numbers of --stored must rise, as in --stored 10000,100000");
        Ok(if self.stored.is_empty() { vec![None] } else { self.stored.iter().copied().map(Some).collect() })
    }

    /// Makes the directory that everything is written in; it goes when it is dropped.
    pub(crate) fn place(&self) -> std::io::Result<TempDir> {
        // The system's directory for temporary files is often in memory, where an fsync costs nothing.
        let directory = self.directory.clone().unwrap_or_else(|| ".".into());
        tempfile::Builder::new().prefix("meter-pki-bench-").tempdir_in(directory)
    }

    /// Returns rounds and their lengths.
    pub(crate) fn pace(&self) -> Pace {
        let milliseconds = Duration::from_millis;
        match self.length() {
            Length::Quick => Pace {
                rounds: 1,
                slice: milliseconds(50),
                limit_slice: milliseconds(5),
                sync_slice: milliseconds(5),
                batch: 64,
                certificates: 64,
                entries: 10_000,
            },
            Length::Usual => Pace {
                rounds: 9,
                slice: milliseconds(600),
                limit_slice: milliseconds(50),
                sync_slice: milliseconds(150),
                batch: 10_000,
                certificates: 1_000,
                entries: 1_000_000,
            },
            Length::Full => Pace {
                rounds: 21,
                slice: milliseconds(1_500),
                limit_slice: milliseconds(100),
                sync_slice: milliseconds(300),
                batch: 10_000,
                certificates: 1_000,
                entries: 1_000_000,
            },
        }
    }

    const fn length(&self) -> Length {
        match (self.quick, self.full) {
            (true, _) => Length::Quick,
            (false, false) => Length::Usual,
            (false, true) => Length::Full,
        }
    }

    /// Tells whether the figures can be meant seriously.
    pub(crate) fn is_smoke(&self) -> bool {
        self.quick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_asked_for_and_must_rise() {
        let sizes = |stored: &[u32]| Options { stored: stored.to_vec(), ..Options::default() }.sizes();
        assert_eq!(sizes(&[]).unwrap(), [None]);
        assert_eq!(sizes(&[100, 1_000]).unwrap(), [Some(100), Some(1_000)]);
        for stored in [[1_000, 100], [100, 100]] {
            assert!(sizes(&stored).unwrap_err().to_string().contains("must rise"));
        }
    }
}
