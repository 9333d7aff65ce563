//! This server among others that share its ledger: it says that it is there, and looks for those that are gone. Whether the ledger is
//! within reach at all, health hears elsewhere. With a ledger of its own it does nothing.

use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::{Clock, Unavailable};
use ca_core::tenant::TenantId;
use ca_store::{Store, Watched};
use server_kit::metrics::{Counter, Gauge, Metrics};
use server_kit::shutdown::Shutdown;

/// How often it is looked, in parts of a lease.
const LOOKS_IN_A_LEASE: u32 = 5;

/// Looks after the nodes.
pub(crate) struct NodeWatch {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    tenant: TenantId,
    pause: Duration,
    meters: Meters,
}

struct Meters {
    reachable: Gauge,
    fenced: Counter,
    orphans: Counter,
}

impl NodeWatch {
    /// Makes a watch that looks several times in a lease of this length.
    pub(crate) fn new(
        (store, clock): (Arc<Store>, Arc<dyn Clock>),
        tenant: TenantId,
        lease: Duration,
        metrics: &Metrics,
    ) -> Self {
        metrics.describe_counter(
            "nodes_fenced_total",
            "Nodes whose writes are refused because this one did not see them for the time of a lease.",
        );
        metrics.describe_counter(
            "orphaned_intents_total",
            "Intents that nodes which are gone left open, and this one ended.",
        );
        let meters = Meters {
            reachable: metrics.gauge("store_reachable", &[]),
            fenced: metrics.counter("nodes_fenced_total", &[]),
            orphans: metrics.counter("orphaned_intents_total", &[]),
        };
        meters.reachable.set(1.0);
        let pause = lease.checked_div(LOOKS_IN_A_LEASE).unwrap_or(lease);
        Self { store, clock, tenant, pause, meters }
    }

    /// Looks until shutdown, on a thread that nothing else waits for.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            let watch = Arc::clone(&self);
            // A look that panics is logged by the runtime; the next one comes all the same.
            drop(tokio::task::spawn_blocking(move || watch.look()).await);
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(self.pause) => {}
            }
        }
    }

    fn look(&self) {
        match self.store.watch_nodes(self.clock.now(), &self.tenant) {
            Ok(watched) => self.well(&watched),
            Err(error) => self.fail(&error),
        }
    }

    fn well(&self, Watched { fenced, ended }: &Watched) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.meters.reachable.set(1.0);
        self.meters.fenced.increment(count(fenced.len()));
        let orphans = ended.aborted.len().saturating_add(ended.uncertain.len());
        self.meters.orphans.increment(count(orphans));
        if orphans > 0 {
            let (aborted, uncertain) = (ended.aborted.len(), ended.uncertain.len());
            tracing::warn!(aborted, uncertain, "what a node left open that is gone was ended");
        }
    }

    fn fail(&self, error: &Unavailable) {
        self.meters.reachable.set(0.0);
        tracing::debug!(why = %error.cause, "the other nodes cannot be looked at");
    }
}
