//! Waiting for what another process does in its own time.

use std::time::{Duration, Instant};

/// How long anything may take before its test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long between two looks.
const BETWEEN: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see, and returns it.
///
/// # Panics
/// When there is nothing to see for two minutes; the message says what was waited for.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "what other processes do is seen by looking again")]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(BETWEEN);
    }
}
