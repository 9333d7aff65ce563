//! The report, in Markdown.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::CACHES;
use crate::ground::SHARDS;
use crate::making::Made;
use crate::others::Other;

/// The CRLs of the shards, and a delta to the long one.
pub(crate) struct Divided {
    pub(crate) shards: Made,
    pub(crate) delta: Made,
}

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) entries: u64,
    /// How long it took to revoke, unless the revocations were computed.
    pub(crate) revoking: Option<Duration>,
    /// With each of [`CACHES`].
    pub(crate) short: [Made; 2],
    pub(crate) long: [Vec<Made>; 2],
    /// Unless the revocations were computed.
    pub(crate) divided: Option<Divided>,
    pub(crate) others: Vec<Other>,
    pub(crate) file_system: PathBuf,
}

impl Report {
    pub(crate) fn print(&self) {
        println!("# CRLs of {} entries\n", self.entries);
        println!("{}\n", conditions(&self.file_system));
        match self.revoking {
            Some(time) => println!(
                "As many certificates were issued and revoked through the ports that the authority uses, in {:.0} s.",
                time.as_secs_f64()
            ),
            None => println!("The revocations were computed when they were read, not read from the ledger."),
        }
        println!("Each CRL is made in a process of its own, and compared with the one before.\n");
        println!(
            "| CRL | entries | octets | on record | published | the same octets to a file | ratio | resident before | peak |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        let caches = CACHES.iter().zip(&self.short).zip(&self.long);
        for ((cache, short), long) in caches.clone() {
            row(&format!("short, {cache} MiB of cache"), short);
            for (made, number) in long.iter().zip(1..) {
                row(&format!("long, {number}, {cache} MiB of cache"), made);
            }
        }
        if let Some(Divided { shards, delta }) = &self.divided {
            row(&format!("{SHARDS} shards, all together"), shards);
            row("delta to the last long one", delta);
        }
        println!(
            "\nThe ratio is that of making and publishing to the writing of the same octets once. The ledger keeps what it has read in so much\n\
             cache at most; in service it is the first."
        );
        for ((cache, short), long) in caches {
            let most = long.iter().map(|made| made.peak_kib).max().unwrap_or_default();
            println!(
                "Peak of a long CRL over that of the short one, with ten times as many entries and {cache} MiB of cache: {:.2}.",
                ratio(most, short.peak_kib)
            );
        }
        println!();
        println!("| other programs | time | peak | octets |");
        println!("|---|--:|--:|--:|");
        for Other { what, time, peak_kib, octets } in &self.others {
            let octets = if *octets == 0 { String::new() } else { octets.to_string() };
            println!("| {what} | {} | {} MiB | {octets} |", seconds(*time), peak_kib >> 10);
        }
    }
}

fn row(name: &str, made: &Made) {
    let whole = made.issued + made.published;
    println!(
        "| {name} | {} | {} | {} | {} | {} | {:.1} | {} MiB | {} MiB |",
        made.entries,
        made.octets,
        seconds(made.issued),
        seconds(made.published),
        seconds(made.written),
        whole.as_secs_f64() / made.written.as_secs_f64(),
        made.before_kib >> 10,
        made.peak_kib >> 10,
    );
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn ratio(one: u64, other: u64) -> f64 {
    let float = |kib: u64| f64::from(u32::try_from(kib).unwrap());
    float(one) / float(other)
}

/// On what it was measured.
fn conditions(place: &Path) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let place = place.to_str().unwrap();
    format!(
        "Processors: {}. Load average at the end: {}. File system: {}. Commit {}. {}. {}.",
        said("nproc", &[]),
        load.split_whitespace().next().unwrap_or("unknown"),
        said("stat", &["-f", "-c", "%T", place]),
        said("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        said("openssl", &["version"]),
        said("certtool", &["--version"]).lines().next().unwrap_or("certtool unknown"),
    )
}
