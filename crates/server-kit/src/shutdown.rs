//! One token that tells every part of a process to stop, and how long it may take over it.
//!
//! It is *not* a supervisor: it starts and kills nothing. Those who serve ask [`Shutdown::triggered`], finish the
//! work they have accepted, and give up at [`Shutdown::cut_short`]. A first SIGINT or SIGTERM starts the drain, a
//! second one cuts it short.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use server_kit::shutdown::Shutdown;
//! use std::time::Duration;
//!
//! let shutdown = Shutdown::new(Duration::from_secs(20));
//! let seen_by_a_listener = shutdown.clone();
//! shutdown.trigger();
//! seen_by_a_listener.triggered().await; // returns at once, and for ever after
//! assert!(seen_by_a_listener.is_triggered());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{io, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::Instant,
};

const LONGEST_DRAIN: Duration = Duration::from_secs(3600);

/// A cloneable token: all clones trigger and see the same shutdown.
#[derive(Clone, Debug)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    drain: Duration,
    stage: watch::Sender<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Draining { until: Instant },
    CutShort,
}

impl Shutdown {
    /// Makes a token whose drain may last as long as `drain`, counted from [`trigger`](Self::trigger), and one hour
    /// at most.
    #[must_use]
    pub fn new(drain: Duration) -> Self {
        let (stage, _) = watch::channel(Stage::Running);
        Self { shared: Arc::new(Shared { drain: drain.min(LONGEST_DRAIN), stage }) }
    }

    /// Starts the drain. Later calls change nothing.
    pub fn trigger(&self) {
        self.shared.stage.send_if_modified(|stage| match stage {
            Stage::Running => {
                *stage = Stage::Draining { until: Instant::now() + self.shared.drain };
                true
            }
            Stage::Draining { .. } | Stage::CutShort => false,
        });
    }

    /// Ends the drain at once: what is still at work is given up.
    pub fn cut(&self) {
        self.shared.stage.send_replace(Stage::CutShort);
    }

    /// Triggers on the first SIGINT or SIGTERM and cuts the drain short on the second.
    ///
    /// The returned task ends after the second signal; abort it to stop listening to signals.
    ///
    /// # Errors
    /// Whatever the operating system answers when the signals cannot be taken over.
    pub fn on_signals(&self) -> io::Result<JoinHandle<()>> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let token = self.clone();
        Ok(tokio::spawn(async move {
            for second in [false, true] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if second {
                    tracing::warn!("second signal: giving up what is still at work");
                    token.cut();
                } else {
                    tracing::info!("signal received: draining");
                    token.trigger();
                }
            }
        }))
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.shared.stage.borrow() != Stage::Running
    }

    /// Waits until the drain begins.
    pub async fn triggered(&self) {
        self.reaches(|stage| stage != Stage::Running).await;
    }

    /// Waits until the drain has lasted too long, or was cut short.
    pub async fn cut_short(&self) {
        self.triggered().await;
        let stage = *self.shared.stage.borrow();
        if let Stage::Draining { until } = stage {
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = self.reaches(|stage| stage == Stage::CutShort) => {}
            }
        }
    }

    async fn reaches(&self, wanted: impl Fn(Stage) -> bool) {
        let mut stage = self.shared.stage.subscribe();
        // An error would mean that the sender is gone, and `self` holds it.
        let _gone = stage.wait_for(|stage| wanted(*stage)).await.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_drain_ends_when_its_time_is_over() {
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let started = Instant::now();
        shutdown.trigger();
        shutdown.cut_short().await;
        assert_eq!(started.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_ends_the_drain_before_its_time() {
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let started = Instant::now();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.cut_short().await }
        });
        shutdown.trigger();
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.cut();
        waiting.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_trigger_does_not_lengthen_the_drain() {
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let started = Instant::now();
        shutdown.trigger();
        tokio::time::sleep(Duration::from_secs(10)).await;
        shutdown.trigger();
        shutdown.cut_short().await;
        assert_eq!(started.elapsed().as_secs(), 20);
    }

    #[tokio::test]
    async fn nothing_is_triggered_before_the_trigger() {
        let shutdown = Shutdown::new(Duration::ZERO);
        assert!(!shutdown.is_triggered());
        shutdown.trigger();
        assert!(shutdown.is_triggered());
    }
}
