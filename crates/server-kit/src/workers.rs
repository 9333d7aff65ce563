//! A bounded pool of threads for work that blocks: signing, disk, tokens.
//!
//! It is *not* an executor of futures, and it never grows: a fixed number of threads, a bounded queue before them, and
//! beyond that the answer [`RunJobError::Busy`] with the time after which to try again. A job that hangs holds its
//! thread and nothing else; a job that panics is an error for the one who asked for it, and is counted.
//!
//! Jobs are done on behalf of parties, who are served in turn: one that floods the pool waits behind itself.
//!
//! A job that has begun runs to its end, even when nobody waits for it any more. A job whose requester has gone before its
//! turn is not begun.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use server_kit::{metrics::Metrics, workers::{PoolSize, WorkerPool}};
//!
//! let pool = WorkerPool::start("sums", &PoolSize::default(), &Metrics::new(""))?;
//! assert_eq!(pool.run(|| 6 * 7).await?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod lanes;
mod queue;
mod turns;

pub use lanes::Party;

use crate::{
    config::seconds,
    health::Condition,
    metrics::{Metrics, ReasonCounter},
    workers::queue::{Job, Queue, Reply},
};
use metrics::{Counter, Gauge};
use serde::Deserialize;
use std::{
    io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// The size of a pool as it stands in a configuration file: all keys optional, unknown keys refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSize {
    /// `workers`: threads. Default 32: most of their time they wait for the disk, and those that wait together share its syncs.
    pub workers: NonZeroUsize,
    /// `queue_jobs`: jobs that may wait for a thread, however short they are. Default 1024, as many as a listener has
    /// connections.
    #[serde(rename = "queue_jobs")]
    pub queue: usize,
    /// `queue_seconds`: how long a job may be expected to wait for a thread; one that would wait longer is refused. Default 5:
    /// libest, the client of many devices, gives up after 10 seconds.
    #[serde(rename = "queue_seconds", deserialize_with = "seconds")]
    pub patience: Duration,
    /// `retry_after_seconds`: what a refused requester is told to wait at least. Default 2.
    #[serde(rename = "retry_after_seconds", deserialize_with = "seconds")]
    pub retry_after: Duration,
    /// `retry_after_max_seconds`: and at most, but for the double of the least. Default 600.
    #[serde(rename = "retry_after_max_seconds", deserialize_with = "seconds")]
    pub retry_after_max: Duration,
}

impl Default for PoolSize {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN.saturating_add(31),
            queue: 1024,
            patience: Duration::from_secs(5),
            retry_after: Duration::from_secs(2),
            retry_after_max: Duration::from_secs(600),
        }
    }
}

/// How much address space each thread has for its stack, in octets: half of what is usual, since there are many of them and some
/// systems count it all (`ulimit -d`, `LimitDATA=`). Only what is used of it is memory.
const STACK_OCTETS: usize = 1024 * 1024;

/// A pool of threads. Clones share it; when the last is dropped, the threads finish the queue and end.
#[derive(Clone, Debug)]
pub struct WorkerPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue>,
    retry_after: Duration,
    retry_after_max: Duration,
    refusals: AtomicU64,
    counts: Counts,
}

#[derive(Clone, Debug)]
struct Counts {
    done: Counter,
    refused: ReasonCounter,
    waiting: Gauge,
    panics: Arc<AtomicU64>,
}

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunJobError {
    /// All threads are at work and the queue is full; nothing was begun.
    #[error("all workers are busy, try again in {} s", retry_after_seconds(*retry_after))]
    Busy {
        /// When to try again: when the threads will have worked off the queue and all who were refused before, as far as can
        /// be told; spread, so that those who were refused together do not come back together.
        retry_after: Duration,
    },
    /// The job panicked; what it had begun may be half done.
    #[error("the job panicked")]
    Panicked,
    /// The pool is shutting down; nothing was begun.
    #[error("the worker pool has been closed")]
    Closed,
}

/// Why a pool could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start worker {number} of pool {pool}")]
pub struct StartPoolError {
    /// The pool's name.
    pub pool: String,
    /// The thread that failed, counted from 1.
    pub number: usize,
    /// What the operating system says.
    pub source: io::Error,
}

