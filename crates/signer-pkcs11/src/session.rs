//! Sessions on one token: a master that keeps the login, a bounded pool for the work, and one recovery when they are lost.
//!
//! A session is used by one thread at a time. A logout anywhere in the process ends the login of all sessions and makes
//! every handle of a private object void, and handles change with the next login; so sessions carry the number of the
//! login they were opened under, and none older than the present login is used (cases H-02, H-13).
//! Deadlines for calls that hang are not made here: a call blocks the thread that makes it, which `crew.rs` may give up. What
//! is told here is how far a call has come ([`Ticket`]).

use core::time::Duration;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ca_core::key_ref::KeyRef;
use ca_core::public_key::PublicKey;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Limit, Slot};

use crate::call::{CallFailed, Standing};
use crate::crew::{GivenUp, Ticket};
use crate::gate::GatedSession;
use crate::key::{self, Hex, PrivateKeyObject, TokenKey};
use crate::module::Module;
use crate::pin::Pin;
use crate::pool::{Permit, Pool};
use crate::token::{self, FindTokenError, TokenDescription};
use crate::uri::{Keys, Tokens};

/// The sessions of one signer.
pub(crate) struct Sessions {
    module: Module,
    wanted: Tokens,
    token: TokenDescription,
    pin: Pin,
    /// The token refused the PIN: it is not offered again, since tokens lock after a few refusals (case H-05).
    pin_refused: Arc<AtomicBool>,
    pool: Pool<WorkSession>,
    login: Mutex<Login>,
}

/// What is needed to open the sessions of a token, once or again.
pub(crate) struct Way {
    pub(crate) module: Module,
    pub(crate) wanted: Tokens,
    pub(crate) pin: Pin,
    pub(crate) limit: NonZeroUsize,
    /// Outlives the sessions: also after the token was away the PIN is not offered again.
    pub(crate) pin_refused: Arc<AtomicBool>,
}

/// The session that keeps the user logged in, and what work sessions need to know of it.
struct Login {
    /// None while the token is lost.
    master: Option<GatedSession>,
    slot: Slot,
    /// Counts logins; a session opened under another number is stale.
    number: u64,
}

/// A session that one thread works with, and the handles of the keys it has used.
pub(crate) struct WorkSession {
    session: GatedSession,
    login: u64,
    handles: BTreeMap<KeyRef, ObjectHandle>,
}

/// What a work session may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing on the token.
    ReadOnly,
    /// Objects of the token.
    ReadWrite,
}

impl Sessions {
    /// Finds the token, logs in, and is ready to open up to `limit` work sessions, fewer if the token says so.
    pub(crate) fn open(way: &Way) -> Result<Self, UseTokenError> {
        let Way { module, wanted, pin, limit, pin_refused } = way;
        if pin_refused.load(Ordering::SeqCst) {
            return Err(UseTokenError::PinNotTriedAgain);
        }
        let master = open_master(module, wanted, pin).inspect_err(|cause| {
            pin_refused.fetch_or(matches!(cause, UseTokenError::PinRefused(_)), Ordering::SeqCst);
        })?;
        let login = Login { master: Some(master.session), slot: master.slot, number: 0 };
        Ok(Self {
            module: module.clone(),
            wanted: wanted.clone(),
            token: master.token,
            pin: pin.clone(),
            pin_refused: Arc::clone(pin_refused),
            pool: Pool::new((*limit).min(master.room)),
            login: Mutex::new(login),
        })
    }

    /// Closes what is not in use, before others are opened: handles may be given out again, and closing them later would
    /// close others. What hangs is left as it is.
    pub(crate) fn retire(&self) {
        self.pool.forget();
        if let Ok(mut login) = self.login.try_lock() {
            drop(login.master.take());
        }
    }

    /// Returns what the token said of itself when it was opened.
    pub(crate) const fn token(&self) -> &TokenDescription {
        &self.token
    }

