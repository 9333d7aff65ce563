//! `meter-pki serve`: everything that the configuration names, until a signal says stop.

use std::io::IsTerminal;
use std::path::Path;

use super::config::faulty;
use crate::config::Config;
use crate::exit::Failure;
use crate::server;

pub(super) async fn serve(file: &Path) -> Result<(), Failure> {
    start_log();
    let config = Config::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let running = server::start(&config, shutdown.clone(), std::convert::identity).await?;
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}

/// Logs to standard error; `RUST_LOG` chooses what; without it, `info` without the storage engine.
fn start_log() {
    // The storage engine tells each of its steps; what matters of it comes back as errors.
    let usual = "info,fjall=warn,lsm_tree=warn,sled=warn";
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for eyes: in a file or a journal they are noise.
        .with_ansi(std::io::stderr().is_terminal());
    // A log that was started before, as in tests, stays.
    drop(log.try_init());
}