/// Whole seconds for a `Retry-After` field, rounded up, at least 1.
#[must_use]
pub fn retry_after_seconds(retry_after: Duration) -> u64 {
    let up = u64::from(retry_after.subsec_nanos() > 0);
    retry_after.as_secs().saturating_add(up).max(1)
}

impl WorkerPool {
    /// Starts the threads.
    ///
    /// Counts `worker_jobs_done_total`, `worker_jobs_refused_total` (by `reason`: `busy`, `panicked`, `abandoned`, `closed`)
    /// and `worker_jobs_waiting`, each with the label `pool`.
    ///
    /// # Errors
    /// [`StartPoolError`] when the operating system gives no thread; those already started end.
    pub fn start(name: &str, size: &PoolSize, metrics: &Metrics) -> Result<Self, StartPoolError> {
        let labels = [("pool", name)];
        let counts = Counts {
            done: metrics.counter("worker_jobs_done_total", &labels),
            refused: metrics.reasons("worker_jobs_refused_total", &labels),
            waiting: metrics.gauge("worker_jobs_waiting", &labels),
            panics: Arc::default(),
        };
        let queue = Arc::new(Queue::new(size.workers, size.queue, size.patience));
        // Made first, so that its drop closes the queue for the threads already started when a later one fails.
        let pool = Self {
            shared: Arc::new(Shared {
                queue: Arc::clone(&queue),
                retry_after: size.retry_after,
                retry_after_max: size.retry_after_max,
                refusals: AtomicU64::new(0),
                counts,
            }),
        };
        for number in 1..=size.workers.get() {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("{name} {number}"))
                .stack_size(STACK_OCTETS)
                .spawn(move || queue.work())
                .map_err(|source| StartPoolError { pool: name.to_owned(), number, source })?;
        }
        Ok(pool)
    }

    /// Runs `job` on a thread of the pool, for nobody in particular, and waits for its result.
    ///
    /// # Errors
    /// Those of [`run_for`](Self::run_for).
    pub async fn run<T, F>(&self, job: F) -> Result<T, RunJobError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.run_for(Party::default(), job).await
    }

    /// Runs `job` on a thread of the pool when it is the party's turn, and waits for its result.
    ///
    /// # Errors
    /// [`RunJobError::Busy`] at once when the pool is full, [`RunJobError::Panicked`] when the job panics,
    /// [`RunJobError::Closed`] after [`drain`](Self::drain).
    pub async fn run_for<T, F>(&self, party: Party, job: F) -> Result<T, RunJobError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let counts = self.shared.counts.clone();
        let job: Job = Box::new(move || settle(job, reply, &counts));
        match self.shared.queue.push(party, job) {
            Ok(()) => {}
            Err(queue::Refusal::Full(turn)) => {
                self.shared.counts.refused.count("busy");
                return Err(RunJobError::Busy { retry_after: self.shared.next_retry_after(turn) });
            }
            Err(queue::Refusal::Closed) => {
                self.shared.counts.refused.count("closed");
                return Err(RunJobError::Closed);
            }
        }
        self.shared.counts.waiting.increment(1.0);
        result.await.unwrap_or(Err(RunJobError::Panicked))
    }

    /// Refuses new jobs and waits for those accepted, `within` at most. Returns how many are left.
    pub async fn drain(&self, within: Duration) -> usize {
        self.shared.queue.close();
        let mut open = self.shared.queue.watch_open();
        let _late = tokio::time::timeout(within, open.wait_for(|open| *open == 0)).await.is_err();
        *open.borrow()
    }

    /// How many jobs have panicked since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.shared.counts.panics.load(Ordering::Relaxed)
    }

    /// For a health check: failed when every thread has been at one job for longer than `patience`, degraded when one has.
    #[must_use]
    pub fn condition(&self, patience: Duration) -> Condition {
        let stuck = self.shared.queue.at_work_longer_than(patience);
        let workers = self.shared.queue.workers();
        if stuck == 0 {
            Condition::Well
        } else if stuck < workers {
            Condition::Degraded(format!("{stuck} of {workers} workers at one job for over {patience:?}"))
        } else {
            Condition::Failed(format!("all {workers} workers at one job for over {patience:?}"))
        }
    }
}

