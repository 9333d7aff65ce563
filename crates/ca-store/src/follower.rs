//! Whoever copies the audit trail elsewhere: how far each has come, and whether one is so far behind that nothing new may begin.
//!
//! Not the copying. The records are safe in the ledger all the while; what is bounded is how many stand nowhere else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One who copies the trail.
#[derive(Debug)]
pub struct Follower {
    name: &'static str,
    allowance: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    reached: u64,
    fault: Option<String>,
}

impl Follower {
    /// Tells that all records up to this number are copied, durably.
    pub fn reached(&self, sequence: u64) {
        *self.lock() = State { reached: sequence, fault: None };
    }

    /// Tells that it cannot copy at all; nothing new begins until it has reached another record.
    pub fn failed(&self, cause: String) {
        self.lock().fault = Some(cause);
    }

    fn check(&self, end: u64) -> Result<(), Behind> {
        let state = self.lock();
        let records = end.saturating_sub(state.reached);
        if state.fault.is_some() || records > self.allowance {
            return Err(Behind { follower: self.name, records, cause: state.fault.clone() });
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy of the audit trail is too far behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit {follower} is {records} records behind{}", cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default())]
pub struct Behind {
    /// Which copy.
    pub follower: &'static str,
    /// How many records it lacks.
    pub records: u64,
    /// Why it cannot copy, where it cannot at all.
    pub cause: Option<String>,
}

/// All who copy.
#[derive(Debug, Default)]
pub(crate) struct Followers(Mutex<Vec<Arc<Follower>>>);

impl Followers {
    /// Adds one that has copied up to `reached` and may lack `allowance` records.
    pub(crate) fn add(&self, name: &'static str, allowance: u64, reached: u64) -> Arc<Follower> {
        let state = Mutex::new(State { reached, fault: None });
        let follower = Arc::new(Follower { name, allowance, state });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&follower));
        follower
    }

    /// Checks that none is too far behind the end of the trail.
    pub(crate) fn check(&self, end: u64) -> Result<(), Behind> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().try_for_each(|follower| follower.check(end))
    }
}
