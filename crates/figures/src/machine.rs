//! What the figures were measured on: processors, file system, load, date, program. Says "unknown" rather than guess.

use std::path::Path;

use crate::Means;
use crate::applicants::processors;

/// The machine, and when.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) processors: String,
    pub(crate) system: String,
    pub(crate) file_system: String,
    pub(crate) began: String,
    pub(crate) program: String,
    /// How many octets it has as a file.
    pub(crate) program_octets: Option<u64>,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
}

impl Machine {
    /// Looks at it before anything is measured; `place` is where ledgers will be kept.
    pub(crate) fn look(place: &Path, means: &Means) -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let model = first_value(&text("/proc/cpuinfo"), "model name").unwrap_or_else(unknown);
        let release = text("/proc/sys/kernel/osrelease");
        Self {
            processors: format!("{} threads of {model}", processors()),
            system: format!("{} {} {}", std::env::consts::OS, release.trim(), std::env::consts::ARCH),
            file_system: file_system(&text("/proc/self/mountinfo"), place).unwrap_or_else(unknown),
            began: means.clock.now().to_string(),
            program: means.program.clone(),
            program_octets: std::fs::metadata(&means.executable).ok().map(|file| file.len()),
            load_before: load(&text("/proc/loadavg")),
            load_after: String::new(),
        }
    }

    /// Looks again after everything is measured.
    pub(crate) fn look_again(&mut self) {
        self.load_after = load(&std::fs::read_to_string("/proc/loadavg").unwrap_or_default());
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn first_value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The load average of one minute: how many threads wanted a processor.
fn load(text: &str) -> String {
    text.split_whitespace().next().map_or_else(unknown, str::to_owned)
}

/// Finds the mount that a path lies on: the one with the longest mount point. See `proc_pid_mountinfo(5)`.
fn file_system(mounts: &str, place: &Path) -> Option<String> {
    let place = place.canonicalize().ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let point = before.split(' ').nth(4)?;
            place.starts_with(point).then_some((point, after))
        })
        .max_by_key(|(point, _)| point.len())
        .and_then(|(_, after)| {
            let mut fields = after.split(' ');
            Some(format!("{} on {}", fields.next()?, fields.next()?))
        })
}
