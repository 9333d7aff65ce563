//! A front end: `meter-pki front` in a directory of its own, which forwards to a rehearsed authority over CMP.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::ground;
use crate::messages::make_signer;
use crate::patience::eventually;
use crate::peer::{Answer, Operation, Shown, curl, encoded, posting, try_curl};
use crate::process::{Process, program};
use crate::rehearsal::Rehearsal;
use crate::tool::{Said, finish};

/// The name of the front end in the authority's configuration.
const NAME: &str = "front-1";

/// A front end of one label.
#[derive(Debug)]
pub struct FrontEnd {
    process: Option<Process>,
    directory: TempDir,
    label: &'static str,
    log: PathBuf,
    /// Where it listens, such as `127.0.0.1:1234`.
    listens: String,
}

/// Makes the certificate of a front end where the authority has those of its TLS server: `tls/front.cer` and its key.
pub fn make_front_end(authority: &Rehearsal) {
    let purposes = "1.3.6.1.5.5.7.3.28,clientAuth";
    make_signer(&authority.state("tls/front"), "/CN=Front End 1", purposes);
}

/// What the authority's configuration says of a front end that may forward requests for these profiles.
#[must_use]
pub fn known_front_end(profiles: &[&str]) -> String {
    let profiles: Vec<String> = profiles.iter().map(|profile| format!("\"{profile}\"")).collect();
    format!(
        "\n[[registration_authority]]\nname = \"{NAME}\"\ntenant = \"dso\"\ncommon_name = \"Front End 1\"\n\
         anchor_files = [\"tls/front.cer\"]\nprofiles = [{}]\ntitle_prefix = \"4D504B\"\nforwards = true\n",
        profiles.join(", ")
    )
}

impl FrontEnd {
    /// Prepares a front end of the operational authority of suite 1 for one label, which is that of a profile.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn prepare(authority: &Rehearsal, label: &'static str) -> Self {
        let directory = ground::directory();
        let there = |file: &str| directory.path().join(file);
        for (from, to) in [
            ("tls/server.pem", "server.pem"),
            ("tls/server.key", "server.key"),
            ("tls/messages.cer", "messages.cer"),
            ("tls/front.cer", "front.cer"),
            ("tls/front.key", "front.key"),
            ("tls/front.passphrase", "front.passphrase"),
            ("authorities/dso-root-s1.cer", "root.cer"),
            ("authorities/dso-operational-s1.cer", "authority.cer"),
            ("authorities/maker-factory-s1.cer", "maker.cer"),
        ] {
            let copied = std::fs::copy(authority.state(from), there(to));
            assert!(copied.is_ok(), "a file of the rehearsal: {copied:?}");
        }
        let text = format!(
            "[est]\nlisten = \"127.0.0.1:0\"\ncertificate_file = \"server.pem\"\nkey_file = \"server.key\"\n\
             default_label = \"{label}\"\n\n[upstream]\nurl = \"{}\"\n\
             trust_files = [\"root.cer\", \"messages.cer\"]\ncertificate_files = [\"front.cer\"]\n\
             key_file = \"front.key\"\npassphrase_file = \"front.passphrase\"\n\n\
             [[authority]]\nname = \"operational\"\ntenant = \"dso\"\ncertificate_file = \"authority.cer\"\n\
             path_files = [\"root.cer\"]\nmanufacturers = [\"maker\"]\n\n\
             [[authority.offer]]\nprofile = \"{label}\"\nlabel = \"{label}\"\n\n\
             [[manufacturer]]\ntenant = \"maker\"\nanchor_files = [\"maker.cer\"]\n",
            authority.origin()
        );
        std::fs::write(there("front.toml"), text).expect("a configuration");
        // Not in its directory, which holds what was given to it and nothing else.
        let log = authority.unique("front.log");
        Self { process: None, directory, label, log, listens: String::new() }
    }

    /// The same, serving.
    #[must_use]
    pub fn start(authority: &Rehearsal, label: &'static str) -> Self {
        let mut front = Self::prepare(authority, label);
        front.serve();
        front
    }

    /// Returns a place in its directory.
    #[must_use]
    pub fn place(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Returns the names of all files in its directory.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).expect("its directory");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Starts it and waits until it listens; the port is another one each time.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn serve(&mut self) {
        let mut process = Process::start(&["--config", &self.text("front.toml"), "front"], self.log.clone());
        self.listens = eventually("the front end listens", || {
            assert!(process.ended().is_none(), "it ended: {}", process.log());
            let log = process.log();
            let line = log.lines().find(|line| line.contains("forwarding"))?;
            Some(line.split("est=").nth(1)?.split_whitespace().next()?.to_owned())
        });
        self.process = Some(process);
    }

    /// Runs it where it must not go on serving; returns what it said.
    #[must_use]
    pub fn serve_to_its_end(&self, file: &str) -> Said {
        finish(Command::new(program("meter-pki")).args(["--config", &self.text(file), "front"]))
    }

    /// Ends it by SIGKILL.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Returns what it has said since it was started.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.as_ref().expect("it runs").log()
    }

    /// Returns the address of an operation, or of anything else at its label.
    #[must_use]
    pub fn url(&self, operation: &str) -> String {
        let port = self.listens.rsplit(':').next().unwrap_or_default();
        format!("https://localhost:{port}/.well-known/est/{}/{operation}", self.label)
    }

    /// Sends a certification request by curl.
    ///
    /// # Panics
    /// When no HTTP answer comes.
    #[must_use]
    #[track_caller]
    pub fn send(&self, authority: &Rehearsal, operation: Operation, request: &[u8], shown: &Shown) -> Answer {
        let options = posting(authority, encoded(request).as_bytes(), shown, &[]);
        curl(authority, &self.url(operation.name()), &options)
    }

    /// The same, where no answer need come.
    ///
    /// # Errors
    /// What curl said.
    pub fn try_send(
        &self,
        authority: &Rehearsal,
        operation: Operation,
        request: &[u8],
        shown: &Shown,
    ) -> Result<Answer, Said> {
        let options = posting(authority, encoded(request).as_bytes(), shown, &[]);
        try_curl(authority, &self.url(operation.name()), &options)
    }

    /// Returns its number in the operating system.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process_number(&self) -> u32 {
        self.process.as_ref().expect("it runs").number()
    }

    fn text(&self, file: &str) -> String {
        self.place(file).to_string_lossy().into_owned()
    }
}
