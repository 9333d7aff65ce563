//! Watches for intents that did not come to a good end: the gauge `pki_intents{state}` and the health check `intents`.
//!
//! Changes nothing: the start ends what was open, and the publisher revokes what stays uncertain.

use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::{StatusSource, Unavailable};
use ca_core::record::{CertificateQuery, StatusKind};
use server_kit::health::Condition;
use server_kit::metrics::{Gauge, Metrics};
use server_kit::shutdown::Shutdown;

/// How often the gauges are brought up to date between two health checks.
const PERIOD: Duration = Duration::from_secs(10);

/// How many are counted: more than that is as bad.
const MANY: usize = 10_000;

/// The gauges and where their values come from.
pub(crate) struct IntentWatch {
    status: Arc<dyn StatusSource>,
    open: Gauge,
    uncertain: Gauge,
}

impl IntentWatch {
    pub(crate) fn new(status: Arc<dyn StatusSource>, metrics: &Metrics) -> Self {
        let gauge = |state| metrics.gauge("intents", &[("state", state)]);
        Self { status, open: gauge("open"), uncertain: gauge("uncertain") }
    }

    /// Counts, brings the gauges up to date, and tells whether a signing outcome is unknown. Blocks.
    pub(crate) fn condition(&self) -> Condition {
        match (self.count(StatusKind::Pending), self.count(StatusKind::Uncertain)) {
            (Ok(open), Ok(uncertain)) => {
                self.open.set(f64::from(open));
                self.uncertain.set(f64::from(uncertain));
                condition(uncertain)
            }
            (Err(error), _) | (_, Err(error)) => Condition::Failed(error.to_string()),
        }
    }

    fn count(&self, status: StatusKind) -> Result<u32, Unavailable> {
        let query = CertificateQuery { status: Some(status), limit: MANY, ..CertificateQuery::default() };
        Ok(u32::try_from(self.status.certificates(&query)?.len()).unwrap_or(u32::MAX))
    }

    /// Keeps the gauges up to date until shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            let this = Arc::clone(&self);
            drop(tokio::task::spawn_blocking(move || this.condition()).await);
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }
}

fn condition(uncertain: u32) -> Condition {
    match uncertain {
        0 => Condition::Well,
        count => Condition::Degraded(format!(
            "signing outcomes are unknown: {count}; `meter-pki cert list --status uncertain` shows them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unknown_outcome_is_enough_to_be_told() {
        assert_eq!(condition(0), Condition::Well);
        let Condition::Degraded(told) = condition(1) else { panic!("it serves, but not well") };
        assert!(told.contains("unknown: 1;"), "{told}");
    }
}
