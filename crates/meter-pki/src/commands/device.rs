//! `meter-pki device`: the registry, from the import of a list to the reconciliation with the meters.

pub(super) mod changes;
pub(super) mod looks;
pub(super) mod reconcile;

use std::path::Path;

use super::printer::Printer;
use crate::cli::device::{CriteriaArgs, DeviceCommand};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new_private};
use crate::operator::client::OperatorClient;
use crate::operator::wire::fleet::{DeviceQueryText, SecretText, SecretsRequest};
use crate::operator::wire::{ImportRequest, ImportView, ImportedDevice, TokenText, TokenView};
use changes::Wanted;
pub(super) use looks::{prove, verify};

/// How many faulty rows of a file are told one by one.
const TOLD_ROWS: usize = 20;

/// How many devices go in one request.
const PER_REQUEST: usize = 1_000;

pub(super) async fn run(
    verb: &DeviceCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        DeviceCommand::Import { file, tenant, manufactured } => {
            import(file, (tenant, *manufactured), client, printer).await
        }
        DeviceCommand::List { criteria, limit, after } => {
            looks::list(criteria, (*limit, after.clone()), client, printer).await
        }
        DeviceCommand::Show { system_title } => looks::show(system_title, client, printer).await,
        DeviceCommand::Count { tenant, by } => looks::count(tenant, by, client, printer).await,
        DeviceCommand::History { system_title, proof, .. } => {
            looks::history(system_title, proof.as_deref(), client, printer).await
        }
        DeviceCommand::Suspend(args) => changes::run(&Wanted::change("suspend", args), client, printer).await,
        DeviceCommand::Resume(args) => changes::run(&Wanted::change("resume", args), client, printer).await,
        DeviceCommand::Retire(args) => changes::run(&Wanted::change("retire", args), client, printer).await,
        DeviceCommand::Ship(args) => changes::run(&Wanted::pass("ship", args), client, printer).await,
        DeviceCommand::Move(args) => changes::run(&Wanted::pass("transfer", args), client, printer).await,
        DeviceCommand::Secrets { system_title, tenant, reason, out } => {
            let request = SecretsRequest { tenant: tenant.clone(), reason: reason.clone() };
            secrets(system_title, &request, out, (client, printer)).await
        }
        DeviceCommand::Reconcile(args) => reconcile::run(args, client, printer).await,
        DeviceCommand::Token { system_title, profile, valid_minutes } => {
            let text = TokenText {
                system_title: system_title.clone(),
                profile: profile.clone(),
                valid_minutes: *valid_minutes,
            };
            let view: TokenView = client.post("/v1/tokens", &text).await?;
            printer.result(&view, |view| {
                vec![
                    format!("user:     {}", view.user),
                    format!("password: {}", view.secret),
                    format!("good until {}, once; it is shown here and nowhere else", view.expires_at),
                ]
            });
            Ok(())
        }
    }
}

/// Puts criteria into the words of the operator's interface.
fn query(criteria: &CriteriaArgs, limit: u32, after: Option<String>) -> DeviceQueryText {
    let CriteriaArgs {
        tenant,
        manufacturer,
        without_operational,
        state,
        model,
        firmware,
        batch,
        region,
        concentrator,
        serial_number,
        title_prefix,
        key,
        certificate,
        delivery,
    } = criteria.clone();
    DeviceQueryText {
        tenant,
        manufacturer,
        without_operational,
        state,
        model,
        firmware,
        batch,
        region,
        concentrator,
        serial_number,
        title_prefix,
        key,
        certificate,
        delivery,
        after,
        limit,
    }
}

/// Fetches the wrapped secrets; that they were given out is on record before they arrive.
async fn secrets(
    title: &str,
    request: &SecretsRequest,
    out: &Path,
    (client, printer): (&OperatorClient, &Printer),
) -> Result<(), Failure> {
    refuse_existing(out)?;
    let secrets: Vec<SecretText> = client.post(&format!("/v1/devices/{title}/secrets"), request).await?;
    write_new_private(out, &serde_json::to_vec_pretty(&secrets).unwrap_or_default())?;
    let kinds: Vec<String> = secrets.into_iter().map(|one| one.kind).collect();
    printer.result(&kinds, |kinds| vec![format!("{} wrapped secrets: {}", kinds.len(), kinds.join(", "))]);
    Ok(())
}

/// Reads the whole file before anything is sent: a faulty row stops the import, and every faulty row is told.
async fn import(
    file: &Path,
    (tenant, made): (&str, bool),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let devices = read(file)?;
    let mut total = ImportView { added: 0, unchanged: 0, refused: Vec::new() };
    for share in devices.chunks(PER_REQUEST) {
        let request = ImportRequest { tenant: tenant.to_owned(), devices: share.to_vec(), made };
        let view: ImportView = client.post("/v1/devices", &request).await?;
        total.added += view.added;
        total.unchanged += view.unchanged;
        total.refused.extend(view.refused);
    }
    printer.result(&total, |total| {
        vec![format!(
            "{} added, {} on the list before, {} refused",
            total.added,
            total.unchanged,
            total.refused.len()
        )]
    });
    if total.refused.is_empty() {
        return Ok(());
    }
    let message = format!("not taken: {}", total.refused.join(", "));
    Err(Failure::new(Exit::Partial, "device.refused", message)
        .then("they are on another owner's list, or in service with other content: `meter-pki device list`"))
}

fn read(file: &Path) -> Result<Vec<ImportedDevice>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "device.file", format!("{}: {error}", file.display()))
    };
    let mut reader = csv::Reader::from_path(file).map_err(|error| unreadable(&error))?;
    let mut devices: Vec<ImportedDevice> = Vec::new();
    let mut faults = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (row, record) in reader.deserialize::<ImportedDevice>().enumerate() {
        let line = row + 2;
        match record {
            Err(error) => faults.push(format!("line {line}: {}", told(&error))),
            Ok(device) => match ca_core::system_title::SystemTitle::parse(&device.system_title) {
                Err(error) => faults.push(format!("line {line}: {}: {error}", device.system_title)),
                Ok(title) => match seen.insert(title, line) {
                    Some(first) => {
                        faults.push(format!("line {line}: {title} stands on line {first} already"));
                    }
                    None => devices.push(device),
                },
            },
        }
    }
    if faults.is_empty() {
        return Ok(devices);
    }
    let count = faults.len();
    faults.truncate(TOLD_ROWS);
    Err(unreadable(&format!("nothing was imported, faulty rows: {count}\n{}", faults.join("\n"))))
}

/// What is wrong with a row, without its place in the file.
fn told(error: &csv::Error) -> String {
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        return err.to_string();
    }
    error.to_string()
}
