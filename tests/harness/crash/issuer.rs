//! The issuer under test as a process: started with its plan, heard and told over its standard streams, ended.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::kill::Kill;
use super::template::program;
use crate::tool::run;

/// How long an issuer whose clients lost it may take to be gone.
const DYING: Duration = Duration::from_millis(1_500);

/// How long an issuer may say nothing while a line is waited for.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the issuer of a house finds everything.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The house: `state` and what the harness keeps beside it.
    pub directory: &'a Path,
    /// The compiled shim.
    pub shim: &'a Path,
    /// How many seconds its clock is ahead.
    pub ahead: i64,
    /// What the shim's draws follow from.
    pub seed: u64,
}

/// A running issuer. It is killed when this is dropped, and by the kernel should the harness die before that.
#[derive(Debug)]
pub struct Issuer {
    child: Mutex<Child>,
    tell: Mutex<ChildStdin>,
    said: Mutex<Receiver<String>>,
}

impl Issuer {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(place: Place<'_>, kill: Kill) -> Self {
        let within = |name: &str| place.directory.join(name);
        std::fs::create_dir_all(within("aside")).expect("the house has space");
        let log =
            OpenOptions::new().append(true).create(true).open(within("log")).expect("the log can be written");
        // The kernel sends the signal when the starting thread ends: whoever is killed leaves nothing behind.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program("issuer-under-test"))
            .args([within("state/meter-pki.toml"), within("signatures")])
            .arg(place.ahead.to_string())
            .args(kill.arguments())
            .env("LD_PRELOAD", place.shim)
            .env("CRASH_SHIM_DIRECTORY", within("state"))
            .env("CRASH_SHIM_ASIDE", within("aside"))
            .env("CRASH_SHIM_LOG", within("calls"))
            .env("CRASH_SHIM_BOOT", within("boot"))
            .env("CRASH_SHIM_SEED", place.seed.to_string())
            .envs(kill.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("setpriv of util-linux starts the issuer");
        let tell = child.stdin.take().expect("its standard input");
        let lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        let (hear, said) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| hear.send(line).is_ok()));
        Self { child: Mutex::new(child), tell: Mutex::new(tell), said: Mutex::new(said) }
    }

    /// Waits until it serves; returns where, or nothing when it ended before.
    ///
    /// # Panics
    /// When it says something else.
    #[must_use]
    pub fn serving(&self) -> Option<SocketAddr> {
        let line = self.line()?;
        let address = line.strip_prefix("serving ").and_then(|address| address.parse().ok());
        Some(address.unwrap_or_else(|| panic!("the issuer said {line}")))
    }

    /// Waits for the next line; nothing when it ended.
    ///
    /// # Panics
    /// When it neither says anything nor ends.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        match self.said.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(SILENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the issuer hangs: it has said nothing for a minute"),
        }
    }

    /// Tells it a line; whether it hears is seen by what it answers.
    pub fn tell(&self, line: &str) {
        drop(writeln!(self.tell.lock().unwrap_or_else(PoisonError::into_inner), "{line}"));
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&self) {
        drop(self.child.lock().unwrap_or_else(PoisonError::into_inner).kill());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When the kernel does not know it.
    pub fn ended(&self) -> ExitStatus {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.wait().expect("a child can be waited for")
    }

    /// Tells whether it ended by itself: whoever dies closes its standard output.
    #[must_use]
    pub fn has_ended_soon(&self) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match said.recv_timeout(DYING) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    #[must_use]
    pub fn stop(self) -> ExitStatus {
        let number = self.child.lock().unwrap_or_else(PoisonError::into_inner).id().to_string();
        drop(run("sh", ["-c", "kill -TERM \"$0\"", &number]).ok());
        self.ended()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.kill();
        self.ended();
    }
}