    /// Signs a hash with `CKM_ECDSA`; the token answers r followed by s.
    pub(crate) fn sign(
        &self,
        ticket: &Ticket,
        key: &TokenKey,
        hash: &[u8],
    ) -> Result<Vec<u8>, UseTokenError> {
        self.work(ticket, Access::ReadOnly, |work| {
            let handle = self.handle(work, key)?;
            ticket.begin_signing()?;
            let signed = work.session.sign(&Mechanism::Ecdsa, handle, hash);
            Ok(signed.map_err(CallFailed::from)?)
        })
    }

    /// Lists the private EC keys that are as wanted.
    pub(crate) fn list(
        &self,
        ticket: &Ticket,
        wanted: &Keys,
    ) -> Result<Vec<PrivateKeyObject>, UseTokenError> {
        self.work(ticket, Access::ReadOnly, |work| {
            self.read_logged_in(work, |session| key::list(session, wanted))
        })
    }

    /// Finds every half of an EC key with this label.
    pub(crate) fn labelled(
        &self,
        ticket: &Ticket,
        label: &str,
    ) -> Result<Vec<(ObjectHandle, Option<PublicKey>)>, UseTokenError> {
        self.work(ticket, Access::ReadOnly, |work| {
            self.read_logged_in(work, |session| key::labelled(session, label))
        })
    }

    /// Finds a private key once per session: to search at each signature costs more than to sign.
    fn handle(&self, work: &mut WorkSession, key: &TokenKey) -> Result<ObjectHandle, UseTokenError> {
        let key_ref = key.public_key.key_ref();
        if let Some(handle) = work.handles.get(&key_ref) {
            return Ok(*handle);
        }
        let mut found = key::find(&work.session, &key.id)?;
        if found.is_empty() {
            found = self.read_logged_in(work, |session| key::find(session, &key.id))?;
        }
        match found.as_slice() {
            [handle] => {
                work.handles.insert(key_ref, *handle);
                Ok(*handle)
            }
            [] => Err(UseTokenError::KeyGone { key: key_ref }),
            several => Err(UseTokenError::AmbiguousKey { id: key.id.clone(), count: several.len() }),
        }
    }

    /// Reads the token and makes sure that the user was logged in all the time: to a session that is not logged in, a
    /// token calls private keys absent. The user is logged in afterwards, and no one could log in meanwhile.
    fn read_logged_in<T>(
        &self,
        work: &WorkSession,
        read: impl FnOnce(&Session) -> Result<T, CallFailed>,
    ) -> Result<T, UseTokenError> {
        let _no_one_logs_in = self.login();
        let found = read(&work.session)?;
        work.check_login()?;
        Ok(found)
    }

    /// Does some work in a session of this thread's own; waits while all sessions are in use.
    ///
    /// When the login, the session, a handle or the token seems to be lost, and it is certain that nothing was signed,
    /// logs in again and does the work once more. `work` must not begin what it may not do twice.
    pub(crate) fn work<T>(
        &self,
        ticket: &Ticket,
        access: Access,
        mut work: impl FnMut(&mut WorkSession) -> Result<T, UseTokenError>,
    ) -> Result<T, UseTokenError> {
        let login = self.login().number;
        match self.work_once(ticket, access, &mut work) {
            Err(cause) if cause.standing() == Standing::TryAgain => {
                tracing::warn!(token = %self.token, %cause, "the login to the token seems to be lost; logging in again");
                // Nothing was signed, so whoever gives up from here on knows that.
                ticket.begin()?;
                self.log_in_again(login)?;
                self.work_once(ticket, access, &mut work)
            }
            done => done,
        }
    }

    fn work_once<T>(
        &self,
        ticket: &Ticket,
        access: Access,
        work: &mut impl FnMut(&mut WorkSession) -> Result<T, UseTokenError>,
    ) -> Result<T, UseTokenError> {
        let (permit, mut session) = self.take_session(ticket, access)?;
        let done = work(&mut session)?;
        // Not after an error: an operation may be left open in it.
        if access == Access::ReadOnly {
            permit.put_to_rest(session);
        }
        Ok(done)
    }

