//! `meter-pki signer log verify` and `show`: read from the file itself, with or without a signer that writes it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;
use signer_link::log::{LogFault, LogReader, Record};

use crate::cli::signer::SignerLogVerb;
use crate::commands::printer::{Printer, table};
use crate::exit::{Exit, Failure};

/// A log whose chain holds.
#[derive(Debug, Serialize)]
struct VerifiedView {
    records: u64,
    head: String,
}

/// A record as it is shown.
#[derive(Debug, Serialize)]
struct RecordView {
    number: u64,
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
        SignerLogVerb::Verify { file, record } => verify(file, record.as_deref(), printer),
        SignerLogVerb::Show { file, after, limit } => show(file, (*after, *limit), printer),
    }
}

fn reader(file: &Path) -> Result<LogReader<BufReader<File>>, Failure> {
    let open = File::open(file).map_err(|error| {
        Failure::new(Exit::NotFound, "signer.log", format!("{}: {error}", file.display()))
    })?;
    Ok(LogReader::new(BufReader::new(open)))
}

fn damaged(file: &Path, fault: &LogFault) -> Failure {
    let failure = Failure::new(Exit::Integrity, "signer.log-damaged", format!("{}: {fault}", file.display()));
    match fault {
        LogFault::Torn { .. } => failure
            .then("while a signer writes, look again; otherwise its next start cuts the torn record off"),
        LogFault::NotARecord { .. } | LogFault::Chain { .. } | LogFault::Unreadable(_) => {
            failure.then("keep the file as evidence, and compare it with the ledger")
        }
    }
}

/// Verifies the chain, and that a record that was kept elsewhere is in it.
fn verify(file: &Path, kept: Option<&str>, printer: &Printer) -> Result<(), Failure> {
    let mut reader = reader(file)?;
    let kept = kept.map(str::to_ascii_lowercase);
    let mut found = kept.is_none();
    while let Some(record) = reader.next() {
        drop(record.map_err(|fault| damaged(file, &fault))?);
        found = found || kept.as_deref() == Some(hex::encode(reader.head().hash).as_str());
    }
    if !found {
        let message =
            format!("{} has no record of this hash: records were taken off its end", file.display());
        return Err(Failure::new(Exit::Integrity, "signer.log-cut", message)
            .then("compare it with the ledger: each issued certificate has its record"));
    }
    let head = reader.head();
    let view = VerifiedView { records: head.records, head: hex::encode(head.hash) };
    printer.result(&view, |view| vec![format!("{} records, the last is {}", view.records, view.head)]);
    Ok(())
}

fn show(file: &Path, (after, limit): (u64, u32), printer: &Printer) -> Result<(), Failure> {
    let mut views = Vec::new();
    for record in reader(file)? {
        let record = record.map_err(|fault| damaged(file, &fault))?;
        if record.number > after {
            views.push(RecordView::from(record));
        }
        if u32::try_from(views.len()).is_ok_and(|shown| shown >= limit) {
            break;
        }
    }
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
