//! `meter-pki signer`: the process that has the keys; how it stands, and what its log says.

pub(super) mod log;
mod proposal;

pub(super) use proposal::message_keys;

use std::path::Path;
use std::sync::mpsc;

use serde::Serialize;
use signer_link::client::{LinkBounds, SignerLink};
use signer_link::desk::TokenReport;
use utoipa::ToSchema;

use super::config::faulty;
use super::printer::{Printer, table};
use crate::cli::signer::{SignerCommand, SignerVerb};
use crate::compose::signer;
use crate::config::SignerConfig;
use crate::exit::{Exit, Failure};
use crate::{server, supervised};

/// How a signer stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignerState)]
pub(in crate::commands) struct StateView {
    records: u64,
    head: String,
    keys: Vec<KeyView>,
    tokens: Vec<TokenView>,
}

/// How a token stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignerToken)]
pub(in crate::commands) struct TokenView {
    token: String,
    state: &'static str,
    again_seconds: Option<u64>,
    /// What it answered when it failed last; empty where it never did.
    cause: String,
    signed: u64,
    not_signed: u64,
    unknown: u64,
    failures: u64,
    waiting: u64,
}

impl From<TokenReport> for TokenView {
    fn from(report: TokenReport) -> Self {
        let TokenReport { token, standing, again_in, cause, counts } = report;
        Self {
            token,
            state: standing.name(),
            again_seconds: again_in.map(|time| time.as_secs()),
            cause,
            signed: counts.signed,
            not_signed: counts.not_signed,
            unknown: counts.unknown,
            failures: counts.failures,
            waiting: counts.waiting,
        }
    }
}

/// What a key did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignerKey)]
pub(in crate::commands) struct KeyView {
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
    let supervisor = supervised::supervisor();
    let serving = tokio::task::block_in_place(|| signer::start(&config, on_failure))?;
    supervisor.ready();
    shutdown.triggered().await;
    supervisor.stopping();
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

fn told(token: &TokenView) -> String {
    let TokenView { token: name, state, signed, not_signed, unknown, failures, cause, .. } = token;
    let failed =
        if *failures == 0 { String::new() } else { format!("; failed {failures} times, last: {cause}") };
    format!("token {name}: {state}; signed {signed}, not signed {not_signed}, unknown {unknown}{failed}")
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
    let tokens = state.tokens.into_iter().map(TokenView::from).collect();
    let view =
        StateView { records: state.records, head: hex::encode(state.head), keys: keys.collect(), tokens };
    printer.result(&view, |view| {
        let heading = ["key", "purposes", "signed", "denied", "today"].map(str::to_owned).to_vec();
        let row = |one: &KeyView| {
            let numbers = [one.signed, one.denied, one.today].map(|number| number.to_string());
            [vec![one.key.clone(), one.purposes.clone()], numbers.to_vec()].concat()
        };
        let rows: Vec<_> = std::iter::once(heading).chain(view.keys.iter().map(row)).collect();
        let mut lines = table(&rows);
        lines.extend(view.tokens.iter().map(told));
        lines.push(format!("log: {} records, the last is {}", view.records, view.head));
        lines
    });
    Ok(())
}