    fn take_session(
        &self,
        ticket: &Ticket,
        access: Access,
    ) -> Result<(Permit<'_, WorkSession>, WorkSession), UseTokenError> {
        loop {
            let (permit, at_rest) = self.pool.permit();
            ticket.begin()?;
            let (login, slot) = {
                let login = self.login();
                // Another token may be in the slot by now.
                if login.master.is_none() {
                    return Err(UseTokenError::LoggedOut);
                }
                (login.number, login.slot)
            };
            if let Some(session) = at_rest
                && session.login == login
                && access == Access::ReadOnly
            {
                return Ok((permit, session));
            }
            let opened = self.module.gate().open(|| match access {
                Access::ReadOnly => self.module.open_ro_session(slot),
                Access::ReadWrite => self.module.open_rw_session(slot),
            });
            match opened.map_err(CallFailed::from) {
                Ok(session) => {
                    let handles = BTreeMap::new();
                    return Ok((permit, WorkSession { session, login, handles }));
                }
                Err(cause) if cause.is(RvError::SessionCount) => {
                    if !permit.narrow() {
                        return Err(cause.into());
                    }
                    tracing::warn!(token = %self.token, "the token has no room for another session; using fewer");
                }
                Err(cause) => return Err(cause.into()),
            }
        }
    }

    /// Logs in again, unless someone has done so since the login numbered `lost`.
    fn log_in_again(&self, lost: u64) -> Result<(), UseTokenError> {
        let mut login = self.login();
        if login.number != lost {
            return Ok(());
        }
        if self.pin_refused.load(Ordering::SeqCst) {
            return Err(UseTokenError::PinNotTriedAgain);
        }
        let logged_in = login.master.as_ref().map(|master| log_in(master, &self.pin));
        let settled = match logged_in {
            Some(Ok(())) => Ok(()),
            // The master session, or the token in its slot, is no more.
            None | Some(Err(UseTokenError::Call(_))) => self.find_again(&mut login),
            Some(Err(cause)) => Err(cause),
        };
        if let Err(cause) = settled {
            self.pin_refused.fetch_or(matches!(cause, UseTokenError::PinRefused(_)), Ordering::SeqCst);
            return Err(cause);
        }
        login.number += 1;
        tracing::info!(token = %self.token, "logged in to the token again");
        Ok(())
    }

    /// Finds the token anew, in whatever slot, and opens a master session there.
    fn find_again(&self, login: &mut Login) -> Result<(), UseTokenError> {
        // Closed before any is opened: their handles may be given out again, and closing them later would close others.
        drop(login.master.take());
        self.pool.forget();
        let master = open_master(&self.module, &self.wanted, &self.pin)?;
        login.master = Some(master.session);
        login.slot = master.slot;
        Ok(())
    }

    fn login(&self) -> MutexGuard<'_, Login> {
        // After a panic the login is what it was before or after a login; both are recovered from.
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkSession {
    /// Returns the session, for work other than signing.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    fn check_login(&self) -> Result<(), UseTokenError> {
        let state = self.session.get_session_info().map_err(CallFailed::from)?.session_state();
        match state {
            SessionState::RoUser | SessionState::RwUser => Ok(()),
            SessionState::RoPublic | SessionState::RwPublic | SessionState::RwSecurityOfficer => {
                Err(UseTokenError::LoggedOut)
            }
        }
    }
}

/// A logged-in session with what was learnt on the way.
struct Master {
    session: GatedSession,
    slot: Slot,
    token: TokenDescription,
    /// How many sessions the token has room for beside this one.
    room: NonZeroUsize,
}

fn open_master(module: &Module, wanted: &Tokens, pin: &Pin) -> Result<Master, UseTokenError> {
    let found = token::find(module, wanted)?;
    let token = found.description();
    if found.token.user_pin_locked() {
        return Err(UseTokenError::PinLocked { token });
    }
    if found.token.user_pin_final_try() {
        return Err(UseTokenError::PinFinalTry { token });
    }
    let room = match found.token.max_session_count() {
        Limit::Max(sessions) => usize::try_from(sessions.saturating_sub(1)).unwrap_or(usize::MAX),
        Limit::Unavailable | Limit::Infinite => usize::MAX,
    };
    let session = module.gate().open(|| module.open_ro_session(found.slot)).map_err(CallFailed::from)?;
    log_in(&session, pin)?;
    Ok(Master {
        session,
        slot: found.slot,
        token,
        room: NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN),
    })
}

