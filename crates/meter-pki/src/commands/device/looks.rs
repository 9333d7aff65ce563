//! `device list`, `show`, `count` and `history`: what is known of devices, as tables.

use std::collections::BTreeSet;
use std::path::Path;

use ca_core::record::titles_named;
use utoipa::ToSchema;

use super::query;
use crate::audit::note::public_key;
use crate::audit::proof::LogProof;
use crate::cli::device::CriteriaArgs;
use crate::commands::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::new_file::write_new_private;
use crate::operator::client::OperatorClient;
use crate::operator::wire::fleet::{
    CountQueryText, CountView, DeviceDetailView, DevicePage, DeviceView, HistoryPage, HistoryProofsView,
    HistoryQueryText, HistoryView,
};
use crate::operator::wire::words::{SystemTitle, TimeText};
use crate::plain_text::plain;
use crate::quickstart::Outcome;

/// How many lines of a history are asked for at a time.
const PER_REQUEST: u32 = 1_000;

pub(super) async fn list(
    criteria: &CriteriaArgs,
    (limit, after): (u32, Option<String>),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let page: DevicePage = client.get("/v1/devices", &query(criteria, limit, after)).await?;
    printer.result(&page, |page| {
        let mut lines = rows(&page.devices);
        lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
        lines
    });
    Ok(())
}

fn rows(devices: &[DeviceView]) -> Vec<String> {
    let mut rows = vec![heading(&[
        "SYSTEM TITLE",
        "STATE",
        "MANUFACTURER",
        "SERIAL NUMBER",
        "MODEL",
        "FIRMWARE",
        "BATCH",
        "REGION",
        "CONCENTRATOR",
        "FACTORY SUPERSEDED",
    ])];
    rows.extend(devices.iter().map(|one| {
        vec![
            one.system_title.clone(),
            one.state.clone(),
            one.manufacturer.clone().unwrap_or_default(),
            plain(&one.serial_number),
            plain(&one.model),
            plain(&one.firmware),
            plain(&one.batch),
            one.region.clone().unwrap_or_default(),
            one.concentrator.clone().unwrap_or_default(),
            one.factory_superseded_at.clone().unwrap_or_default(),
        ]
    }));
    table(&rows)
}

pub(super) async fn show(title: &str, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: DeviceDetailView = client.get(&format!("/v1/devices/{title}"), &()).await?;
    printer.result(&view, detail);
    Ok(())
}

fn detail(view: &DeviceDetailView) -> Vec<String> {
    let device = &view.device;
    let mut lines = Vec::new();
    let mut say = |what: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("{what:<14}{}", plain(text)));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    say("system title", &device.system_title);
    say("owner", &device.tenant);
    say("state", &device.state);
    say("was", &or_none(&device.suspended_from));
    say("sent to", &or_none(&device.shipped_to));
    say("manufacturer", &or_none(&device.manufacturer));
    say("serial number", &device.serial_number);
    say("model", &device.model);
    say("firmware", &device.firmware);
    say("batch", &device.batch);
    say("region", &or_none(&device.region));
    say("concentrator", &or_none(&device.concentrator));
    say("on the list", &device.imported_at);
    say("delivery", &or_none(&device.delivery));
    say("claimed by", &or_none(&device.claimed_by));
    say("superseded", &or_none(&device.factory_superseded_at));
    let secrets: Vec<String> = view
        .secrets
        .iter()
        .map(|one| format!("{} (wrapped by {})", one.kind, plain(&one.wrapped_by)))
        .collect();
    say("secrets", &secrets.join(", "));
    lines.push(String::new());
    let mut certificates =
        vec![heading(&["HIERARCHY", "PURPOSE", "STATUS", "SERIAL", "ISSUER", "NOT AFTER"])];
    certificates.extend(view.delivered.iter().map(|one| {
        vec![
            "delivered".to_owned(),
            one.purpose.clone(),
            String::new(),
            one.serial.clone(),
            plain(&one.issuer),
            one.not_after.clone(),
        ]
    }));
    certificates.extend(view.certificates.iter().map(|one| {
        vec![
            one.hierarchy.clone().unwrap_or_default(),
            one.purpose.clone(),
            one.status.clone(),
            one.serial.clone(),
            one.issuer.clone(),
            one.not_after.clone(),
        ]
    }));
    lines.extend(table(&certificates));
    lines.push(String::new());
    lines.extend(history_rows(&view.history));
    lines
}

fn history_rows(history: &[HistoryView]) -> Vec<String> {
    let mut rows = vec![heading(&["RECORD", "TIME", "EVENT", "OWNER", "STATE", "SERIAL", "BY", "DETAIL"])];
    rows.extend(history.iter().map(|one| {
        vec![
            one.sequence.to_string(),
            one.time.clone(),
            one.event.clone(),
            one.owner.clone().unwrap_or_default(),
            one.state.clone().unwrap_or_default(),
            one.serial.clone().unwrap_or_default(),
            plain(&one.by),
            plain(&one.detail),
        ]
    }));
    table(&rows)
}

/// Counts by a field, or by state; with both, each text is told by its states.
pub(super) async fn count(
    tenant: &str,
    by: &[String],
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let fields: Vec<&String> = by.iter().filter(|name| *name != "state").collect();
    if fields.len() > 1 {
        let message = "devices are counted by one field, and by state";
        return Err(Failure::new(Exit::Usage, "field.several", message).then("--by region,state"));
    }
    let (field, states) = (fields.first().map(|name| (*name).clone()), by.iter().any(|name| name == "state"));
    let text = CountQueryText { tenant: tenant.to_owned(), by: field.clone() };
    let counts: Vec<CountView> = client.get("/v1/device-counts", &text).await?;
    printer.result(&counts, |counts| {
        let mut rows = vec![heading(&[field.as_deref().unwrap_or("ALL"), "STATE", "DEVICES"])];
        for one in counts {
            if states {
                rows.extend(
                    one.states
                        .iter()
                        .map(|(state, count)| vec![plain(&one.value), state.clone(), count.to_string()]),
                );
            }
            rows.push(vec![plain(&one.value), "all".to_owned(), one.total.to_string()]);
        }
        table(&rows)
    });
    Ok(())
}

