//! `meter-pki signer`: the process that has the keys; how it stands, and what its log says.

mod log;
mod proposal;

pub(super) use proposal::message_keys;

use std::path::Path;
use std::sync::mpsc;

use serde::Serialize;
use signer_link::client::{LinkBounds, SignerLink};

use super::config::faulty;
use super::printer::{Printer, table};
use crate::cli::signer::{SignerCommand, SignerVerb};
use crate::compose::signer;
use crate::config::SignerConfig;
use crate::exit::{Exit, Failure};
use crate::server;

/// How a signer stands.
#[derive(Debug, Serialize)]
struct StateView {
    records: u64,
    head: String,
    keys: Vec<KeyView>,
}

/// What a key did.
#[derive(Debug, Serialize)]
struct KeyView {
    key: String,
    purposes: String,
    signed: u64,
    denied: u64,
    today: u64,
}

pub(super) fn run(command: &SignerCommand, file: &Path, printer: &Printer) -> Result<(), Failure> {
    match &command.verb {
        None => super::wait(sign(file)),
        Some(SignerVerb::State) => state(file, printer),
        Some(SignerVerb::Propose { socket, log }) => proposal::print(file, (socket, log), printer),
        Some(SignerVerb::Log(verb)) => log::run(verb, printer),
    }
}

/// Signs until a signal says stop, or the log cannot be written any more.
async fn sign(file: &Path) -> Result<(), Failure> {
    server::start_log();
    let config = SignerConfig::load(file).map_err(|error| faulty(&error))?;
    let shutdown = server::shutdown_on_signals()?;
    let (failed, failure) = mpsc::channel();
    let stop = shutdown.clone();
    let on_failure = Box::new(move |cause| {
        drop(failed.send(cause));
        stop.trigger();
    });
    let serving = tokio::task::block_in_place(|| signer::start(&config, on_failure))?;
    shutdown.triggered().await;
    tokio::task::block_in_place(|| serving.stop());
    match failure.try_recv() {
        Ok(cause) => {
            Err(Failure::new(Exit::Failed, "signer.log", format!("the log cannot be written: {cause}")).then(
                "make room, or look at the disk, and start the signer again; nothing unwritten has left it",
            ))
        }
        Err(_) => Ok(()),
    }
}

fn state(file: &Path, printer: &Printer) -> Result<(), Failure> {
    let socket = SignerConfig::socket(file).map_err(|error| faulty(&error))?;
    let link = SignerLink::open(&socket, LinkBounds::default());
    let state = link.and_then(|link| link.state()).map_err(|error| {
        Failure::new(Exit::Unavailable, "signer.nobody", error)
            .then("start `meter-pki signer` with the same --config, then try again")
    })?;
    let keys = state.keys.into_iter().map(|one| KeyView {
        key: one.key.to_string(),
        purposes: one.purposes,
        signed: one.signed,
        denied: one.denied,
        today: one.today,
    });
    let view = StateView { records: state.records, head: hex::encode(state.head), keys: keys.collect() };
    printer.result(&view, |view| {
        let heading = ["key", "purposes", "signed", "denied", "today"].map(str::to_owned).to_vec();
        let row = |one: &KeyView| {
            let numbers = [one.signed, one.denied, one.today].map(|number| number.to_string());
            [vec![one.key.clone(), one.purposes.clone()], numbers.to_vec()].concat()
        };
        let rows: Vec<_> = std::iter::once(heading).chain(view.keys.iter().map(row)).collect();
        let mut lines = table(&rows);
        lines.push(format!("log: {} records, the last is {}", view.records, view.head));
        lines
    });
    Ok(())
}
