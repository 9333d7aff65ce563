//! What the listener counts, for the metrics and for its health.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use server_kit::health::Condition;
use server_kit::metrics::{Gauge, Metrics, ReasonCounter};

/// More panics than this and health says `degraded`.
const TOLERATED_PANICS: u64 = 10;

#[derive(Debug)]
pub(crate) struct Tally {
    open: AtomicUsize,
    panics: AtomicU64,
    open_gauge: Gauge,
    turned_away: ReasonCounter,
    closed: ReasonCounter,
    dropped: ReasonCounter,
}

impl Tally {
    pub(crate) fn new(name: &'static str, metrics: &Metrics) -> Self {
        let labels = [("listener", name)];
        Self {
            open: AtomicUsize::new(0),
            panics: AtomicU64::new(0),
            open_gauge: metrics.gauge("connections_open", &labels),
            turned_away: metrics.reasons("connections_turned_away_total", &labels),
            closed: metrics.reasons("connections_closed_total", &labels),
            dropped: metrics.reasons("datagrams_dropped_total", &labels),
        }
    }

    /// Counts a connection until what is returned is dropped.
    pub(crate) fn opened(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.open_gauge.increment(1.0);
        Open(Arc::clone(self))
    }

    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.turned_away.count(reason);
    }

    pub(crate) fn closed(&self, reason: &'static str) {
        self.closed.count(reason);
    }

    pub(crate) fn dropped(&self, reason: &'static str) {
        self.dropped.count(reason);
    }

    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        self.closed.count("panic");
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Open(Arc<Tally>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.open_gauge.decrement(1.0);
    }
}

/// A view of a listener for health checks. Clones show the same listener.
#[derive(Debug, Clone)]
pub struct CoapsWatch {
    tally: Arc<Tally>,
}

impl CoapsWatch {
    pub(crate) fn new(tally: &Arc<Tally>) -> Self {
        Self { tally: Arc::clone(tally) }
    }

    /// Connections open at this moment, unfinished handshakes included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.tally.open.load(Ordering::Relaxed)
    }

    /// For a health check: degraded when many connections have panicked. Never failed: nothing here may switch the server off.
    #[must_use]
    pub fn condition(&self) -> Condition {
        match self.tally.panics.load(Ordering::Relaxed) {
            panics if panics > TOLERATED_PANICS => {
                Condition::Degraded(format!("{panics} connections over DTLS have panicked"))
            }
            _ => Condition::Well,
        }
    }
}
