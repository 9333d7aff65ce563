//! Chapters that operators read, run as they stand: their blocks, and a shell in which `meter-pki` is the program under test.
//!
//! A block goes to bash as it is printed, and ends with the first command that fails. What it needs around it a test says in
//! variables, never in the block.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Process, program};
use crate::tool::{Said, finish};

/// Returns the blocks of a chapter in a language, such as `sh` or `toml`, in their order.
///
/// # Panics
/// When one of them does not end.
#[must_use]
pub fn blocks<'a>(chapter: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let end = |rest: &'a str| rest.split_once("```").expect("a block ends").0;
    chapter.split(begin.as_str()).skip(1).map(end).collect()
}

/// Returns the shell blocks of a chapter, which are so many.
///
/// # Panics
/// When there are more or fewer: then the chapter was changed, and its test has to follow.
#[must_use]
#[track_caller]
pub fn steps<const N: usize>(chapter: &str) -> [&str; N] {
    let found = blocks(chapter, "sh");
    let count = found.len();
    found.try_into().unwrap_or_else(|_| panic!("the chapter has {count} shell blocks, and its test {N}"))
}

/// A shell that runs blocks.
#[derive(Debug, Clone)]
pub struct Shell {
    place: PathBuf,
    programs: PathBuf,
    variables: Vec<(String, OsString)>,
    user: Option<u32>,
}

impl Shell {
    /// Makes one that runs in `place`, with the directory `programs` in front of the path; that is made if it is absent.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(place: &Path, programs: &Path) -> Self {
        std::fs::create_dir_all(programs).expect("a directory");
        Self::with_programs(place, programs).has("meter-pki")
    }

    /// Makes one that runs in `place`, with a directory of programs that others fill in front of the path.
    #[must_use]
    pub fn with_programs(place: &Path, programs: &Path) -> Self {
        Self { place: place.to_owned(), programs: programs.to_owned(), variables: Vec::new(), user: None }
    }

    /// Puts a program of this workspace into it, under its own name.
    ///
    /// # Panics
    /// When it cannot be linked.
    #[must_use]
    pub fn has(self, name: &str) -> Self {
        let link = self.programs.join(name);
        if link.symlink_metadata().is_err() {
            symlink(program(name), link).expect("a link");
        }
        self
    }

    /// Puts a variable into its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same, of another user of this machine; only root can.
    #[must_use]
    pub const fn of(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// Runs a block to its end.
    ///
    /// # Panics
    /// When there is no path to search for programs.
    #[must_use]
    pub fn run(&self, block: &str) -> Said {
        finish(&mut self.command(block))
    }

    /// Begins a block that goes on until it is stopped; what it says on standard error goes to the file `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn begin(&self, block: &str, log: &Path) -> Process {
        Process::begin(&self.command(block), log.to_owned())
    }

    fn command(&self, block: &str) -> Command {
        let mut search = self.programs.clone().into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").expect("there is a path"));
        let mut command = match self.user {
            None => Command::new("bash"),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={user}")]);
                command.args(["--clear-groups", "bash"]);
                command
            }
        };
        command.args(["-eu", "-o", "pipefail", "-c", block]).current_dir(&self.place).env("PATH", search);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}
