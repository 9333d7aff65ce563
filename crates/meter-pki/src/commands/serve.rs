//! `meter-pki serve`: everything that the configuration names, until a signal says stop.

use std::path::Path;

use super::config::faulty;
use crate::config::Config;
use crate::exit::Failure;
use crate::server;

pub(super) async fn serve(file: &Path) -> Result<(), Failure> {
    start_log();
    let config = Config::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let running = server::start(&config, shutdown.clone()).await?;
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}

/// Logs to standard error; `RUST_LOG` chooses what, `info` unless set.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .from_env_lossy();
    // A log that was started before, as in tests, stays.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init());
}
