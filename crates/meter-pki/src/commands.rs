//! The verbs of the command line, one file a noun. A verb asks the serving program over the operator's socket and prints
//! what it hears; only `serve`, `signer`, `hsm`, `secrets` and `quickstart` open a store or a key.

mod api;
mod audit;
mod backup;
mod bench;
mod ca;
mod closing;
mod ceremony;
mod campaign;
mod cert;
mod config;
mod cmp;
mod crl;
mod delivery;
mod device;
mod dlms;
mod doctor;
mod est;
mod factory;
mod front;
mod hsm;
mod imported;
mod migrate;
mod credential;
mod ocsp;
mod overview;
mod emergency;
mod people;
mod people_certificate;
mod printer;
mod profile;
mod qr;
mod request;
mod remote;
mod restore;
mod schemas;
mod secrets;
mod revocation;
mod serve;
mod shipment;
mod sign_in;
mod signer;
mod sim;
mod stats;
mod store;
mod trust;
mod watch;
mod visit;
mod visit_renewal;

use std::future::Future;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::device::DeviceCommand;
use crate::cli::{
    BackupCommand, CaCommand, Cli, Command, CrlCommand, RestoreCommand, ServerArgs, StoreCommand,
};
use crate::config::{Config, RemoteServer};
use crate::exit::{Exit, Failure};
use crate::operator::client::{Calls, Key, OperatorClient};
use crate::quickstart::Verbs;
use printer::Printer;

/// Runs the verb and tells how the program ends.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    let printer = Printer::new(cli.json);
    match dispatch(cli, &printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(cli: &Cli, printer: &Printer) -> Result<(), Failure> {
    match &cli.command {
        Command::Quickstart(args) => wait(crate::quickstart::run(args, cli.json, PLAYED)),
        Command::Bench(options) => bench::run(options, printer),
        Command::Serve => wait(serve::serve(&cli.server.config)),
        Command::Front => wait(front::run(&cli.server.config)),
        Command::Watch(args) => wait(watch::run(args, &cli.server.config, printer)),
        Command::Signer(command) => signer::run(command, &cli.server.config, printer),
        Command::Hsm(command) => hsm::run(command, &cli.server.config, printer),
        Command::Secrets(command) => secrets::run(command, printer),
        Command::Ca(CaCommand::Close(args)) => closing::close(args, &cli.server.config, printer),
        Command::Ca(CaCommand::List) => wait(ca::list(&client(&cli.server)?, printer)),
        Command::Ca(CaCommand::Keys) => wait(overview::keys(&client(&cli.server)?, printer)),
        Command::Overview => wait(overview::show(&client(&cli.server)?, printer)),
        Command::Ca(CaCommand::Show { name }) => wait(ca::show(name, &client(&cli.server)?, printer)),
        Command::Ceremony(verb) => ceremony::run(verb, &cli.server, printer),
        Command::Qr(verb) => qr::run(verb, printer),
        Command::Cert(verb) => wait(cert::run(verb, &cli.server, printer)),
        Command::Profile(verb) => wait(profile::run(verb, &cli.server, printer)),
        Command::Campaign(verb) => wait(campaign::run(verb, &client(&cli.server)?, printer)),
        Command::Revocation(verb) => wait(revocation::run(verb, &client(&cli.server)?, printer)),
        Command::Trust(verb) => wait(trust::run(verb, &client(&cli.server)?, printer)),
        Command::Request(verb) => wait(request::run(verb, &client(&cli.server)?, printer)),
        Command::People(verb) => wait(people::run(verb, &client(&cli.server)?, printer)),
        Command::BreakGlass(verb) => wait(emergency::run(verb, &client(&cli.server)?, printer)),
        Command::Visit(verb) => wait(visit::run(verb, &client(&cli.server)?, printer)),
        Command::Device(DeviceCommand::History { system_title, verify: Some(file), key, .. }) => {
            device::verify(system_title, (file, key.as_deref()), printer)
        }
        Command::Device(verb) => wait(device::run(verb, &client(&cli.server)?, printer)),
        Command::Factory(verb) => wait(factory::run(verb, &client(&cli.server)?, printer)),
        Command::Shipment(verb) => wait(shipment::run(verb, &cli.server, printer)),
        Command::Dlms(verb) => dlms::run(verb, printer),
        Command::Delivery(verb) => delivery::run(verb, &cli.server, printer),
        Command::Migrate(verb) => wait(migrate::run(verb, &client(&cli.server)?, printer)),
        Command::Crl(CrlCommand::Resign { name }) => crl::resign(name, &cli.server.config, printer),
        Command::Crl(verb) => wait(crl::run(verb, &client(&cli.server)?, printer)),
        Command::Ocsp(verb) => wait(ocsp::run(verb, &client(&cli.server)?, printer)),
        Command::Est(verb) => wait(est::run(verb, printer)),
        Command::Cmp(verb) => wait(cmp::run(verb, printer)),
        Command::Sim(verb) => wait(sim::run(verb, &cli.server, printer)),
        Command::Audit(verb) => wait(audit::run(verb, &cli.server, printer)),
        Command::Stats(verb) => wait(stats::run(verb, &client(&cli.server)?, printer)),
        Command::Store(StoreCommand::Show) => wait(store::show(&client(&cli.server)?, printer)),
        Command::Store(StoreCommand::Nodes) => wait(store::nodes(&client(&cli.server)?, printer)),
        Command::Store(verb) => store::run(verb, &cli.server.config, printer),
        Command::Backup(BackupCommand::Keygen { shares, directory }) => {
            backup::keygen(shares, directory, printer)
        }
        Command::Backup(BackupCommand::Create { file }) => {
            wait(backup::create(file, &client(&cli.server)?, printer))
        }
        Command::Backup(BackupCommand::Verify(args)) => backup::verify(args, printer),
        Command::Restore(RestoreCommand::Begin(args)) => restore::begin(args, &cli.server.config, printer),
        Command::Restore(RestoreCommand::Reconcile { export, apply }) => {
            restore::reconcile(&cli.server.config, export.as_deref(), *apply, printer)
        }
        Command::Restore(RestoreCommand::Finish { export, without_log }) => {
            restore::finish(&cli.server.config, export.as_deref(), *without_log, printer)
        }
        Command::Config(verb) => config::run(verb, &cli.server.config, printer),
        Command::Api(verb) => api::run(verb, printer),
        Command::Doctor(args) if args.served => wait(doctor::served(args, &client(&cli.server)?, printer)),
        Command::Doctor(args) => wait(doctor::run(args, &cli.server.config, printer)),
        Command::Completion { shell } => {
            printer.script(&completion(*shell));
            Ok(())
        }
    }
}

/// Writes the completion script of a shell.
fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "meter-pki", &mut script);
    // clap_complete writes the hyphen of a program's name in two ways, and bash then finds no verb's options
    // (clap-rs/clap issue 6421).
    String::from_utf8_lossy(&script).replace("meter__subcmd__pki", "meter__pki")
}

