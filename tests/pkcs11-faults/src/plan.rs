//! What goes wrong, and at which call: made by a test, written to a file, read by the module.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a call does instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Answers this; the real module is not called.
    Answer(u64),
    /// Calls the real module, and answers this whatever it said: what was done is done.
    AnswerAfter(u64),
    /// Does not come back until the plan has no such deed for it; then goes on to the real module.
    Hang,
    /// The same, after the real module was called.
    HangAfter,
    /// Ends the process as a crash in a vendor's library does.
    Abort,
    /// Turns a bit of the signature.
    Flip,
    /// Begins the signature with another private key of the token; for `C_SignInit`.
    OtherKey,
    /// Logs the user out of the token first, which ends every login and voids every handle.
    Logout,
    /// Ends and begins the real module first: every session is void.
    Restart,
    /// Lets so many microseconds pass before the real module is called, as a token does that computes by itself.
    Late(u64),
}

/// A deed, and at which calls of which function, counted from 1 since the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    function: String,
    first: u64,
    last: u64,
    deed: Deed,
}

/// Everything that goes wrong from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    faults: Vec<Fault>,
    /// The label of a token that is pulled out.
    pub(crate) gone: Option<String>,
    /// What is added to the number of each slot.
    pub(crate) shift: u64,
    /// How many sessions may be open at once.
    pub(crate) sessions: Option<u64>,
}

impl Plan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// At every call of a function; `*` is every function of a session.
    #[must_use]
    pub fn always(self, function: &str, deed: Deed) -> Self {
        self.between(function, 1, u64::MAX, deed)
    }

    /// At the next call of a function.
    #[must_use]
    pub fn once(self, function: &str, deed: Deed) -> Self {
        self.between(function, 1, 1, deed)
    }

    /// At these calls of a function, the next one being the first.
    #[must_use]
    pub fn between(mut self, function: &str, first: u64, last: u64, deed: Deed) -> Self {
        self.faults.push(Fault { function: function.to_owned(), first, last, deed });
        self
    }

    /// The token with this label is pulled out: its slot is empty and its sessions are void.
    #[must_use]
    pub fn gone(mut self, label: &str) -> Self {
        self.gone = Some(label.to_owned());
        self
    }

    /// Slots have other numbers.
    #[must_use]
    pub fn renumbered(mut self, shift: u64) -> Self {
        self.shift = shift;
        self
    }

    /// The token has room for so many sessions.
    #[must_use]
    pub fn sessions(mut self, sessions: u64) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Puts the plan into force, and forgets the calls until now.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let mut text = format!("plan {number}\nshift {}\n", self.shift);
        text.extend(self.gone.iter().map(|label| format!("gone {label}\n")));
        text.extend(self.sessions.iter().map(|sessions| format!("sessions {sessions}\n")));
        for Fault { function, first, last, deed } in &self.faults {
            let (name, code) = deed.words();
            text.push_str(&format!("fault {function} {first} {last} {name} {code}\n"));
        }
        fs::write(written_calls(path), "")?;
        let whole = path.with_extension("new");
        fs::write(&whole, text)?;
        // The module sees the old plan or the new one.
        fs::rename(whole, path)
    }

    /// Reads what [`Plan::write`] wrote. A line that is none of these is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut plan = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["shift", number] => plan.shift = number.parse().unwrap_or_default(),
                ["gone", ..] => plan.gone = line.strip_prefix("gone ").map(str::to_owned),
                ["sessions", number] => plan.sessions = number.parse().ok(),
                ["fault", function, first, last, name, code] => {
                    if let (Ok(first), Ok(last), Some(deed)) =
                        (first.parse(), last.parse(), Deed::of(name, code.parse().unwrap_or_default()))
                    {
                        plan.faults.push(Fault { function: (*function).to_owned(), first, last, deed });
                    }
                }
                _ => {}
            }
        }
        plan
    }

    /// Tells what the call of a function does that is the `count`th since the plan was made.
    pub(crate) fn deed(&self, function: &str, count: u64) -> Option<Deed> {
        let is_this = |fault: &&Fault| {
            (fault.function == function || fault.function == "*")
                && (fault.first..=fault.last).contains(&count)
        };
        self.faults.iter().find(is_this).map(|fault| fault.deed)
    }
}

impl Deed {
    fn words(self) -> (&'static str, u64) {
        match self {
            Self::Answer(code) => ("answer", code),
            Self::AnswerAfter(code) => ("answer-after", code),
            Self::Hang => ("hang", 0),
            Self::HangAfter => ("hang-after", 0),
            Self::Abort => ("abort", 0),
            Self::Flip => ("flip", 0),
            Self::OtherKey => ("other-key", 0),
            Self::Logout => ("logout", 0),
            Self::Restart => ("restart", 0),
            Self::Late(microseconds) => ("late", microseconds),
        }
    }

    fn of(name: &str, code: u64) -> Option<Self> {
        Some(match name {
            "answer" => Self::Answer(code),
            "answer-after" => Self::AnswerAfter(code),
            "hang" => Self::Hang,
            "hang-after" => Self::HangAfter,
            "abort" => Self::Abort,
            "flip" => Self::Flip,
            "other-key" => Self::OtherKey,
            "logout" => Self::Logout,
            "restart" => Self::Restart,
            "late" => Self::Late(code),
            _ => return None,
        })
    }
}

/// Where the calls are written down under a plan.
pub(crate) fn written_calls(plan: &Path) -> PathBuf {
    plan.with_extension("calls")
}

/// Counts the calls of a function since the plan was put into force.
///
/// # Errors
/// What the file system says.
pub fn calls(plan: &Path, function: &str) -> io::Result<usize> {
    let written = fs::read_to_string(written_calls(plan))?;
    Ok(written.lines().filter(|call| *call == function).count())
}

/// Returns where cargo put the module: beside the test program that asks.
///
/// # Errors
/// What the operating system says.
pub fn file_of_module() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("libpkcs11_faults.so"))
}
