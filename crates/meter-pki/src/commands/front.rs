//! `meter-pki front`: EST for an authority elsewhere, until a signal says stop.

use std::path::Path;

use super::config::faulty;
use crate::config::FrontConfig;
use crate::exit::Failure;
use crate::{front, server, supervised};

pub(super) async fn run(file: &Path) -> Result<(), Failure> {
    server::start_log();
    let config = FrontConfig::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let supervisor = supervised::supervisor();
    let mut running = front::start(&config, shutdown.clone()).await?;
    supervisor.ready();
    running.watched(|health| supervisor.watch(health, shutdown.clone()));
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}