/// Logs the user in, trying the PIN once. Who is logged in already stays so (case H-13); then the PIN is not tried.
pub(crate) fn log_in(session: &Session, pin: &Pin) -> Result<(), UseTokenError> {
    match session.login(UserType::User, Some(pin.secret())).map_err(CallFailed::from) {
        Ok(()) => Ok(()),
        Err(cause) if cause.is(RvError::UserAlreadyLoggedIn) => Ok(()),
        Err(cause) if cause.is(RvError::UserPinNotInitialized) => Err(UseTokenError::NoUserPin(cause)),
        Err(cause) if cause.is(RvError::PinLocked) => Err(UseTokenError::LoginLocked(cause)),
        Err(cause) if cause.is_refusal_of_the_pin() => Err(UseTokenError::PinRefused(cause)),
        Err(cause) => Err(cause.into()),
    }
}

/// Why a token did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum UseTokenError {
    /// The token is not there, or not alone.
    #[error(transparent)]
    Token(#[from] FindTokenError),
    /// A PKCS#11 function failed.
    #[error(transparent)]
    Call(#[from] CallFailed),
    /// Someone in this process logged out of the token, or the token was lost and not found again.
    #[error("the user is not logged in to the token")]
    LoggedOut,
    /// The token failed and is left alone for a while; nothing was asked of it.
    #[error(
        "the token failed and is left alone; it is asked again in {again_in:.1?}; it failed because {cause}"
    )]
    Resting {
        /// Why it failed last.
        cause: String,
        /// When to come again.
        again_in: Duration,
    },
    /// A call did not come back in time, and its thread was given up.
    #[error("a call to the token did not come back within {waited:?}; its thread was given up{}", if *.signing { " while it signed" } else { "" })]
    Hangs {
        /// How long was waited.
        waited: Duration,
        /// Whether it may have signed.
        signing: bool,
    },
    /// All sessions were in use for as long as one may wait; nothing was asked of the token.
    #[error("no session of the token became free within {waited:?}")]
    NoSessionInTime {
        /// How long was waited.
        waited: Duration,
    },
    /// A signature that was asked for to see whether the token works is not one by its key.
    #[error("the token signs, but not with the key {key}")]
    SignsWrongly {
        /// The key.
        key: KeyRef,
    },
    /// The token says that nobody has set a PIN for the user: none was compared with it, and no try is lost. A module says so too
    /// where another program was writing the token at the moment of its reading, as SoftHSM2 does, and says it until it is begun
    /// anew.
    #[error(
        "the token has no user PIN ({0}): its security officer sets one; if it has one, another program wrote the token while \
         the module read it"
    )]
    NoUserPin(#[source] CallFailed),
    /// The token compares no PIN, and no try is lost: it is locked. A TPM locks itself after its power went a few times, and
    /// unlocks itself later.
    #[error(
        "the token is locked ({0}) and compares no PIN: until its security officer unlocks it, or the time of its lock is over"
    )]
    LoginLocked(#[source] CallFailed),
    /// The token refused the PIN. It was tried once.
    #[error("the token refuses the PIN, which is not tried again: {0}")]
    PinRefused(#[source] CallFailed),
    /// The token refused the PIN before.
    #[error("the token refused the PIN before; it is not tried again until this program is started anew")]
    PinNotTriedAgain,
    /// The PIN is locked.
    #[error("the user PIN of the token {token} is locked; its security officer must set a new one")]
    PinLocked {
        /// The token.
        token: TokenDescription,
    },
    /// One more wrong PIN locks the token, so none is tried unattended.
    #[error(
        "the user PIN of the token {token} has one try left, which is not used here; log in with the vendor's tool to \
         restore the tries"
    )]
    PinFinalTry {
        /// The token.
        token: TokenDescription,
    },
    /// The key was there before and is no longer.
    #[error("the token no longer holds the key {key}")]
    KeyGone {
        /// The key.
        key: KeyRef,
    },
    /// Several private keys have the `CKA_ID` of the key (case H-10).
    #[error("{count} private keys on the token have the id {id}, so which one to use would be a guess", id = Hex(id))]
    AmbiguousKey {
        /// The `CKA_ID`.
        id: Vec<u8>,
        /// How many there are.
        count: usize,
    },
    /// The key can leave the token (case H-15).
    #[error(
        "the key {key} is extractable or not sensitive, so it may be elsewhere; it is not used unless that is allowed"
    )]
    ExtractableKey {
        /// The key.
        key: KeyRef,
    },
}

