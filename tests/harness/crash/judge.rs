//! Hands a copy of what a house holds to the independent checker.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::template::{program, succeed};

/// What the checker is told of a house beside where it lies.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances {
    /// A sync failed in this house and its data were gone, while the machine ran on: a mark may be among them.
    pub marks_may_be_lost: bool,
    /// The power was cut, and no issuer has started since.
    pub machine_restarted: bool,
    /// A CRL of every authority was published last.
    pub all_published: bool,
}

/// Copies the ledger of a house to where nobody writes.
///
/// # Panics
/// When there is no space.
#[must_use]
pub fn copy_of_store(house: &Path, name: &str) -> PathBuf {
    let copy = house.join(name);
    drop(std::fs::remove_dir_all(&copy));
    succeed(Command::new("cp").args(["-r", "--sparse=always"]).arg(house.join("state/store")).arg(&copy));
    copy
}

/// Asks the checker; returns its lines, none when all is well.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn violations(
    house: &Path,
    store: &Path,
    again: Option<&Path>,
    circumstances: Circumstances,
) -> Vec<String> {
    let mut checker = Command::new(program("ledger-checker-under-test"));
    checker.arg("--store").arg(store);
    checker.args(again.iter().flat_map(|again| [Path::new("--again"), again]));
    checker.arg("--signatures").arg(house.join("signatures"));
    checker.arg("--clients").arg(house.join("clients"));
    checker.arg("--authorities").arg(house.join("state/authorities"));
    checker.arg("--published").arg(house.join("state/published"));
    checker.args(circumstances.marks_may_be_lost.then_some("--marks-may-be-lost"));
    checker.args(circumstances.machine_restarted.then_some("--machine-restarted"));
    checker.args(circumstances.all_published.then_some("--all-published"));
    let said = checker.stdin(Stdio::null()).output().expect("the checker starts");
    let mut lines: Vec<String> = String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect();
    if !said.status.success() && lines.is_empty() {
        lines.push(format!(
            "the checker ended with {}: {}",
            said.status,
            String::from_utf8_lossy(&said.stderr)
        ));
    }
    lines
}
