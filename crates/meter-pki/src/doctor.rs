//! `meter-pki doctor`: the whole PKI examined by many small checks, each with a stable name, a severity and what to type next.
//!
//! Two steps that know nothing of each other: `gather` reads files, asks the server and fetches from outside, and has no
//! opinion; the checks under `judge` are pure functions over what was gathered. Nothing is changed, no PIN is offered that the
//! server does not offer itself, and nothing waits longer than a few seconds for whoever does not answer. ADR 52.

pub(crate) mod facts;
pub(crate) mod gather;
mod judge;

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use crate::severity::Severity;
use facts::{Configured, Facts, Served};

/// What a check found that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// One sentence.
    pub(crate) says: String,
    /// What to type, or to do, next.
    pub(crate) next: String,
}

impl Finding {
    pub(crate) fn notice(says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, says: says.into(), next: next.into() }
    }

    pub(crate) fn warning(says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, says: says.into(), next: next.into() }
    }

    pub(crate) fn fault(says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { severity: Severity::Fault, says: says.into(), next: next.into() }
    }
}

/// What a check needs, and what it makes of it.
#[derive(Clone, Copy)]
pub(crate) enum Judge {
    /// Facts that are always there.
    Always(fn(&Facts) -> Vec<Finding>),
    /// A configuration that is sound.
    Configured(fn(&Facts, &Configured) -> Vec<Finding>),
    /// A server that answers.
    Served(fn(&Facts, &Served) -> Vec<Finding>),
    /// Both.
    Both(fn(&Facts, &Configured, &Served) -> Vec<Finding>),
}

/// One check.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Its stable name, such as `doctor.crl.late`.
    pub(crate) id: &'static str,
    /// What it looks at, in one sentence.
    pub(crate) means: &'static str,
    /// The worst that it tells.
    pub(crate) worst: Severity,
    pub(crate) judge: Judge,
}

/// Returns every check, in the order of reports.
pub(crate) fn checks() -> impl Iterator<Item = &'static Check> {
    judge::AREAS.iter().flat_map(|area| area.iter())
}

/// Which checks are made: those whose name begins with one of `only`, all when it is empty, without those of `skip`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub(crate) only: Vec<String>,
    pub(crate) skip: Vec<String>,
}

impl Choice {
    /// Tells whether a check is made. `crl` stands for `doctor.crl`, and that for all whose names begin so, word by word.
    pub(crate) fn takes(&self, id: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|name| is_of(id, name));
        (self.only.is_empty() || names(&self.only)) && !names(&self.skip)
    }

    /// Returns the first name that stands for no check.
    pub(crate) fn unknown(&self) -> Option<&String> {
        self.only.iter().chain(&self.skip).find(|name| !checks().any(|check| is_of(check.id, name)))
    }
}

fn is_of(id: &str, name: &str) -> bool {
    let name = name.strip_prefix("doctor.").unwrap_or(name);
    let rest = id.strip_prefix("doctor.").and_then(|id| id.strip_prefix(name));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What is told of the whole PKI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoctorReport)]
pub(crate) struct Report {
    /// The worst of all findings.
    pub(crate) worst: Severity,
    /// How many checks were made and found all in order.
    pub(crate) ok: usize,
    pub(crate) not_checked: usize,
    pub(crate) notices: usize,
    pub(crate) warnings: usize,
    pub(crate) faults: usize,
    pub(crate) findings: Vec<Line>,
}

/// One line of a report; a check that finds several things has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DoctorFinding)]
pub(crate) struct Line {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    pub(crate) says: String,
    /// What to do; empty where there is nothing to do.
    pub(crate) next: String,
}

/// Makes the chosen checks.
pub(crate) fn examine(facts: &Facts, choice: &Choice) -> Report {
    let findings: Vec<Line> =
        checks().filter(|check| choice.takes(check.id)).flat_map(|check| lines(check, facts)).collect();
    let count = |severity| findings.iter().filter(|line| line.severity == severity).count();
    Report {
        worst: worst(&findings),
        ok: count(Severity::Ok),
        not_checked: count(Severity::NotChecked),
        notices: count(Severity::Notice),
        warnings: count(Severity::Warning),
        faults: count(Severity::Fault),
        findings,
    }
}

fn worst(findings: &[Line]) -> Severity {
    findings.iter().map(|line| line.severity).max().unwrap_or(Severity::Ok)
}

fn lines(check: &Check, facts: &Facts) -> Vec<Line> {
    let line = |severity, says: &str, next: &str| Line {
        id: check.id,
        severity,
        says: says.to_owned(),
        next: next.to_owned(),
    };
    let not_checked = |says, next| vec![line(Severity::NotChecked, says, next)];
    let nobody = || not_checked("not checked: nobody serves", "start `meter-pki serve`, then repeat this");
    let faulty = || not_checked("not checked: the configuration is faulty", "meter-pki config check");
    let found = match (check.judge, &facts.configured, &facts.served) {
        (Judge::Always(judge), _, _) => judge(facts),
        (Judge::Configured(judge), Some(configured), _) => judge(facts, configured),
        (Judge::Served(judge), _, Some(served)) => judge(facts, served),
        (Judge::Both(judge), Some(configured), Some(served)) => judge(facts, configured, served),
        (Judge::Configured(_) | Judge::Both(_), None, _) => return faulty(),
        (Judge::Served(_), _, None) | (Judge::Both(_), Some(_), None) => return nobody(),
    };
    if found.is_empty() {
        return vec![line(Severity::Ok, check.means, "")];
    }
    found.iter().map(|one| line(one.severity, &one.says, &one.next)).collect()
}

#[cfg(test)]
mod tests;
