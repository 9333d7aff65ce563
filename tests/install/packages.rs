//! Packages made by `cargo xtask package` of the programs under test.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::process::program;
use e2e::tool::{finish, run};

/// The repository.
pub(crate) const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Both packages of one version.
pub(crate) struct Packages {
    pub(crate) server: PathBuf,
    pub(crate) offline: PathBuf,
}

impl Packages {
    /// Makes them in a folder that is made for them, as a release engineer does of programs that were built before.
    pub(crate) fn make(folder: &Path, version: &str) -> Self {
        Self::make_with(folder, version, &[])
    }

    /// The same, and once more from a copy of the sources elsewhere: it fails where that makes other octets.
    pub(crate) fn make_twice(folder: &Path, version: &str) -> Self {
        Self::make_with(folder, version, &["--twice"])
    }

    fn make_with(folder: &Path, version: &str, options: &[&str]) -> Self {
        let programs = folder.join("programs");
        std::fs::create_dir_all(&programs).expect("a place for the programs");
        for name in ["meter-pki", "offline-root", "ceremony-verify"] {
            symlink(program(name), programs.join(name)).expect("a name for a program");
        }
        let out = folder.join("out");
        let mut command = Command::new(program("xtask"));
        command.current_dir(SOURCES).args(["package", "--quick", "--version", version]).args(options);
        command.arg("--binaries").arg(programs).arg("--out").arg(&out);
        // A time of release of their own: what git says changes with each commit.
        drop(finish(command.env("SOURCE_DATE_EPOCH", "1780000000")).ok());
        let architecture = run("dpkg", ["--print-architecture"]).ok().out.trim().to_owned();
        let file = |name: &str| out.join(format!("{name}_{version}_{architecture}.deb"));
        Self { server: file("meter-pki"), offline: file("meter-pki-offline") }
    }
}
