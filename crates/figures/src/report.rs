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
    /// What the machine does at best.
    pub(crate) limits: Vec<Noted>,
}
