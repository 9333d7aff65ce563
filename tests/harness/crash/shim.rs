//! Compiles the shim that stands between an issuer and its files: see tests/crash/shim.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles it into a directory.
///
/// # Panics
/// When there is no C compiler: `apt-get install gcc libc6-dev`.
#[must_use]
pub fn compile(directory: &Path) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/shim");
    let library = directory.join("shim.so");
    let said = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .args([sources.join("shim.c"), sources.join("memory.c")])
        .arg("-ldl")
        .output()
        .expect("cc compiles the shim: apt-get install gcc libc6-dev");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    library
}
