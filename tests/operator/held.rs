//! Programs of others that a test starts.

use std::process::{Child, Command, Stdio};

/// A program that does not outlive the test.
pub(crate) fn held(program: &str, arguments: &[&str]) -> Child {
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", program])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}
