//! The program: arguments and environment in, an exit code out. Everything else is in the library.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::Context;
use offline_root::invocation::{Invocation, SOFTHSM2_CONF};

fn main() -> anyhow::Result<ExitCode> {
    // Not locked: an act of a guided ceremony asks for secrets from a thread of its own.
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let invocation = Invocation {
        arguments: std::env::args_os().collect(),
        softhsm2_conf: std::env::var_os(SOFTHSM2_CONF),
    };
    match offline_root::command::run(&invocation, &mut out, &mut err) {
        Ok(number) => Ok(ExitCode::from(number)),
        // Case I-09: whoever closed the pipe has read enough.
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(cause) => Err(cause).context("the result cannot be written"),
    }
}
