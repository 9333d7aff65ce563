//! `meter-pki quickstart`: from an empty directory to a smart-metering PKI at work, in one command.
//!
//! A rehearsal ceremony, the same servers as `serve`, a fleet of simulated meters that is delivered by a signed manifest and
//! enrols over real TLS, a campaign for those that speak only DLMS, the proven history of one of them, a technician's visit to it, a
//! revocation, and what CRL and OCSP say of it. Run again, it goes on from the same state. A rehearsal only: keys are files.

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
mod status_client;
mod people;
mod report;
mod story;
mod technician;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use server_kit::shutdown::Shutdown;

use crate::cli::quickstart::QuickstartArgs;
use crate::cli::shipment::{CreateArgs, ImportArgs};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::TotalsView;
use crate::progress::Progress;
use crate::server;
use layout::Layout;
pub(crate) use story::Told;

/// What a verb comes to.
pub(crate) type Outcome<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

/// The verbs of the command line that the quickstart plays: they stand above it, and come along.
#[derive(Clone, Copy)]
pub(crate) struct Verbs {
    /// `shipment create`.
    pub(crate) make_manifest: fn(&CreateArgs) -> Result<(), Failure>,
    /// `shipment import`; devices that were refused are counted.
    pub(crate) take_in_manifest: for<'a> fn(&'a ImportArgs, &'a OperatorClient) -> Outcome<'a, TotalsView>,
    /// `device history --proof`: how many records are proven, and over how many the checkpoint is.
    pub(crate) prove_history: for<'a> fn(&'a str, &'a Path, &'a OperatorClient) -> Outcome<'a, (usize, u64)>,
    /// `--config` with the file of somebody who operates a server elsewhere.
    pub(crate) operate_elsewhere: fn(&Path) -> Result<OperatorClient, Failure>,
}

/// Runs the quickstart.
///
/// # Errors
/// A [`Failure`] that says which step did not succeed and why.
pub(crate) async fn run(args: &QuickstartArgs, json: bool, verbs: Verbs) -> Result<(), Failure> {
    let began = story::Stopwatch::start();
    let layout = Layout::new(&args.state);
    let progress = Progress::new(json);
    let founding_layout = layout.clone();
    let addresses = [args.est, args.cmp, args.status, args.operator];
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
    let told = story::tell((&layout, &config), (args.meters, &began), verbs, &progress)
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
