//! `meter-pki serve`: everything that the configuration names, until a signal says stop.

use std::path::Path;

use super::config::faulty;
use crate::config::Config;
use crate::exit::Failure;
use crate::server;

pub(super) async fn serve(file: &Path) -> Result<(), Failure> {
    server::start_log();
    let config = Config::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let running = server::start(&config, shutdown.clone(), std::convert::identity).await?;
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}
