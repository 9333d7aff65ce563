//! An installed unit that runs: what systemd does to start it is done here as the unit says it, and what it tells systemd is heard on
//! a real socket.
//!
//! The sandbox of the unit is not put around it: whether the program gets by with what it leaves is in `sandbox`.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::root::PrivateRoot;
use crate::unit::Unit;

/// How long one word of a unit is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where systemd listens to units, below the root.
const NOTIFY: &str = "/run/systemd/notify";

/// A unit that was started. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    heard: UnixDatagram,
    log: NamedTempFile,
}

impl Running {
    /// Starts an installed unit.
    pub(crate) fn start(root: &PrivateRoot, unit: &Unit) -> Self {
        Self::start_under(root, unit, &[])
    }

    /// The same by way of a program of this machine, which starts it and watches.
    pub(crate) fn start_under(root: &PrivateRoot, unit: &Unit, under: &[&str]) -> Self {
        let owner = root.user(unit.one("User"));
        let run = format!("/run/{}", unit.one("RuntimeDirectory"));
        root.put_directory(&run, (&owner, unit.one("RuntimeDirectoryMode")));
        let state = format!("/var/lib/{}", unit.one("StateDirectory"));
        root.put_directory(&state, (&owner, unit.one("StateDirectoryMode")));
        let heard = listen(root);
        let log = NamedTempFile::new().expect("a private file");
        let arguments: Vec<&str> = unit.one("ExecStart").split_whitespace().collect();
        let mut command = watched(root.program(unit.one("User"), &arguments), under);
        command.env("NOTIFY_SOCKET", NOTIFY);
        command.env("CREDENTIALS_DIRECTORY", credentials(root, unit, &owner));
        if let [seconds] = unit.all("WatchdogSec").as_slice() {
            command.env("WATCHDOG_USEC", format!("{seconds}000000"));
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().expect("the log can be written"))
            .spawn()
            .expect("unshare of util-linux starts it");
        Self { child, heard, log }
    }

    /// Waits for a word, such as `READY=1`; returns all that was said up to it.
    pub(crate) fn says(&mut self, word: &str) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        while !said.iter().any(|one| one == word) {
            let mut octets = [0; 4_096];
            let length = self.heard.recv(&mut octets).unwrap_or_else(|error| {
                panic!("`{word}` is not said: {error}; {said:?}; the log: {}", self.log())
            });
            said.extend(String::from_utf8_lossy(&octets[..length]).lines().map(str::to_owned));
        }
        said
    }

    /// What it said on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// Waits until it has ended by itself; returns its exit code and what it said.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("a child can be waited for");
        (status.code(), self.log())
    }

    /// Stops it as systemd does.
    pub(crate) fn stop(mut self) {
        e2e::process::signal(self.child.id(), "TERM");
        let said = self.says("STOPPING=1");
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success(), "{status}, having said {said:?}: {}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The command by way of another one.
fn watched(command: Command, under: &[&str]) -> Command {
    let [watcher, options @ ..] = under else { return command };
    let mut watched = Command::new(watcher);
    watched.args(options).arg(command.get_program()).args(command.get_args()).env_clear();
    watched.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    watched
}

/// Listens where systemd does.
fn listen(root: &PrivateRoot) -> UnixDatagram {
    let place = root.at(NOTIFY);
    drop(std::fs::remove_file(&place));
    let socket = UnixDatagram::bind(&place).expect("a socket below the root");
    let mode = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&place, mode).expect("units may write to it");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    socket
}

/// Hands over the credentials that are there, as systemd does where an access list lets the user in: it shows as the group's right.
fn credentials(root: &PrivateRoot, unit: &Unit, owner: &str) -> String {
    let folder = format!("/run/credentials/{}", unit.name);
    root.put_directory("/run/credentials", ("0:0", "0755"));
    root.put_directory(&folder, (owner, "0500"));
    for name in unit.all("LoadCredential") {
        let kept = format!("/etc/credstore/{name}");
        if root.mode(&kept).is_some() {
            let secret = root.read(&kept);
            root.put(&format!("{folder}/{name}"), secret.as_bytes(), (owner, 0o440));
        }
    }
    folder
}