pub(super) async fn history(
    title: &str,
    proof: Option<&Path>,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    if let Some(file) = proof {
        printer.result(&proved(title, file, client).await?, told);
        return Ok(());
    }
    let mut history = Vec::new();
    let mut query = HistoryQueryText { after: 0, limit: PER_REQUEST };
    loop {
        let page: HistoryPage = client.get(&format!("/v1/devices/{title}/history"), &query).await?;
        history.extend(page.history);
        match page.next {
            Some(next) => query.after = next,
            None => break,
        }
    }
    printer.result(&history, |history| history_rows(history));
    Ok(())
}

/// Asks for the proofs of a history, checks them and writes them; returns how many records they prove, and over how many the
/// checkpoint is.
///
/// # Errors
/// [`Failure`], `audit.broken` where a proof does not hold.
pub(in crate::commands) fn prove<'a>(
    title: &'a str,
    file: &'a Path,
    client: &'a OperatorClient,
) -> Outcome<'a, (usize, u64)> {
    Box::pin(async move {
        let view = proved(title, file, client).await?;
        Ok((view.proved.len(), view.checkpoint))
    })
}

async fn proved(title: &str, file: &Path, client: &OperatorClient) -> Result<ProvedView, Failure> {
    let view: HistoryProofsView = client.get(&format!("/v1/devices/{title}/proofs"), &()).await?;
    let proved = check(&view, &view.key)?;
    write_new_private(file, &serde_json::to_vec_pretty(&view).unwrap_or_default())?;
    Ok(proved)
}

/// What proofs come to.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = ProvedHistory)]
pub(in crate::commands) struct ProvedView {
    #[schema(value_type = SystemTitle)]
    system_title: String,
    proved: Vec<ProvedLine>,
    checkpoint: u64,
}

/// An audit record that is proved.
#[derive(serde::Serialize, ToSchema)]
pub(in crate::commands) struct ProvedLine {
    sequence: u64,
    #[schema(value_type = TimeText)]
    time: String,
    act: String,
    by: String,
    owner: String,
}

/// Checks the proofs in a file against the public key of the checkpoints, without a server.
pub(in crate::commands) fn verify(
    title: &str,
    (file, key): (&Path, Option<&Path>),
    printer: &Printer,
) -> Result<(), Failure> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).map_err(|error| {
            Failure::new(Exit::Usage, "file.unreadable", format!("{}: {error}", file.display()))
        })
    };
    let view: HistoryProofsView = serde_json::from_str(&read(file)?)
        .map_err(|error| Failure::new(Exit::Usage, "proof.file", format!("{}: {error}", file.display())))?;
    if view.system_title != title {
        let message = format!("{} proves the history of {}", file.display(), view.system_title);
        return Err(Failure::new(Exit::Integrity, "proof.other", message));
    }
    let pem = key.map_or_else(|| Ok(view.key.clone()), read)?;
    let proved = check(&view, &pem)?;
    printer.result(&proved, told);
    Ok(())
}

/// Every record must be in the log, and must tell of this device: by its system title, or of a certificate that a record before
/// says is this device's.
fn check(view: &HistoryProofsView, pem: &str) -> Result<ProvedView, Failure> {
    let broken = |what: String| {
        Failure::new(Exit::Integrity, "audit.broken", what)
            .then("take the public key from where you trust it, with --key")
    };
    let key = public_key(pem).map_err(|error| Failure::new(Exit::Usage, "audit.key", error))?;
    let title = ca_core::system_title::SystemTitle::parse(&view.system_title)
        .map_err(|error| broken(error.to_string()))?;
    let (mut proved, mut checkpoint, mut certificates) = (Vec::new(), 0, BTreeSet::new());
    for one in &view.proofs {
        let proof =
            LogProof::parse(&one.proof).ok_or_else(|| broken(format!("proof {} is none", one.sequence)))?;
        let (record, signed) = proof.verify(&key).map_err(broken)?;
        let event = record.event;
        let certificate = event.issuer.zip(event.serial.clone());
        let first_word = event.detail.split(' ').next().unwrap_or_default();
        let names = titles_named(&event.detail).contains(&title) || first_word == view.system_title;
        let is_known = certificate.as_ref().is_some_and(|id| certificates.contains(id));
        if record.sequence != one.sequence || !(names || is_known) {
            return Err(broken(format!("audit record {} does not tell of {title}", record.sequence)));
        }
        certificates.extend(certificate);
        checkpoint = signed.head.size;
        proved.push(ProvedLine {
            sequence: record.sequence,
            time: event.time.to_string(),
            act: event.act.name().to_owned(),
            by: event.actor,
            owner: event.tenant.to_string(),
        });
    }
    Ok(ProvedView { system_title: view.system_title.clone(), proved, checkpoint })
}

fn told(proved: &ProvedView) -> Vec<String> {
    let mut rows = vec![heading(&["RECORD", "TIME", "ACT", "TENANT", "BY"])];
    rows.extend(proved.proved.iter().map(|one| {
        vec![one.sequence.to_string(), one.time.clone(), one.act.clone(), one.owner.clone(), plain(&one.by)]
    }));
    let mut lines = table(&rows);
    lines.push(format!(
        "{} records of {} are in the log, by the checkpoint over {} records",
        proved.proved.len(),
        proved.system_title,
        proved.checkpoint
    ));
    lines
}
