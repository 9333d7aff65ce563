//! Watches for a wall clock that is set while the program runs (case T-20): the time that passed by it is compared with what
//! passed by the monotonic clock. A step is an audit record with the old and the new time, and counts in `pki_clock_steps_total`.
//!
//! Nothing waits by the wall clock; it dates certificates and records. Steps between two runs are found by the ledger, which
//! compares each record with the one before.

use std::sync::Arc;
use std::time::Duration;

use ca_core::audit::{Act, AuditEvent};
use ca_core::authority::Ports;
use ca_core::ports::{Clock, Ledger};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use server_kit::metrics::{Gauge, Metrics};
use server_kit::shutdown::Shutdown;
use tokio::time::Instant;

/// How often the clocks are compared.
const LOOK: Duration = Duration::from_secs(10);

/// What the clocks may differ by between two looks: more than a second that was cut, less than anybody sets a clock by.
const TOLERATED_SECONDS: i64 = 30;

/// A wall clock that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    /// What it would show by the monotonic clock.
    expected: UnixTime,
    /// What it shows.
    found: UnixTime,
}

/// Compares what the wall clock shows with what it showed and what has passed since.
fn step(before: UnixTime, passed: Duration, found: UnixTime) -> Option<Step> {
    let expected = before.plus_seconds(i64::try_from(passed.as_secs()).unwrap_or(i64::MAX));
    let apart = found.seconds().saturating_sub(expected.seconds());
    (apart.saturating_abs() > TOLERATED_SECONDS).then_some(Step { expected, found })
}

/// The clock, and where a step of it is told.
pub(crate) struct ClockWatch {
    clock: Arc<dyn Clock>,
    ledger: Arc<dyn Ledger>,
    tenant: TenantId,
    count: Box<dyn Fn() + Send + Sync>,
    /// By how much it went apart from the monotonic clock since the start.
    offset: Gauge,
}

impl ClockWatch {
    pub(crate) fn new(ports: &Ports, tenant: TenantId, metrics: &Metrics) -> Self {
        let (clock, ledger) = (Arc::clone(&ports.clock), Arc::clone(&ports.ledger));
        let steps = metrics.counter("clock_steps_total", &[]);
        let offset = metrics.gauge("clock_offset_seconds", &[]);
        Self { clock, ledger, tenant, count: Box::new(move || steps.increment(1)), offset }
    }

    /// Compares until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        let (mut shown, mut at) = (this.clock.now(), Instant::now());
        let (first, began) = (shown, at);
        this.offset.set(0.0);
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let (now, instant) = (this.clock.now(), Instant::now());
            if let Some(step) = step(shown, instant.duration_since(at), now) {
                let this = Arc::clone(&this);
                drop(tokio::task::spawn_blocking(move || this.tell(step)).await);
            }
            this.offset.set(apart(first, instant.duration_since(began), now));
            (shown, at) = (now, instant);
        }
    }

    fn tell(&self, step: Step) {
        let Step { expected, found } = step;
        (self.count)();
        tracing::warn!(%expected, %found, "the clock of this machine was set; look at its time service");
        let told = self.ledger.record_event(AuditEvent {
            time: found,
            tenant: self.tenant.clone(),
            actor: "process:clock-watch".to_owned(),
            act: Act::ClockChanged,
            issuer: None,
            serial: None,
            reason: "clock-step".to_owned(),
            detail: format!("from {expected} to {found}"),
            digest: Vec::new(),
        });
        if let Err(error) = told {
            tracing::error!(%error, "the step of the clock is not on record");
        }
    }
}

/// By how many seconds a clock is ahead of the time that passed; whole ones, as the wall clock is read.
fn apart(first: UnixTime, passed: Duration, now: UnixTime) -> f64 {
    let expected = first.plus_seconds(i64::try_from(passed.as_secs()).unwrap_or(i64::MAX));
    let apart = now.seconds().saturating_sub(expected.seconds());
    f64::from(i32::try_from(apart).unwrap_or(if apart < 0 { i32::MIN } else { i32::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime::from_seconds(1_800_000_000);

    #[test]
    fn t_20_a_clock_set_by_an_hour_is_told_with_the_old_and_the_new_time() {
        for set in [-3_600, 3_600, -31, 31] {
            let found = NOON.plus_seconds(10 + set);
            let told = step(NOON, LOOK, found);
            assert_eq!(told, Some(Step { expected: NOON.plus_seconds(10), found }), "{set}");
        }
    }

    #[test]
    fn how_far_the_clock_went_apart_since_the_start_is_measured_both_ways() {
        for set in [-3_600, 0, 7_200] {
            let found = NOON.plus_seconds(100 + i64::from(set));
            assert_eq!(apart(NOON, Duration::from_millis(100_900), found), f64::from(set));
        }
    }

    #[test]
    fn t_20_a_clock_that_is_slewed_or_a_machine_that_was_busy_is_not_told() {
        for drift in [-30, 0, 30] {
            assert_eq!(step(NOON, LOOK, NOON.plus_seconds(10 + drift)), None, "{drift}");
        }
        let busy = Duration::from_secs(600);
        assert_eq!(step(NOON, busy, NOON.plus_seconds(600)), None);
    }
}
