//! Lines of JSON, read one at a time within bounds, and written.

use std::io::{BufRead, Read, Write};
use std::marker::PhantomData;

use ca_core::system_title::ParseSystemTitleError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AnswerLine, OrderLine};

/// The most octets in a line: 256 calls with certificates, twice in hexadecimal digits, have less than half of it.
pub const MAX_LINE_OCTETS: usize = 1_048_576;

/// A line that can be read.
pub trait Line: DeserializeOwned + Serialize {
    /// Looks at bounds that its type does not have.
    ///
    /// # Errors
    /// [`LineError`].
    fn check(&self) -> Result<(), LineError>;
}

impl Line for OrderLine {
    fn check(&self) -> Result<(), LineError> {
        self.check()
    }
}

impl Line for AnswerLine {
    fn check(&self) -> Result<(), LineError> {
        self.check()
    }
}

/// The lines of a file, each with its number from 1. A line that is at fault does not end the others; a line that is too long,
/// or an end in the middle of the reading, does. Empty lines are passed over.
#[derive(Debug)]
pub struct Lines<R, L> {
    reader: R,
    number: u64,
    ended: bool,
    line: PhantomData<L>,
}

impl<R: BufRead, L: Line> Lines<R, L> {
    /// Begins with the first line.
    pub const fn new(reader: R) -> Self {
        Self { reader, number: 0, ended: false, line: PhantomData }
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let most = u64::try_from(MAX_LINE_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
        let mut octets = Vec::new();
        let read =
            (&mut self.reader).take(most).read_until(b'\n', &mut octets).map_err(LineError::NotRead)?;
        if octets.last() == Some(&b'\n') {
            octets.truncate(octets.len().saturating_sub(1));
        }
        match read {
            0 => Ok(None),
            _ if octets.len() > MAX_LINE_OCTETS => Err(LineError::TooLong),
            _ => Ok(Some(octets)),
        }
    }
}

impl<R: BufRead, L: Line> Iterator for Lines<R, L> {
    type Item = (u64, Result<L, LineError>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.number = self.number.saturating_add(1);
            match self.read() {
                Ok(None) => return None,
                Ok(Some(octets)) if octets.trim_ascii().is_empty() => {}
                Ok(Some(octets)) => return Some((self.number, parse(&octets))),
                Err(error) => {
                    self.ended = true;
                    return Some((self.number, Err(error)));
                }
            }
        }
        None
    }
}

fn parse<L: Line>(octets: &[u8]) -> Result<L, LineError> {
    let line: L = serde_json::from_slice(octets).map_err(LineError::NotJson)?;
    line.check()?;
    Ok(line)
}

/// Writes a line.
///
/// # Errors
/// What the writer says.
pub fn write_line<L: Line>(line: &L, out: &mut impl Write) -> std::io::Result<()> {
    let mut octets = serde_json::to_vec(line)?;
    octets.push(b'\n');
    out.write_all(&octets)
}

/// Why a line is not to be worked with.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It cannot be read.
    #[error("the line cannot be read: {0}")]
    NotRead(std::io::Error),
    /// It is too long.
    #[error("the line has more than {MAX_LINE_OCTETS} octets")]
    TooLong,
    /// It is not JSON of the form.
    #[error("the line is not JSON of this form: {0}")]
    NotJson(serde_json::Error),
    /// The order has no name, or too long a one.
    #[error("the name of an order has 1 to 128 octets, not {octets}")]
    OrderName {
        /// How many.
        octets: usize,
    },
    /// There are too many calls or answers.
    #[error("a line has at most {max} calls, not {calls}", max = super::MAX_CALLS)]
    TooManyCalls {
        /// How many.
        calls: usize,
    },
    /// The system title is none.
    #[error(transparent)]
    Title(ParseSystemTitleError),
    /// An answer is not in exactly one of its forms.
    #[error(
        "the answer to call {call} has exactly one of `apdus`, `result` and `lost`, with octets in hexadecimal digits"
    )]
    Answer {
        /// To which call.
        call: u16,
    },
}

impl LineError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotRead(_) => "work_order.unreadable",
            Self::TooLong => "work_order.too_long",
            Self::NotJson(_) => "work_order.not_json",
            Self::OrderName { .. } => "work_order.name",
            Self::TooManyCalls { .. } => "work_order.calls",
            Self::Title(_) => "work_order.title",
            Self::Answer { .. } => "work_order.answer",
        }
    }
}
