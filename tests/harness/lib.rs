//! What the promises across crates are tested with: the installed program, started for real, and programs that others wrote.
//!
//! Promises stand in the tests; what judges a whole ledger for several of them is in `judged`. A tool that is missing is an error that says what to do,
//! never a skipped test. Everything lies in private temporary directories; every process that was started ends with the
//! test, however the test ends.

pub mod slow;
pub mod roll_out;
pub mod shift;
pub mod concentrator;
pub mod call;
pub mod front_end;
pub mod fleet;
pub mod messages;
pub mod ceremony_cuts;
pub mod people;
pub mod operators;
pub mod provider;
pub mod head_end;
pub mod office;
pub mod browser;
pub mod chapter;
pub mod clock;
pub mod judged;
pub mod network;
pub mod rehearsal;
pub mod peer;
pub mod process;
pub mod tool;
pub mod patience;
pub mod ground;
pub mod cluster;
pub mod crash;
