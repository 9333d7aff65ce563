//! Pushes what is published to where it is also served: folders of other web servers, and stores that speak S3.
//!
//! What is published here is published, whatever becomes of a push: each target has a task of its own, which pushes what is not
//! there yet, and again after a while where that failed. Never an older document over a newer one, whoever pushed that one. How a
//! target is written to is for [`folder`] and [`store`].

mod folder;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca_core::ports::Entropy;
use server_kit::health::Condition;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use status_server::document::Document;
use status_server::repository::Repository;

pub(crate) use folder::Folder;
pub(crate) use store::{Store, StorePlace};

/// How long after the first failure the next attempt is made; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How often everything is looked at when nothing is heard.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

/// What became of a document at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It was put there.
    Put,
    /// It was there.
    InPlace,
    /// A later one is there.
    Overtaken,
}

impl Pushed {
    const fn label(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::InPlace => "in-place",
            Self::Overtaken => "overtaken",
        }
    }
}

/// Where documents are pushed to.
#[derive(Debug)]
pub(crate) enum Target {
    /// A folder that another web server serves.
    Folder(Folder),
    /// A store that speaks S3.
    Store(Box<Store>),
}

impl Target {
    /// Returns its name for people and metrics.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Folder(folder) => folder.name(),
            Self::Store(store) => store.name(),
        }
    }

    /// Puts a document there, unless it or a later one is there.
    async fn put(
        &self,
        repository: &Arc<Repository>,
        path: &str,
        document: &Arc<Document>,
    ) -> Result<Pushed, PushError> {
        match self {
            Self::Folder(folder) => folder.put(repository, path, document).await,
            Self::Store(store) => store.put(repository.signer_of(path).is_some(), path, document).await,
        }
    }
}

/// Pushes to one target.
pub(crate) struct Pusher {
    target: Target,
    repository: Arc<Repository>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<State>,
    count: Box<dyn Fn(&'static str) + Send + Sync>,
    behind: Box<dyn Fn(usize) + Send + Sync>,
}

/// How far a target is.
#[derive(Debug, Default)]
struct State {
    /// SHA-256 of what was found or put there last, by path.
    there: BTreeMap<String, [u8; 32]>,
    /// Why something is not there, and after how many attempts in a row.
    failing: Option<(u32, String)>,
}

impl Pusher {
    /// Makes a pusher; it does nothing until it runs.
    pub(crate) fn new(
        target: Target,
        repository: Arc<Repository>,
        entropy: Arc<dyn Entropy>,
        metrics: &Metrics,
    ) -> Self {
        let name = target.name().to_owned();
        let behind = metrics.gauge("push_documents_behind", &[("target", name.as_str())]);
        let counters = ["put", "in-place", "overtaken", "failed"].map(|outcome| {
            (outcome, metrics.counter("push_total", &[("target", name.as_str()), ("outcome", outcome)]))
        });
        Self {
            target,
            repository,
            entropy,
            state: Mutex::default(),
            count: Box::new(move |outcome| {
                let counter = counters.iter().find(|(label, _)| *label == outcome);
                counter.iter().for_each(|(_, counter)| counter.increment(1));
            }),
            behind: Box::new(move |documents| {
                behind.set(f64::from(u32::try_from(documents).unwrap_or(u32::MAX)));
            }),
        }
    }

    /// Pushes whenever something changed, until shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut changes = self.repository.changes();
        loop {
            changes.mark_unchanged();
            self.round().await;
            // A failure is not hurried by the next change: what is new goes with the next attempt.
            let pause = self.pause();
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(pause.unwrap_or(LOOK_AGAIN)) => self.forget_if_well(pause),
                _ = changes.changed(), if pause.is_none() => {}
            }
        }
    }

    /// Pushes everything that is not there once.
    pub(crate) async fn round(&self) {
        let mut failure = None;
        let documents = self.repository.documents();
        let mut behind = documents.len();
        for (path, document) in documents {
            match self.one(&path, &document).await {
                Ok(()) => behind -= 1,
                Err(error) => {
                    (self.count)("failed");
                    tracing::warn!(target = self.target.name(), %path, %error, "not pushed; tried again");
                    failure.get_or_insert_with(|| format!("{path}: {error}"));
                }
            }
        }
        (self.behind)(behind);
        let mut state = self.state();
        let attempts = state.failing.as_ref().map_or(0, |(attempts, _)| *attempts);
        state.failing = failure.map(|why| (attempts.saturating_add(1), why));
    }

    async fn one(&self, path: &str, document: &Arc<Document>) -> Result<(), PushError> {
        let sha256 = *document.content().sha256();
        if self.state().there.get(path) == Some(&sha256) {
            return Ok(());
        }
        let pushed = self.target.put(&self.repository, path, document).await?;
        (self.count)(pushed.label());
        if pushed == Pushed::Put {
            tracing::info!(target = self.target.name(), path, rank = document.rank(), "pushed");
        }
        self.state().there.insert(path.to_owned(), sha256);
        Ok(())
    }

    /// Tells how long to wait before the next attempt, if the last one failed: twice as long each time, and up to half of that
    /// less by chance, so that nodes do not come at once.
    fn pause(&self) -> Option<Duration> {
        let attempts = self.state().failing.as_ref().map(|(attempts, _)| *attempts)?;
        let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(attempts.min(16)).unwrap_or(u32::MAX) / 2);
        let mut chance = [0];
        // Without chance, nodes come at once; that is all.
        let _any = self.entropy.fill(&mut chance).is_err();
        let [chance] = chance;
        let longest = doubled.min(LONGEST_PAUSE);
        Some(longest.saturating_sub(longest.saturating_mul(u32::from(chance)) / 512))
    }

    /// What others did to a target shows only when it is looked at.
    fn forget_if_well(&self, pause: Option<Duration>) {
        if pause.is_none() {
            self.state().there.clear();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether everything is at the target. Local publication goes on whatever this says.
    pub(crate) fn condition(&self) -> Condition {
        match &self.state().failing {
            Some((attempts, why)) => {
                let target = self.target.name();
                Condition::Degraded(format!("pushes to {target} fail, {attempts} in a row: {why}"))
            }
            None => Condition::Well,
        }
    }
}

/// Why a document is not at a target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    /// The folder does not take it.
    #[error("{0}")]
    Folder(String),
    /// Another document with the same rank stands there: two nodes made different CRLs with one number.
    #[error("another document of the same number stands there: two ledgers sign for one CA")]
    Conflict,
    /// What stands there was not pushed by this program.
    #[error("what stands there was not put there by meter-pki: remove the object, and it is pushed again")]
    Foreign,
    /// The store does not keep the conditions of writes.
    #[error("the store overwrites whatever the conditions of a write say: two nodes could not share it")]
    Unconditional,
    /// The store cannot be reached.
    #[error("{0}")]
    Link(#[from] crate::web::WebError),
    /// The store refuses.
    #[error("the store answered {status}{}{text}", if text.is_empty() { "" } else { ": " })]
    Refused {
        /// The status.
        status: u16,
        /// What it said, shortened.
        text: String,
    },
    /// The credentials cannot be used.
    #[error("the credentials in {file}: {why}")]
    Credentials {
        /// Their file.
        file: String,
        /// Why.
        why: String,
    },
    /// Others write there all the time.
    #[error("others were faster each time")]
    Crowded,
}
