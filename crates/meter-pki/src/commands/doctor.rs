//! `meter-pki doctor`: says what was found, the worst of it with the exit code.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::printer::{Printer, heading, table};
use crate::cli::doctor::DoctorArgs;
use crate::doctor::gather::gather;
use crate::doctor::{Choice, Report, Severity, checks, examine};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::standing::DoctorView;

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
    let choice = chosen(args)?;
    if args.list {
        list(&choice, printer);
        return Ok(());
    }
    let report = examine(&Box::pin(gather(config, args.login)).await, &choice);
    printer.result(&report, lines);
    ended(report.warnings, report.faults)
}

/// Prints what the server found when it had the doctor look.
pub(super) async fn served(
    args: &DoctorArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let choice = chosen(args)?;
    let mut view: DoctorView = client.get("/v1/doctor", &()).await?;
    view.findings.retain(|one| choice.takes(&one.id));
    let count = |severity: &str| view.findings.iter().filter(|one| one.severity == severity).count();
    let (warnings, faults) = (count("warning"), count("fault"));
    printer.result(&view, |view| {
        let mut lines = Vec::new();
        for one in &view.findings {
            lines.push(format!("{:<11}  {:<30}  {}", one.severity, one.id, one.says));
            if !one.next.is_empty() {
                lines.push(format!("{:<11}  {:<30}  next: {}", "", "", one.next));
            }
        }
        lines.push(format!("looked at {}; warnings: {warnings}, faults: {faults}", view.at));
        lines
    });
    ended(warnings, faults)
}

fn chosen(args: &DoctorArgs) -> Result<Choice, Failure> {
    let choice = Choice { only: args.only.clone(), skip: args.skip.clone() };
    match choice.unknown() {
        None => Ok(choice),
        Some(unknown) => {
            let message = format!("no check has a name that begins with {unknown}");
            Err(Failure::new(Exit::Usage, "doctor.unknown", message).then("meter-pki doctor --list"))
        }
    }
}

/// Ends as the worst that was found says.
fn ended(warnings: usize, faults: usize) -> Result<(), Failure> {
    let message = |count: usize, what| format!("{what}: {count}");
    let failure = match (warnings, faults) {
        (0, 0) => return Ok(()),
        (_, 0) => Failure::new(Exit::Partial, "doctor.warnings", message(warnings, "warnings")),
        (_, _) => Failure::new(Exit::Failed, "doctor.faults", message(faults, "faults")),
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
