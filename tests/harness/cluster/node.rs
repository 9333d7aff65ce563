//! A node as a process on its host: started, told, heard, signalled, ended.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use postgres_peer::Host;

use super::world::World;
use crate::crash::template::program;
use crate::process::signal;

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// Its host.
    pub host: Host,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    tell: Arc<Mutex<ChildStdin>>,
}

impl Node {
    /// A node that does not run yet.
    #[must_use]
    pub const fn new(name: &'static str, host: Host) -> Self {
        Self { name, host, running: Mutex::new(None) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it where it does not run; tells whether it had to. The calling thread must live as long as the node is to.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn keep_running(&self, house: &Path, world: &Arc<World>) -> bool {
        let mut running = self.lock();
        let is_alive = |one: &mut Running| one.child.try_wait().expect("a child can be waited for").is_none();
        if running.as_mut().is_some_and(is_alive) {
            return false;
        }
        let log = OpenOptions::new().append(true).create(true).open(house.join(self.name).join("log"));
        // The kernel sends the signal when the starting thread ends: whoever is killed leaves nothing behind.
        let mut command = self.host.command("setpriv");
        let mut child = command
            .args(["--pdeathsig", "KILL"])
            .arg(program("node-under-test"))
            .arg(house)
            .arg(self.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log can be written"))
            .spawn()
            .expect("nsenter of util-linux starts the node");
        let tell = child.stdin.take().expect("its standard input");
        let said = child.stdout.take().expect("its standard output");
        let (world, name) = (Arc::clone(world), self.name);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(said);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|octets| octets > 0) {
                // A line without its end was torn, and told nobody anything.
                if let Some(whole) = line.strip_suffix(" .\n") {
                    world.heard(name, whole);
                }
                line.clear();
            }
        });
        *running = Some(Running { child, tell: Arc::new(Mutex::new(tell)) });
        true
    }

    /// Tells it a line; whether it hears is seen by what it answers.
    pub fn tell(&self, line: &str) {
        let tell = self.lock().as_ref().map(|one| Arc::clone(&one.tell));
        if let Some(tell) = tell {
            drop(writeln!(tell.lock().unwrap_or_else(PoisonError::into_inner), "{line}"));
        }
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let number = self.lock().as_ref().map(|one| one.child.id());
        if let Some(number) = number {
            signal(number, name);
        }
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&self) {
        if let Some(one) = self.lock().as_mut() {
            drop(one.child.kill());
        }
    }

    /// Gives it nothing more to do, and waits until it has ended.
    ///
    /// # Panics
    /// When the kernel does not know it.
    pub fn stop(&self) -> Option<ExitStatus> {
        let Running { mut child, tell } = self.lock().take()?;
        drop(tell);
        Some(child.wait().expect("a child can be waited for"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(one) = self.lock().as_mut() {
            drop(one.child.kill());
            drop(one.child.wait());
        }
    }
}
