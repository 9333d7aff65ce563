//! The installed program, started by `quickstart` in a directory of its own, serving until it is dropped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::tool::{Said, finish};

/// A running quickstart.
#[derive(Debug)]
pub struct Rehearsal {
    directory: TempDir,
    child: Child,
    report: Value,
}

/// Finds a program of this workspace beside the test that runs.
///
/// # Panics
/// When it was not built: `cargo test --workspace` builds it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let path = test.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps").join(name);
    assert!(path.exists(), "{} is missing: build it with `cargo build --workspace`", path.display());
    path
}

impl Rehearsal {
    /// Starts a quickstart with a fleet of `meters` and waits for its report.
    ///
    /// # Panics
    /// When it ends without one.
    #[must_use]
    pub fn start(meters: u32) -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory"), meters)
    }

    /// Starts a quickstart in a directory, perhaps from the state of an earlier one.
    ///
    /// # Panics
    /// When it ends without a report.
    #[must_use]
    pub fn start_in(directory: TempDir, meters: u32) -> Self {
        let mut child = Command::new(program("meter-pki"))
            .args(["--json", "quickstart", "--meters", &meters.to_string(), "--state"])
            .arg(directory.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("meter-pki starts");
        let out = child.stdout.take().expect("standard output is piped");
        let line = BufReader::new(out).lines().next().and_then(Result::ok).unwrap_or_default();
        let report = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no report: {error}: {line}"));
        Self { directory, child, report }
    }

    /// Returns the report.
    #[must_use]
    pub const fn report(&self) -> &Value {
        &self.report
    }

    /// Returns a place below the state directory.
    #[must_use]
    pub fn state(&self, place: &str) -> PathBuf {
        self.directory.path().join("state").join(place)
    }

    /// Returns a place for files of the test.
    #[must_use]
    pub fn scratch(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Returns the EST address for a label, such as `https://localhost:1234/.well-known/est/meter-op-ds-s1`.
    #[must_use]
    pub fn est(&self, label: &str) -> String {
        format!("{}{label}", self.text("est"))
    }

    /// Returns the address of the status server without a slash at its end.
    #[must_use]
    pub fn status(&self) -> String {
        self.text("status").trim_end_matches('/').to_owned()
    }

    fn text(&self, field: &str) -> &str {
        self.report[field].as_str().unwrap_or_else(|| panic!("the report has no {field}"))
    }

    /// Runs a verb of the operator's command line.
    #[must_use]
    pub fn operator(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(program("meter-pki"));
        finish(command.arg("--config").arg(self.state("meter-pki.toml")).args(arguments))
    }

    /// Runs a verb of the operator's command line with `--json` and reads its answer.
    ///
    /// # Panics
    /// When it fails or answers something else.
    #[must_use]
    #[track_caller]
    pub fn operator_json(&self, arguments: &[&str]) -> Value {
        let said = self.operator(&[&["--json"], arguments].concat()).ok();
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
    }

    /// Ends the program by SIGKILL and gives its directory back.
    ///
    /// # Panics
    /// When it cannot be ended.
    #[must_use]
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("the program can be killed");
        self.child.wait().expect("the program ends");
        let empty = TempDir::new().expect("a temporary directory");
        std::mem::replace(&mut self.directory, empty)
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // SIGTERM first, so that the store is closed in order; whatever is left after that is killed.
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
