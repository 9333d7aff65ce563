//! `meter-pki audit`: records are listed, proofs fetched, and whatever can be checked is checked here, by the reader, not by
//! the server that is audited.

mod search;
pub(super) mod verify;

use ca_core::audit::AuditRecord;
use ca_core::suite::Curve;
use serde::Serialize;
use utoipa::ToSchema;

use super::ceremony::make_key;
use super::client;
use super::printer::{Printer, heading, table};
use crate::audit::note::{pem, public_key};
use crate::audit::proof::LogProof;
use crate::cli::audit::AuditCommand;
use crate::cli::{KeyArgs, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::words::TimeText;
use crate::operator::wire::{CheckpointView, IssuanceProofView};
use crate::plain_text::plain;

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditKey)]
pub(in crate::commands) struct KeyView {
    /// Its name in the configuration.
    key: String,
    /// Its public half.
    pem: String,
}

/// One record as it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(in crate::commands) struct RecordView {
    sequence: u64,
    #[schema(value_type = TimeText)]
    time: String,
    tenant: String,
    actor: String,
    act: String,
    reason: String,
    serial: String,
    detail: String,
}

pub(super) async fn run(verb: &AuditCommand, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    match verb {
        AuditCommand::Verify(args) => verify::run(args, server, printer).await,
        AuditCommand::Prove { serial, issuer } => {
            prove(&client(server)?, serial, issuer.as_deref(), printer).await
        }
        AuditCommand::Checkpoint => {
            let view: CheckpointView = client(server)?.get("/v1/audit/checkpoint", &()).await?;
            printer.result(&view, |view| view.note.lines().map(str::to_owned).collect());
            Ok(())
        }
        AuditCommand::Key(keys) => make_checkpoint_key(keys, printer),
        AuditCommand::List { after, limit } => {
            let records = client(server)?.audit_records(*after, *limit).await?;
            let views = records.iter().map(|der| view(der)).collect::<Result<Vec<_>, _>>()?;
            printer.result(&views, |views| rows(views));
            Ok(())
        }
        AuditCommand::Search(args) => search::search(args, &client(server)?, printer).await,
        AuditCommand::Show { number } => search::show(*number, &client(server)?, printer).await,
    }
}

fn make_checkpoint_key(keys: &KeyArgs, printer: &Printer) -> Result<(), Failure> {
    let (_, key) = make_key(keys, Curve::P256, "audit checkpoints")?;
    let view = KeyView { key: key.key_ref().to_string(), pem: pem(&key) };
    printer.result(&view, |view| {
        let name = format!("checkpoint_key = \"{}\"", view.key);
        std::iter::once(name).chain(view.pem.lines().map(str::to_owned)).collect()
    });
    Ok(())
}

/// Fetches the proof and checks it before anybody relies on it.
async fn prove(
    client: &OperatorClient,
    serial: &str,
    issuer: Option<&str>,
    printer: &Printer,
) -> Result<(), Failure> {
    let path = format!("/v1/audit/proofs/{}/{}", escaped(issuer.unwrap_or("-")), escaped(serial));
    let view: IssuanceProofView = client.get(&path, &()).await?;
    let broken = |error: String| Failure::new(Exit::Integrity, "audit.broken", error).then(verify::STOP);
    let key = public_key(&view.key).map_err(broken)?;
    let proof = LogProof::parse(&view.proof).ok_or_else(|| broken("the server sent no proof".to_owned()))?;
    proof.verify(&key).map_err(broken)?;
    printer.result(&view, |view| view.proof.lines().map(str::to_owned).collect());
    Ok(())
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
            plain(&one.actor),
            one.act.clone(),
            one.reason.clone(),
            plain(&one.detail),
        ]
    }));
    table(&rows)
}
