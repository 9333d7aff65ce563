//! Opens a ledger in a fresh process and asks that process how long it took and how much memory it had at most.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What opening took.
pub(crate) struct Figures {
    pub(crate) first_ms: f64,
    pub(crate) median_ms: f64,
    pub(crate) peak_kib: u64,
}

impl Figures {
    pub(crate) fn ready_over(&self, other: &Self) -> f64 {
        self.median_ms / other.median_ms
    }

    pub(crate) fn memory_over(&self, other: &Self) -> f64 {
        let float = |kib: u64| f64::from(u32::try_from(kib).unwrap());
        float(self.peak_kib) / float(other.peak_kib)
    }
}

/// In the child: opens the ledger, asks it one thing, and tells.
pub(crate) fn open_and_tell(ledger: &Path) {
    let start = Instant::now();
    let store = crate::open(ledger);
    let ready = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{} {}", ready.as_micros(), peak.split_whitespace().next().unwrap());
    drop(store);
}

/// Opens a ledger several times, each time in another process.
pub(crate) fn measure(ledger: &Path, rounds: usize) -> Figures {
    let rounds: Vec<(f64, u64)> = (0..rounds).map(|_| once(ledger)).collect();
    let mut times: Vec<f64> = rounds.iter().map(|(time, _)| *time).collect();
    let first_ms = times[0];
    times.sort_by(f64::total_cmp);
    let peak_kib = rounds.iter().map(|(_, peak)| *peak).max().unwrap();
    Figures { first_ms, median_ms: times[times.len() / 2], peak_kib }
}

fn once(ledger: &Path) -> (f64, u64) {
    let child = Command::new(std::env::current_exe().unwrap()).arg("--open").arg(ledger).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let told = String::from_utf8(child.stdout).unwrap();
    let (micros, peak) = told.trim().split_once(' ').unwrap();
    (micros.parse::<f64>().unwrap() / 1_000.0, peak.parse().unwrap())
}

/// How many octets the files of a directory have.
pub(crate) fn octets_below(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { octets_below(&entry.path()) } else { meta.len() }
        })
        .sum()
}
