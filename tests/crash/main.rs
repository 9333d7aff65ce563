//! The program is killed at any moment of its work, its power is cut, its disk fails: nothing that left it is lost, nothing is
//! done twice, and every client is served in the end.
//!
//! This is the form that needs no privilege and a few minutes; `cargo xtask crash` is the long one. What must hold is said by
//! a program that shares no code with what it judges: crates/ledger-checker.

mod disk;
mod fleet;
mod flips;
mod runs;
mod shim;
