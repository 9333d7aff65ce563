//! Whether a ledger that is elsewhere is within reach: looked at every second, told to health and to the OCSP responder (case K-04).
//!
//! While it is not, nothing is issued, since nothing can be recorded; what was signed before is still served. A look that gets no
//! answer is given up after two seconds for everybody but itself: the next one begins when it has ended. A ledger of this process
//! alone is not looked at.

use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::Unavailable;
use ca_core::validity::UnixTime;
use server_kit::health::Condition;
use server_kit::shutdown::Shutdown;
use tokio::sync::watch;

/// How long it is waited between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// How long a look may take before the ledger counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why it counts as away when a look has no end.
const SILENT: &str = "it gives no answer";

/// What a look is made with.
type Look = Arc<dyn Fn() -> Result<(), Unavailable> + Send + Sync>;

/// What is known of the way to the ledger.
pub(crate) struct LedgerReach {
    look: Look,
    now: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    /// Since when it is away and why.
    away: watch::Sender<Option<(UnixTime, String)>>,
    is_away: watch::Sender<bool>,
}

impl LedgerReach {
    pub(crate) fn new(look: Look, now: Arc<dyn Fn() -> UnixTime + Send + Sync>) -> Self {
        Self { look, now, away: watch::Sender::new(None), is_away: watch::Sender::new(false) }
    }

    /// Returns what tells whoever need not ask a ledger that is away.
    pub(crate) fn is_away(&self) -> watch::Receiver<bool> {
        self.is_away.subscribe()
    }

    /// Tells whether anything can be issued. Asks nobody.
    pub(crate) fn condition(&self) -> Condition {
        match &*self.away.borrow() {
            None => Condition::Well,
            Some((since, why)) => Condition::Failed(format!(
                "the ledger is out of reach since {since}: nothing is issued, and what was signed before is served on ({why})"
            )),
        }
    }

    /// Looks until shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = self.look_once() => {}
            }
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look_once(&self) {
        let look = Arc::clone(&self.look);
        let mut asked = tokio::task::spawn_blocking(move || look());
        let answer = match tokio::time::timeout(PATIENCE, &mut asked).await {
            Ok(answer) => answer,
            Err(_) => {
                self.tell(Some(SILENT.to_owned()));
                asked.await
            }
        };
        self.tell(match answer {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why.to_string()),
            Err(panic) => Some(panic.to_string()),
        });
    }

    fn tell(&self, why: Option<String>) {
        let before = self.away.borrow().clone();
        match (&before, &why) {
            (None, Some(why)) => {
                tracing::error!(%why, "the ledger is out of reach: nothing is issued until it is back");
            }
            (Some((since, _)), None) => tracing::info!(%since, "the ledger is within reach again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        let since = before.map_or_else(|| (self.now)(), |(since, _)| since);
        self.is_away.send_replace(why.is_some());
        self.away.send_replace(why.map(|why| (since, why)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Answers when it is told what.
    fn asked() -> (Sender<Result<(), &'static str>>, LedgerReach) {
        let (told, answers): (_, Receiver<Result<(), &'static str>>) = channel();
        let answers = Mutex::new(answers);
        let look: Look = Arc::new(move || {
            let answer = answers.lock().unwrap().recv().unwrap();
            answer.map_err(|cause| Unavailable { port: "ledger", cause: cause.into() })
        });
        (told, LedgerReach::new(look, Arc::new(|| UnixTime::from_seconds(1_800_000_000))))
    }

    #[tokio::test]
    async fn k_04_a_ledger_that_cannot_be_reached_is_told_in_one_sentence_until_it_is_back() {
        let (told, reach) = asked();
        told.send(Err("the database is away")).unwrap();
        reach.look_once().await;
        assert!(*reach.is_away().borrow());
        let Condition::Failed(sentence) = reach.condition() else { panic!("nothing can be issued") };
        assert!(
            sentence.contains("nothing is issued") && sentence.contains("database is away"),
            "{sentence}"
        );
        told.send(Ok(())).unwrap();
        reach.look_once().await;
        assert!(!*reach.is_away().borrow());
        assert_eq!(reach.condition(), Condition::Well);
    }

    #[tokio::test]
    async fn k_04_a_ledger_that_hangs_is_away_before_it_answers() {
        let (told, reach) = asked();
        let reach = Arc::new(reach);
        let (looking, mut is_away) = (Arc::clone(&reach), reach.is_away());
        let look = tokio::spawn(async move { looking.look_once().await });
        is_away.wait_for(|away| *away).await.unwrap();
        assert!(matches!(reach.condition(), Condition::Failed(sentence) if sentence.contains(SILENT)));
        told.send(Ok(())).unwrap();
        look.await.unwrap();
        assert_eq!(reach.condition(), Condition::Well);
    }
}
