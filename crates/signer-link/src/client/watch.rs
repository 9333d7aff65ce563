//! Whether the signer is there, and how its tokens stand: a thread asks it every second, and several times a second while it is not.

use core::fmt::Display;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ca_core::key_ref::KeyRef;

use super::OpenLinkError;
use super::connection::Place;
use crate::desk::{KeyAbsence, SignerState, TokenReport};

/// How often a signer that answers is asked.
const UP: Duration = Duration::from_secs(1);

/// How often one that does not.
const DOWN: Duration = Duration::from_millis(200);

/// A turn in the life of the signer, or of one of its tokens, for the audit trail: one event each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// It failed, and nothing is asked of it until it works again.
    Failed {
        /// The token; `None` for the signer itself.
        token: Option<String>,
        /// What is known of it.
        cause: String,
    },
    /// It works again.
    Recovered {
        /// The token; `None` for the signer itself.
        token: Option<String>,
    },
}

/// Who is told of the turns. Called by the thread that noticed: it records and returns.
pub type Observer = Arc<dyn Fn(&LinkEvent) + Send + Sync>;

/// Whether the signer answers, as of the last time that somebody looked.
#[derive(Default)]
pub(super) struct Standing {
    seen: Mutex<Seen>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Seen {
    why_not: Option<String>,
    tokens: Vec<TokenReport>,
    /// The keys that are known to be away.
    absent: BTreeMap<KeyRef, KeyAbsence>,
}

/// What the observer knows.
#[derive(Default)]
struct Told {
    observer: Option<Observer>,
    /// Who failed and has not recovered: tokens, and `None` for the signer itself.
    failed: BTreeSet<Option<String>>,
    /// How often each token had failed when it was looked at last.
    failures: Vec<(String, u64)>,
}

impl core::fmt::Debug for Standing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Standing").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Standing {
    /// Says why it does not answer, if so.
    pub(super) fn condition(&self) -> Result<(), String> {
        self.seen().why_not.clone().map_or(Ok(()), Err)
    }

    /// Tells how its tokens stood when it answered last.
    pub(super) fn tokens(&self) -> Vec<TokenReport> {
        self.seen().tokens.clone()
    }

    /// Tells whether a key was known to be away then.
    pub(super) fn absence(&self, key: &KeyRef) -> Option<KeyAbsence> {
        self.seen().absent.get(key).copied()
    }

    pub(super) fn observe(&self, observer: Observer) {
        self.told().observer = Some(observer);
        self.tell();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It answers, and says how its tokens stand.
    fn up(&self, state: SignerState) {
        let SignerState { tokens, keys, .. } = state;
        let absent = keys.into_iter().filter_map(|one| Some((one.key, one.absence?))).collect();
        let before = {
            let mut seen = self.seen();
            seen.tokens = tokens;
            seen.absent = absent;
            seen.why_not.take()
        };
        if before.is_some() {
            tracing::info!("the signer answers again");
        }
        self.tell();
    }

    fn down(&self, why: String) {
        let before = self.seen().why_not.replace(why.clone());
        if before.is_none() {
            tracing::error!(%why, "the signer does not answer");
        }
        self.tell();
    }

    /// Tells the observer of what it does not know yet, in order: whoever looks next waits.
    fn tell(&self) {
        let mut told = self.told();
        let told = &mut *told;
        let Some(observer) = told.observer.clone() else { return };
        let (why_not, tokens) = {
            let seen = self.seen();
            (seen.why_not.clone(), seen.tokens.clone())
        };
        let turn = |told: &mut Told, token: Option<String>, failed: Option<&str>| match failed {
            Some(cause) if told.failed.insert(token.clone()) => {
                observer(&LinkEvent::Failed { token, cause: cause.to_owned() });
            }
            None if told.failed.remove(&token) => observer(&LinkEvent::Recovered { token }),
            Some(_) | None => {}
        };
        turn(told, None, why_not.as_deref());
        if why_not.is_some() {
            return;
        }
        for token in &tokens {
            let name = Some(token.token.clone());
            let before =
                told.failures.iter().find(|(known, _)| *known == token.token).map(|(_, count)| *count);
            // It failed and was back before anybody looked.
            if token.serves() && before.is_some_and(|before| before < token.counts.failures) {
                turn(told, name.clone(), Some(&token.cause));
            }
            turn(told, name, (!token.serves()).then_some(token.cause.as_str()));
        }
        told.failures = tokens.into_iter().map(|token| (token.token, token.counts.failures)).collect();
    }
}

/// The thread that looks; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    standing: Arc<Standing>,
    look: Sender<()>,
}

