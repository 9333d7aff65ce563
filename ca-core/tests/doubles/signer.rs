//! A signer with keys in memory that does as it is told: sign well, sign short, sign wrong, or fail.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;

use super::journal::{Journal, Step};
use super::keys::KeyPair;

/// What the next call of `sign` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// A good signature with integers of full length.
    Good,
    /// A good signature with a short integer.
    Short,
    /// A signature by another key of the same curve.
    OtherKey,
    /// A signature on the other curve.
    OtherCurve,
    /// A signature over other octets.
    OtherOctets,
    /// A good signature with one bit turned.
    Damaged,
    /// The key is gone.
    KeyNotFound,
    /// Cannot be asked: nothing was signed.
    Unavailable,
    /// Asked, and no answer came.
    OutcomeUnknown,
}

/// Where the next call of `sign` stands still.
pub(crate) struct Gate {
    reached: Receiver<()>,
    open: Sender<()>,
}

impl Gate {
    /// Waits until a call stands at the gate.
    pub(crate) fn reached(&self) {
        self.reached.recv().unwrap();
    }

    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.open.send(()).unwrap();
    }
}

pub(crate) struct MemorySigner {
    journal: Arc<Journal>,
    keys: Mutex<HashMap<KeyRef, KeyPair>>,
    script: Mutex<VecDeque<Behaviour>>,
    always: Mutex<Behaviour>,
    made: AtomicUsize,
    /// The short signature over some octets takes a search; it is made once.
    short: Mutex<HashMap<Vec<u8>, EcdsaSignature>>,
    signed: Mutex<Vec<Vec<u8>>>,
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl MemorySigner {
    pub(crate) fn new(journal: &Arc<Journal>) -> Self {
        Self {
            journal: Arc::clone(journal),
            keys: Mutex::default(),
            script: Mutex::default(),
            always: Mutex::new(Behaviour::Good),
            made: AtomicUsize::new(0),
            short: Mutex::default(),
            signed: Mutex::default(),
            gate: Mutex::default(),
        }
    }

    /// Keeps a key pair and returns its name.
    pub(crate) fn keep(&self, pair: &KeyPair) -> KeyRef {
        let key = pair.public_key().key_ref();
        self.keys.lock().unwrap().insert(key, pair.clone());
        key
    }

    /// Keeps a key pair under the name of another key.
    pub(crate) fn keep_as(&self, name: KeyRef, pair: &KeyPair) {
        self.keys.lock().unwrap().insert(name, pair.clone());
    }

    /// The next calls of `sign` do this, one after the other.
    pub(crate) fn then(&self, behaviours: &[Behaviour]) {
        self.script.lock().unwrap().extend(behaviours);
    }

    /// Every call of `sign` that is not scripted does this.
    pub(crate) fn always(&self, behaviour: Behaviour) {
        *self.always.lock().unwrap() = behaviour;
    }

    /// The next call of `sign` stands still until it is let go.
    pub(crate) fn gate(&self) -> Gate {
        let ((arrive, reached), (open, opened)) = (channel(), channel());
        *self.gate.lock().unwrap() = Some((arrive, opened));
        Gate { reached, open }
    }

    /// How many signatures were made, good or not.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// What was signed so far.
    pub(crate) fn signed(&self) -> Vec<Vec<u8>> {
        self.signed.lock().unwrap().clone()
    }

    fn next(&self) -> Behaviour {
        let scripted = self.script.lock().unwrap().pop_front();
        scripted.unwrap_or_else(|| *self.always.lock().unwrap())
    }

    fn short(&self, pair: &KeyPair, message: &[u8]) -> EcdsaSignature {
        let mut known = self.short.lock().unwrap();
        known.entry(message.to_vec()).or_insert_with(|| pair.sign_short(message)).clone()
    }

    fn pair(&self, key: &KeyRef) -> Result<KeyPair, SignError> {
        self.keys.lock().unwrap().get(key).cloned().ok_or(SignError::KeyNotFound { key: *key })
    }
}

impl Signer for MemorySigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let entered = self.journal.enter(Step::PublicKey);
        entered.map_err(SignError::unavailable)?;
        Ok(self.pair(key)?.public_key().clone())
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let entered = self.journal.enter(Step::Sign);
        entered.map_err(SignError::unavailable)?;
        let gate = self.gate.lock().unwrap().take();
        if let Some((arrive, opened)) = gate {
            arrive.send(()).unwrap();
            opened.recv().unwrap();
        }
        let pair = self.pair(key)?;
        let made = match self.next() {
            Behaviour::Good => pair.sign_full(message),
            Behaviour::Short => self.short(&pair, message),
            Behaviour::OtherKey => KeyPair::new(pair.public_key().curve(), 9_999).sign_full(message),
            Behaviour::OtherCurve => {
                let other = match pair.public_key().curve() {
                    Curve::P256 => Curve::P384,
                    Curve::P384 => Curve::P256,
                };
                KeyPair::new(other, 9_999).sign_full(message)
            }
            Behaviour::OtherOctets => pair.sign_full(b"something else"),
            Behaviour::Damaged => damaged(&pair.sign_full(message)),
            Behaviour::KeyNotFound => return Err(SignError::KeyNotFound { key: *key }),
            Behaviour::Unavailable => {
                return Err(SignError::unavailable("the token is gone"));
            }
            Behaviour::OutcomeUnknown => {
                return Err(SignError::OutcomeUnknown { cause: "the token was pulled out".into() });
            }
        };
        self.made.fetch_add(1, Ordering::SeqCst);
        self.signed.lock().unwrap().push(message.to_vec());
        Ok(made)
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

fn damaged(signature: &EcdsaSignature) -> EcdsaSignature {
    let mut octets = signature.fixed().to_vec();
    let last = octets.len() - 1;
    octets[last] ^= 1;
    EcdsaSignature::from_fixed(signature.curve(), &octets).unwrap()
}
