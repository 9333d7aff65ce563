//! How many lines of exports were compared, and how many differences of each kind were found: what alarms are made of.
//!
//! Counts since the program was started; each difference has its audit record as well.

use std::collections::BTreeMap;

use ca_core::reconciliation::Difference;
use server_kit::metrics::{Counter, Metrics};

use super::wire::reconciliation::DifferenceView;

/// The counters, all there from the start, so that the first difference is a rise.
pub(crate) struct ReconciliationMeters {
    lines: Counter,
    differences: BTreeMap<&'static str, Counter>,
}

impl ReconciliationMeters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        metrics.describe_counter("reconciliation_lines_total", "Lines of exports that were compared.");
        metrics.describe_counter(
            "reconciliation_differences_total",
            "Differences between what meters hold and what is on record, by kind.",
        );
        let counter = |kind| metrics.counter("reconciliation_differences_total", &[("kind", kind)]);
        let kinds = Difference::ALL.map(Difference::code);
        Self {
            lines: metrics.counter("reconciliation_lines_total", &[]),
            differences: kinds.into_iter().map(|kind| (kind, counter(kind))).collect(),
        }
    }

    pub(crate) fn count(&self, lines: usize, found: &[DifferenceView]) {
        self.lines.increment(u64::try_from(lines).unwrap_or(u64::MAX));
        for one in found {
            tracing::warn!(
                meter = one.system_title,
                purpose = one.purpose,
                code = one.code,
                "{}",
                one.message
            );
            if let Some(counter) = self.differences.get(one.code.as_str()) {
                counter.increment(1);
            }
        }
    }
}
