//! One named check: a closure that may block, asked through a door that does not.
//!
//! It is *not* a scheduler: nothing runs unless somebody asks.

use super::Condition;
use std::{fmt, sync::Arc, thread, time::Duration};
use tokio::{sync::watch, time::Instant};

/// An answer is good for so long.
const FRESH: Duration = Duration::from_secs(1);

type Closure = Box<dyn Fn() -> Condition + Send + Sync>;

pub(super) struct Check {
    name: &'static str,
    patience: Duration,
    closure: Closure,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    running_since: Option<Instant>,
    found: Option<(Instant, Condition)>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Check {
    pub(super) fn new(
        name: &'static str,
        patience: Duration,
        closure: impl Fn() -> Condition + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (state, _) = watch::channel(State::default());
        Arc::new(Self { name, patience, closure: Box::new(closure), state })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Starts the check unless it runs or has a fresh answer; the future waits for the answer, and not for long.
    pub(super) fn ask(self: Arc<Self>) -> impl Future<Output = Condition> + Send {
        let asked = Instant::now();
        let must_start = self.state.send_if_modified(|state| {
            let wanted = state.running_since.is_none() && !state.is_fresh(asked);
            if wanted {
                state.running_since = Some(asked);
            }
            wanted
        });
        if must_start {
            self.start();
        }
        async move {
            let mut state = self.state.subscribe();
            let until = state.borrow().running_since.unwrap_or(asked) + self.patience;
            let answered = state.wait_for(|state| state.running_since.is_none());
            match tokio::time::timeout_at(until, answered).await {
                Ok(Ok(state)) => {
                    state.found.as_ref().map_or(Condition::Well, |(_, condition)| condition.clone())
                }
                Ok(Err(_)) | Err(_) => Condition::Failed(format!("no answer within {:?}", self.patience)),
            }
        }
    }

    /// On a thread of its own: a blocked one must not hold up the end of the process, as a runtime's blocking pool does.
    fn start(self: &Arc<Self>) {
        let check = Arc::clone(self);
        let thread = thread::Builder::new().name(format!("check {}", self.name));
        let started = thread.spawn(move || {
            let unwind = std::panic::AssertUnwindSafe(|| (check.closure)());
            let found = std::panic::catch_unwind(unwind)
                .unwrap_or_else(|_| Condition::Failed("the check panicked".to_owned()));
            check.settle(found);
        });
        if let Err(error) = started {
            self.settle(Condition::Failed(format!("the check cannot run: {error}")));
        }
    }

    fn settle(&self, found: Condition) {
        self.state.send_replace(State { running_since: None, found: Some((Instant::now(), found)) });
    }
}

impl State {
    fn is_fresh(&self, now: Instant) -> bool {
        self.found.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < FRESH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_flood_of_questions_runs_the_check_once() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let check = Check::new("store", Duration::from_secs(60), move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Condition::Well
        });
        for _ in 0..50 {
            assert_eq!(Arc::clone(&check).ask().await, Condition::Well);
        }
        assert!(runs.load(Ordering::SeqCst) <= 2, "{runs:?}");
    }

    #[tokio::test]
    async fn a_panic_in_a_check_is_a_failure_and_no_more() {
        let check = Check::new("store", Duration::from_secs(60), || panic!("boom"));
        assert_eq!(check.ask().await, Condition::Failed("the check panicked".to_owned()));
    }
}
