//! Looking for something to do, again and again until shutdown: at once where there is more, after a while where there is not.
//!
//! What cannot be done now is done at the next look. It blocks in the worker pool and nowhere else. What one node does for all is
//! done by the node that has the duty; the others ask whether they have it, and look no further.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::duty::Duty;

/// How often it is looked for what, in words for the log.
#[derive(Debug, Clone)]
pub(crate) struct Rounds {
    pub(crate) period: Duration,
    pub(crate) what: &'static str,
    /// None where every node looks.
    pub(crate) duty: Option<Duty>,
}

impl Rounds {
    /// Looks until shutdown. `look` does some of what there is, and tells whether there is more.
    pub(crate) async fn run<E: Display + Send + 'static>(
        self,
        (pool, shutdown): (WorkerPool, Shutdown),
        look: impl Fn() -> Result<bool, E> + Send + Sync + 'static,
    ) {
        let (duty, what) = (self.duty, self.what);
        let look = Arc::new(move || look_on_duty(duty.as_ref(), &look));
        let mut told = String::new();
        loop {
            let look = Arc::clone(&look);
            let more = match pool.run(move || look()).await {
                Ok(Ok(more)) => {
                    told.clear();
                    more
                }
                Ok(Err(why)) => {
                    // Once: a ledger that is away is so at each look.
                    if told != why {
                        tracing::error!(%why, what, "it cannot be done now, and is tried again");
                        told = why;
                    }
                    false
                }
                Err(busy) => {
                    tracing::warn!(why = %busy, what, "it is looked at later");
                    false
                }
            };
            let pause = if more { Duration::ZERO } else { self.period };
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Looks, if that is this node's.
fn look_on_duty<E: Display>(
    duty: Option<&Duty>,
    look: impl FnOnce() -> Result<bool, E>,
) -> Result<bool, String> {
    match duty.map(Duty::is_ours).transpose() {
        Ok(None | Some(true)) => look().map_err(|why| why.to_string()),
        Ok(Some(false)) => Ok(false),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ca_core::ports::{Duties, Unavailable};

    use super::*;
    use crate::duty::{Nodes, name};

    /// Says the same whoever asks for what.
    struct Said(Option<bool>);

    impl Duties for Said {
        fn on_duty(&self, _: &'static str) -> Result<bool, Unavailable> {
            self.0.ok_or_else(|| Unavailable { port: "cluster", cause: "the database is away".into() })
        }
    }

    #[test]
    fn k_05_what_is_not_this_nodes_duty_is_not_looked_at() {
        let looked = Cell::new(0);
        let look = |said: Option<bool>| {
            let duty = Duty::new(name::ORDERS, Arc::new(Said(said)), Nodes::Several);
            look_on_duty(Some(&duty), || {
                looked.set(looked.get() + 1);
                Ok::<_, Unavailable>(true)
            })
        };
        assert_eq!((look(Some(true)), looked.get()), (Ok(true), 1));
        assert_eq!((look(Some(false)), looked.get()), (Ok(false), 1));
        assert!(look(None).unwrap_err().contains("away"));
        assert_eq!(looked.get(), 1, "what nobody can tell is not this node's");
        assert_eq!(look_on_duty(None, || Ok::<_, Unavailable>(true)), Ok(true));
    }
}
