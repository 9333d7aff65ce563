//! The machine of a guided ceremony stops at one of the calls by which it changes something, for each of them in turn.
//!
//! A small ceremony: one suite, keys in files, a root and its CRL; or the rehearsal of a later one, on what stands in for that root.
//! After each stop the same command is given again; then the ceremony must be over, and its bundle and its root must verify.

mod later;

use core::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::crash::shim;
use crate::crash::template::program;
use crate::people::{self, Answered};

/// Who takes part.
const PEOPLE: [(&str, &str); 3] = [("Ada", "administrator"), ("Olga", "operator"), ("Wim", "witness")];

/// Which ceremony stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One that founds a root.
    Founding,
    /// The rehearsal of one on a root that another ceremony founded.
    StandIn,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Founding => "founding",
            Self::StandIn => "stand-in",
        })
    }
}

/// What a stop takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The process alone: SIGKILL.
    Process,
    /// Everything that was not synced.
    Unsynced,
    /// Some of what was not synced.
    SomeUnsynced,
}

impl Loss {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Process, Self::Unsynced, Self::SomeUnsynced];

    /// What the shim calls it.
    const fn power(self) -> Option<&'static str> {
        match self {
            Self::Process => None,
            Self::Unsynced => Some("strict"),
            Self::SomeUnsynced => Some("random"),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Unsynced => "unsynced",
            Self::SomeUnsynced => "some-unsynced",
        })
    }
}

/// At which calls the machine stops.
#[derive(Debug, Clone)]
pub struct Cuts {
    /// Which ceremony.
    pub which: Which,
    /// The first, from 1.
    pub first: usize,
    /// How many are between one and the next.
    pub every: usize,
    /// What is lost; each call is tried with each.
    pub losses: Vec<Loss>,
    /// How many ceremonies at the same time.
    pub workers: usize,
    /// What the parts are drawn by that are lost.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many times a machine stopped.
    pub stops: usize,
    /// How many calls the whole ceremony makes; where some were left out, at most.
    pub calls: usize,
    /// What was not as it must be.
    pub failures: Vec<String>,
}

impl Cuts {
    /// Plays all of them below a directory.
    ///
    /// # Panics
    /// When the ceremony cannot be prepared.
    #[must_use]
    pub fn play(&self, grounds: &Path) -> Outcome {
        let grounds = grounds.canonicalize().expect("a path");
        let (library, template) = (shim::compile(&grounds), grounds.join("template"));
        let house = House { which: self.which, library, template, grounds };
        house.prepare();
        let (next, past_the_end) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        let outcome = Mutex::new(Outcome::default());
        thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                scope.spawn(|| {
                    loop {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let call = self.first + turn / self.losses.len() * self.every;
                        if call >= past_the_end.load(Ordering::Relaxed) {
                            return;
                        }
                        let Some(loss) = self.losses.get(turn % self.losses.len()) else { return };
                        let round = house.round((turn, call), *loss, self.seed);
                        let mut outcome = outcome.lock().expect("nobody panics with it");
                        match round {
                            Ok(true) => outcome.stops += 1,
                            Ok(false) => {
                                let _ = past_the_end.fetch_min(call, Ordering::Relaxed);
                            }
                            Err(what) => outcome.failures.push(format!("call {call}, {loss}: {what}")),
                        }
                    }
                });
            }
        });
        let mut outcome = outcome.into_inner().expect("nobody panics with it");
        outcome.calls = past_the_end.into_inner() - 1;
        outcome
    }
}

struct House {
    which: Which,
    grounds: PathBuf,
    library: PathBuf,
    template: PathBuf,
}

impl House {
    /// Has people make their keys, and writes the ceremony file; what is held before a later ceremony is held.
    fn prepare(&self) {
        for folder in ["", "disk", "aside", "inputs"] {
            fs::create_dir(self.template.join(folder)).expect("a directory");
        }
        let mut text =
            "format = 1\ntitle = \"A ceremony with stops\"\nheld = \"2026-11-28T09:00:00Z\"\n".to_owned();
        for name in ["root", "Ada", "Olga", "Wim"] {
            let path = self.template.join(format!("{name}.pass"));
            fs::write(&path, format!("the passphrase of {name}\n")).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        }
        for (name, role) in PEOPLE {
            let [key, public, pass] = ["key", "pem", "pass"].map(|end| format!("{name}.{end}"));
            let mut create = Command::new(program("offline-root-under-test"));
            create.args(["person", "create", "--name", name, "--out", &key, "--public", &public]);
            let made = create.args(["--passphrase-file", &pass]).current_dir(&self.template).output();
            assert!(made.expect("it starts").status.success());
            let pem = fs::read_to_string(self.template.join(&public)).expect("it was made");
            text +=
                &format!("\n[[person]]\nname = \"{name}\"\nrole = \"{role}\"\nkey = \"\"\"\n{pem}\"\"\"\n");
        }
        let acts = match self.which {
            Which::Founding => CRL.to_owned(),
            Which::StandIn => later::neighbour(&self.template),
        };
        let founding = format!("{text}{ROOT}{FOUNDING}{acts}");
        fs::write(self.template.join("ceremony.toml"), founding).expect("a file");
        if self.which == Which::StandIn {
            let held = people::hold(&mut self.command(&self.template, "run"), None);
            assert_eq!(held.exit, Some(0), "{}", held.said);
            let file = later::file(&format!("{text}{ROOT}"), &self.template.join("disk/room"));
            fs::write(self.template.join("ceremony.toml"), file).expect("a file");
        }
    }

