//! Runs a test once more, in a process of its own.
//!
//! Modules read where their tokens are from the environment when they are loaded, and a process loads them once. So a test that
//! wants tokens runs this test program again, for that test alone, with an environment of its own.

use std::any::type_name;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Set in the second run; says where its own directory is.
const DIRECTORY: &str = "SIGNER_PKCS11_TEST_DIRECTORY";

/// Set in the second run: a PIN, to be taken from the environment.
pub(crate) const VARIABLE: &str = "SIGNER_PKCS11_TEST_PIN";

/// Returns the directory of the test, if this is the second run.
pub(crate) fn directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Runs the test again in which `N` is the type of a closure.
pub(crate) fn run<N>(directory: &std::path::Path, environment: &[(&str, &OsStr)]) {
    let test = test_name::<N>();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture"]);
    again.env(DIRECTORY, directory).env(VARIABLE, crate::softhsm::PIN);
    // As systemd does it for a service.
    again.env("CREDENTIALS_DIRECTORY", directory.join("credentials"));
    passed(test, &again.envs(environment.iter().copied()).output().unwrap());
}

/// Looks that one test ran, and passed. A name that no test has runs none, successfully.
pub(crate) fn passed(test: &str, output: &Output) {
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{test} in its own process: {}\n{said}\n{complained}", output.status);
}

/// Returns the name of a test by the type of a closure in it: `program::p256::signs::{{closure}}` is `p256::signs`.
pub(crate) fn test_name<N>() -> &'static str {
    let name = type_name::<N>().split_once("::").map_or("", |(_program, name)| name);
    name.split("::{{closure}}").next().unwrap_or_default()
}
