//! `meter-pki doctor`: says what was found, the worst of it with the exit code.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::printer::{Printer, heading, table};
use crate::cli::doctor::DoctorArgs;
use crate::doctor::gather::gather;
use crate::doctor::{Choice, Report, Severity, checks, examine};
use crate::exit::{Exit, Failure};

/// A check as it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoctorCheck)]
pub(in crate::commands) struct CheckView {
    id: &'static str,
    /// The worst that it tells.
    worst: Severity,
    /// What is so when it finds nothing.
    means: &'static str,
}

pub(super) async fn run(args: &DoctorArgs, config: &Path, printer: &Printer) -> Result<(), Failure> {
    let choice = Choice { only: args.only.clone(), skip: args.skip.clone() };
    if let Some(unknown) = choice.unknown() {
        let message = format!("no check has a name that begins with {unknown}");
        return Err(Failure::new(Exit::Usage, "doctor.unknown", message).then("meter-pki doctor --list"));
    }
    if args.list {
        list(&choice, printer);
        return Ok(());
    }
    let report = examine(&Box::pin(gather(config, args.login)).await, &choice);
    printer.result(&report, lines);
    let message = |count: usize, what| format!("{what}: {count}");
    let failure = match report.worst {
        Severity::Ok | Severity::NotChecked | Severity::Notice => return Ok(()),
        Severity::Warning => {
            Failure::new(Exit::Partial, "doctor.warnings", message(report.warnings, "warnings"))
        }
        Severity::Fault => Failure::new(Exit::Failed, "doctor.faults", message(report.faults, "faults")),
    };
    Err(failure.then("each line above says what to do"))
}

fn list(choice: &Choice, printer: &Printer) {
    let chosen = checks().filter(|check| choice.takes(check.id));
    let views: Vec<CheckView> =
        chosen.map(|check| CheckView { id: check.id, worst: check.worst, means: check.means }).collect();
    printer.result(&views, |views| {
        let row =
            |one: &CheckView| vec![one.id.to_owned(), one.worst.word().to_lowercase(), one.means.to_owned()];
        let rows =
            std::iter::once(heading(&["CHECK", "WORST", "IN ORDER WHEN"])).chain(views.iter().map(row));
        table(&rows.collect::<Vec<_>>())
    });
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &report.findings {
        lines.push(format!("{:<11}  {:<30}  {}", one.severity.word(), one.id, one.says));
        if !one.next.is_empty() {
            lines.push(format!("{:<11}  {:<30}  next: {}", "", "", one.next));
        }
    }
    let Report { ok, not_checked, notices, warnings, faults, .. } = report;
    lines.push(format!(
        "in order: {ok}, not checked: {not_checked}, notices: {notices}, warnings: {warnings}, faults: {faults}"
    ));
    lines
}
