//! Work orders as files: what a head-end is given for its meters, and what it gives back. JSON, one meter a line.
//!
//! Form only: what an answer is worth is judged in `dlms`, and who keeps orders and issues certificates is not here. Both files
//! are read line by line, so that their length does not count; each line has bounds. `docs/operate/work-orders.md` is the
//! chapter for those who write the other side.

mod answer_line;
mod lines;
mod order_line;
#[cfg(test)]
mod tests;

pub use answer_line::{AnswerLine, AnswerText};
pub use lines::{Line, LineError, Lines, MAX_LINE_OCTETS, write_line};
pub use order_line::{CallText, OrderLine};

/// The most calls, and answers, of a meter in one line.
pub const MAX_CALLS: usize = 256;
