//! Programs of this workspace, running beside a test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::tool::run;

/// A running program. It is killed when this is dropped, and by the kernel should the test die before that.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// Finds a program of this workspace, as it was built with the tests, beside the test or the program that runs.
///
/// # Panics
/// When it was not built; `cargo test` builds it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let places = test.ancestors().skip(1).take(2).map(|place| place.join(format!("{name}-under-test")));
    let path = places.clone().find(|path| path.exists()).or_else(|| places.clone().next()).expect("a place");
    assert!(path.exists(), "{} is missing: run the tests by cargo", path.display());
    path
}

impl Process {
    /// Starts `meter-pki`; what it says on standard error goes to the file `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(arguments: &[&str], log: PathBuf) -> Self {
        // The kernel sends the signal when the starting thread ends: a test that is killed leaves nothing behind.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program("meter-pki"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("the log can be made"))
            .spawn()
            .expect("setpriv of util-linux starts meter-pki");
        Self { child, log }
    }

    /// Waits for the first line on standard output.
    ///
    /// # Panics
    /// When it was read before, or is not text.
    #[must_use]
    pub fn first_line(&mut self) -> String {
        let out = self.child.stdout.take().expect("standard output is read once");
        BufReader::new(out).lines().next().map(|line| line.expect("text")).unwrap_or_default()
    }

    /// Returns its number in the operating system.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.child.id()
    }

    /// Returns how the program ended, if it did.
    ///
    /// # Panics
    /// When the kernel does not know it.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Returns what the program has said on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks the program to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it cannot be asked.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        let number = self.child.id().to_string();
        drop(run("sh", ["-c", "kill -TERM \"$0\"", &number]).ok());
        self.child.wait().expect("a child can be waited for")
    }

    /// Ends the program in the middle of whatever it does (SIGKILL).
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
