//! What was measured, and on what. How it is told: `tables` for people, `view` for programs.

use crate::machine::Machine;
use crate::measure::Row;
use crate::yardsticks::Noted;

/// What was measured.
#[derive(Debug)]
pub struct Report {
    /// Whether the run was too short to mean anything.
    pub(crate) smoke: bool,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
    /// Why what is missing was not measured, each with its row.
    pub(crate) failed: Vec<String>,
    /// What the machine does at best.
    pub(crate) limits: Vec<Noted>,
}

impl Report {
    /// Tells why what is missing was not measured, each with its row.
    #[must_use]
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// The name of a row, and how many certificates were stored before it, where that was asked for.
pub(crate) fn sized(name: &str, size: Option<u32>) -> String {
    size.map_or_else(|| name.to_owned(), |size| format!("{name}, {size} stored"))
}
