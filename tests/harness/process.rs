//! Programs of this workspace, running beside a test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::tool::run;

/// A running program. It is killed when this is dropped, and by the kernel should the test die before that.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// Finds a program of this workspace, as it was built with the tests, beside the test or the program that runs.
///
/// # Panics
/// When it was not built; `cargo test` builds it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let places = test.ancestors().skip(1).take(2).map(|place| place.join(format!("{name}-under-test")));
    let path = places.clone().find(|path| path.exists()).or_else(|| places.clone().next()).expect("a place");
    assert!(path.exists(), "{} is missing: run the tests by cargo", path.display());
    path
}

impl Process {
    /// Starts `meter-pki`; what it says on standard error goes to the file `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(arguments: &[&str], log: PathBuf) -> Self {
        Self::start_in(&[], arguments, log)
    }

    /// The same with these variables in its environment.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_in(environment: &[(&str, PathBuf)], arguments: &[&str], log: PathBuf) -> Self {
        let mut command = Command::new(program("meter-pki"));
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        Self::begin(&command, log)
    }

    /// Starts a prepared command; of its environment what was added to ours.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn begin(command: &Command, log: PathBuf) -> Self {
        // The kernel sends the signal when the starting thread ends: a test that is killed leaves nothing behind.
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
        guarded.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(place) = command.get_current_dir() {
            guarded.current_dir(place);
        }
        let child = guarded
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("the log can be made"))
            .spawn()
            .expect("setpriv of util-linux starts it");
        Self { child, log }
    }

    /// Waits for the first line on standard output.
    ///
    /// # Panics
    /// When it was read before, or is not text.
    #[must_use]
    pub fn first_line(&mut self) -> String {
        let out = self.child.stdout.take().expect("standard output is read once");
        BufReader::new(out).lines().next().map(|line| line.expect("text")).unwrap_or_default()
    }

    /// Returns its number in the operating system.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.child.id()
    }

    /// Returns how the program ended, if it did.
    ///
    /// # Panics
    /// When the kernel does not know it.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Returns what the program has said on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks the program to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it cannot be asked.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        let number = self.child.id().to_string();
        drop(run("sh", ["-c", "kill -TERM \"$0\"", &number]).ok());
        self.child.wait().expect("a child can be waited for")
    }

    /// Ends the program in the middle of whatever it does (SIGKILL).
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Processor time of a process so far.
#[derive(Debug, Clone, Copy)]
pub struct Labour {
    ticks: u64,
}

impl Labour {
    /// Returns that of a process.
    ///
    /// # Panics
    /// When there is no such process.
    #[must_use]
    pub fn of(process: u32) -> Self {
        Self::read(&process.to_string())
    }

    /// Returns our own.
    ///
    /// # Panics
    /// Never on Linux.
    #[must_use]
    pub fn own() -> Self {
        Self::read("self")
    }

    /// In milliseconds; the kernel counts in hundredths of a second.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        f64::from(u32::try_from(self.ticks).unwrap_or(u32::MAX)) * 10.0
    }

    fn read(process: &str) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        // proc(5): the name, in parentheses, is the second field; user and system time are the 14th and 15th.
        let (_, fields) = text.rsplit_once(')').expect("its name");
        let times = fields.split_ascii_whitespace().skip(11).take(2);
        Self { ticks: times.map(|ticks| ticks.parse::<u64>().expect("ticks")).sum() }
    }
}

impl std::ops::Sub for Labour {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { ticks: self.ticks.saturating_sub(before.ticks) }
    }
}

/// Sends a signal, such as `STOP`, to a process.
///
/// # Panics
/// When there is no such process.
pub fn signal(process: u32, name: &str) {
    drop(run("kill", [format!("-{name}"), process.to_string()]).ok());
}

/// Returns how many octets have come to connections of a local TCP port and were not read yet.
///
/// # Panics
/// Never on Linux.
#[must_use]
pub fn unread(port: u16) -> u64 {
    let text = std::fs::read_to_string("/proc/net/tcp").expect("the connections");
    // proc_pid_net(5): local address and port in hexadecimal, remote ones, state (01 is established), transmit and receive queue.
    let of_port = |line: &&str| {
        line.split_whitespace().nth(1).is_some_and(|own| own.ends_with(&format!(":{port:04X}")))
    };
    let connected = |line: &&str| line.split_whitespace().nth(3) == Some("01");
    let received =
        |line: &str| line.split_whitespace().nth(4)?.split_once(':').map(|(_, queue)| queue.to_owned());
    let queues = text.lines().filter(of_port).filter(connected).filter_map(received);
    queues.map(|queue| u64::from_str_radix(&queue, 16).expect("a number")).sum()
}

/// Lets this process and all that it starts open as many files as the system allows; returns how many.
///
/// # Panics
/// When the system does not tell, or does not let it.
#[must_use]
pub fn with_all_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("that of files");
    let hard = line.split_ascii_whitespace().nth(1).expect("the hard limit").to_owned();
    drop(run("prlimit", [format!("--pid={}", std::process::id()), format!("--nofile={hard}")]).ok());
    hard.parse().expect("a number")
}

/// Returns the most memory a process has had so far, in KiB.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn most_memory(process: u32) -> u64 {
    memory_so_far(process).expect("a process that runs")
}

/// The same; none when it has ended.
#[must_use]
pub fn memory_so_far(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
