//! A wall clock of one process, to be set: a library between it and the kernel, compiled from tests/operator/clock.c.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::rehearsal::Rehearsal;

/// The wall clock of the program that a rehearsal starts next, and of those after it.
#[derive(Debug)]
pub struct WallClock {
    file: PathBuf,
    seconds: AtomicI64,
}

impl WallClock {
    /// Puts a wall clock into a rehearsal, right as yet.
    ///
    /// # Panics
    /// When there is no C compiler: `apt-get install gcc libc6-dev`.
    #[must_use]
    pub fn new(rehearsal: &mut Rehearsal) -> Self {
        let (library, file) = (rehearsal.scratch("clock.so"), rehearsal.scratch("clock-is-set-by"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("operator/clock.c");
        let said = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .output()
            .expect("cc compiles the clock: apt-get install gcc libc6-dev");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        rehearsal.surround("LD_PRELOAD", &library);
        rehearsal.surround("CLOCK_SHIM_SECONDS", &file);
        let clock = Self { file, seconds: AtomicI64::new(0) };
        clock.set_by(0);
        clock
    }

    /// Sets it by so many seconds from what it shows.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set_by(&self, seconds: i64) {
        let seconds = self.seconds.fetch_add(seconds, Ordering::SeqCst) + seconds;
        // At once, not in two steps: who reads meanwhile finds one or the other.
        let new = self.file.with_extension("new");
        std::fs::write(&new, seconds.to_string()).expect("it can be written");
        std::fs::rename(&new, &self.file).expect("it takes its place");
    }
}
