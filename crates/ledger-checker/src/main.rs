//! `ledger-checker`: prints each violation as `I3: what is wrong` and ends with 9 when there is one.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use ledger_checker::{Evidence, check};

fn main() -> ExitCode {
    let evidence = Evidence::parse();
    let mut out = std::io::stdout().lock();
    match check(&evidence) {
        Ok(violations) => {
            for violation in &violations {
                // Whoever closed the pipe does not read on.
                drop(writeln!(out, "{violation}"));
            }
            ExitCode::from(if violations.is_empty() { 0 } else { 9 })
        }
        Err(unreadable) => {
            drop(writeln!(out, "unreadable: {unreadable}"));
            ExitCode::from(1)
        }
    }
}