    /// Plays one ceremony that stops at a call; tells whether it came that far.
    fn round(&self, (turn, call): (usize, usize), loss: Loss, seed: u64) -> Result<bool, String> {
        let place = self.grounds.join(format!("round-{turn}"));
        let copied = Command::new("cp").args(["-a", "-T"]).args([&self.template, &place]).status();
        assert!(copied.expect("cp is installed").success());
        let stopped = self.hold(&place, Some((call, loss, seed)));
        if let Some(exit) = stopped.exit {
            let whole = exit == 0;
            return if whole {
                self.verify(&place).map(|()| false)
            } else {
                Err(format!("{exit}: {}", stopped.said))
            };
        }
        let again = self.hold(&place, None);
        // It may have stopped after the last word was said.
        let over = again.said.contains("(ceremony.over)");
        if again.exit != Some(0) && !over {
            return Err(format!("{:?}: {}", again.exit, again.said));
        }
        self.verify(&place)?;
        fs::remove_dir_all(&place).expect("it is ours");
        Ok(true)
    }

    fn hold(&self, place: &Path, stop: Option<(usize, Loss, u64)>) -> Answered {
        let verb = if self.which == Which::StandIn { "rehearse" } else { "run" };
        let mut command = self.command(place, verb);
        if let Some((call, loss, seed)) = stop {
            command.env("LD_PRELOAD", &self.library).env("CRASH_SHIM_DIRECTORY", place.join("disk"));
            command.env("CRASH_SHIM_FAULT", format!("end-at-call {call}"));
            command
                .env("CRASH_SHIM_ASIDE", place.join("aside"))
                .env("CRASH_SHIM_SEED", format!("{}", seed + call as u64));
            command.envs(loss.power().map(|power| ("CRASH_SHIM_POWER", power)));
        }
        people::hold(&mut command, None)
    }

    fn command(&self, place: &Path, verb: &str) -> Command {
        let mut command = people::without_network();
        command.arg(program("offline-root-under-test")).args(["ceremony", verb, "ceremony.toml", "--dir"]);
        command.arg(place.join("disk/room")).args(["--root-secret-file", "a=root.pass"]);
        for name in ["Olga", "Wim"] {
            command.args(["--key", &format!("{name}={name}.key")]);
            command.args(["--passphrase-file", &format!("{name}={name}.pass")]);
        }
        command.current_dir(place);
        command
    }

    /// The bundle is what outsiders believe, and everything in the root's directory is in order.
    fn verify(&self, place: &Path) -> Result<(), String> {
        let mut room = place.join("disk/room");
        if self.which == Which::StandIn {
            let roots = [&self.template, place].map(|place| place.join("disk/room/roots"));
            let same = Command::new("diff").arg("-r").args(roots).output().expect("diff is installed");
            if !same.status.success() {
                return Err(format!("the root was touched: {}", String::from_utf8_lossy(&same.stdout)));
            }
            room.push("REHEARSAL");
        }
        let mut ceremonies = fs::read_dir(room.join("ceremonies")).map_err(|cause| cause.to_string())?;
        let ceremony =
            ceremonies.next().ok_or("there is no ceremony")?.map_err(|cause| cause.to_string())?.path();
        for arguments in [
            vec!["ceremony".into(), "verify".into(), ceremony.join("bundle")],
            vec!["ceremony".into(), "verify".into(), ceremony.join("bundle.tar")],
            vec!["verify".into(), "--dir".into(), room.join("roots/a")],
        ] {
            let said = Command::new(program("offline-root-under-test"))
                .args(&arguments)
                .output()
                .expect("it starts");
            if !said.status.success() {
                return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&said.stderr)));
            }
        }
        let names = |directory: PathBuf| -> Vec<String> {
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        let (export, outputs) = (names(ceremony.join("export")), names(ceremony.join("bundle/outputs")));
        if export == outputs { Ok(()) } else { Err(format!("{export:?} leaves, and {outputs:?} was made")) }
    }
}

const ROOT: &str = r#"
[[root]]
name = "a"
suite = 1
tenant = "grid"
subject = { country = "NL", organization = "Example Grid", common_name = "Example Root" }
profile = "root"
profiles = { variant = "gurux-safe", policy_arc = "1.3.6.1.4.1.32473.1" }
publication = { crl = "http://pki.example/a.crl", ca_issuers = "http://pki.example/a.crt" }
keys = { store = "file" }
"#;

const FOUNDING: &str = r#"
[[act]]
kind = "found-root"
root = "a"
"#;

const CRL: &str = r#"
[[act]]
kind = "crl"
root = "a"
this_update = "2026-11-28T09:00:00Z"
next_update = "2027-05-28T09:00:00Z"
"#;
