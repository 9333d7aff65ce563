//! `meter-pki ceremony import` takes a response in; `ceremony journal` shows what was taken in and refused.
//!
//! Every response that was read leaves one record in the journal, with the reason code of a refusal: before its request is closed,
//! and before a refusal is told.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::AuditRecord;
use ca_core::exchange::MessageKind;
use ca_core::ports::Clock;
use ceremony::words::Fingerprint;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cli::ImportArgs;
use crate::commands::printer::{Printer, aloud, heading, table};
use crate::commands::user;
use crate::compose::SystemClock;
use crate::exchange_journal::ExchangeJournal;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::ceremonies::{CeremonyResponseText, CeremonyTakenInView};
use crate::operator::wire::words::{self, KeyName, TimeText};
use crate::plain_text::plain;
use crate::root_exchange::{Intake, exchange_key};

/// What a response brought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CeremonyImport)]
pub(in crate::commands) struct ImportView {
    certificate_file: String,
    root_file: String,
    crl_file: Option<String>,
    #[schema(value_type = KeyName)]
    key: String,
    subject: String,
}

/// A line of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::commands) struct JournalLine {
    number: u64,
    #[schema(value_type = TimeText)]
    time: String,
    actor: String,
    act: String,
    reason: String,
    #[schema(value_type = words::Sha256)]
    sha256: String,
    detail: String,
}

/// The journal, and the SHA-256 of its last record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeJournal)]
pub(in crate::commands) struct JournalView {
    records: Vec<JournalLine>,
    #[schema(value_type = words::Sha256)]
    head: String,
}

pub(super) fn import(args: &ImportArgs, out: &Path, printer: &Printer) -> Result<(), Failure> {
    let exchange_key = exchange_key(&args.exchange_key)?;
    let octets = read(&args.response)?;
    let by = user();
    let intake = Intake { exchanges: &args.exchanges, out, now: SystemClock.now(), by: &by };
    let taken = intake.take_in(&octets, &exchange_key, |_| Ok(()))?;
    let root_sha256 = Fingerprint::of(taken.accepted.root.der());
    let certificate = &taken.accepted.certificate;
    let view = ImportView {
        key: certificate.public_key().key_ref().to_string(),
        subject: certificate.subject().to_string(),
        certificate_file: taken.certificate_file,
        root_file: taken.root_file,
        crl_file: taken.crl_file,
    };
    printer.result(&view, |view| told(view, &root_sha256));
    Ok(())
}

/// Has the server take it in.
pub(super) async fn import_served(
    args: &ImportArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let text = CeremonyResponseText {
        response: STANDARD.encode(read(&args.response)?),
        exchange_key: args.exchange_key.clone(),
    };
    let view: CeremonyTakenInView = client.post("/v1/ceremonies/responses", &text).await?;
    let root_sha256 = view.root_sha256.parse();
    let root_sha256: Fingerprint =
        root_sha256.map_err(|error| Failure::new(Exit::Failed, "ceremony.answer", error))?;
    let CeremonyTakenInView { certificate_file, root_file, crl_file, key, subject, .. } = view;
    let view = ImportView { certificate_file, root_file, crl_file, key, subject };
    printer.result(&view, |view| told(view, &root_sha256));
    Ok(())
}

fn told(view: &ImportView, root_sha256: &Fingerprint) -> Vec<String> {
    let mut lines = vec![
        format!("certificate of {} is in {}", view.subject, view.certificate_file),
        format!("its root is in {}", view.root_file),
    ];
    lines.extend(aloud("SHA-256 of the root", root_sha256));
    lines.push(format!(
        "next: add an [[authority]] with certificate_file and path_files to the configuration; its key is {}",
        view.key
    ));
    lines
}

/// Shows the journal, after its chain was checked.
pub(super) fn journal(exchanges: &Path, printer: &Printer) -> Result<(), Failure> {
    let (trail, records) = ExchangeJournal::read(exchanges)?;
    let view = JournalView {
        records: records.into_iter().map(journal_line).collect(),
        head: hex::encode(trail.head()),
    };
    printer.result(&view, |view| {
        let mut rows = vec![heading(&["NUMBER", "TIME", "ACTOR", "ACT", "REASON", "SHA-256", "DETAIL"])];
        rows.extend(view.records.iter().map(|one| {
            let texts = [&one.time, &one.actor, &one.act, &one.reason, &one.sha256, &one.detail];
            core::iter::once(one.number.to_string()).chain(texts.map(|text| plain(text))).collect()
        }));
        let mut lines = table(&rows);
        lines.push(format!(
            "{} records, each bound to the one before; the last has the SHA-256 {}",
            view.records.len(),
            view.head
        ));
        lines
    });
    Ok(())
}

fn journal_line(record: AuditRecord) -> JournalLine {
    let event = record.event;
    JournalLine {
        number: record.sequence,
        time: event.time.to_string(),
        actor: event.actor,
        act: event.act.name().to_owned(),
        reason: event.reason,
        sha256: hex::encode(event.digest),
        detail: event.detail,
    }
}

/// Reads a response, as far as one may go.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let longest = 2 * MessageKind::SubordinateResponse.max_octets() + 1;
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(u64::try_from(longest).unwrap_or(u64::MAX)).read_to_end(&mut octets))
        .map(|_| octets)
        .map_err(|error| {
            Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", path.display()))
        })
}
