//! Asking for a PIN at the terminal of the process, without showing what is typed.
//!
//! The terminal, and not standard input: a program whose input is a file still has somebody in front of it. Where there is no
//! terminal, or the program is not the one in its foreground, nothing is asked (case I-08): it would wait for ever.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use zeroize::Zeroizing;

/// The terminal that controls the process.
const TERMINAL: &str = "/dev/tty";

/// The longest line that a terminal hands over, in octets.
const LONGEST_LINE: usize = 4_096;

/// Asks for the PIN of a token; the line ending is part of the answer.
pub(super) fn ask(token: &str) -> Result<Zeroizing<String>, AskError> {
    let terminal =
        OpenOptions::new().read(true).write(true).open(TERMINAL).map_err(|_| AskError::NoTerminal)?;
    if tcgetpgrp(&terminal).map_err(io::Error::from)? != getpgrp() {
        return Err(AskError::NoTerminal);
    }
    // First silence, then the question: what is typed in answer to it is never seen.
    let hidden = HiddenTyping::begin(&terminal)?;
    write!(&terminal, "PIN of the token {token}: ")?;
    // Room for all of it from the start, here and in what reads: a text that grows leaves copies behind.
    let mut line = Zeroizing::new(String::with_capacity(LONGEST_LINE));
    let read = BufReader::with_capacity(1, &terminal).read_line(&mut line);
    drop(hidden);
    writeln!(&terminal)?;
    read?;
    Ok(line)
}

/// While this lives, the terminal does not show what is typed.
struct HiddenTyping<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> HiddenTyping<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for HiddenTyping<'_> {
    fn drop(&mut self) {
        // If the terminal is gone, nobody is left to see it.
        tcsetattr(self.terminal, OptionalActions::Now, &self.before).unwrap_or_default();
    }
}

/// Why nobody was asked for a PIN.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there to be asked.
    #[error(
        "the PIN is to be typed, and there is no terminal to ask for it; use file:, credential: or fd: in pin-source"
    )]
    NoTerminal,
    /// The terminal does not work.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}
