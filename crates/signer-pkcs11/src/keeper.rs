//! One token over its whole life: asked while it works, left alone when it failed, looked for until it works again.
//!
//! Every call is made by a thread of the crew, with a deadline (case H-03). When the token is at fault, its sessions are
//! thrown away and the breaker opens (case H-01): requesters are told when to come again, and one thread, which lives for as
//! long as that lasts, looks for the token, logs in, and asks for one signature, which it verifies: tokens are known that open
//! sessions and log in although they are gone. Requesters never probe.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::thread;

use ca_core::key_ref::KeyRef;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::MessageDigest;

use crate::breaker::{Breaker, TokenState};
use crate::counts::{Tally, TokenCounts};
use crate::crew::{Busy, Crew, Late, Pace, Ticket, now};
use crate::gate::Inside;
use crate::key::TokenKey;
use crate::session::{Sessions, UseTokenError, Way};
use crate::standing::TokenStanding;
use crate::token::{TokenDescription, name_of};
use crate::uri::Keys;

/// What is signed to see whether a token works. It is no DER, so nobody takes it for a certificate.
pub(crate) const PROBE: &[u8] = b"Does this token sign?";

/// A turn in the life of a token, for the audit trail: one event each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenEvent {
    /// It failed, and is left alone until it works again.
    Failed {
        /// The token, as it described itself.
        token: TokenDescription,
        /// What it answered.
        cause: String,
    },
    /// It works again: it made a signature, which verifies.
    Recovered {
        /// The token.
        token: TokenDescription,
        /// For how long it did not.
        after: Duration,
    },
}

/// Who is told of the turns. Called by the thread that noticed: it records and returns.
pub type Observer = Arc<dyn Fn(&TokenEvent) + Send + Sync>;

/// A token and everything that is known of it.
pub(crate) struct Keeper {
    way: Arc<Way>,
    /// The keys that the URI means.
    wanted: Keys,
    pace: Pace,
    crew: Crew,
    life: Mutex<Life>,
    /// Wakes the thread that waits for the rest to end, when nobody needs the token any more.
    ended: Arc<Ended>,
    told: Mutex<Told>,
    described: OnceLock<TokenDescription>,
    pub(crate) tally: Tally,
    /// The keys seen so far, by the points they have.
    pub(crate) known: RwLock<BTreeMap<KeyRef, TokenKey>>,
}

struct Life {
    breaker: Breaker,
    /// None while the token is away.
    sessions: Option<Arc<Sessions>>,
    /// Sessions that are to be closed before others are opened.
    retired: Vec<Arc<Sessions>>,
    /// What the token answered last when it failed.
    cause: String,
}

/// What the observer knows. Turns are told under its lock: in their order, and each once.
#[derive(Default)]
struct Told {
    observer: Option<Observer>,
    failed: bool,
}

#[derive(Default)]
struct Ended {
    ended: Mutex<bool>,
    changed: Condvar,
}

/// How the keeper of a token waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) pace: Pace,
    pub(crate) shortest_rest: Duration,
    pub(crate) longest_rest: Duration,
    pub(crate) threads: NonZeroUsize,
}

impl Keeper {
    /// Begins with a token that nobody has looked for.
    pub(crate) fn new(way: Way, wanted: Keys, patience: Patience) -> Arc<Self> {
        let breaker = Breaker::new(patience.shortest_rest, patience.longest_rest);
        Arc::new(Self {
            way: Arc::new(way),
            wanted,
            pace: patience.pace,
            crew: Crew::new(patience.threads),
            life: Mutex::new(Life { breaker, sessions: None, retired: Vec::new(), cause: String::new() }),
            ended: Arc::default(),
            told: Mutex::default(),
            described: OnceLock::new(),
            tally: Tally::default(),
            known: RwLock::default(),
        })
    }

    /// Looks for the token for the first time.
    pub(crate) fn open(self: &Arc<Self>) -> Result<(), UseTokenError> {
        let sessions = match self.new_sessions() {
            Err(UseTokenError::NoUserPin(_)) if self.begin_module_anew()? => self.new_sessions()?,
            opened => opened?,
        };
        self.life().sessions = Some(sessions);
        Ok(())
    }

    /// The token is not there yet: looks for it until it is (case H-04).
    pub(crate) fn wait_for_it(self: &Arc<Self>, cause: &UseTokenError) {
        self.fail(None, cause);
    }

