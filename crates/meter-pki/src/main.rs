//! `meter-pki`: reads the command line, runs one verb, ends with an exit code of the one table.

use std::process::ExitCode;

use clap::Parser;
use meter_pki::cli::Cli;
use meter_pki::commands;

fn main() -> ExitCode {
    let cli = Cli::parse();
    commands::run(&cli)
}
