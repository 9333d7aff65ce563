//! A rehearsed system whose keys are with `meter-pki signer`, or on tokens of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use e2e::patience::eventually;
use e2e::peer::{curl, path};
use e2e::process::{Process, program};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish};

use crate::tokens::Tokens;

/// What the quickstart says of its keys.
const KEYS: &str = "allow_software_key = true\ndirectory = \"keys\"\npassphrase_file = \"passphrase\"";

/// What the authority says of them when a signer has them.
const LINKED: &str = "signer_socket = \"signer/signer.sock\"";

/// How long tokens rest, so that what a test waits for comes soon.
const SHORT_RESTS: &str = "token = { longest_rest_seconds = 2 }";

/// Where the keys are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeping {
    /// With a signer, in files.
    Files,
    /// With a signer, on each of these tokens.
    WithSigner(&'static [&'static str]),
    /// With the authority itself, on each of these tokens.
    WithAuthority(&'static [&'static str]),
}

pub(crate) struct House {
    pub(crate) rehearsal: Rehearsal,
    tokens: Option<Tokens>,
    has_signer: bool,
    /// What meters asked for and were given, as the checker reads it.
    notes: Mutex<String>,
    signer: Mutex<Option<Process>>,
    /// What the signer finds in its environment, beside what tokens of SoftHSM2 need.
    surroundings: Vec<(&'static str, PathBuf)>,
}

/// The signer's configuration that is proposed, with its keys elsewhere.
fn with_keys(proposal: &str, keys: &str) -> String {
    let (before, after) = proposal.split_once("[keys]\n").expect("the keys are named");
    let (_, after) = after.split_once("\n\n").expect("charters");
    format!("metrics_file = \"signer/metrics.prom\"\n{before}[keys]\n{keys}\n\n{after}")
}

impl House {
    /// Founds a system, gives its keys to a signer, and serves.
    pub(crate) fn new(on_token: bool) -> Self {
        let mut house =
            Self::prepared(if on_token { Keeping::WithSigner(&["online"]) } else { Keeping::Files });
        house.start();
        house
    }

    /// Founds a system and puts its keys where they are to be; nothing runs.
    pub(crate) fn prepared(keeping: Keeping) -> Self {
        Self::prepared_with(keeping, SHORT_RESTS)
    }

    /// The same with tokens that are used so.
    pub(crate) fn prepared_with(keeping: Keeping, bounds: &str) -> Self {
        let rehearsal = Self::founded();
        let proposal = rehearsal.operator(&["signer", "propose"]).ok().out;
        let (Keeping::WithSigner(labels) | Keeping::WithAuthority(labels)) = keeping else {
            return Self::of(rehearsal, None, LINKED, Some(proposal));
        };
        let tokens = Tokens::make(&rehearsal, labels);
        let uris: Vec<String> = labels.iter().map(|label| format!("\"{}\"", tokens.uri(label))).collect();
        let keys = match uris.as_slice() {
            [uri] => format!("token_uri = {uri}\n{bounds}"),
            several => format!("token_uris = [{}]\n{bounds}", several.join(", ")),
        };
        if let Keeping::WithAuthority(_) = keeping {
            return Self::of(rehearsal, Some(tokens), &keys, None);
        }
        Self::of(rehearsal, Some(tokens), LINKED, Some(with_keys(&proposal, &keys)))
    }

    /// Founds a system, whose keys are in files; nothing runs.
    pub(crate) fn founded() -> Rehearsal {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let state = |place: &str| rehearsal.state(place);
        std::fs::create_dir(state("signer")).expect("a directory");
        std::fs::create_dir(state("secrets")).expect("a directory");
        drop(finish(Command::new("chmod").arg("700").arg(state("secrets"))).ok());
        rehearsal
    }

    /// A founded system whose authority has its keys on tokens of its own, as this says of `[keys]`; nothing runs.
    pub(crate) fn with_keys(rehearsal: Rehearsal, keys: &str) -> Self {
        Self::of(rehearsal, None, &format!("{keys}\n{SHORT_RESTS}"), None)
    }