/// Runs one asynchronous verb to its end.
fn wait(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, "runtime.failed", error))?;
    runtime.block_on(verb)
}

/// The verbs that the quickstart plays.
const PLAYED: Verbs = Verbs {
    make_manifest: shipment::make_manifest,
    take_in_manifest: shipment::take_in_manifest,
    prove_history: device::prove,
    operate_elsewhere: client_of,
};

/// Finds the operator's socket by the configuration, or the server elsewhere by the operator's own file.
fn client(server: &ServerArgs) -> Result<OperatorClient, Failure> {
    let key = server.idempotency_key.as_deref().map(Key::new);
    Ok(client_of(&server.config)?.with(Calls { shown: server.api, key }))
}

fn client_of(config: &Path) -> Result<OperatorClient, Failure> {
    let faulty = |error| {
        Failure::new(Exit::Usage, "config.faulty", error)
            .then("name the configuration with --config FILE; `meter-pki config check` tells every fault")
    };
    match RemoteServer::read(config).map_err(faulty)? {
        Some(server) => remote::client(&server),
        None => Config::socket(config).map(|socket| OperatorClient::new(&socket)).map_err(faulty),
    }
}

/// Who runs this program, as audit records name an operator on this machine.
fn user() -> String {
    let user = std::fs::metadata("/proc/self").map(|process| std::os::unix::fs::MetadataExt::uid(&process));
    user.map_or_else(|_| "uid-unknown".to_owned(), |user| format!("uid-{user}"))
}
