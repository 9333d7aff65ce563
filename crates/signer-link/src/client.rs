//! The `Signer` port of a certification authority whose keys are with a signer in another process.
//!
//! A connection for each request in flight, out of a bounded pool. What was not sent whole was not signed; what was sent whole
//! and got no answer has an unknown outcome, and is not asked again. While the signer does not answer, nothing is asked of
//! it: requests fail at once, and a thread of its own looks whether it is there again.

mod connection;
mod slots;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::ToBeSigned;

use crate::denial::{Denial, Meaning};
use crate::desk::{KeyAbsence, SignerState, TokenReport};
use connection::{Connection, Place, SendError};
use slots::Slots;
use watch::Watch;
pub use watch::{LinkEvent, Observer};

/// How much is asked at once, and how long is waited.
#[derive(Debug, Clone, Copy)]
pub struct LinkBounds {
    /// How many requests are in flight at most.
    pub requests: usize,
    /// How long one waits for its turn; nothing was sent then.
    pub turn: Duration,
    /// How long one that was sent waits for its answer. Longer than the signer takes to give a call up, with the time before it in
    /// which that waits for a thread and a session: otherwise what was not even begun there would be taken for uncertain.
    pub answer: Duration,
}

impl Default for LinkBounds {
    /// 32 requests; 10 seconds for a turn; [`LONGEST_ANSWER`] for an answer.
    fn default() -> Self {
        Self { requests: 32, turn: Duration::from_secs(10), answer: LONGEST_ANSWER }
    }
}

/// How long an answer is waited for, unless otherwise said.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// Asks the signer in another process.
#[derive(Debug)]
pub struct SignerLink {
    place: Arc<Place>,
    slots: Slots,
    bounds: LinkBounds,
    keys: RwLock<BTreeMap<KeyRef, PublicKey>>,
    watch: Watch,
}

impl SignerLink {
    /// Connects to the signer at `socket` and asks which keys it has.
    ///
    /// # Errors
    /// [`OpenLinkError`].
    pub fn open(socket: &Path, bounds: LinkBounds) -> Result<Self, OpenLinkError> {
        let place = Place::new(socket, bounds);
        let first = place.connect()?;
        let (keys, state) = (first.keys()?.keys, first.state()?);
        Self::begin(place, keys, Ok(state))
    }

    /// Connects to the signer at `socket`, or waits for it: where nobody answers there, it is looked for until somebody does, and
    /// whoever wants a signature meanwhile gets none (case H-04).
    ///
    /// # Errors
    /// [`OpenLinkError`], for what waiting does not mend: a signer that lets this process ask nothing.
    pub fn attend(socket: &Path, bounds: LinkBounds) -> Result<Self, OpenLinkError> {
        let place = Place::new(socket, bounds);
        let asked = place.connect().and_then(|first| Ok((first.keys()?.keys, first.state()?)));
        match asked {
            Ok((keys, state)) => Self::begin(place, keys, Ok(state)),
            Err(OpenLinkError::Denied { socket, denial }) if denial.meaning != Meaning::Unavailable => {
                Err(OpenLinkError::Denied { socket, denial })
            }
            Err(why) => Self::begin(place, Vec::new(), Err(why.to_string())),
        }
    }

    /// Looks after the signer from now on; it stood so just now, or did not answer.
    fn begin(
        place: Place,
        keys: Vec<PublicKey>,
        stood: Result<SignerState, String>,
    ) -> Result<Self, OpenLinkError> {
        let bounds = place.bounds();
        let place = Arc::new(place);
        Ok(Self {
            slots: Slots::new(bounds.requests),
            keys: RwLock::new(by_name(keys)),
            watch: Watch::start(Arc::clone(&place), stood)?,
            place,
            bounds,
        })
    }

    /// Says why the signer cannot be asked at present, if so.
    ///
    /// # Errors
    /// The reason, in one sentence.
    pub fn condition(&self) -> Result<(), String> {
        self.watch.standing().condition()
    }

    /// Tells how the signer's tokens stood when somebody looked last, at most about a second ago; as they were, while it does not answer.
    #[must_use]
    pub fn tokens(&self) -> Vec<TokenReport> {
        self.watch.standing().tokens()
    }

    /// Sets who is told when the signer or one of its tokens fails, and when it works again; at once, if it does not work now.
    pub fn observe(&self, observer: Observer) {
        self.watch.standing().observe(observer);
    }

    /// Asks how the signer stands.
    ///
    /// # Errors
    /// [`OpenLinkError`].
    pub fn state(&self) -> Result<SignerState, OpenLinkError> {
        self.place.connect()?.state()
    }

