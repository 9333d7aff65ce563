//! `bundle-mutations BUNDLE`: changes every octet of every file of a bundle, one at a time, and holds that `verify` finds each
//! change and names its file, and its step where the transcript speaks of the file. The long form of a test; started by
//! `cargo xtask bundle-mutations`. Nothing is written.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ceremony::bundle::Bundle;
use ceremony::verify::{BundleFinding, verify};

/// How many octets a thread takes at a time.
const PORTION: usize = 64;

type Files = BTreeMap<String, Vec<u8>>;

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let Some(path) = std::env::args_os().nth(1) else {
        writeln!(out, "usage: bundle-mutations BUNDLE")?;
        return Ok(ExitCode::from(2));
    };
    let bundle = Bundle::open(Path::new(&path)).map_err(io::Error::other)?;
    let report = verify(&bundle);
    if !report.is_intact() {
        writeln!(out, "{report}")?;
        return Ok(ExitCode::from(9));
    }
    let files: Files = bundle.files().map(|(name, octets)| (name.to_owned(), octets.to_vec())).collect();
    let mut not_found = 0;
    for (name, octets) in &files {
        let places: Vec<(&str, usize)> = (0..octets.len()).map(|place| (name.as_str(), place)).collect();
        let missed = change_all(&files, &places);
        for (_, place) in &missed {
            writeln!(out, "octet {place} of {name}: the change is not located there")?;
        }
        writeln!(out, "{name}: {} octets changed, {} not found", octets.len(), missed.len())?;
        not_found += missed.len();
    }
    let octets: usize = files.values().map(Vec::len).sum();
    writeln!(out, "{} files, {octets} octets changed, {not_found} not found", files.len())?;
    Ok(if not_found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Changes every place, by as many threads as there are processors; returns those that were not found.
fn change_all<'a>(files: &Files, places: &[(&'a str, usize)]) -> Vec<(&'a str, usize)> {
    let (next, threads) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, NonZero::get));
    let work = || {
        let (mut files, mut missed) = (files.clone(), Vec::new());
        loop {
            let begin = next.fetch_add(PORTION, Ordering::Relaxed);
            let Some(portion) = places.get(begin..places.len().min(begin.saturating_add(PORTION))) else {
                return missed;
            };
            missed.extend(portion.iter().filter(|place| !is_found(&mut files, **place)));
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // A thread that died has found nothing: all its places would be missing from the answer, so that it ends the program.
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|_| places.to_vec())).collect()
    })
}

/// Changes one octet, looks whether it is found where it is, and changes it back.
fn is_found(files: &mut Files, (name, place): (&str, usize)) -> bool {
    let step = step_of(files, name, place);
    let flip = |files: &mut Files| {
        if let Some(octet) = files.get_mut(name).and_then(|octets| octets.get_mut(place)) {
            *octet ^= 1 << (place % 8);
        }
    };
    flip(files);
    let report = verify(&Bundle::new(files.clone()));
    flip(files);
    report.findings.iter().any(|finding| finding.file.as_deref() == Some(name) && step.is_told_by(finding))
}

/// Which step a finding has to name.
enum Step {
    /// This one: the line of the transcript.
    Exactly(u32),
    /// The one that took the file in or made it.
    Any,
    /// None: no step speaks of the file.
    None,
}

impl Step {
    fn is_told_by(&self, finding: &BundleFinding) -> bool {
        match self {
            Self::Exactly(step) => finding.step == Some(*step),
            Self::Any => finding.step.is_some(),
            Self::None => true,
        }
    }
}

fn step_of(files: &Files, name: &str, place: usize) -> Step {
    if name == "transcript.jsonl" {
        let before = files.get(name).and_then(|octets| octets.get(..place)).unwrap_or_default();
        let lines = before.iter().filter(|octet| **octet == b'\n').count();
        return Step::Exactly(u32::try_from(lines + 1).unwrap_or(u32::MAX));
    }
    let of_steps = ["inputs/", "outputs/", "records/"].iter().any(|place| name.starts_with(place));
    if of_steps { Step::Any } else { Step::None }
}
