//! How many certificates were issued lately: counted by minutes as the audit log goes by, for a day, in memory.
//!
//! Not a meter for Prometheus, which counts by itself; for whoever looks at a page. What was before the start is in no number.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ca_core::audit::{Act, AuditRecord};
use ca_core::validity::UnixTime;

/// How many minutes are kept: a day, and the one that is under way.
const MINUTES: i64 = 24 * 60 + 1;

/// How many certificates were issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Issued {
    /// In the last minute.
    pub(crate) minute: u64,
    /// In the last hour.
    pub(crate) hour: u64,
    /// In the last day.
    pub(crate) day: u64,
    /// For how many seconds it is counted.
    pub(crate) counted_seconds: u64,
}

/// The counts.
#[derive(Debug)]
pub(crate) struct IssuedPace {
    since: UnixTime,
    /// By seconds since 1970, cut to tens: a minute is six of them.
    tens: Mutex<BTreeMap<i64, u64>>,
}

impl IssuedPace {
    /// Counts from now on.
    pub(crate) const fn new(now: UnixTime) -> Self {
        Self { since: now, tens: Mutex::new(BTreeMap::new()) }
    }

    /// Counts a record, if it tells of an issuance.
    pub(crate) fn look(&self, record: &AuditRecord) {
        if record.event.act != Act::CertificateIssued {
            return;
        }
        let ten = record.event.time.seconds().div_euclid(10);
        let mut tens = self.tens.lock().unwrap_or_else(PoisonError::into_inner);
        let count = tens.entry(ten).or_default();
        *count = count.saturating_add(1);
        let kept = tens.split_off(&(ten - MINUTES * 6));
        *tens = kept;
    }

    /// Tells how many were issued in the last minute, hour and day.
    pub(crate) fn told(&self, now: UnixTime) -> Issued {
        let tens = self.tens.lock().unwrap_or_else(PoisonError::into_inner);
        let ten = now.seconds().div_euclid(10);
        let within = |many: i64| {
            let counts = tens.range((ten - many + 1)..=ten).map(|(_, count)| *count);
            counts.fold(0, u64::saturating_add)
        };
        Issued {
            minute: within(6),
            hour: within(6 * 60),
            day: within(6 * 60 * 24),
            counted_seconds: u64::try_from(now.seconds() - self.since.seconds()).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use ca_core::audit::AuditEvent;
    use ca_core::tenant::TenantId;

    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_005);

    fn issued(ago: i64, act: Act) -> AuditRecord {
        let event = AuditEvent {
            time: NOW.plus_seconds(-ago),
            tenant: TenantId::parse("dso").unwrap(),
            actor: String::new(),
            act,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: String::new(),
            digest: Vec::new(),
        };
        AuditRecord { sequence: 1, previous: [0; 32], event }
    }

    #[test]
    fn each_certificate_is_in_the_spans_that_it_was_issued_in() {
        let pace = IssuedPace::new(NOW.plus_seconds(-100_000));
        for ago in [86_000, 3_000, 3_000, 30, 0] {
            pace.look(&issued(ago, Act::CertificateIssued));
        }
        pace.look(&issued(0, Act::IntentRecorded));
        let Issued { minute, hour, day, counted_seconds } = pace.told(NOW);
        assert_eq!((minute, hour, day, counted_seconds), (2, 4, 5, 100_000));
    }

    #[test]
    fn what_is_older_than_a_day_is_forgotten() {
        let pace = IssuedPace::new(NOW);
        pace.look(&issued(90_000, Act::CertificateIssued));
        pace.look(&issued(0, Act::CertificateIssued));
        assert_eq!(pace.tens.lock().unwrap().len(), 1);
        assert_eq!(pace.told(NOW).day, 1);
    }
}
