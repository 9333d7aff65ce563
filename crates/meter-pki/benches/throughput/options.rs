//! What the command line of the benchmark says.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

/// How to call it.
const USAGE: &str = "usage: cargo bench -p meter-pki -- [--quick | --full] [--json] [--directory PATH] [WORD…]

Without options it takes about three minutes.

  --quick           a few seconds in all: shows that everything runs, not how fast
  --full            more and longer rounds, about a quarter of an hour
  --json            one JSON object instead of tables
  --directory PATH  where the ledgers are kept meanwhile; its file system is measured (default: the target directory)
  WORD…             only rows whose names contain one of the words";

/// How long everything takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Quick,
    Usual,
    Full,
}

/// How the figures are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Json,
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
}

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    length: Length,
    pub(crate) form: Form,
    directory: Option<PathBuf>,
    words: Vec<String>,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// What to tell the caller.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { length: Length::Usual, form: Form::Table, directory: None, words: Vec::new() };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Given by `cargo bench` itself.
                "--bench" => {}
                "--quick" => options.length = Length::Quick,
                "--full" => options.length = Length::Full,
                "--json" => options.form = Form::Json,
                "--directory" => {
                    let path = arguments.next().ok_or_else(|| USAGE.to_owned())?;
                    options.directory = Some(path.into());
                }
                word if !word.starts_with('-') => options.words.push(argument),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }

    /// Tells whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// Makes the directory that everything is written in; it goes when it is dropped.
    pub(crate) fn place(&self) -> std::io::Result<TempDir> {
        // The system's directory for temporary files is often in memory, where an fsync costs nothing.
        let directory = self.directory.clone().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        std::fs::create_dir_all(&directory)?;
        tempfile::Builder::new().prefix("throughput-").tempdir_in(directory)
    }

    /// Returns rounds and their lengths.
    pub(crate) fn pace(&self) -> Pace {
        let milliseconds = Duration::from_millis;
        match self.length {
            Length::Quick => Pace {
                rounds: 1,
                slice: milliseconds(50),
                limit_slice: milliseconds(5),
                sync_slice: milliseconds(5),
                batch: 64,
                certificates: 64,
            },
            Length::Usual => Pace {
                rounds: 9,
                slice: milliseconds(600),
                limit_slice: milliseconds(50),
                sync_slice: milliseconds(150),
                batch: 1_000,
                certificates: 1_000,
            },
            Length::Full => Pace {
                rounds: 21,
                slice: milliseconds(1_500),
                limit_slice: milliseconds(100),
                sync_slice: milliseconds(300),
                batch: 1_000,
                certificates: 1_000,
            },
        }
    }

    /// Tells whether the figures can be meant seriously.
    pub(crate) fn is_smoke(&self) -> bool {
        self.length == Length::Quick
    }
}
