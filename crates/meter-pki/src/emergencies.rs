//! Watches emergencies: puts on record, and in the log, those that ended by themselves, and keeps the gauge `pki_break_glass`.
//!
//! Ends nothing: a role that was had in an emergency is over by the clock, whoever looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ca_core::people::{EmergencyChange, EmergencyStanding, Person};
use ca_core::ports::Unavailable;
use server_kit::metrics::{Gauge, Metrics};
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::compose::System;
use crate::duty::{Duty, name};
use crate::rounds::Rounds;

/// How often is looked.
const PERIOD: Duration = Duration::from_secs(5);

/// What is looked at, and where the gauges are.
pub(crate) struct EmergencyWatch {
    system: Arc<System>,
    /// To put ends on record; every node counts.
    duty: Duty,
    asked: Gauge,
    open: Gauge,
    unreviewed: Gauge,
    overdue: Gauge,
    /// How many were overdue at the last look: each is told once in the log.
    told: AtomicU32,
}

impl EmergencyWatch {
    pub(crate) fn new(system: &Arc<System>, metrics: &Metrics) -> Self {
        let of = |state| metrics.gauge("break_glass", &[("state", state)]);
        let (asked, open) = (of("asked"), of("open"));
        let (unreviewed, overdue) = (of("unreviewed"), of("overdue"));
        let duty = system.duty(name::EMERGENCIES);
        Self { system: Arc::clone(system), duty, asked, open, unreviewed, overdue, told: AtomicU32::new(0) }
    }

    /// Looks until shutdown.
    pub(crate) async fn run(self, pool: WorkerPool, shutdown: Shutdown) {
        let rounds = Rounds { period: PERIOD, what: "emergencies", duty: None };
        rounds.run((pool, shutdown), move || self.look()).await;
    }

    fn look(&self) -> Result<bool, Unavailable> {
        let people = self.system.people.people()?;
        if self.duty.is_ours()? {
            self.put_ends_on_record(&people)?;
        }
        self.count(&people);
        Ok(false)
    }

    fn put_ends_on_record(&self, people: &[Person]) -> Result<(), Unavailable> {
        let now = self.system.clock.now();
        for person in people {
            for one in person.emergencies.iter().filter(|one| one.ran_out(now)) {
                let over = EmergencyChange::over(person.id.clone(), &self.system.tenant, now);
                if self.system.people.record_emergency_change(over)?.is_ok() {
                    tracing::error!(person = %person.id, role = %one.role, "break-glass: over, to be reviewed");
                }
            }
        }
        Ok(())
    }

    fn count(&self, people: &[Person]) {
        let now = self.system.clock.now();
        let (mut asked, mut open, mut unreviewed, mut overdue) = (0_u32, 0_u32, 0_u32, 0_u32);
        for one in people.iter().flat_map(|person| &person.emergencies) {
            let count = match one.standing(now) {
                EmergencyStanding::Asked => &mut asked,
                EmergencyStanding::Open => &mut open,
                EmergencyStanding::Unreviewed { due } if due < now => &mut overdue,
                EmergencyStanding::Unreviewed { .. } => &mut unreviewed,
                EmergencyStanding::Lapsed | EmergencyStanding::Reviewed => continue,
            };
            *count = count.saturating_add(1);
        }
        for (gauge, count) in [
            (&self.asked, asked),
            (&self.open, open),
            (&self.unreviewed, unreviewed),
            (&self.overdue, overdue),
        ] {
            gauge.set(f64::from(count));
        }
        if overdue > self.told.swap(overdue, Ordering::Relaxed) {
            tracing::error!(overdue, "break-glass: nobody reviewed it within a day of its end");
        }
    }
}