    /// Returns the key, asking the signer again where it was not among those it had.
    fn find(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        self.ready()?;
        let keys = self.place.connect().and_then(|connection| connection.keys());
        let keys = keys.map_err(|error| self.down(error))?;
        if keys.awaited.contains(key) {
            let cause = format!("the token with the key {key} is away");
            return Err(SignError::Unavailable { cause: cause.into(), again_in: keys.again_in });
        }
        let keys = by_name(keys.keys);
        let found = keys.get(key).cloned();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        found.ok_or(SignError::KeyNotFound { key: *key })
    }

    fn ready(&self) -> Result<(), SignError> {
        self.condition().map_err(|why| unavailable(Denial::unavailable("signer.down", why, 0)))
    }

    /// Notes that the signer does not answer. Nothing was signed.
    fn down(&self, error: OpenLinkError) -> SignError {
        self.watch.note_down(&error);
        unavailable(Denial::unavailable("signer.down", error, 0))
    }

    fn ask(&self, key: &KeyRef, octets: &Octets) -> Result<EcdsaSignature, SignError> {
        let curve = self.find(key)?.curve();
        self.ready()?;
        let Some(_slot) = self.slots.take(self.bounds.turn) else {
            let sentence = format!("{} requests wait for the signer already", self.bounds.requests);
            return Err(Denial::unavailable("signer.busy", sentence, 1).into_sign_error(key));
        };
        let connection = self.send(key, octets)?;
        // From here on a signature may exist.
        let answer = connection.signature(curve).map_err(|error| {
            self.place.forget_idle();
            self.watch.note_down(&error);
            SignError::OutcomeUnknown { cause: Box::new(error) }
        })?;
        self.place.give_back(connection);
        answer.map_err(|denial| {
            let error = denial.into_sign_error(key);
            // Once for each turn: while a token is away it is looked at often enough.
            if !matches!(error, SignError::Refused { .. } | SignError::KeyNotFound { .. })
                && self.tokens().iter().all(TokenReport::serves)
            {
                self.watch.look_soon();
            }
            error
        })
    }

    /// Sends the request whole, over a new connection where the one at hand has ended meanwhile.
    fn send(&self, key: &KeyRef, octets: &Octets) -> Result<Connection, SignError> {
        while let Some(idle) = self.place.take_idle() {
            match idle.send(key, octets) {
                Ok(()) => return Ok(idle),
                // The signer was started anew since: those before it are all of the former one.
                Err(SendError::Broken(_)) => self.place.forget_idle(),
                Err(SendError::Octets(cause)) => return Err(unavailable(cause)),
            }
        }
        let connection = self.place.connect().map_err(|error| self.down(error))?;
        match connection.send(key, octets) {
            Ok(()) => Ok(connection),
            Err(SendError::Broken(cause)) => Err(self.down(OpenLinkError::broken(&self.place, cause))),
            Err(SendError::Octets(cause)) => Err(unavailable(cause)),
        }
    }
}

fn by_name(keys: Vec<PublicKey>) -> BTreeMap<KeyRef, PublicKey> {
    keys.into_iter().map(|key| (key.key_ref(), key)).collect()
}

fn unavailable(cause: impl core::error::Error + Send + Sync + 'static) -> SignError {
    SignError::unavailable(cause)
}

impl Signer for SignerLink {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.find(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.ask(key, &Octets::from(message.to_vec()))
    }

    // The signer sees what it signs: the octets travel, and the digest does not.
    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        self.ask(key, tbs.octets())
    }

    /// As of when the signer told last, at most about a second ago: whether it answers, and whether a token with the key serves.
    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.ready()?;
        let Some(KeyAbsence { again_in }) = self.watch.standing().absence(key) else { return Ok(()) };
        let tokens = self.tokens().into_iter().filter(|token| !token.serves());
        let away: Vec<String> = tokens.map(|one| format!("{}: {}", one.token, one.cause)).collect();
        let cause = format!("no token of the signer that serves has the key {key}: {}", away.join("; "));
        Err(SignError::Unavailable { cause: cause.into(), again_in })
    }
}

/// Why the signer is not reached.
#[derive(Debug, thiserror::Error)]
pub enum OpenLinkError {
    /// Nobody listens, or the connection broke, or what came over it was no answer.
    #[error("the signer at {socket} does not answer: {cause}")]
    Broken {
        /// Its socket.
        socket: String,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The signer lets this process ask nothing.
    #[error("the signer at {socket} refuses: {denial}")]
    Denied {
        /// Its socket.
        socket: String,
        /// What it says.
        denial: Denial,
    },
}

impl OpenLinkError {
    fn broken(place: &Place, cause: std::io::Error) -> Self {
        Self::Broken { socket: place.name(), cause }
    }
}
