//! `meter-pki serve`: everything that the configuration names, until a signal says stop.

use std::path::Path;

use super::config::faulty;
use crate::config::Config;
use crate::exit::Failure;
use crate::{server, supervised};

pub(super) async fn serve(file: &Path) -> Result<(), Failure> {
    server::start_log();
    let config = Config::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let supervisor = supervised::supervisor();
    supervisor.starting("opening keys and ledger, settling what was open");
    let mut running = server::start(&config, shutdown.clone(), std::convert::identity).await?;
    supervisor.ready();
    running.watched(|health| supervisor.watch(health, shutdown.clone()));
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}
