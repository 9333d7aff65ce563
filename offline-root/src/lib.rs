//! The ceremony program for a root that is kept off line: makes the root of each suite, signs sub-CAs and CRLs.
//!
//! No network code, no database, no async. Everything is decided in ca-core; here are the directory that a root lives in, the
//! keys, and the words to the operator. The ceremony script is not here. Modules stand in reading order; none imports one that
//! stands above it.

pub mod command;
mod arguments;
mod guided;
mod medium;
mod ceremony;
mod input_file;
mod bundle_review;
mod codes;
mod show;
mod exchange_log;
mod keys;
mod gate;
mod shares;
mod person;
mod passphrase_entry;
mod prompt;
mod refusal;
mod second_opinion;
mod charter;
pub mod ledger_file;
pub mod new_file;
mod operator;
mod fingerprint;
mod stated_time;
pub mod invocation;
pub mod explain;
