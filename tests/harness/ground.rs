//! Private directories of the tests.

use std::path::Path;

use tempfile::{Builder, TempDir};

/// A file system in memory, where the machine has one.
const IN_MEMORY: &str = "/dev/shm";

/// The variable that names a directory in which to make them instead: on a disk, for programs that measure what a disk takes.
const ELSEWHERE: &str = "METER_PKI_GROUND";

/// Makes a private directory that is gone when it is dropped.
///
/// In memory where that can be: what is promised here outlives a process and not a loss of power, and a system founded on a
/// disk spends most of its time waiting for it. What outlives a loss of power is tested with the store.
///
/// # Panics
/// When there is no place for one.
#[must_use]
pub fn directory() -> TempDir {
    let builder = || {
        let mut builder = Builder::new();
        builder.prefix("meter-pki-e2e.");
        builder
    };
    if let Some(elsewhere) = std::env::var_os(ELSEWHERE) {
        return builder().tempdir_in(elsewhere).expect("a temporary directory there");
    }
    let in_memory = Path::new(IN_MEMORY).is_dir().then(|| builder().tempdir_in(IN_MEMORY).ok()).flatten();
    in_memory.unwrap_or_else(|| builder().tempdir().expect("a temporary directory"))
}