    /// A founded system whose keys a signer has, whose proposal this is, as that says of `[keys]`, which finds this in its environment
    /// and the authority does not; nothing runs.
    pub(crate) fn behind_signer(
        rehearsal: Rehearsal,
        (proposal, keys): (&str, &str),
        surroundings: Vec<(&'static str, PathBuf)>,
    ) -> Self {
        let signer = with_keys(proposal, &format!("{keys}\n{SHORT_RESTS}"));
        Self { surroundings, ..Self::of(rehearsal, None, LINKED, Some(signer)) }
    }

    fn of(mut rehearsal: Rehearsal, tokens: Option<Tokens>, keys: &str, signer: Option<String>) -> Self {
        if let Some(signer) = &signer {
            std::fs::write(rehearsal.state("signer.toml"), signer).expect("the signer's configuration");
        } else {
            let environment = tokens.iter().flat_map(Tokens::environment);
            environment.for_each(|(name, value)| rehearsal.surround(name, &value));
        }
        rehearsal.configure("served.toml", |text| {
            // What is uncertain is soon revoked, so that meters can ask again.
            let graced = text.replace("responder_key =", "uncertain_grace_seconds = 1\nresponder_key =");
            let secrets = graced.replace("[cmp]\n", "[cmp]\nsecrets_directory = \"secrets\"\n");
            secrets.replace(KEYS, keys)
        });
        Self {
            rehearsal,
            tokens,
            has_signer: signer.is_some(),
            notes: Mutex::default(),
            signer: Mutex::new(None),
            surroundings: Vec::new(),
        }
    }

    fn signers_environment(&self) -> Vec<(&'static str, PathBuf)> {
        self.tokens.iter().flat_map(Tokens::environment).chain(self.surroundings.clone()).collect()
    }

    /// Starts the signer, where there is one, and the authority.
    pub(crate) fn start(&mut self) {
        if self.has_signer {
            self.start_signer();
        }
        self.rehearsal.serve();
    }

    pub(crate) const fn has_signer(&self) -> bool {
        self.has_signer
    }

    pub(crate) fn at(&self, place: &str) -> PathBuf {
        self.rehearsal.state(place)
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        self.tokens.as_ref().expect("the keys are on tokens")
    }

    pub(crate) fn start_signer(&self) {
        let configuration = path(&self.at("signer.toml"));
        let environment = self.signers_environment();
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

    /// Waits until the signer has ended by itself.
    pub(crate) fn await_end_of_signer(&self) {
        let mut signer = self.signer().take().expect("the signer runs");
        let status = eventually("the signer ends", || signer.ended());
        assert!(!status.success(), "{status}: {}", signer.log());
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
        command.envs(self.signers_environment());
        finish(command.arg("--config").arg(self.at("signer.toml")).arg("signer").args(verb))
    }

    /// The names of files that a process has mapped.
    pub(crate) fn mapped(number: u32) -> String {
        std::fs::read_to_string(format!("/proc/{number}/maps")).expect("a process")
    }

    /// Notes for the checker what a meter asked for, or was given.
    pub(crate) fn note(&self, line: &str) {
        self.notes.lock().expect("nobody panicked").push_str(&format!("{line} .\n"));
    }

    /// A page of the operator's socket.
    pub(crate) fn page(&self, name: &str) -> String {
        let socket = path(&self.at("operator.sock"));
        curl(&self.rehearsal, &format!("http://meter-pki/{name}"), &["--unix-socket", &socket]).text()
    }

    /// Stops the authority, and asks the checker whether nothing is lost or issued twice, and whether the ledger and the signer's
    /// log say the same, where there is one.
    pub(crate) fn check(&mut self) {
        self.rehearsal.stop();
        let copy = self.rehearsal.scratch("store");
        drop(finish(Command::new("cp").arg("-r").arg(self.at("store")).arg(&copy)).ok());
        let mut checker = Command::new(program("ledger-checker"));
        checker.arg("--store").arg(&copy).args(["--grace", "3600"]);
        checker.arg("--authorities").arg(self.at("authorities")).arg("--published").arg(self.at("published"));
        let clients = self.rehearsal.scratch("clients");
        std::fs::write(&clients, self.notes.lock().expect("nobody panicked").as_str()).expect("the notes");
        checker.arg("--clients").arg(&clients);
        if self.has_signer {
            self.stop_signer();
            let log = path(&self.at("signer/signatures.log"));
            drop(self.signer_verb(&["log", "verify", &log]).ok());
            checker.args(["--signer-log", &log]);
        }
        let said = finish(&mut checker);
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.all());
    }
}
