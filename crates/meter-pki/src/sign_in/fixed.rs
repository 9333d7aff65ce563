//! A clock that stands still, for tests.

use std::sync::Arc;

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(1_795_255_200)
    }
}

pub(super) fn fixed_clock() -> Arc<dyn Clock> {
    Arc::new(Fixed)
}
