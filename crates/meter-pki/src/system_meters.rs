//! What is measured of the system as a whole, every ten seconds: CRLs, disk, ends of certificates, revocations, tokens.
//!
//! Counts where something happens are kept there; here stands what is so whoever looks. Changes nothing, and is no reason to be unwell.

mod trail;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca_core::audit::AuditRecord;
use ca_core::ports::Unavailable;
use ca_core::record::CrlRecord;
use ca_core::scope::{CrlKind, CrlLine};
use ca_core::validity::UnixTime;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use signer_link::desk::TokenReport;

use crate::compose::System;
use crate::started::Started;
use trail::TrailMeters;

/// How often.
const PERIOD: Duration = Duration::from_secs(10);

/// How long a count of certificates that end soon is good, in seconds.
const HOUR: i64 = 3_600;

/// What is soon, in days.
const SOON: [(&str, i64); 3] = [("7d", 7), ("30d", 30), ("90d", 90)];

/// How far is counted: a ledger with more has no need of the number.
const COUNTED_ENDS: usize = 1_000_000;

/// How many audit records are read at once.
const PAGE: usize = 2_000;

/// Keeps the gauges.
pub(crate) struct SystemMeters {
    system: Arc<System>,
    metrics: Metrics,
    store: PathBuf,
    /// The last audit record that was counted.
    counted: Mutex<u64>,
    trail: TrailMeters,
    /// When ends of certificates were counted.
    ends_counted: Mutex<Option<UnixTime>>,
}

impl SystemMeters {
    /// Makes the watch of a system whose ledger is in `store`; what was recorded before now is not counted.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(crate) fn new(
        system: &Arc<System>,
        metrics: &Metrics,
        (store, started): (PathBuf, &Started),
    ) -> Result<Self, Unavailable> {
        let end = system.vault.store.audit_end()?.sequence();
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        metrics.gauge("build_info", &version).set(1.0);
        metrics.gauge("config_hash_info", &[("sha256", started.sha256.as_str())]).set(1.0);
        let (system, metrics) = (Arc::clone(system), metrics.clone());
        let trail = TrailMeters::new(&metrics);
        Ok(Self { system, metrics, store, counted: Mutex::new(end), trail, ends_counted: Mutex::default() })
    }

    /// Looks until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        loop {
            let there = Arc::clone(&this);
            // Of a ledger that cannot be read its own health check tells.
            drop(tokio::task::spawn_blocking(move || there.look()).await);
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    fn look(&self) -> Result<(), Unavailable> {
        self.disk();
        self.tokens(&self.system.key_place.tokens());
        self.authorities()?;
        self.ends()?;
        self.records()
    }

    fn disk(&self) {
        if let Ok(found) = rustix::fs::statvfs(&self.store) {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            self.metrics.gauge("store_disk_free_bytes", &[]).set(float(free));
        }
    }

    fn tokens(&self, reports: &[TokenReport]) {
        for report in reports {
            let labels = [("token", report.token.as_str())];
            self.metrics.gauge("hsm_up", &labels).set(f64::from(u8::from(report.serves())));
            self.metrics.gauge("hsm_queue_depth", &labels).set(float(report.counts.waiting));
        }
    }

    fn authorities(&self) -> Result<(), Unavailable> {
        let now = self.system.clock.now();
        for served in &self.system.authorities {
            let end = served.authority.issuer().certificate().validity().not_after();
            let labels = [("ca", served.name.as_str())];
            self.metrics.gauge("ca_certificate_expiry_timestamp_seconds", &labels).set(signed(end.seconds()));
            // What the publisher cannot tell now it tells at its next look.
            let Ok(scopes) = served.publisher.scopes() else { continue };
            for scope in scopes {
                let line = CrlLine { issuer: served.key(), scope, kind: CrlKind::Complete };
                if let Some(crl) = self.system.status.latest_of(&line)? {
                    self.crl(&served.name, &crl, now.seconds());
                }
            }
        }
        Ok(())
    }

    fn crl(&self, ca: &str, crl: &CrlRecord, now: i64) {
        let shard = crl.scope.shard().map(ToString::to_string).unwrap_or_default();
        let labels = [("ca", ca), ("shard", shard.as_str())];
        let (this_update, next_update) = (crl.this_update.seconds(), crl.next_update.seconds());
        for (name, value) in [
            ("crl_age_seconds", signed(now - this_update)),
            ("crl_next_update_timestamp_seconds", signed(next_update)),
            ("crl_entries", float(crl.entries)),
        ] {
            self.metrics.gauge(name, &labels).set(value);
        }
    }

    /// Looks into what came to the audit log: every door leads there.
    fn records(&self) -> Result<(), Unavailable> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let records = self.system.status.audit_records(*counted, PAGE)?;
            for der in &records {
                *counted = counted.saturating_add(1);
                if let Ok(record) = AuditRecord::from_der(der) {
                    self.system.issued.look(&record);
                    self.trail.look(&*self.system.status, &record)?;
                }
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Counts, once an hour, certificates that end soon.
    fn ends(&self) -> Result<(), Unavailable> {
        let now = self.system.clock.now();
        let mut counted = self.ends_counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.is_some_and(|at| now < at.plus_seconds(HOUR)) {
            return Ok(());
        }
        for (bucket, days) in SOON {
            let until = now.plus_seconds(days * 86_400);
            let number = self.system.vault.store.count_expiring(now, until, COUNTED_ENDS)?;
            let labels = [("bucket", bucket)];
            self.metrics
                .gauge("certificates_expiring", &labels)
                .set(float(u64::try_from(number).unwrap_or(u64::MAX)));
        }
        *counted = Some(now);
        Ok(())
    }
}

/// A gauge has the precision of `f64`: exact up to 2^53, rounded beyond.
fn float(number: u64) -> f64 {
    let [high, low] =
        [number >> 32, number & 0xFFFF_FFFF].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
    f64::from(high).mul_add(4_294_967_296.0, f64::from(low))
}

fn signed(number: i64) -> f64 {
    let size = float(number.unsigned_abs());
    if number < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_gauges_without_loss_up_to_2_to_the_53() {
        assert_eq!(float(0), 0.0);
        assert_eq!(float(4_294_967_297), 4_294_967_297.0);
        assert_eq!(float((1 << 53) - 1), 9_007_199_254_740_991.0);
        assert_eq!(signed(-1_800_000_000), -1_800_000_000.0);
    }
}
