//! The room: what people are shown, and what they answer. Secrets are asked for elsewhere, by the one place of the program
//! that hides what is typed.
//!
//! Lines, one after the other, and no screen that is painted over: what was shown can be recorded, read aloud and printed,
//! and an interrupted run leaves everything where everybody saw it.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::explain::{Exit, Explained};
use crate::new_file;

/// The longest answer, in octets.
const LIMIT: usize = 1024;

/// People who look at lines and answer questions.
pub(crate) trait Room {
    /// Shows lines.
    fn show(&mut self, text: &str) -> Result<(), RoomError>;

    /// Asks a question whose answer is no secret; returns it without the spaces around it.
    fn ask(&mut self, question: &str) -> Result<String, RoomError>;
}

/// The terminal: lines go to standard error, beside the prompts for secrets, and answers come from standard input.
#[derive(Debug)]
pub(crate) struct Terminal;

impl Room for Terminal {
    fn show(&mut self, text: &str) -> Result<(), RoomError> {
        Ok(writeln!(io::stderr().lock(), "{text}")?)
    }

    fn ask(&mut self, question: &str) -> Result<String, RoomError> {
        let mut screen = io::stderr().lock();
        write!(screen, "{question}: ").and_then(|()| screen.flush())?;
        let mut line = String::new();
        let mut typed = io::stdin().lock();
        let read =
            io::Read::take(&mut typed, u64::try_from(LIMIT).unwrap_or_default()).read_line(&mut line)?;
        // Case I-08: without anybody to answer, nobody waits.
        if read == 0 || !line.ends_with('\n') {
            writeln!(screen)?;
            return Err(RoomError::NoAnswer { question: question.to_owned() });
        }
        if !io::stdin().is_terminal() {
            // What was piped in is shown as if it had been typed, so that a record of the session is whole.
            write!(screen, "{line}")?;
        }
        Ok(line.trim().to_owned())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    /// Nobody answers.
    #[error("nobody answers the question {question:?}: standard input has ended")]
    NoAnswer {
        /// What was asked.
        question: String,
    },
    /// The terminal does not work.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

impl Explained for RoomError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoAnswer { .. } => Exit::Usage,
            Self::Terminal(cause) => new_file::exit_of(cause),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoAnswer { .. } => "room.no-answer",
            Self::Terminal(_) => "room.terminal",
        }
    }

    fn next(&self) -> String {
        "run the same command at a terminal: the ceremony goes on after the last step of its transcript"
            .to_owned()
    }
}
