//! A rehearsed system: founded by `meter-pki quickstart` in a directory of its own and serving.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::ground;
use crate::patience::eventually;
use crate::peer::to_pem;
use crate::process::{Process, program};
use crate::tool::{Said, finish};

/// Where the source tree of the tests is.
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// A rehearsed system.
#[derive(Debug)]
pub struct Rehearsal {
    /// Ended before the directory goes away.
    process: Option<Process>,
    directory: TempDir,
    configuration: String,
    environment: Vec<(&'static str, PathBuf)>,
    report: Value,
}

impl Rehearsal {
    /// Plays a quickstart with a fleet of `meters` up to its report; it goes on serving.
    ///
    /// # Panics
    /// When it ends without a report.
    #[must_use]
    pub fn start(meters: u32) -> Self {
        let mut rehearsal = Self::not_begun();
        rehearsal.quickstart(meters);
        rehearsal
    }

    /// Plays a quickstart, then serves the same state by a configuration that `edit` makes of the one it wrote.
    ///
    /// # Panics
    /// When either does not come so far.
    #[must_use]
    pub fn start_with(meters: u32, edit: impl FnOnce(String) -> String) -> Self {
        let mut rehearsal = Self::start(meters);
        rehearsal.stop();
        rehearsal.configure("edited.toml", edit);
        rehearsal.serve();
        rehearsal
    }

    /// Plays a quickstart with one meter, then serves where one address may have two hundred connections, and a device may ask as
    /// often as it likes.
    #[must_use]
    pub fn for_a_crowd() -> Self {
        Self::start_with(1, |text| {
            let label = "default_label = \"meter-op-ds-s1\"\n";
            let crowd = "limits = { max_connections_per_address = 200 }\nrates = { device = { per_second = 0, burst = 1 } }\n";
            text.replace(label, &format!("{label}{crowd}"))
        })
    }

    /// Plays a quickstart, then serves the same state with a configuration that `edit` makes of it, and under profiles by which
    /// meters may renew at any time; otherwise they are those built in.
    ///
    /// # Panics
    /// When either does not come so far.
    #[must_use]
    pub fn renewing_at_any_time(meters: u32, edit: impl FnOnce(String) -> String) -> Self {
        let mut rehearsal = Self::start(meters);
        rehearsal.stop();
        let (built_in, edited) =
            (Path::new(SOURCE).join("../policies/profiles"), rehearsal.state("profiles"));
        std::fs::create_dir(&edited).expect("a directory for the profiles");
        for file in std::fs::read_dir(built_in).expect("the profiles of the source tree") {
            let file = file.expect("a profile").path();
            let mut text = std::fs::read_to_string(&file).expect("a profile is text");
            let name = file.file_name().expect("a name");
            if name.to_string_lossy().starts_with("meter-op-") {
                let kept = text.lines().filter(|line| !line.starts_with("renewal_window_days"));
                text = kept.map(|line| format!("{line}\n")).collect::<String>()
                    + "renewal_window = \"any-time\"\n";
            }
            std::fs::write(edited.join(name), text).expect("a profile");
        }
        rehearsal.configure("renewing.toml", |text| {
            format!("{}\n[profiles]\ndirectory = \"profiles\"\n", edit(text))
        });
        rehearsal.serve();
        rehearsal
    }

    /// Returns an empty directory in which nothing was started.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn not_begun() -> Self {
        let directory = ground::directory();
        let (configuration, environment) = ("meter-pki.toml".to_owned(), Vec::new());
        Self { process: None, directory, configuration, environment, report: Value::Null }
    }

    /// Begins or resumes a quickstart and returns while it is under way.
    pub fn begin_quickstart(&mut self, meters: u32) {
        let state = self.state("").to_string_lossy().into_owned();
        let arguments = ["--json", "quickstart", "--meters", &meters.to_string(), "--state", &state];
        self.process = Some(Process::start(&arguments, self.scratch("quickstart.log")));
    }

    /// Begins or resumes a quickstart and waits for its report.
    ///
    /// # Panics
    /// When it ends without one.
    pub fn quickstart(&mut self, meters: u32) {
        self.begin_quickstart(meters);
        let process = self.running();
        let line = process.first_line();
        let log = process.log();
        self.report = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no report: {line}\n{log}"));
        to_pem(&self.state("authorities/dso-root-s1.cer"), &self.root());
    }

