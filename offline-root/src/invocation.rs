//! How the program was called, and how it begins anew in another environment.
//!
//! The environment is read in `main` and nowhere else, and never changed within a process.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Names the configuration of SoftHSM2, which reads it from the environment when it is loaded.
pub const SOFTHSM2_CONF: &str = "SOFTHSM2_CONF";

/// How the program was called.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Its arguments, beginning with its own name.
    pub arguments: Vec<OsString>,
    /// [`SOFTHSM2_CONF`], if it is set.
    pub softhsm2_conf: Option<OsString>,
}

impl Invocation {
    /// Begins the program anew in this process, where SoftHSM2 has this configuration. Returns only when that fails.
    #[must_use]
    pub fn begin_anew(&self, softhsm2_conf: &Path) -> io::Error {
        // The file that runs, whatever has its name by now.
        let mut program = Command::new("/proc/self/exe");
        if let Some((name, arguments)) = self.arguments.split_first() {
            program.arg0(name).args(arguments);
        }
        program.env(SOFTHSM2_CONF, softhsm2_conf).exec()
    }
}
