//! `meter-pki audit verify` and `audit list`: the chain is checked here, by the reader, not by the server that is audited.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{AuditRecord, AuditTrail};
use serde::Serialize;

use super::printer::{Printer, heading, table};
use crate::cli::AuditCommand;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{AuditPage, AuditQuery};

/// How many records are asked for at once.
const PER_REQUEST: u32 = 5_000;

/// What a whole check found.
#[derive(Debug, Serialize)]
struct TrailView {
    records: u64,
    head: String,
}

/// One record as it is listed.
#[derive(Debug, Serialize)]
struct RecordView {
    sequence: u64,
    time: String,
    tenant: String,
    actor: String,
    act: String,
    reason: String,
    serial: String,
    detail: String,
}

pub(super) async fn run(
    verb: &AuditCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        AuditCommand::Verify => {
            let trail = verify(client).await?;
            let view = TrailView { records: trail.sequence(), head: hex::encode(trail.head()) };
            printer
                .result(&view, |view| vec![format!("{} records, intact, head {}", view.records, view.head)]);
        }
        AuditCommand::List { after, limit } => {
            let records = fetch(client, *after, *limit).await?;
            let views = records.iter().map(|der| view(der)).collect::<Result<Vec<_>, _>>()?;
            printer.result(&views, |views| rows(views));
        }
    }
    Ok(())
}

async fn verify(client: &OperatorClient) -> Result<AuditTrail, Failure> {
    let mut trail = AuditTrail::EMPTY;
    loop {
        let records = fetch(client, trail.sequence(), PER_REQUEST).await?;
        if records.is_empty() {
            return Ok(trail);
        }
        for der in &records {
            trail.check_next(der).map(drop).map_err(|error| {
                Failure::new(Exit::Integrity, "audit.broken", error)
                    .then("stop issuing, keep the store as it is, and call the auditor")
            })?;
        }
    }
}

async fn fetch(client: &OperatorClient, after: u64, limit: u32) -> Result<Vec<Vec<u8>>, Failure> {
    let page: AuditPage = client.get("/v1/audit", &AuditQuery { after, limit }).await?;
    page.records
        .iter()
        .map(|text| {
            STANDARD.decode(text).map_err(|error| Failure::new(Exit::Failed, "operator.malformed", error))
        })
        .collect()
}

fn view(der: &[u8]) -> Result<RecordView, Failure> {
    let record =
        AuditRecord::from_der(der).map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
    let event = record.event;
    Ok(RecordView {
        sequence: record.sequence,
        time: event.time.to_string(),
        tenant: event.tenant.to_string(),
        actor: event.actor,
        act: event.act.name().to_owned(),
        reason: event.reason,
        serial: event.serial.map(|serial| serial.to_string()).unwrap_or_default(),
        detail: event.detail,
    })
}

fn rows(views: &[RecordView]) -> Vec<String> {
    let mut rows = vec![heading(&["NUMBER", "TIME", "TENANT", "ACTOR", "ACT", "REASON", "DETAIL"])];
    rows.extend(views.iter().map(|one| {
        vec![
            one.sequence.to_string(),
            one.time.clone(),
            one.tenant.clone(),
            one.actor.clone(),
            one.act.clone(),
            one.reason.clone(),
            one.detail.clone(),
        ]
    }));
    table(&rows)
}