impl Shared {
    /// The turn of the requester within the bounds. Where a bound holds for many, they are spread evenly by the golden ratio:
    /// over the least and as much again, or over the second half of the most.
    fn next_retry_after(&self, turn: Duration) -> Duration {
        const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
        let number = self.refusals.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN_RATIO);
        let part = u32::try_from(number >> 48).unwrap_or(0);
        let of = |span: Duration| span.saturating_mul(part) / 0x1_0000;
        let least = self.retry_after.saturating_add(of(self.retry_after));
        let half = self.retry_after_max / 2;
        if turn > self.retry_after_max { half.saturating_add(of(half)).max(least) } else { turn.max(least) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Runs on the worker's thread.
fn settle<T: 'static>(
    job: impl FnOnce() -> T,
    reply: oneshot::Sender<Result<T, RunJobError>>,
    counts: &Counts,
) -> Reply {
    counts.waiting.decrement(1.0);
    if reply.is_closed() {
        counts.refused.count("abandoned");
        return Box::new(|| ());
    }
    let result = catch_unwind(AssertUnwindSafe(job)).map_err(|_| {
        counts.panics.fetch_add(1, Ordering::Relaxed);
        counts.refused.count("panicked");
        tracing::error!("a job panicked");
        RunJobError::Panicked
    });
    if result.is_ok() {
        counts.done.increment(1);
    }
    // The requester may have gone meanwhile; the job is done all the same.
    Box::new(move || drop(reply.send(result)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(workers: usize, queue: usize) -> (WorkerPool, Metrics) {
        let metrics = Metrics::new("");
        let size = PoolSize { workers: NonZeroUsize::new(workers).unwrap(), queue, ..PoolSize::default() };
        (WorkerPool::start("test", &size, &metrics).unwrap(), metrics)
    }

    /// A job that says when it has begun and ends when told to.
    fn held() -> (impl FnOnce() + Send + 'static, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (begun, has_begun) = oneshot::channel();
        let (release, released) = mpsc::channel();
        let job = move || {
            begun.send(()).unwrap();
            released.recv().unwrap();
        };
        (job, has_begun, release)
    }

    #[tokio::test]
    async fn a_full_pool_says_when_to_come_back() {
        let (pool, metrics) = pool(1, 0);
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..3 {
            match pool.run(|| ()).await {
                Err(RunJobError::Busy { retry_after }) => waits.push(retry_after),
                other => panic!("{other:?}"),
            }
        }
        for wait in &waits {
            assert!((Duration::from_secs(2)..=Duration::from_secs(4)).contains(wait), "{waits:?}");
        }
        assert!(waits[0] != waits[1] && waits[1] != waits[2], "{waits:?}");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        pool.run(|| ()).await.unwrap();
        assert!(metrics.render().contains(r#"worker_jobs_refused_total{pool="test",reason="busy"} 3"#));
    }

    // K-14: what a refused requester is told comes from the length of the queue and from what jobs have been taking.
    #[tokio::test]
    async fn k_14_retry_after_grows_with_the_crowd_and_has_a_bound() {
        let metrics = Metrics::new("");
        let size = PoolSize {
            workers: NonZeroUsize::MIN,
            queue: 0,
            retry_after: Duration::from_millis(1),
            retry_after_max: Duration::from_secs(10),
            ..PoolSize::default()
        };
        let pool = WorkerPool::start("test", &size, &metrics).unwrap();
        pool.shared.queue.learn(Duration::from_millis(100));
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..200 {
            match pool.run(|| ()).await {
                Err(RunJobError::Busy { retry_after }) => waits.push(retry_after),
                other => panic!("{other:?}"),
            }
        }
        let (told, bounded) = waits.split_at(90);
        assert!(told.is_sorted() && told[89] > Duration::from_secs(8), "{told:?}");
        let of_the_bound = Duration::from_secs(5)..=Duration::from_secs(10);
        assert!(bounded.iter().all(|wait| of_the_bound.contains(wait)), "{bounded:?}");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_queue_takes_what_the_threads_cannot_yet() {
        let (pool, _) = pool(1, 1);
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        let second = pool.run(|| 2);
        tokio::pin!(second);
        assert!(futures_poll(second.as_mut()).await.is_none(), "it waits for its turn");
        assert!(matches!(pool.run(|| 3).await, Err(RunJobError::Busy { .. })));
        release.send(()).unwrap();
        assert_eq!(second.await, Ok(2));
        first.await.unwrap().unwrap();
    }

    // H-09
    #[tokio::test]
    async fn h_09_whoever_has_nothing_waiting_is_served_before_the_rest_of_a_flood() {
        let (pool, _) = pool(1, 16);
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        let (note, noted) = mpsc::channel();
        let job = |party: &'static str| {
            let note = note.clone();
            Box::pin(pool.run_for(party.into(), move || note.send(party).unwrap()))
        };
        let mut jobs = [job("noisy"), job("noisy"), job("noisy"), job("quiet")];
        for job in &mut jobs {
            assert!(futures_poll(job.as_mut()).await.is_none(), "it waits for its turn");
        }
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        for job in jobs {
            job.await.unwrap();
        }
        assert_eq!(noted.try_iter().collect::<Vec<_>>(), ["noisy", "quiet", "noisy", "noisy"]);
    }

    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }

    // T-12: a panic fails its own job and is counted; the pool goes on.
    #[tokio::test]
    async fn a_panic_fails_its_own_job_only() {
        let (pool, metrics) = pool(1, 4);
        let outcome: Result<(), _> = pool.run(|| panic!("boom")).await;
        assert_eq!(outcome, Err(RunJobError::Panicked));
        assert_eq!(pool.run(|| 7).await, Ok(7));
        assert_eq!(pool.panics(), 1);
        assert!(metrics.render().contains(r#"worker_jobs_refused_total{pool="test",reason="panicked"} 1"#));
    }

    #[tokio::test]
    async fn a_job_whose_requester_has_gone_is_not_begun() {
        let (pool, metrics) = pool(1, 4);
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        let (trace, was_run) = mpsc::channel::<()>();
        {
            let second = pool.run(move || drop(trace));
            tokio::pin!(second);
            assert!(futures_poll(second.as_mut()).await.is_none());
        }
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(pool.run(|| 3).await, Ok(3));
        assert!(was_run.recv().is_err());
        assert!(metrics.render().contains(r#"reason="abandoned"} 1"#), "{}", metrics.render());
    }

    #[tokio::test]
    async fn drain_waits_for_accepted_jobs_and_refuses_new_ones() {
        let (pool, _) = pool(1, 4);
        let (job, has_begun, release) = held();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(job).await }
        });
        has_begun.await.unwrap();
        assert_eq!(pool.drain(Duration::ZERO).await, 1);
        assert_eq!(pool.run(|| ()).await, Err(RunJobError::Closed));
        release.send(()).unwrap();
        assert_eq!(pool.drain(Duration::from_secs(60)).await, 0);
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn health_sees_a_thread_that_hangs() {
        let (pool, _) = pool(2, 0);
        assert_eq!(pool.condition(Duration::ZERO), Condition::Well);
        let mut releases = Vec::new();
        for expected in ["Degraded(\"1 of 2", "Failed(\"all 2"] {
            let (job, has_begun, release) = held();
            let hanging = pool.clone();
            tokio::spawn(async move { hanging.run(job).await });
            has_begun.await.unwrap();
            releases.push(release);
            let condition = format!("{:?}", pool.condition(Duration::ZERO));
            assert!(condition.starts_with(expected), "{condition}");
        }
        assert_eq!(pool.condition(Duration::from_secs(3600)), Condition::Well);
    }

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        assert_eq!(retry_after_seconds(Duration::ZERO), 1);
        assert_eq!(retry_after_seconds(Duration::from_millis(2001)), 3);
        assert_eq!(retry_after_seconds(Duration::from_secs(4)), 4);
    }
}
