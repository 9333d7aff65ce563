//! A running server as the kernel sees it: the postmaster, and its children, each of which leads a session of its own.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::patience::{eventually, within};
use crate::process::signal;

/// A postmaster that was started, with what ends its children should the test die while they stand still.
#[derive(Debug)]
pub(crate) struct Tree {
    postmaster: Child,
    frozen: Option<Frozen>,
}

#[derive(Debug)]
struct Frozen {
    processes: Vec<u32>,
    guardian: Child,
}

impl Tree {
    pub(crate) fn new(postmaster: Child) -> Self {
        Self { postmaster, frozen: None }
    }

    pub(crate) fn number(&self) -> u32 {
        self.postmaster.id()
    }

    /// Whether the postmaster has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        self.postmaster.try_wait().expect("a child can be waited for").is_some()
    }

    /// Ends all processes at once, as when the power goes.
    pub(crate) fn kill(mut self) {
        let processes = self.stand_still();
        signal("KILL", &processes);
        self.thawed();
        drop(self.postmaster.wait());
        eventually("the processes of PostgreSQL are gone", || {
            processes.iter().all(|one| gone(*one)).then_some(())
        });
    }

    /// Asks the postmaster to end, by SIGINT (fast) or SIGQUIT (immediate), and kills it if it does not.
    pub(crate) fn end(mut self, name: &str, patience: Duration) {
        self.thaw();
        signal(name, &[self.number()]);
        if within(patience, || self.ended().then_some(())).is_none() {
            self.kill();
        }
    }

    /// Stops all processes where they are.
    pub(crate) fn freeze(&mut self) {
        if self.frozen.is_some() {
            return;
        }
        let processes = self.stand_still();
        // A process that stands still does not see that its test has died: this one does, by the end of its input.
        let guardian = Command::new("sh")
            .args(["-c", "read -r word || kill -KILL \"$@\"", "sh"])
            .args(processes.iter().map(u32::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        self.frozen = Some(Frozen { processes, guardian });
    }

    /// Lets them go on.
    pub(crate) fn thaw(&mut self) {
        if let Some(processes) = self.thawed() {
            signal("CONT", &processes);
        }
    }

    /// Sends the guardian home.
    fn thawed(&mut self) -> Option<Vec<u32>> {
        let Frozen { processes, mut guardian } = self.frozen.take()?;
        let mut input = guardian.stdin.take().expect("it is piped");
        drop(input.write_all(b"thawed\n"));
        drop(guardian.wait());
        Some(processes)
    }

    /// Stops the postmaster first, which then has no more children, and all that it has.
    fn stand_still(&self) -> Vec<u32> {
        let postmaster = self.number();
        signal("STOP", &[postmaster]);
        eventually("the postmaster stands still", || {
            matches!(state(postmaster), None | Some('T' | 'Z')).then_some(())
        });
        let mut processes = children(postmaster);
        processes.push(postmaster);
        signal("STOP", &processes);
        processes
    }
}

/// proc(5): after the name, which is in parentheses, state and number of the parent.
fn fields(process: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn state(process: u32) -> Option<char> {
    fields(process).map(|(state, _)| state)
}

fn gone(process: u32) -> bool {
    matches!(state(process), None | Some('Z' | 'X'))
}

fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|one| fields(*one).is_some_and(|(_, of)| of == parent)).collect()
}
