//! A TPM 2.0 of one test's own: swtpm on sockets in a private directory, and tokens of tpm2-pkcs11 on it.
//!
//! swtpm serves one program at a time, and has no resource manager before it: a process has room for three loaded objects.

use std::ffi::OsStr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use signer_pkcs11::TokenUri;

use crate::again;
use crate::cases::until;
use crate::softhsm::{PIN, find};

/// What the tokens here are called. tpm2-pkcs11 gives all of them the same serial number.
pub(crate) const TOKEN: &str = "gateway";

/// A TPM, and the module that makes a token of it.
pub(crate) struct Tpm {
    module: PathBuf,
}

/// The simulator, for as long as this lives.
struct Simulator(Child);

impl Simulator {
    /// Starts a new TPM in a directory.
    fn start(directory: &Path) -> Self {
        let at = |name: &str| directory.join(name).display().to_string();
        let simulator = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", at("state"))])
            .args(["--server", &format!("type=unixio,path={}", at("tpm"))])
            // tpm2-tss looks for it beside the other.
            .args(["--ctrl", &format!("type=unixio,path={}", at("tpm.ctrl"))])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm is not installed: run tests/run, which installs what the tests need");
        until(|| UnixStream::connect(directory.join("tpm.ctrl")).is_ok());
        Self(simulator)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs a test with a token on a TPM. To be called with a closure of the test itself: its type tells the name of the test.
pub(crate) fn on_tpm<F: FnOnce(&Tpm)>(test: F) {
    on_tpm_for::<F>(test);
}

/// Runs a test with a token on a TPM, where `N` is the type of a closure of the test itself.
pub(crate) fn on_tpm_for<N>(test: impl FnOnce(&Tpm)) {
    let module = find("libtpm2_pkcs11.so").or_else(|| find("libtpm2_pkcs11.so.1"));
    let module =
        module.expect("tpm2-pkcs11 is not installed: run tests/run, which installs what the tests need");
    if again::directory().is_some() {
        test(&Tpm { module });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for name in ["state", "store"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
    }
    let tcti = format!("swtpm:path={}", directory.path().join("tpm").display());
    let store = directory.path().join("store");
    let environment: [(&str, &OsStr); 2] =
        [("TPM2_PKCS11_TCTI", tcti.as_ref()), ("TPM2_PKCS11_STORE", store.as_os_str())];
    let simulator = Simulator::start(directory.path());
    make_token(&module, &environment);
    again::run::<N>(directory.path(), &environment);
    drop(simulator);
}

/// Makes the token with the tool that any module is used with.
fn make_token(module: &Path, environment: &[(&str, &OsStr)]) {
    for arguments in [
        &["--init-token", "--slot-index", "0", "--label", TOKEN, "--so-pin", "so-1234"][..],
        &[
            "--token-label",
            TOKEN,
            "--login",
            "--login-type",
            "so",
            "--so-pin",
            "so-1234",
            "--init-pin",
            "--pin",
            PIN,
        ],
    ] {
        let mut tool = Command::new("pkcs11-tool");
        tool.arg("--module").arg(module).args(arguments).envs(environment.iter().copied());
        let output = tool
            .output()
            .expect("pkcs11-tool is not installed: run tests/run, which installs what the tests need");
        assert!(output.status.success(), "{output:?}");
    }
}

impl Tpm {
    /// Makes the URI of the token.
    pub(crate) fn uri(&self, more: &str) -> TokenUri {
        let text = format!("pkcs11:token={TOKEN}{more}?module-path={}", self.module.display());
        TokenUri::parse(&text).unwrap()
    }
}
