//! `meter-pki device import`, `device list` and `device token`.

use std::path::Path;

use super::printer::{Printer, heading, table};
use crate::cli::DeviceCommand;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{
    DevicePage, DeviceQueryText, ImportRequest, ImportView, ImportedDevice, TokenText, TokenView,
};

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
        DeviceCommand::Import { file, tenant } => import(file, tenant, client, printer).await,
        DeviceCommand::List { tenant, manufacturer, without_operational, limit, after } => {
            let query = DeviceQueryText {
                tenant: tenant.clone(),
                manufacturer: manufacturer.clone(),
                without_operational: *without_operational,
                after: after.clone(),
                limit: *limit,
            };
            let page: DevicePage = client.get("/v1/devices", &query).await?;
            printer.result(&page, rows);
            Ok(())
        }
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

/// Reads the whole file before anything is sent: a faulty row stops the import, and every faulty row is told.
async fn import(
    file: &Path,
    tenant: &str,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let devices = read(file)?;
    let mut total = ImportView { added: 0, unchanged: 0, refused: Vec::new() };
    for share in devices.chunks(PER_REQUEST) {
        let request = ImportRequest { tenant: tenant.to_owned(), devices: share.to_vec() };
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

fn rows(page: &DevicePage) -> Vec<String> {
    let mut rows = vec![heading(&[
        "SYSTEM TITLE",
        "STATE",
        "MANUFACTURER",
        "MODEL",
        "BATCH",
        "REGION",
        "CONCENTRATOR",
        "FACTORY SUPERSEDED",
    ])];
    rows.extend(page.devices.iter().map(|one| {
        vec![
            one.system_title.clone(),
            one.state.clone(),
            one.manufacturer.clone().unwrap_or_default(),
            one.model.clone(),
            one.batch.clone(),
            one.region.clone().unwrap_or_default(),
            one.concentrator.clone().unwrap_or_default(),
            one.factory_superseded_at.clone().unwrap_or_default(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}