    /// Writes a configuration into the state directory; it is the one that is served and asked from now on.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&mut self, file: &str, edit: impl FnOnce(String) -> String) {
        let written = std::fs::read_to_string(self.state(&self.configuration)).expect("the configuration");
        let edited = edit(written.clone());
        assert_ne!(edited, written, "the edit of the configuration finds its place");
        std::fs::write(self.state(file), edited).expect("the configuration can be written");
        file.clone_into(&mut self.configuration);
    }

    /// Puts a variable into the environment of `meter-pki serve` from its next start on.
    pub fn surround(&mut self, name: &'static str, value: &Path) {
        self.environment.push((name, value.to_owned()));
    }

    /// Starts `meter-pki serve` and waits until it answers.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn serve(&mut self) {
        let configuration = self.state(&self.configuration).to_string_lossy().into_owned();
        let log = self.scratch("serve.log");
        let arguments = ["--config", &configuration, "serve"];
        self.process = Some(Process::start_in(&self.environment, &arguments, log));
        eventually("serve answers its operator", || {
            let process = self.running();
            assert!(process.ended().is_none(), "serve ended: {}", process.log());
            self.operator(&["ca", "list"]).success.then_some(())
        });
    }

    /// Starts `meter-pki serve` where it must not go on serving; returns how it ended and what it said.
    ///
    /// # Panics
    /// When it goes on serving.
    #[must_use]
    pub fn serve_to_its_end(&self) -> (Option<i32>, String) {
        let configuration = self.state(&self.configuration).to_string_lossy().into_owned();
        let log = self.unique("serve.log");
        let arguments = ["--config", &configuration, "serve"];
        let mut process = Process::start_in(&self.environment, &arguments, log);
        let status = eventually("serve ends", || process.ended());
        (status.code(), process.log())
    }

    fn running(&mut self) -> &mut Process {
        self.process.as_mut().expect("a program was started")
    }

    /// Returns what the program that runs now has said on standard error.
    ///
    /// # Panics
    /// When none runs.
    #[must_use]
    pub fn log(&mut self) -> String {
        self.running().log()
    }

    /// Returns the number that the program has in the operating system.
    ///
    /// # Panics
    /// When none runs.
    #[must_use]
    pub fn process_number(&self) -> u32 {
        self.process.as_ref().expect("a program was started").number()
    }

    /// Ends the program in order.
    ///
    /// # Panics
    /// When it does not end with 0.
    #[track_caller]
    pub fn stop(&mut self) {
        let process = self.process.take().expect("a program was started");
        let status = process.stop();
        assert!(status.success(), "SIGTERM ends the program in order: {status}");
    }

    /// Ends the program by SIGKILL.
    ///
    /// # Panics
    /// When none runs.
    pub fn kill(&mut self) {
        self.process.take().expect("a program was started").kill();
    }

    /// Returns the report of the last quickstart.
    #[must_use]
    pub const fn report(&self) -> &Value {
        &self.report
    }

    /// Returns a text of the report.
    ///
    /// # Panics
    /// When there is no such text.
    #[must_use]
    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.report[field].as_str().unwrap_or_else(|| panic!("the report has no {field}: {}", self.report))
    }

    /// Returns a place below the state directory.
    #[must_use]
    pub fn state(&self, place: &str) -> PathBuf {
        self.directory.path().join("state").join(place)
    }

    /// Returns a place for files of the test.
    #[must_use]
    pub fn scratch(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Returns a place for a file of the test that no other has.
    #[must_use]
    pub fn unique(&self, file: &str) -> PathBuf {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.scratch(&format!("{number}-{file}"))
    }

    /// Returns the PEM file of the root that the EST server's certificate leads to.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.scratch("est-root.pem")
    }

    /// Returns the PEM file of a root or authority.
    #[must_use]
    pub fn authority(&self, name: &str) -> PathBuf {
        let pem = self.unique(&format!("{name}.pem"));
        to_pem(&self.state(&format!("authorities/{name}.cer")), &pem);
        pem
    }

    /// Returns the EST address of a label, such as `https://localhost:1234/.well-known/est/meter-op-ds-s1`.
    #[must_use]
    pub fn est(&self, label: &str) -> String {
        format!("{}{label}", self.text("est"))
    }

    /// Returns scheme, host and port of the enrolment listener.
    #[must_use]
    pub fn origin(&self) -> String {
        let est = self.text("est");
        let host = est.trim_start_matches("https://").split('/').next().unwrap_or_default();
        format!("https://{host}")
    }

    /// Returns the address of the status server without a slash at its end.
    #[must_use]
    pub fn status(&self) -> String {
        self.text("status").trim_end_matches('/').to_owned()
    }

    /// Runs a verb of the operator's command line.
    #[must_use]
    pub fn operator(&self, arguments: &[&str]) -> Said {
        finish(&mut self.operator_command(arguments))
    }

    /// Runs a verb of the command line by the file of somebody who operates the server from elsewhere.
    #[must_use]
    pub fn operator_by(&self, file: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(program("meter-pki"));
        finish(command.current_dir(self.directory.path()).args(["--config", file]).args(arguments))
    }

    /// Returns a verb of the operator's command line, to be run.
    #[must_use]
    pub fn operator_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("meter-pki"));
        // As it is installed: its help names the program as it was called.
        command.arg0("meter-pki");
        command.arg("--config").arg(self.state(&self.configuration)).args(arguments);
        command
    }

    /// Runs a verb of the operator's command line with `--json` and reads its answer.
    ///
    /// # Panics
    /// When it fails or answers something else.
    #[must_use]
    #[track_caller]
    pub fn operator_json(&self, arguments: &[&str]) -> Value {
        let said = self.operator(&[&["--json"], arguments].concat()).ok();
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
    }

    /// Returns every certificate on record for a device, as `cert list` tells it.
    ///
    /// # Panics
    /// When the list cannot be had.
    #[must_use]
    #[track_caller]
    pub fn certificates_of(&self, title: &str) -> Vec<Value> {
        let page = self.operator_json(&["cert", "list", "--system-title", title, "--limit", "1000"]);
        page["certificates"].as_array().cloned().expect("a list of certificates")
    }

    /// Returns how many audit records there are; they are checked on the way.
    ///
    /// # Panics
    /// When the trail is not intact.
    #[must_use]
    #[track_caller]
    pub fn audited(&self) -> u64 {
        self.operator_json(&["audit", "verify"])["records"].as_u64().expect("a number of records")
    }

    /// Returns the audit records after a number.
    ///
    /// # Panics
    /// When they cannot be had.
    #[must_use]
    #[track_caller]
    pub fn audit_after(&self, number: u64) -> Vec<Value> {
        let records =
            self.operator_json(&["audit", "list", "--after", &number.to_string(), "--limit", "10000"]);
        records.as_array().cloned().expect("a list of records")
    }

    /// Revokes a certificate and waits until its authority's next CRL is on record, so that no background work is left that
    /// would write audit records.
    ///
    /// # Panics
    /// When it is not revoked.
    #[track_caller]
    pub fn revoke(&self, serial: &str, reason: &str) {
        let revoked = self.operator_json(&["cert", "revoke", serial, "--reason", reason]);
        let sequence = revoked["sequence"].as_u64().expect("the number of the audit record");
        eventually("a CRL follows the revocation", || {
            let records = self.audit_after(sequence);
            records.iter().any(|record| record["act"] == "crl-issued").then_some(())
        });
    }

    /// Puts devices on a tenant's list.
    ///
    /// # Panics
    /// When one of them is not taken.
    #[track_caller]
    pub fn expect_devices(&self, tenant: &str, titles: &[&str]) {
        let list = self.unique("devices.csv");
        let rows: Vec<String> = titles.iter().map(|title| format!("{title},maker\n")).collect();
        std::fs::write(&list, format!("system_title,manufacturer\n{}", rows.concat())).expect("a list");
        drop(self.operator(&["device", "import", &list.to_string_lossy(), "--tenant", tenant]).ok());
    }

    /// Makes a one-time token.
    ///
    /// # Panics
    /// When it is not made.
    #[must_use]
    #[track_caller]
    pub fn token(&self, title: &str, profile: &str) -> (String, String) {
        let view = self.operator_json(&["device", "token", title, "--profile", profile]);
        let text = |field: &str| view[field].as_str().expect("a text").to_owned();
        (text("user"), text("secret"))
    }
}
