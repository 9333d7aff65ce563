//! The people in a room who answer what a guided ceremony asks, as the chapter says.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// How a ceremony ended.
#[derive(Debug)]
pub struct Answered {
    /// Its exit code; nothing when it was ended.
    pub exit: Option<i32>,
    /// What the room was shown.
    pub said: String,
}

/// What people answer; nothing while it is no question yet.
fn answer(question: &str, said: &str) -> Option<String> {
    let after = |mark: &str| said.rsplit(mark).next().unwrap_or_default().to_owned();
    let words: Vec<String> = after("SHA-256 of ")
        .lines()
        .filter(|line| line.starts_with("  ") && line.split_whitespace().count() == 5)
        .flat_map(|row| row.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let answers = [
        ("type the time", after("speaks for ").split(".\n").next().unwrap_or_default().to_owned()),
        ("type the first word", words.first().cloned().unwrap_or_default()),
        ("type the last word", words.last().cloned().unwrap_or_default()),
        ("those who are absent", String::new()),
        ("type yes", "yes".to_owned()),
        ("Why was it interrupted", "the power went".to_owned()),
        ("Type their names", "Sara, Sven, Simon".to_owned()),
        ("type `again`", "stop".to_owned()),
    ];
    answers.into_iter().find(|(mark, _)| question.contains(mark)).map(|(_, answer)| answer)
}

/// Makes the command run its arguments on a machine without a network: the kernel shows one interface, and it is down.
#[must_use]
pub fn without_network() -> Command {
    let mut command = Command::new("unshare");
    let alone = "mount -t sysfs none /sys && exec \"$@\"";
    command.args(["--map-root-user", "--net", "--mount", "sh", "-c", alone, "sh"]);
    command
}

/// Runs a ceremony and answers; the power goes at one question, if one is named.
///
/// # Panics
/// When the program cannot be started.
pub fn hold(command: &mut Command, power_goes_at: Option<usize>) -> Answered {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare is installed");
    let mut keyboard = process.stdin.take().expect("it is piped");
    let mut screen = process.stderr.take().expect("it is piped");
    let (mut said, mut last, mut questions, mut octets) = (String::new(), 0, 0, [0; 4096]);
    loop {
        let read = screen.read(&mut octets).expect("it can be read");
        if read == 0 {
            break;
        }
        said += core::str::from_utf8(octets.get(..read).unwrap_or_default()).expect("it is text");
        let line = said.get(last..).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let Some(answer) = line.ends_with(": ").then(|| answer(line, &said)).flatten() else { continue };
        last = said.len();
        questions += 1;
        if power_goes_at == Some(questions) {
            process.kill().expect("it is ours");
        } else {
            // Who is gone does not listen.
            drop(writeln!(keyboard, "{answer}"));
        }
    }
    ended(process, said)
}

fn ended(process: Child, said: String) -> Answered {
    let ended = process.wait_with_output().expect("it ends");
    Answered { exit: ended.status.code(), said }
}
