//! The doctor as a server calls him in: he looks from the server's machine, asks the server over its own socket like everybody, and what he
//! finds goes out over the operator's interface. Gathers and judges nothing itself.

use std::path::PathBuf;
use std::sync::Arc;

use ca_core::validity::UnixTime;
use tokio::runtime::Handle;

use crate::doctor::gather::gather;
use crate::doctor::{Choice, Line, Report, Severity, examine};
use crate::operator::Look;
use crate::operator::wire::standing::{DoctorFindingView, DoctorView};

/// Returns how the doctor of a server with this configuration is called in.
pub(crate) fn look(configuration: PathBuf) -> Look {
    Arc::new(move |now| {
        let facts = Handle::current().block_on(Box::pin(gather(&configuration, false)));
        view(examine(&facts, &Choice::default()), now)
    })
}

fn view(report: Report, at: UnixTime) -> DoctorView {
    DoctorView {
        at: at.to_string(),
        worst: word(report.worst).to_owned(),
        ok: report.ok,
        not_checked: report.not_checked,
        notices: report.notices,
        warnings: report.warnings,
        faults: report.faults,
        findings: report.findings.into_iter().map(finding).collect(),
    }
}

fn finding(line: Line) -> DoctorFindingView {
    DoctorFindingView {
        id: line.id.to_owned(),
        severity: word(line.severity).to_owned(),
        says: line.says,
        next: line.next,
    }
}

/// The words of `SeverityWord`, as the report of the command line has them in JSON.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::NotChecked => "not-checked",
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Fault => "fault",
    }
}
