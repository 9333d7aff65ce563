//! Programs that run beside the suite, each in a process group of its own, which ends with whoever started it: also when the suite
//! is killed.

use std::io::{Write, stderr};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::speed::Stopwatch;

/// How long a program may take until it listens, or until it has ended.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long is waited before somebody is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads until nobody can write any more, and then ends the group that it was told.
const GUARD: &str = "read -r line; kill -s KILL -- \"-$0\"";

/// A running program. It ends when this is dropped, with all that it has started.
pub(crate) struct Process {
    program: Child,
    /// Ends it where nobody comes to drop this.
    guard: Child,
}

impl Process {
    /// Starts it; it reads nothing.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let started = command.process_group(0).stdin(Stdio::null()).spawn();
        let program = started.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, &program.id().to_string()]).process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match guard.spawn() {
            Ok(guard) => Ok(Self { program, guard }),
            Err(error) => {
                end_group(&program);
                Err(error).context("cannot start sh")
            }
        }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// What it writes, where that is a pipe.
    pub(crate) fn output(&mut self) -> Option<ChildStdout> {
        self.program.stdout.take()
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.program.try_wait()
    }

    /// Asks it to end, and waits until it has.
    #[expect(clippy::disallowed_methods, reason = "std tells of no end but to whoever waits without end")]
    pub(crate) fn terminate(mut self) -> anyhow::Result<()> {
        if let Some(number) = number(&self.program) {
            kill_process(number, Signal::TERM)?;
        }
        let watch = Stopwatch::start();
        while self.ended()?.is_none() {
            ensure!(watch.elapsed() < PATIENCE, "process {} does not end", self.id());
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.kill());
        drop(self.guard.wait());
        end_group(&self.program);
        drop(self.program.wait());
    }
}

fn end_group(program: &Child) {
    if let Some(group) = number(program) {
        // Whoever has ended already needs no end.
        kill_process_group(group, Signal::KILL).unwrap_or_default();
    }
}

fn number(program: &Child) -> Option<Pid> {
    Pid::from_raw(program.id().try_into().ok()?)
}

/// Tells whether there is a program of others, and says so if there is none.
pub(crate) fn is_installed(program: &str, row: &str) -> anyhow::Result<bool> {
    let installed = Command::new(program).arg("version").output().is_ok();
    if !installed {
        writeln!(stderr(), "not measured: {row}: there is no {program}")?;
    }
    Ok(installed)
}

/// Programs that cannot be told to choose a port get one that is free. It is none of those that the system gives to clients: after
/// a row with ten thousands of connections, most of these are still held by connections that have ended.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let is_free = |port: &u16| TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).is_ok();
    let port = (15_000..32_000).find(is_free).context("no port is free")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Waits until a program of others listens.
#[expect(clippy::disallowed_methods, reason = "programs of others tell nobody when they listen")]
pub(crate) fn wait_for(address: SocketAddr, process: &mut Process) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = process.ended()? {
            anyhow::bail!("it ended before it listened at {address}: {status}");
        }
        ensure!(watch.elapsed() < PATIENCE, "nobody listens at {address}");
        // Not at once: an attempt may come from the very port, and be in the way.
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
