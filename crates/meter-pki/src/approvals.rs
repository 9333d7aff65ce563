//! Counts the requests that wait for the approval of operators: the gauge `pki_approvals_pending`.
//!
//! Changes nothing, and is no reason to be unwell: that people take their time is no fault of the server.

use std::sync::Arc;
use std::time::Duration;

use ca_core::authority::Ports;
use ca_core::ports::{Clock, Unavailable, WaitingRoom};
use ca_core::record::{Standing, WaitingQuery};
use server_kit::metrics::{Gauge, Metrics};
use server_kit::shutdown::Shutdown;

/// How often they are counted.
const PERIOD: Duration = Duration::from_secs(10);

/// How many are counted: as many as one tenant may have, unless its limit is raised.
const MANY: usize = 10_000;

/// The gauge and where its value comes from.
pub(crate) struct ApprovalWatch {
    waiting: Arc<dyn WaitingRoom>,
    clock: Arc<dyn Clock>,
    pending: Gauge,
}

impl ApprovalWatch {
    pub(crate) fn new(ports: &Ports, metrics: &Metrics) -> Self {
        let (waiting, clock) = (Arc::clone(&ports.waiting), Arc::clone(&ports.clock));
        Self { waiting, clock, pending: metrics.gauge("approvals_pending", &[]) }
    }

    /// Keeps the gauge up to date until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        loop {
            let there = Arc::clone(&this);
            // Of a ledger that cannot be read its own health check tells.
            if let Ok(Ok(count)) = tokio::task::spawn_blocking(move || there.count()).await {
                this.pending.set(f64::from(count));
            }
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    fn count(&self) -> Result<u32, Unavailable> {
        let query = WaitingQuery {
            tenant: None,
            standing: Some(Standing::Waiting),
            now: self.clock.now(),
            after: None,
            limit: MANY,
        };
        Ok(u32::try_from(self.waiting.waiting_requests(&query)?.len()).unwrap_or(u32::MAX))
    }
}
