//! `meter-pki signer log verify` and `show`: read from the files themselves, with or without a signer that writes them.

use std::path::PathBuf;

use serde::Serialize;
use signer_link::log::{LogFault, Record, SegmentsFault, read_segments};
use utoipa::ToSchema;

use crate::cli::signer::SignerLogVerb;
use crate::commands::printer::{Printer, table};
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{Sha256, TimeText};

/// A log whose chain holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedSignerLog)]
pub(in crate::commands) struct VerifiedView {
    records: u64,
    #[schema(value_type = Sha256)]
    head: String,
}

/// A record as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignerRecord)]
pub(in crate::commands) struct RecordView {
    number: u64,
    #[schema(value_type = TimeText)]
    time: String,
    user: u32,
    key: String,
    kind: &'static str,
    issuer: String,
    name: String,
    scope: String,
    digest: String,
    outcome: String,
}

impl From<Record> for RecordView {
    fn from(record: Record) -> Self {
        let entry = record.entry;
        Self {
            number: record.number,
            time: entry.time.to_string(),
            user: entry.user,
            key: entry.key.to_string(),
            kind: entry.kind.name(),
            issuer: entry.issuer.map(|issuer| issuer.to_string()).unwrap_or_default(),
            name: entry.name,
            scope: entry.scope,
            digest: hex::encode(entry.digest),
            outcome: entry.outcome,
        }
    }
}

pub(super) fn run(verb: &SignerLogVerb, printer: &Printer) -> Result<(), Failure> {
    match verb {
        SignerLogVerb::Verify { files, from, record } => verify((files, *from), record.as_deref(), printer),
        SignerLogVerb::Show { files, after, limit } => show(files, (*after, *limit), printer),
    }
}

fn faulty(fault: &SegmentsFault) -> Failure {
    let damaged = Failure::new(Exit::Integrity, "signer.log-damaged", fault);
    match fault {
        SegmentsFault::NoSuchLog { .. } => Failure::new(Exit::NotFound, "signer.log", fault),
        SegmentsFault::Damaged { fault: LogFault::Torn { .. }, .. } => damaged
            .then("while a signer writes, look again; otherwise its next start cuts the torn record off"),
        SegmentsFault::Missing { .. } => Failure::new(Exit::Integrity, "signer.log-missing", fault).then(
            "name the log once more for each place where its segments were moved to; or begin behind what is missing (verify --from, show --after)",
        ),
        SegmentsFault::Ended { .. } | SegmentsFault::TwoStories { .. } | SegmentsFault::Damaged { .. } => {
            damaged.then("keep the files as evidence, and compare them with the ledger")
        }
    }
}

/// Verifies the chain, and that a record that was kept elsewhere is in it.
fn verify((logs, from): (&[PathBuf], u64), kept: Option<&str>, printer: &Printer) -> Result<(), Failure> {
    let kept = kept.map(str::to_ascii_lowercase);
    let mut found = kept.is_none();
    let each = |_: &Record, hash: [u8; 32]| {
        found = found || kept.as_deref() == Some(hex::encode(hash).as_str());
    };
    let head = read_segments(logs, from, each).map_err(|fault| faulty(&fault))?;
    if !found {
        let message = "there is no record of this hash: records were taken off the end of the log";
        return Err(Failure::new(Exit::Integrity, "signer.log-cut", message)
            .then("compare it with the ledger: each issued certificate has its record"));
    }
    let view = VerifiedView { records: head.records, head: hex::encode(head.hash) };
    printer.result(&view, |view| vec![format!("{} records, the last is {}", view.records, view.head)]);
    Ok(())
}

fn show(logs: &[PathBuf], (after, limit): (u64, u32), printer: &Printer) -> Result<(), Failure> {
    let mut views: Vec<RecordView> = Vec::new();
    let each = |record: &Record, _: [u8; 32]| {
        if record.number > after && u32::try_from(views.len()).is_ok_and(|shown| shown < limit) {
            views.push(RecordView::from(record.clone()));
        }
    };
    // Those before are of no interest, and may be elsewhere.
    let _head = read_segments(logs, after.saturating_add(1), each).map_err(|fault| {
        // Nothing is wrong with a log that has no more records than it has.
        if matches!(fault, SegmentsFault::Ended { .. }) {
            return Failure::new(Exit::NotFound, "signer.no-record", fault);
        }
        faulty(&fault)
    })?;
    printer.result(&views, |views| {
        let heading = ["number", "time", "user", "key", "kind", "name", "scope", "outcome"];
        let row = |one: &RecordView| {
            vec![
                one.number.to_string(),
                one.time.clone(),
                one.user.to_string(),
                one.key.clone(),
                one.kind.to_owned(),
                one.name.clone(),
                one.scope.clone(),
                one.outcome.clone(),
            ]
        };
        let heading = heading.map(str::to_owned).to_vec();
        table(&std::iter::once(heading).chain(views.iter().map(row)).collect::<Vec<_>>())
    });
    Ok(())
}