impl UseTokenError {
    /// Judges the failure.
    pub(crate) fn standing(&self) -> Standing {
        match self {
            Self::Call(cause) => cause.standing(),
            Self::LoggedOut => Standing::TryAgain,
            Self::Hangs { signing: true, .. } => Standing::Unknown,
            Self::Hangs { signing: false, .. }
            | Self::Resting { .. }
            | Self::NoSessionInTime { .. }
            | Self::SignsWrongly { .. }
            | Self::Token(_)
            | Self::NoUserPin(_)
            | Self::LoginLocked(_)
            | Self::PinRefused(_)
            | Self::PinNotTriedAgain
            | Self::PinLocked { .. }
            | Self::PinFinalTry { .. }
            | Self::KeyGone { .. }
            | Self::AmbiguousKey { .. }
            | Self::ExtractableKey { .. } => Standing::NothingSigned,
        }
    }

    /// Tells whether beginning the module anew may help a token that was found to fail: the module could not list its tokens, or
    /// showed none; calls fail as where it has lost what it talks to, which it connects to once; or it says that a token has no
    /// PIN, and may have read it while somebody wrote it.
    pub(crate) fn may_be_of_the_module(&self) -> bool {
        match self {
            Self::Token(FindTokenError::Call(_) | FindTokenError::NoSlots { .. }) | Self::NoUserPin(_) => {
                true
            }
            Self::Call(cause) => cause.is_trouble(),
            Self::Token(FindTokenError::NotFound { .. } | FindTokenError::Ambiguous { .. })
            | Self::LoggedOut
            | Self::Resting { .. }
            | Self::Hangs { .. }
            | Self::NoSessionInTime { .. }
            | Self::SignsWrongly { .. }
            | Self::LoginLocked(_)
            | Self::PinRefused(_)
            | Self::PinNotTriedAgain
            | Self::PinLocked { .. }
            | Self::PinFinalTry { .. }
            | Self::KeyGone { .. }
            | Self::AmbiguousKey { .. }
            | Self::ExtractableKey { .. } => false,
        }
    }

    /// Tells whether the token itself is at fault, so that it is left alone for a while.
    pub(crate) fn is_trouble(&self) -> bool {
        match self {
            Self::Hangs { .. }
            | Self::LoggedOut
            | Self::SignsWrongly { .. }
            | Self::NoUserPin(_)
            | Self::LoginLocked(_) => true,
            Self::Token(cause) => match cause {
                FindTokenError::NotFound { .. }
                | FindTokenError::NoSlots { .. }
                | FindTokenError::Call(_) => true,
                FindTokenError::Ambiguous { .. } => false,
            },
            Self::Call(cause) => cause.is_trouble(),
            Self::Resting { .. }
            | Self::NoSessionInTime { .. }
            | Self::PinRefused(_)
            | Self::PinNotTriedAgain
            | Self::PinLocked { .. }
            | Self::PinFinalTry { .. }
            | Self::KeyGone { .. }
            | Self::AmbiguousKey { .. }
            | Self::ExtractableKey { .. } => false,
        }
    }
}

/// The requester has gone by then; what the answer says is true all the same.
impl From<GivenUp> for UseTokenError {
    fn from(_: GivenUp) -> Self {
        Self::NoSessionInTime { waited: Duration::ZERO }
    }
}
