//! What all houses of a run are copies of: authorities, keys and configuration, founded once by the installed program's own
//! quickstart. Each house gets an empty ledger, so that all it holds was recorded under the harness's eyes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::shim;

/// The profile that is issued under production orders alone.
pub const MADE_UNDER_ORDERS: &str = "meter-factory-ka-s1";

/// The grounds of a run.
#[derive(Debug)]
pub struct Template {
    directory: PathBuf,
    /// The compiled shim.
    pub shim: PathBuf,
}

/// Finds a program of this workspace beside the one that runs, or beside the folder of tests.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program knows where it is");
    let places = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    places
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing: build it by cargo"))
}

/// Runs a program that must succeed.
///
/// # Panics
/// When it does not.
pub fn succeed(command: &mut Command) {
    let said = command.stdin(Stdio::null()).output().expect("the program starts");
    let text =
        || format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{command:?}: {}", text());
}

/// Certificates for key agreement of suite 1 are made under production orders, and head-ends bring answers for campaigns.
fn with_line_and_campaigns(configuration: &str) -> String {
    let offer = |doors: &str| format!("profile = \"{MADE_UNDER_ORDERS}\"\ndoors = [{doors}]\n");
    let before = offer("\"registration-authority\"");
    assert!(configuration.contains(&before), "the quickstart offers {MADE_UNDER_ORDERS}");
    let needed = format!("{}order = \"required\"\n", offer("\"operator\", \"registration-authority\""));
    let text = configuration.replace(&before, &needed);
    let operational = "doors = [\"factory-certificate\"";
    assert!(text.contains(operational), "the quickstart has operational offers");
    text.replace(operational, "doors = [\"campaign\", \"factory-certificate\"")
}

impl Template {
    /// Founds it in a directory that exists.
    ///
    /// # Panics
    /// When the quickstart fails.
    #[must_use]
    pub fn found(grounds: &Path) -> Self {
        let directory = grounds.join("template");
        let mut quickstart = Command::new(program("meter-pki-under-test"));
        succeed(quickstart.args(["quickstart", "--meters", "1", "--exit", "--state"]).arg(&directory));
        for folder in ["store", "offline", "fleet", "published", "audit"] {
            fs::remove_dir_all(directory.join(folder)).expect("the folder of the quickstart");
        }
        // What was published belongs to the ledger that is gone.
        fs::create_dir(directory.join("published")).expect("a folder can be made");
        // Ports are the system's to choose, at every start.
        let configuration = directory.join("meter-pki.toml");
        let text = fs::read_to_string(&configuration).expect("the configuration");
        let lines = text.lines().map(|line| match line.starts_with("listen = ") {
            true => "listen = \"127.0.0.1:0\"",
            false => line,
        });
        fs::write(&configuration, with_line_and_campaigns(&lines.collect::<Vec<_>>().join("\n")))
            .expect("the configuration can be written");
        Self { directory, shim: shim::compile(grounds) }
    }

    /// Copies it into `state`, which is made if it is absent, with an empty ledger on an engine.
    ///
    /// # Panics
    /// When there is no space.
    pub fn copy(&self, state: &Path, engine: &str) {
        fs::create_dir_all(state).expect("a directory");
        succeed(Command::new("cp").arg("-r").arg(self.directory.join(".")).arg(state));
        let configuration = state.join("meter-pki.toml");
        let text = fs::read_to_string(&configuration).expect("the configuration");
        let text = text.replace("engine = \"fjall\"", &format!("engine = \"{engine}\""));
        // The copy of the audit trail is on a disk of its own, which never fails: a ledger that lost what the copy holds
        // does not start.
        let export = state.with_file_name("export");
        let text = text
            .replace("export_directory = \"audit\"", &format!("export_directory = \"{}\"", export.display()));
        fs::create_dir_all(export).expect("a folder can be made");
        fs::write(&configuration, text).expect("the configuration can be written");
        let mut create = Command::new(program("meter-pki-under-test"));
        succeed(create.args(["store", "create", "--engine", engine]).arg(state.join("store")));
    }
}
