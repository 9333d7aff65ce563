//! How many requests are in flight, and the wait for one's turn.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bounded number of turns.
#[derive(Debug)]
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    pub(super) fn new(slots: usize) -> Self {
        Self { free: Mutex::new(slots), freed: Condvar::new() }
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, so long at most.
    pub(super) fn take(&self, time: Duration) -> Option<Slot<'_>> {
        let waited = self.freed.wait_timeout_while(self.free(), time, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot { slots: self })
    }
}

/// A turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    slots: &'a Slots,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.slots.free() += 1;
        self.slots.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_no_turn_in_time_gets_none() {
        let slots = Slots::new(1);
        let taken = slots.take(Duration::ZERO).unwrap();
        assert!(slots.take(Duration::from_millis(1)).is_none());
        drop(taken);
        assert!(slots.take(Duration::ZERO).is_some());
    }
}
