//! A rehearsed system whose keys are with `meter-pki signer`, in files or on a token of SoftHSM2.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use e2e::patience::eventually;
use e2e::peer::path;
use e2e::process::{Process, program};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl, softhsm};

/// What the quickstart says of its keys.
const KEYS: &str = "allow_software_key = true\ndirectory = \"keys\"\npassphrase_file = \"passphrase\"";

/// What the authority says of them when a signer has them.
const LINKED: &str = "signer_socket = \"signer/signer.sock\"";

pub(crate) struct House {
    pub(crate) rehearsal: Rehearsal,
    signer: Mutex<Option<Process>>,
}

impl House {
    /// Founds a system, gives its keys to a signer, and serves.
    pub(crate) fn new(on_token: bool) -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let mut house = Self { rehearsal, signer: Mutex::new(None) };
        std::fs::create_dir(house.at("signer")).expect("a directory");
        std::fs::create_dir(house.at("tokens")).expect("a directory");
        let proposal = house.rehearsal.operator(&["signer", "propose"]).ok().out;
        let tokens =
            format!("directories.tokendir = {}\nobjectstore.backend = file\n", path(&house.at("tokens")));
        std::fs::write(house.at("softhsm2.conf"), tokens).expect("its configuration");
        let proposal = if on_token { house.moved_to_token(&proposal) } else { proposal };
        std::fs::write(house.at("signer.toml"), proposal).expect("the signer's configuration");
        house.rehearsal.configure("linked.toml", |text| {
            // What is uncertain is soon revoked, so that meters can ask again.
            let graced = text.replace("responder_key =", "uncertain_grace_seconds = 1\nresponder_key =");
            graced.replace(KEYS, LINKED)
        });
        house.start_signer();
        house.rehearsal.serve();
        house
    }

    pub(crate) fn at(&self, place: &str) -> PathBuf {
        self.rehearsal.state(place)
    }

    /// Brings every key onto a token; returns the configuration that says so.
    fn moved_to_token(&self, proposal: &str) -> String {
        let pin = self.at("pin");
        std::fs::write(&pin, "user-1234").expect("the PIN");
        drop(finish(Command::new("chmod").arg("600").arg(&pin)).ok());
        let util = |arguments: &[&str]| {
            let mut command = Command::new("softhsm2-util");
            drop(finish(command.env("SOFTHSM2_CONF", self.at("softhsm2.conf")).args(arguments)).ok());
        };
        let secrets = ["--so-pin", "so-1234", "--pin", "user-1234"];
        util(&[&["--init-token", "--free", "--label", "online"][..], &secrets].concat());
        let passphrase = format!("file:{}", path(&self.at("passphrase")));
        for file in std::fs::read_dir(self.at("keys")).expect("the keys") {
            let file = file.expect("a key").path();
            let name = file.file_stem().expect("its name").to_string_lossy().into_owned();
            let (from, plain) = (path(&file), path(&self.rehearsal.unique("plain.key")));
            let arguments =
                ["pkcs8", "-topk8", "-nocrypt", "-passin", &passphrase, "-in", &from, "-out", &plain];
            drop(openssl(arguments).ok());
            let import = ["--import", &plain, "--token", "online", "--label", &name, "--id", &name];
            util(&[&import[..], &["--pin", "user-1234"]].concat());
        }
        std::fs::remove_dir_all(self.at("keys")).expect("the files go");
        let uri = format!("pkcs11:token=online?module-path={}&pin-source=file:{}", softhsm(), path(&pin));
        let (before, after) = proposal.split_once("[keys]\n").expect("the keys are named");
        let (_, after) = after.split_once("\n\n").expect("charters");
        format!("{before}[keys]\ntoken_uri = \"{uri}\"\n\n{after}")
    }

    pub(crate) fn start_signer(&self) {
        let configuration = path(&self.at("signer.toml"));
        let environment = [("SOFTHSM2_CONF", self.at("softhsm2.conf"))];
        let log = self.rehearsal.unique("signer.log");
        let mut signer = Process::start_in(&environment, &["--config", &configuration, "signer"], log);
        eventually("the signer answers", || {
            assert!(signer.ended().is_none(), "the signer ended: {}", signer.log());
            self.signer_verb(&["state"]).success.then_some(())
        });
        *self.signer() = Some(signer);
    }

    fn signer(&self) -> MutexGuard<'_, Option<Process>> {
        self.signer.lock().expect("nobody panicked")
    }

    /// The signer's number in the operating system.
    pub(crate) fn signer_number(&self) -> u32 {
        self.signer().as_ref().expect("the signer runs").number()
    }

    /// What the signer has said.
    pub(crate) fn signer_log(&self) -> String {
        self.signer().as_ref().expect("the signer runs").log()
    }

    /// Ends the signer in the middle of whatever it does.
    pub(crate) fn kill_signer(&self) {
        self.signer().take().expect("the signer runs").kill();
    }

    pub(crate) fn stop_signer(&self) {
        let status = self.signer().take().expect("the signer runs").stop();
        assert!(status.success(), "SIGTERM ends the signer in order: {status}");
    }

    /// Runs a verb of the signer with its configuration.
    pub(crate) fn signer_verb(&self, verb: &[&str]) -> Said {
        let mut command = Command::new(program("meter-pki"));
        finish(command.arg("--config").arg(self.at("signer.toml")).arg("signer").args(verb))
    }

    /// The names of files that a process has mapped.
    pub(crate) fn mapped(number: u32) -> String {
        std::fs::read_to_string(format!("/proc/{number}/maps")).expect("a process")
    }

    /// Stops the authority, and asks the checker whether its ledger and the signer's log say the same.
    pub(crate) fn check(&mut self) {
        self.rehearsal.stop();
        self.stop_signer();
        let log = path(&self.at("signer/signatures.log"));
        drop(self.signer_verb(&["log", "verify", &log]).ok());
        let copy = self.rehearsal.scratch("store");
        drop(finish(Command::new("cp").arg("-r").arg(self.at("store")).arg(&copy)).ok());
        let mut checker = Command::new(program("ledger-checker"));
        checker.arg("--store").arg(&copy).args(["--signer-log", &log, "--grace", "3600"]);
        checker.arg("--authorities").arg(self.at("authorities")).arg("--published").arg(self.at("published"));
        let said = finish(&mut checker);
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.all());
    }
}
