//! Runs programs of others and keeps what they say.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a program said and how it ended.
#[derive(Debug, Clone)]
pub struct Said {
    /// The command line, for messages.
    pub command: String,
    /// Whether it ended with 0.
    pub success: bool,
    /// Its exit code, if it was not ended by a signal.
    pub code: Option<i32>,
    /// Standard output as text.
    pub out: String,
    /// Standard output as octets.
    pub octets: Vec<u8>,
    /// Standard error as text.
    pub err: String,
}

impl Said {
    /// Asserts that the program ended with 0.
    ///
    /// # Panics
    /// With everything it said, when it did not.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.success, "{}\nended with {:?}\n{}\n{}", self.command, self.code, self.out, self.err);
        self
    }

    /// Standard output and standard error together.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }
}

/// Runs a program to its end, without standard input.
///
/// # Panics
/// When it cannot be started: the sentence says what to install.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Said {
    let mut command = Command::new(program);
    command.args(arguments);
    finish(&mut command)
}

/// Runs a prepared command to its end, without standard input.
///
/// # Panics
/// As [`run`].
pub fn finish(command: &mut Command) -> Said {
    let line = format!("{command:?}");
    let output: Output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{line}: {error}; install what the tests need with `tests/run tools`")
    });
    Said {
        command: line,
        success: output.status.success(),
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        octets: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `openssl`.
///
/// # Panics
/// As [`run`].
pub fn openssl<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    run("openssl", arguments)
}

/// Finds one of pkilint's programs.
///
/// # Panics
/// When pkilint is not installed.
#[must_use]
pub fn pkilint(program: &str) -> PathBuf {
    of_environment("METER_PKI_PKILINT", "pkilint", program)
}

/// Finds a program of the environment that has the DLMS library of Gurux.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn gurux(program: &str) -> PathBuf {
    of_environment("METER_PKI_GURUX", "gurux", program)
}

/// Finds a program of the environment that has schemathesis.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn schemathesis(program: &str) -> PathBuf {
    of_environment("METER_PKI_SCHEMATHESIS", "schemathesis", program)
}

/// Finds a program of the environment that has Playwright, which drives browsers, and axe.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn playwright(program: &str) -> PathBuf {
    of_environment("METER_PKI_PLAYWRIGHT", "playwright", program)
}

/// Finds mdBook, which makes a book of chapters.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn mdbook() -> PathBuf {
    of_environment("METER_PKI_MDBOOK", "mdbook", "mdbook")
}

/// Finds Chromium where Debian puts it.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn chromium() -> PathBuf {
    let path = std::env::var_os("METER_PKI_CHROMIUM")
        .map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(path.exists(), "{} is missing: install it with `tests/run tools`", path.display());
    path
}

/// Finds a program of the environment that has the readers of what is released: bills of materials, images and charts.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn release_readers(program: &str) -> PathBuf {
    of_environment("METER_PKI_RELEASE_READERS", "release-readers", program)
}

/// Finds Prometheus' promtool.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn promtool() -> PathBuf {
    of_environment("METER_PKI_PROMTOOL", "promtool", "promtool")
}

/// Finds Prometheus.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn prometheus() -> PathBuf {
    of_environment("METER_PKI_PROMTOOL", "promtool", "prometheus")
}

/// Finds glewlwyd, an `OpenID` provider.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn glewlwyd() -> PathBuf {
    of_environment("METER_PKI_GLEWLWYD", "glewlwyd", "glewlwyd")
}

/// Finds a program in the folder that the variable names, or where `tests/run` installs the environment.
fn of_environment(variable: &str, name: &str, program: &str) -> PathBuf {
    let folder = std::env::var_os(variable).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools").join(name).join("bin"),
        PathBuf::from,
    );
    let path = folder.join(program);
    assert!(path.exists(), "{} is missing: install it with `tests/run tools`", path.display());
    path
}

/// Finds the library of SoftHSM2 where distributions put it.
///
/// # Panics
/// When SoftHSM2 is not installed.
#[must_use]
pub fn softhsm() -> String {
    let by_architecture =
        std::fs::read_dir("/usr/lib").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let places =
        ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from).into_iter().chain(by_architecture);
    let libraries = places
        .flat_map(|place| ["softhsm", "pkcs11", ""].map(|folder| place.join(folder).join("libsofthsm2.so")));
    let found = libraries.into_iter().find(|library| library.is_file());
    found
        .expect("SoftHSM2 is not installed: run tests/run, which installs what the tests need")
        .display()
        .to_string()
}
