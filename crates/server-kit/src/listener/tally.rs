//! What one listener counts, for the metrics and for its health.
//!
//! It is *not* per requester: reasons and totals only.

use crate::{
    health::Condition,
    metrics::{Metrics, ReasonCounter},
};
use metrics::{Counter, Gauge};
use std::{
    any::Any,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

#[derive(Debug)]
pub(super) struct Tally {
    open: AtomicUsize,
    panics: AtomicU64,
    tolerated_panics: u64,
    out_of_descriptors: AtomicBool,
    open_gauge: Gauge,
    panics_counter: Counter,
    accept_faults: Counter,
    turned_away: ReasonCounter,
    closed: ReasonCounter,
    refused: ReasonCounter,
}

impl Tally {
    pub(super) fn new(listener: &str, tolerated_panics: u64, metrics: Option<&Metrics>) -> Self {
        let labels = [("listener", listener)];
        let counter = |name| metrics.map_or_else(Counter::noop, |metrics| metrics.counter(name, &labels));
        let reasons =
            |name| metrics.map_or_else(ReasonCounter::default, |metrics| metrics.reasons(name, &labels));
        Self {
            open: AtomicUsize::new(0),
            panics: AtomicU64::new(0),
            tolerated_panics,
            out_of_descriptors: AtomicBool::new(false),
            open_gauge: metrics
                .map_or_else(Gauge::noop, |metrics| metrics.gauge("connections_open", &labels)),
            panics_counter: counter("panics_total"),
            accept_faults: counter("accept_faults_total"),
            turned_away: reasons("connections_turned_away_total"),
            closed: reasons("connections_closed_total"),
            refused: reasons("requests_refused_total"),
        }
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.open_gauge.increment(1.0);
    }

    pub(super) fn closed(&self, reason: &'static str) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.open_gauge.decrement(1.0);
        self.closed.count(reason);
    }

    pub(super) fn turned_away(&self, reason: &'static str) {
        self.turned_away.count(reason);
    }

    pub(super) fn request_refused(&self, reason: &'static str) {
        self.refused.count(reason);
    }

    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        self.panics_counter.increment(1);
    }

    pub(super) fn accept_failed(&self) {
        self.out_of_descriptors.store(true, Ordering::Relaxed);
        self.accept_faults.increment(1);
    }

    pub(super) fn accept_works(&self) {
        self.out_of_descriptors.store(false, Ordering::Relaxed);
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(super) fn condition(&self) -> Condition {
        let panics = self.panics();
        if self.out_of_descriptors.load(Ordering::Relaxed) {
            Condition::Degraded("the system gives no more connections".to_owned())
        } else if panics > self.tolerated_panics {
            Condition::Degraded(format!("{panics} requests have panicked"))
        } else {
            Condition::Well
        }
    }
}

/// The text of a panic, for the log.
pub(super) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