impl Watch {
    /// Starts to look after the signer, which stood so just now, or did not answer.
    pub(super) fn start(
        place: Arc<Place>,
        stood: Result<SignerState, String>,
    ) -> Result<Self, OpenLinkError> {
        let (look, looks) = mpsc::channel();
        let standing = Arc::new(Standing::default());
        match stood {
            Ok(state) => standing.up(state),
            Err(why) => standing.down(why),
        }
        let (told, name) = (Arc::clone(&standing), place.name());
        thread::Builder::new()
            .name("signer-watch".into())
            .spawn(move || watch(&place, &told, &looks))
            .map_err(|cause| OpenLinkError::Broken { socket: name, cause })?;
        Ok(Self { standing, look })
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes that the signer does not answer, and has it looked after at once.
    pub(super) fn note_down(&self, why: &impl Display) {
        self.standing.down(why.to_string());
        self.look_soon();
    }

    /// Has it looked at how the tokens stand, since one was away just now.
    pub(super) fn look_soon(&self) {
        if self.look.send(()).is_err() {
            tracing::error!("the thread that looks after the signer is gone");
        }
    }
}

fn watch(place: &Place, standing: &Standing, looks: &Receiver<()>) {
    loop {
        let well = standing.condition().is_ok() && standing.tokens().iter().all(TokenReport::serves);
        match looks.recv_timeout(if well { UP } else { DOWN }) {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
        }
        // However many have noted it: one look answers all.
        while looks.try_recv().is_ok() {}
        look_at(place, standing);
    }
}

/// Asks over a connection of its own: that others were opened once says nothing of now.
fn look_at(place: &Place, standing: &Standing) {
    match place.connect().and_then(|new| new.state()) {
        Ok(state) => standing.up(state),
        Err(why) => standing.down(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Standing as State, TokenCounts};

    fn report(standing: State, failures: u64) -> TokenReport {
        let counts = TokenCounts { failures, ..TokenCounts::default() };
        let cause = "C_Sign answered CKR_DEVICE_REMOVED".to_owned();
        TokenReport { token: "online".to_owned(), standing, again_in: None, cause, counts }
    }

    /// What an observer is told of a signer that stands so, one after the other; nothing is a signer that does not answer.
    fn told(before: Option<TokenReport>, seen: &[Option<TokenReport>]) -> Vec<&'static str> {
        let standing = Standing::default();
        let look = |seen: &Option<TokenReport>| match seen {
            Some(token) => standing.up(SignerState { tokens: vec![token.clone()], ..SignerState::default() }),
            None => standing.down("nobody listens".to_owned()),
        };
        look(&before);
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        standing.observe(Arc::new(move |event| {
            heard.lock().unwrap().push(match event {
                LinkEvent::Failed { token: Some(_), .. } => "token failed",
                LinkEvent::Failed { token: None, .. } => "signer failed",
                LinkEvent::Recovered { token: Some(_) } => "token recovered",
                LinkEvent::Recovered { token: None } => "signer recovered",
            });
        }));
        seen.iter().for_each(look);
        told.lock().unwrap().clone()
    }

    #[test]
    fn h_01_each_turn_is_told_once_however_often_it_is_looked_at() {
        let (serves, rests, probes, back) = (
            report(State::Serving, 0),
            report(State::Resting, 1),
            report(State::Probing, 1),
            report(State::Serving, 1),
        );
        let seen = [&serves, &rests, &probes, &rests, &back, &back].map(|seen| Some(seen.clone()));
        assert_eq!(told(Some(serves.clone()), &seen), ["token failed", "token recovered"]);
        assert_eq!(
            told(Some(rests), &[Some(back)]),
            ["token failed", "token recovered"],
            "away at the start"
        );
        assert!(told(Some(serves.clone()), &[Some(serves)]).is_empty());
    }

    #[test]
    fn h_01_a_token_that_was_back_before_anybody_looked_is_told_all_the_same() {
        let seen = [Some(report(State::Serving, 1)), Some(report(State::Serving, 1))];
        assert_eq!(told(Some(report(State::Serving, 0)), &seen), ["token failed", "token recovered"]);
        // It failed before anybody began to look.
        assert!(told(Some(report(State::Serving, 3)), &[Some(report(State::Serving, 3))]).is_empty());
    }

    #[test]
    fn h_08_a_signer_that_ends_and_is_started_anew_is_told_once_each_and_its_tokens_are_no_news() {
        let (before, anew) = (report(State::Serving, 2), report(State::Serving, 0));
        let seen = [None, None, Some(anew.clone()), Some(anew)];
        assert_eq!(told(Some(before), &seen), ["signer failed", "signer recovered"]);
    }
}
