//! The issuer under test: the installed program's own composition, with kill-points around its ports and a signer that
//! keeps a ledger of its own.
//!
//! `issuer-under-test CONFIGURATION SIGNATURES AHEAD [POINT COUNT DEED]`: serves by the configuration, appends each signature
//! to the file SIGNATURES, with its clock AHEAD seconds ahead, and at the passage of the kill-point number COUNT does the deed:
//! `kill` or `power-cut`, or it loses the answer of its signer (`lose-answer`) and dies later. It says "serving" and the address of EST on standard output when it serves, and has a line on its
//! standard input issued as a batch, or played as a transaction. The installed program contains nothing of this.

mod batch;
mod fleet_ports;
mod ports;
mod transaction;
mod trap;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use ca_core::authority::Ports;
use meter_pki::compose::SystemPorts;
use meter_pki::config::Config;
use meter_pki::exit::Failure;
use meter_pki::server;

use crate::fleet_ports::{
    TrappedCampaigns, TrappedDeliveries, TrappedFleet, TrappedProduction, TrappedSwaps,
};
use crate::ports::{AheadClock, TrappedEntropy, TrappedLedger, TrappedSigner, TrappedTransactions};
use crate::trap::Trap;
use e2e::crash::points::KillPoint;
use e2e::crash::signatures::SignatureLedger;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let served = runtime.context("there is no runtime").and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            error.downcast_ref::<Failure>().map_or(ExitCode::FAILURE, |failure| failure.exit.into())
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    server::start_log();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [configuration, signatures, ahead, planned @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: issuer-under-test CONFIGURATION SIGNATURES AHEAD [POINT COUNT DEED]");
    };
    let trap = Arc::new(match planned {
        [point, count, deed] => {
            let point = KillPoint::from_name(point).context("there is no such kill-point")?;
            Trap::set(point, count.parse()?, deed)
        }
        _ => Trap::none(),
    });
    let ledger = SignatureLedger::open(Path::new(signatures))?;
    let ahead: i64 = ahead.parse()?;
    let config = Config::load(Path::new(configuration))?;
    let shutdown = server::shutdown_on_signals()?;
    let running = server::start(&config, shutdown.clone(), {
        let trap = Arc::clone(&trap);
        move |ports| through(ports, &trap, ledger, ahead)
    })
    .await?;
    trap.arm();
    say(&format!("serving {}", running.est()))?;
    let system = Arc::clone(running.system());
    std::thread::spawn(move || batch::issue_what_is_asked(&system));
    shutdown.triggered().await;
    running.drained().await;
    Ok(())
}

/// Puts the kill-points around the ports.
fn through(ports: SystemPorts, trap: &Arc<Trap>, signatures: SignatureLedger, ahead: i64) -> SystemPorts {
    SystemPorts {
        authority: of_authorities(ports.authority, trap, signatures, ahead),
        fleet: Arc::new(TrappedFleet { inner: ports.fleet, trap: Arc::clone(trap) }),
        deliveries: Arc::new(TrappedDeliveries { inner: ports.deliveries, trap: Arc::clone(trap) }),
        production: Arc::new(TrappedProduction { inner: ports.production, trap: Arc::clone(trap) }),
        campaigns: Arc::new(TrappedCampaigns { inner: ports.campaigns, trap: Arc::clone(trap) }),
        swaps: Arc::new(TrappedSwaps { inner: ports.swaps, trap: Arc::clone(trap) }),
    }
}

fn of_authorities(ports: Ports, trap: &Arc<Trap>, signatures: SignatureLedger, ahead: i64) -> Ports {
    Ports {
        clock: Arc::new(AheadClock { inner: ports.clock, ahead, trap: Arc::clone(trap) }),
        entropy: Arc::new(TrappedEntropy { inner: ports.entropy, trap: Arc::clone(trap) }),
        signer: Arc::new(TrappedSigner { inner: ports.signer, signatures, trap: Arc::clone(trap) }),
        ledger: Arc::new(TrappedLedger { inner: ports.ledger, trap: Arc::clone(trap) }),
        status: ports.status,
        registry: ports.registry,
        waiting: ports.waiting,
        transactions: Arc::new(TrappedTransactions { inner: ports.transactions, trap: Arc::clone(trap) }),
    }
}

/// Says a line to whoever started this program.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
