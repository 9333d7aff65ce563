//! `meter-pki quickstart`: from an empty directory to a smart-metering PKI at work, in one command.
//!
//! A rehearsal ceremony, the same servers as `serve`, a fleet of simulated meters that is delivered by a signed manifest and
//! enrols over real TLS, a campaign for those that speak only DLMS, the proven history of one of them, a revocation, and what CRL
//! and OCSP say of it. Run again, it goes on from the same state. A rehearsal only: keys are files.

mod ceremony;
mod claiming;
mod cmp_client;
mod configuration;
mod est_client;
mod fleet;
mod founding;
mod head_end;
mod key_pair;
mod layout;
mod ocsp_client;
mod report;
mod story;

use server_kit::shutdown::Shutdown;

use crate::cli::QuickstartArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::server;
use layout::Layout;

/// Runs the quickstart.
///
/// # Errors
/// A [`Failure`] that says which step did not succeed and why.
pub async fn run(args: &QuickstartArgs, json: bool) -> Result<(), Failure> {
    let began = story::Stopwatch::start();
    let layout = Layout::new(&args.state);
    let progress = Progress::new(json);
    let founding_layout = layout.clone();
    let addresses = [args.est, args.cmp, args.status];
    if layout.config().exists() {
        progress.tell(&format!("resuming from {}", layout.root().display()));
    } else {
        founding::found(&founding_layout, addresses, &progress)
            .await
            .map_err(|error| failed("ceremony", &error))?;
    }
    let config =
        Config::load(&layout.config()).map_err(|error| Failure::new(Exit::Usage, "config.faulty", error))?;
    let shutdown = server::shutdown_on_signals()?;
    let running = server::start(&config, shutdown.clone(), std::convert::identity).await?;
    let told = story::tell(&layout, &config, (args.meters, &began), &progress)
        .await
        .map_err(|error| failed("quickstart", &error));
    match told {
        Ok(told) => report::print(&told, json),
        Err(failure) => {
            end(&shutdown, running).await;
            return Err(failure);
        }
    }
    if !args.exit {
        progress.tell("serving; stop with Ctrl-C");
        shutdown.triggered().await;
    }
    end(&shutdown, running).await;
    Ok(())
}

async fn end(shutdown: &Shutdown, running: server::Running) {
    shutdown.trigger();
    running.drained().await;
}

fn failed(step: &str, error: &anyhow::Error) -> Failure {
    Failure::new(Exit::Failed, "quickstart.failed", format!("{step}: {error:#}"))
        .then("run it again: it goes on from the same state")
}
