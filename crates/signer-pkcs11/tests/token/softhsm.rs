//! SoftHSM2 with tokens of one test's own, in a process of its own.
//!
//! SoftHSM2 reads where its tokens are from the environment when it is loaded, and a process loads it once. So a test that
//! wants tokens runs this test program again, for that test alone, with an environment of its own.

use std::any::type_name;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use signer_pkcs11::{Pin, TokenUri};
use zeroize::Zeroizing;

/// Set in the second run; says where the tokens are.
const DIRECTORY: &str = "SIGNER_PKCS11_TEST_DIRECTORY";

/// Set in the second run; says where SoftHSM2 is.
const MODULE: &str = "SIGNER_PKCS11_TEST_SOFTHSM";

/// The user PIN of every token made here.
pub(crate) const PIN: &str = "user-1234";

/// SoftHSM2 with an empty token directory.
pub(crate) struct Softhsm {
    directory: PathBuf,
    module: PathBuf,
}

/// Runs a test with SoftHSM2. To be called with a closure of the test itself: its type tells the name of the test.
pub(crate) fn on_softhsm<F: FnOnce(&Softhsm)>(test: F) {
    on_softhsm_for::<F>(test);
}

/// Runs a test with SoftHSM2, where `N` is the type of a closure of the test itself.
pub(crate) fn on_softhsm_for<N>(test: impl FnOnce(&Softhsm)) {
    let module = find_module();
    #[expect(clippy::disallowed_methods, reason = "the first run tells the second one by this")]
    let directory = std::env::var(DIRECTORY);
    if let Ok(directory) = directory {
        let directory = PathBuf::from(directory);
        test(&Softhsm { directory, module });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("tokens")).unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let tokens = directory.path().join("tokens");
    let content = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    fs::write(&configuration, content).unwrap();
    let environment = [
        (DIRECTORY, directory.path()),
        (MODULE, &module),
        ("SOFTHSM2_CONF", &configuration),
        (pkcs11_faults::MODULE, &module),
        (pkcs11_faults::PLAN, &directory.path().join("plan")),
    ];
    run_again(test_name::<N>(), environment);
}

/// Returns the name of a test by the type of a closure in it: `program::p256::signs::{{closure}}` is `p256::signs`.
fn test_name<F>() -> &'static str {
    let name = type_name::<F>().split_once("::").map_or("", |(_program, name)| name);
    name.split("::{{closure}}").next().unwrap_or_default()
}

fn run_again(test: &str, environment: [(&str, &Path); 5]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .envs(environment)
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A name that no test has runs none, successfully.
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{test} in its own process: {}\n{said}\n{complained}", output.status);
}

/// Finds the library where distributions put it.
fn find_module() -> PathBuf {
    let fixed = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/opt/homebrew/lib"]
        .map(PathBuf::from);
    // Such as /usr/lib/x86_64-linux-gnu.
    let by_architecture =
        fs::read_dir("/usr/lib").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    fixed
        .into_iter()
        .chain(by_architecture)
        .flat_map(|directory| {
            ["softhsm", "pkcs11", ""].map(|folder| directory.join(folder).join("libsofthsm2.so"))
        })
        .find(|path| path.is_file())
        .expect("SoftHSM2 is not installed: run tests/run, which installs what the tests need")
}

impl Softhsm {
    /// Returns the directory where SoftHSM2 keeps its tokens.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.directory.join("tokens")
    }

    /// Returns a path beside the tokens.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a token with this label and returns its serial number.
    pub(crate) fn make_token(&self, label: &str) -> String {
        let before = self.serials();
        let output = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--so-pin", "so-1234", "--pin", PIN])
            .output()
            .expect("softhsm2-util is not installed: run tests/run, which installs what the tests need");
        assert!(output.status.success(), "{output:?}");
        let mut made = self.serials();
        made.retain(|serial| !before.contains(serial));
        assert_eq!(made.len(), 1, "{made:?}");
        made.remove(0)
    }

    /// Makes a token with this label while the module is in use: SoftHSM2 does not see those of other processes then.
    pub(crate) fn make_token_in_this_process(&self, label: &str) {
        let module = Pkcs11::new(&self.module).unwrap();
        let slot = module.get_slots_with_token().unwrap()[0];
        assert!(!module.get_token_info(slot).unwrap().token_initialized());
        let officer = AuthPin::from("so-1234");
        module.init_token(slot, &officer, label).unwrap();
        let session = module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&officer)).unwrap();
        session.init_pin(&AuthPin::from(PIN)).unwrap();
        session.logout().unwrap();
    }

    /// Ends and begins the use of the module by this process, as no one but a test does: all sessions are void then.
    pub(crate) fn restart_module(&self) {
        Pkcs11::new(&self.module).unwrap().finalize().unwrap();
        Pkcs11::new(&self.module)
            .unwrap()
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .unwrap();
    }

    fn serials(&self) -> Vec<String> {
        let output = Command::new("softhsm2-util").arg("--show-slots").output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let serials = shown.lines().filter_map(|line| line.trim().strip_prefix("Serial number:"));
        serials.map(|serial| serial.trim().to_owned()).filter(|serial| !serial.is_empty()).collect()
    }

    /// Makes the URI of a token of this SoftHSM2.
    pub(crate) fn uri(&self, path: &str) -> TokenUri {
        TokenUri::parse(&format!("pkcs11:{path}?module-path={}", self.module.display())).unwrap()
    }

    /// Opens a session of the test's own, beside those of the signer: the module, once a signer has initialised it, and
    /// the login are the process's.
    pub(crate) fn session(&self, label: &str) -> Session {
        let module = Pkcs11::new(&self.module).unwrap();
        let slot = module
            .get_slots_with_initialized_token()
            .unwrap()
            .into_iter()
            .find(|slot| module.get_token_info(*slot).unwrap().label() == label)
            .unwrap();
        module.open_rw_session(slot).unwrap()
    }
}

/// Returns the PIN of every token made here.
pub(crate) fn pin() -> Pin {
    pin_of(PIN)
}

/// Returns a PIN, right or wrong.
pub(crate) fn pin_of(text: &str) -> Pin {
    Pin::new(&Zeroizing::new(text.to_owned())).unwrap()
}

/// Logs a session of the test's own in.
pub(crate) fn log_in(session: &Session) {
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
}
