//! Asking for a secret at the terminal, without showing what is typed.
//!
//! Where there is no terminal nothing is asked (case I-08): a program that waits for an answer nobody can give is a program
//! that hangs.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// The longest line that is read, in octets.
const LIMIT: usize = 1024;

/// Asks for a secret; the line ending is not part of it.
///
/// # Errors
/// [`PromptError`].
pub(crate) fn secret(question: &str) -> Result<Zeroizing<String>, PromptError> {
    let terminal = io::stdin();
    if !terminal.is_terminal() {
        return Err(PromptError::NoTerminal);
    }
    // First silence, then the question: what is typed in answer to it is never seen.
    let hidden = HiddenTyping::begin()?;
    let mut screen = io::stderr().lock();
    write!(screen, "{question}: ").and_then(|()| screen.flush())?;
    // Room for all of it from the start: a text that grows leaves copies behind.
    let mut line = Zeroizing::new(String::with_capacity(LIMIT));
    let read = terminal.lock().read_line(&mut line);
    drop(hidden);
    writeln!(screen)?;
    read?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// While this lives, the terminal does not show what is typed.
struct HiddenTyping(Termios);

impl HiddenTyping {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for HiddenTyping {
    fn drop(&mut self) {
        // If the terminal is gone, nobody is left to see it.
        tcsetattr(io::stdin(), OptionalActions::Now, &self.0).unwrap_or_default();
    }
}

/// Why nothing was typed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// Nobody is there to be asked.
    #[error("a passphrase or PIN is needed, and there is no terminal to ask for it")]
    NoTerminal,
    /// The terminal does not work.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}
