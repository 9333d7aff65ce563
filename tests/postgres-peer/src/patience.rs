//! Waiting for what another process does in its own time.

use std::time::{Duration, Instant};

/// How long anything may take before its test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long between two looks.
const BETWEEN: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see, and returns it.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("{what}: not within {} s", PATIENCE.as_secs()))
}

/// The same; nothing when there was nothing to see in that time.
#[expect(clippy::disallowed_methods, reason = "what other processes do is seen by looking again")]
pub(crate) fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if began.elapsed() > patience {
            return None;
        }
        std::thread::sleep(BETWEEN);
    }
}
