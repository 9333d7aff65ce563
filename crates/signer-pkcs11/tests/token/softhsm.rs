//! SoftHSM2 with tokens of one test's own, in a process of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use signer_pkcs11::{Pin, TokenUri};
use zeroize::Zeroizing;

use crate::again;

/// Set in the second run; tells a module in front of SoftHSM2 where that is.
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
    if let Some(directory) = again::directory() {
        test(&Softhsm { directory, module });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let configuration = configure(directory.path());
    let plan = directory.path().join("plan");
    let server = format!("unix:path={}", directory.path().join("p11-kit").display());
    let environment: [(&str, &OsStr); 5] = [
        ("P11_KIT_SERVER_ADDRESS", server.as_ref()),
        (MODULE, module.as_os_str()),
        ("SOFTHSM2_CONF", configuration.as_os_str()),
        (pkcs11_faults::MODULE, module.as_os_str()),
        (pkcs11_faults::PLAN, plan.as_os_str()),
    ];
    again::run::<N>(directory.path(), &environment);
}

/// Makes a directory for tokens, and the configuration that says so.
pub(crate) fn configure(directory: &std::path::Path) -> PathBuf {
    fs::create_dir(directory.join("tokens")).unwrap();
    let configuration = directory.join("softhsm2.conf");
    let tokens = directory.join("tokens");
    let content = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    fs::write(&configuration, content).unwrap();
    configuration
}

/// Finds SoftHSM2 where distributions put it.
pub(crate) fn find_module() -> PathBuf {
    find("libsofthsm2.so")
        .expect("SoftHSM2 is not installed: run tests/run, which installs what the tests need")
}

/// Finds a module where distributions put them.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    let fixed = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/opt/homebrew/lib"]
        .map(PathBuf::from);
    // Such as /usr/lib/x86_64-linux-gnu.
    let by_architecture =
        fs::read_dir("/usr/lib").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    fixed
        .into_iter()
        .chain(by_architecture)
        .flat_map(|directory| ["softhsm", "pkcs11", ""].map(|folder| directory.join(folder).join(file)))
        .find(|path| path.is_file())
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
