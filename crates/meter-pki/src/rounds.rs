//! Looking for something to do, again and again until shutdown: at once where there is more, after a while where there is not.
//!
//! What cannot be done now is done at the next look. It blocks in the worker pool and nowhere else.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

/// How often it is looked for what, in words for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) period: Duration,
    pub(crate) what: &'static str,
}

impl Rounds {
    /// Looks until shutdown. `look` does some of what there is, and tells whether there is more.
    pub(crate) async fn run<E: Display + Send + 'static>(
        self,
        (pool, shutdown): (WorkerPool, Shutdown),
        look: impl Fn() -> Result<bool, E> + Send + Sync + 'static,
    ) {
        let (look, what) = (Arc::new(look), self.what);
        loop {
            let look = Arc::clone(&look);
            let more = match pool.run(move || look()).await {
                Ok(Ok(more)) => more,
                Ok(Err(why)) => {
                    tracing::error!(%why, what, "it cannot be done now");
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
