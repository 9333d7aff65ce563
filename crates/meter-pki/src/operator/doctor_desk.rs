//! The doctor as the server has it look: one look at a time, and a report that is given again for a minute, so that nobody who asks
//! often makes the server fetch and sign for it. What is gathered and how it is judged is the doctor's, who is called in from above.

use std::sync::{Arc, Mutex, PoisonError};

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;

use super::wire::standing::DoctorView;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};

/// Has the doctor look once, at this time; blocks.
pub(crate) type Look = Arc<dyn Fn(UnixTime) -> DoctorView + Send + Sync>;

/// For how many seconds a report is given again.
const FRESH_SECONDS: i64 = 60;

/// For how many seconds the overview speaks by a report, and has no new one made.
const STANDS_SECONDS: i64 = 300;

/// A report with its time.
type Kept = (UnixTime, Arc<DoctorView>);

/// Where reports are made and kept.
pub(crate) struct DoctorDesk {
    look: Look,
    kept: Mutex<Option<Kept>>,
    /// Held by whoever has the doctor look.
    looking: tokio::sync::Mutex<()>,
}

impl DoctorDesk {
    /// Makes the desk of whoever calls the doctor in so.
    pub(crate) const fn new(look: Look) -> Self {
        Self { look, kept: Mutex::new(None), looking: tokio::sync::Mutex::const_new(()) }
    }

    /// Returns the last report, however old.
    fn last(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_since(&self, time: UnixTime) -> Option<Arc<DoctorView>> {
        self.last().filter(|(at, _)| *at >= time).map(|(_, view)| view)
    }

    /// Returns a report that is at most a minute old, and has the doctor look where there is none.
    pub(super) async fn report(&self) -> Result<Arc<DoctorView>, Failure> {
        let fresh = || self.last_since(SystemClock.now().plus_seconds(-FRESH_SECONDS));
        if let Some(view) = fresh() {
            return Ok(view);
        }
        let held = self.looking.lock().await;
        // Whoever waited finds what the other made.
        if let Some(view) = fresh() {
            return Ok(view);
        }
        let (now, look) = (SystemClock.now(), Arc::clone(&self.look));
        // It reads files and waits for others: not on a thread that serves.
        let looked = tokio::task::spawn_blocking(move || Arc::new(look(now)));
        let made = looked.await.map_err(|error| Failure::new(Exit::Failed, "doctor.ended", error))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&made)));
        drop(held);
        Ok(made)
    }

    /// Returns the last report for whoever does not wait; where it is old, a new one is begun behind him.
    pub(super) fn standing(self: &Arc<Self>) -> Option<Arc<DoctorView>> {
        let last = self.last();
        let old = SystemClock.now().plus_seconds(-STANDS_SECONDS);
        if last.as_ref().is_none_or(|(at, _)| *at < old) && self.looking.try_lock().is_ok() {
            let this = Arc::clone(self);
            drop(tokio::spawn(async move { drop(this.report().await) }));
        }
        last.map(|(_, view)| view)
    }
}