    /// Has a thread do something with the sessions. When the token is at fault, leaves it alone from now on.
    pub(crate) fn call<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Sessions, &Ticket) -> Result<T, UseTokenError> + Send + 'static,
    ) -> Result<T, UseTokenError> {
        let sessions = self.life().serving()?;
        let theirs = Arc::clone(&sessions);
        self.run(move |ticket| work(&theirs, ticket)).inspect_err(|cause| {
            if cause.is_trouble() {
                self.fail(Some(&sessions), cause);
            }
        })
    }

    /// Tells whether the token is asked at present; asks it nothing.
    pub(crate) fn check_serving(&self) -> Result<(), UseTokenError> {
        self.life().serving().map(drop)
    }

    /// Tells how the token stands.
    pub(crate) fn state(&self) -> TokenState {
        self.life().breaker.state(now())
    }

    /// Tells how the token stands, what it answered when it failed, and what it did.
    pub(crate) fn standing(&self) -> TokenStanding {
        let (state, cause) = {
            let life = self.life();
            let state = life.breaker.state(now());
            (state, life.cause.clone())
        };
        let (tally, Busy { waiting, under_way, hanging }) = (&self.tally, self.crew.busy());
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let counts = TokenCounts {
            calls: tally.calls.so_far(),
            signed: tally.signed.so_far(),
            not_signed: tally.not_signed.so_far(),
            unknown: tally.unknown.so_far(),
            failures: tally.failures.so_far(),
            waiting: number(waiting),
            under_way: number(under_way),
            hanging: number(hanging),
        };
        TokenStanding { name: name_of(&self.way.wanted), token: self.described(), state, cause, counts }
    }

    /// Sets who is told of the turns; of the present one at once, unless the token works.
    pub(crate) fn observe(&self, observer: Observer) {
        let mut told = self.told();
        let failed = {
            let life = self.life();
            (life.breaker.state(now()) != TokenState::Serving).then(|| life.cause.clone())
        };
        told.failed = failed.is_some();
        if let Some(cause) = failed {
            observer(&TokenEvent::Failed { token: self.described(), cause });
        }
        told.observer = Some(observer);
    }

    /// Returns what the token said of itself, or before it was seen, what is said of it.
    pub(crate) fn described(&self) -> TokenDescription {
        self.described.get().cloned().unwrap_or_else(|| TokenDescription::as_wanted(&self.way.wanted))
    }

    pub(crate) fn remember(&self, keys: impl IntoIterator<Item = TokenKey>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(keys.into_iter().map(|key| (key.public_key.key_ref(), key)));
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ticket) -> Result<T, UseTokenError> + Send + 'static,
    ) -> Result<T, UseTokenError> {
        self.run_inside(move |ticket, _| work(ticket))
    }

    /// Has a thread go into the module and do something there.
    fn run_inside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ticket, &Inside) -> Result<T, UseTokenError> + Send + 'static,
    ) -> Result<T, UseTokenError> {
        let Pace { queue, call } = self.pace;
        self.tally.calls.one();
        let gate = Arc::clone(self.way.module.gate());
        let done = self.crew.run(self.pace, move |ticket| work(ticket, &gate.enter()));
        done.unwrap_or_else(|late| {
            Err(match late {
                Late::InQueue => UseTokenError::NoSessionInTime { waited: queue },
                Late::InCall { signing } => UseTokenError::Hangs { waited: call, signing },
            })
        })
    }

    fn new_sessions(&self) -> Result<Arc<Sessions>, UseTokenError> {
        let way = Arc::clone(&self.way);
        let sessions = self.run(move |ticket| {
            ticket.begin()?;
            Sessions::open(&way).map(Arc::new)
        })?;
        self.described.get_or_init(|| sessions.token().clone());
        Ok(sessions)
    }

    /// Leaves the token alone, and has one thread see to it that it comes back.
    ///
    /// `used` are the sessions that failed: those that were thrown away before say nothing of the present ones.
    fn fail(self: &Arc<Self>, used: Option<&Arc<Sessions>>, cause: &UseTokenError) {
        let worked = {
            let mut life = self.life();
            let are_present = life.sessions.as_ref().map(Arc::as_ptr) == used.map(Arc::as_ptr);
            let worked = are_present && life.breaker.trip(now());
            if worked {
                life.cause = cause.to_string();
                let retired = life.sessions.take();
                life.retired.extend(retired);
            }
            worked
        };
        if !worked {
            return;
        }
        self.tally.failures.one();
        let token = self.described();
        tracing::error!(%token, %cause, "the token failed; it is left alone until it signs again");
        self.tell(&TokenEvent::Failed { token, cause: cause.to_string() });
        let (keeper, ended) = (Arc::downgrade(self), Arc::clone(&self.ended));
        let started =
            thread::Builder::new().name("token-recovery".to_owned()).spawn(move || recover(&keeper, &ended));
        if let Err(cause) = started {
            tracing::error!(%cause, "no thread to look for the token");
            // The next request fails on the sessions that there are, and tries this again.
            let mut life = self.life();
            life.sessions = life.retired.pop();
            life.breaker.close();
        }
    }

    /// Looks once whether the token works again. Answers how long to wait before the next look; nothing when there is none.
    fn look(&self) -> Option<Duration> {
        let asked = self.life().breaker.probe(now());
        if let Err(rest) = asked {
            return Some(rest);
        }
        match self.probe() {
            Ok(sessions) => {
                let (token, after) = (self.described(), self.life().breaker.away(now()));
                tracing::info!(%token, ?after, "the token signs again");
                // Before anybody can find that it fails again: that is told after this.
                self.tell(&TokenEvent::Recovered { token, after });
                let mut life = self.life();
                life.sessions = Some(sessions);
                life.breaker.close();
                None
            }
            Err(cause @ (UseTokenError::PinRefused(_) | UseTokenError::PinNotTriedAgain)) => {
                tracing::error!(%cause, "the token is not asked any more");
                let mut life = self.life();
                life.cause = cause.to_string();
                life.breaker.stop();
                None
            }
            Err(cause) => {
                tracing::warn!(%cause, "the token does not work yet");
                let mut life = self.life();
                life.cause = cause.to_string();
                life.breaker.trip(now());
                Some(Duration::ZERO)
            }
        }
    }

    /// Opens the token anew and checks one signature.
    fn probe(&self) -> Result<Arc<Sessions>, UseTokenError> {
        self.close_retired()?;
        match self.open_and_try_out() {
            Err(cause) if cause.may_be_of_the_module() && self.begin_module_anew()? => {
                self.open_and_try_out()
            }
            tried => tried,
        }
    }

    /// Opens the token and checks one signature; where that fails, nothing stays open.
    fn open_and_try_out(&self) -> Result<Arc<Sessions>, UseTokenError> {
        let sessions = self.new_sessions()?;
        match self.try_out(&sessions) {
            Ok(()) => Ok(sessions),
            Err(cause) => {
                self.life().retired.push(sessions);
                // A call that hangs leaves them for the next probe.
                self.close_retired()
                    .unwrap_or_else(|error| tracing::debug!(%error, "sessions are left open"));
                Err(cause)
            }
        }
    }

    /// Closes what was thrown away, before anything else is opened.
    fn close_retired(&self) -> Result<(), UseTokenError> {
        for old in core::mem::take(&mut self.life().retired) {
            self.run(move |ticket| {
                ticket.begin()?;
                old.retire();
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Ends the module and begins it anew (cases H-01, H-03: what it talks to was started anew), unless another signer of this
    /// process has sessions there, or a call hangs. Tells whether it did.
    fn begin_module_anew(&self) -> Result<bool, UseTokenError> {
        let module = self.way.module.clone();
        let begun = self.run_inside(move |ticket, inside| {
            ticket.begin()?;
            Ok(module.begin_anew(inside)?)
        })?;
        if begun {
            tracing::warn!(token = %self.described(), "the module was begun anew");
        }
        Ok(begun)
    }

    fn try_out(&self, sessions: &Arc<Sessions>) -> Result<(), UseTokenError> {
        let (theirs, wanted) = (Arc::clone(sessions), self.wanted.clone());
        let objects = self.run(move |ticket| theirs.list(ticket, &wanted))?;
        let keys: Vec<TokenKey> = objects.into_iter().filter_map(|object| object.key.ok()).collect();
        if self.wanted.is_one()
            && let [first, _, ..] = keys.as_slice()
        {
            return Err(UseTokenError::AmbiguousKey { id: first.id.clone(), count: keys.len() });
        }
        self.remember(keys.iter().cloned());
        // One is enough to see that the token signs; a URI that names a key has no other.
        let Some(key) = keys.into_iter().next() else { return Ok(()) };
        let digest = MessageDigest::of(key.public_key.curve(), PROBE);
        let (theirs, asked, hash) = (Arc::clone(sessions), key.clone(), digest.octets().to_vec());
        let r_and_s = self.run(move |ticket| theirs.sign(ticket, &asked, &hash))?;
        EcdsaSignature::from_fixed(digest.curve(), &r_and_s)
            .ok()
            .and_then(|signature| key.public_key.verify_digest(&digest, &signature).ok())
            .ok_or_else(|| UseTokenError::SignsWrongly { key: key.public_key.key_ref() })
    }

    fn tell(&self, event: &TokenEvent) {
        let mut told = self.told();
        let failed = matches!(event, TokenEvent::Failed { .. });
        if let Some(observer) = &told.observer
            && told.failed != failed
        {
            observer(event);
        }
        told.failed = failed;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        // Every change is one statement that cannot panic half way.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    fn serving(&self) -> Result<Arc<Sessions>, UseTokenError> {
        let again_in = match self.breaker.state(now()) {
            TokenState::Resting { again_in } => again_in,
            TokenState::Serving | TokenState::Probing => self.breaker.shortest(),
            TokenState::Stopped => return Err(UseTokenError::PinNotTriedAgain),
        };
        self.sessions.clone().ok_or_else(|| UseTokenError::Resting { cause: self.cause.clone(), again_in })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        *self.ended.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.changed.notify_all();
    }
}

/// Looks for the token until it works, nobody needs it any more, or nothing will help.
fn recover(keeper: &Weak<Keeper>, ended: &Ended) {
    let mut rest = Duration::ZERO;
    loop {
        let state = ended.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_over, _timed_out) = ended
            .changed
            .wait_timeout_while(state, rest, |ended| !*ended)
            .unwrap_or_else(PoisonError::into_inner);
        if *is_over {
            return;
        }
        drop(is_over);
        let Some(next) = keeper.upgrade().and_then(|keeper| keeper.look()) else { return };
        rest = next;
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("token", &self.described()).finish_non_exhaustive()
    }
}
