//! The checks, area by area. Each is a small pure function over facts: no file, no network, no clock.
//!
//! What is told and at which severity is decided here and nowhere else.

mod certificates;
mod configuration;
mod files;
mod keys;
mod ledger;
mod nodes;
mod outside;
mod work;

use ca_core::validity::UnixTime;

use super::facts::OwnCertificate;
use super::{Check, Finding, Judge, Severity};

pub(super) const AREAS: [&[Check]; 8] = [
    configuration::CHECKS,
    certificates::CHECKS,
    keys::CHECKS,
    files::CHECKS,
    outside::CHECKS,
    ledger::CHECKS,
    nodes::CHECKS,
    work::CHECKS,
];

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

const fn check(id: &'static str, worst: Severity, means: &'static str, judge: Judge) -> Check {
    Check { id, means, worst, judge }
}

/// Writes a time as RFC 3339.
fn at(seconds: i64) -> String {
    UnixTime::from_seconds(seconds).to_string()
}

/// How much is left of what ends: from `fault` days on it is a fault, and so on.
#[derive(Clone, Copy)]
struct Ends {
    warning_days: i64,
    notice_days: i64,
}

impl Ends {
    /// Judges an end; nothing is told while it is far.
    fn judge(self, name: &str, end: i64, now: i64, next: &str) -> Option<Finding> {
        let days = (end - now).div_euclid(DAY);
        let says = format!("{name} ends at {}, in {days} days", at(end));
        if end < now {
            return Some(Finding::fault(format!("{name} ended at {}", at(end)), next));
        }
        if days <= self.warning_days {
            return Some(Finding::warning(says, next));
        }
        (days <= self.notice_days).then(|| Finding::notice(says, next))
    }

    fn of(self, certificates: impl Iterator<Item = OwnCertificate>, now: i64, next: &str) -> Vec<Finding> {
        certificates.filter_map(|one| self.judge(&one.name, one.not_after, now, next)).collect()
    }
}
