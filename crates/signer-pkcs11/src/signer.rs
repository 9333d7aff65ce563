//! A token that is opened or waited for, its keys, and the making of keys there; `signing.rs` is its `Signer` port.

mod signing;

use core::time::Duration;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use ca_core::key_ref::KeyRef;
use ca_core::ports::SignError;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cryptoki::object::ObjectHandle;

use crate::breaker::TokenState;
use crate::call::CallFailed;
use crate::crew::Pace;
use crate::keeper::{Keeper, Observer, Patience};
use crate::key::{self, Export, KeyProtection, KeyUse, PrivateKeyObject, TokenKey};
use crate::making::{GenerateKeyError, generate_in};
use crate::module::{self, LoadModuleError};
use crate::pin::Pin;
use crate::session::{Access, UseTokenError, Way};
use crate::standing::TokenStanding;
use crate::survey::KeyAttributes;
use crate::token::{TokenDescription, listed};
use crate::uri::{Keys, TokenUri};
use signing::into_sign_error;

/// Signs with private keys on one token.
pub struct TokenSigner {
    keeper: Arc<Keeper>,
    wanted: Keys,
    allowed: KeyProtection,
}

/// How a token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenOptions {
    /// How many signatures are made at once at most, each in a session of its own. Small tokens have 16 sessions for
    /// all programs together.
    pub sessions: NonZeroUsize,
    /// [`KeyProtection::Extractable`] lets keys sign that can leave the token.
    pub weakest_protection: KeyProtection,
    /// How long a signature waits for a session that is free.
    pub longest_queue: Duration,
    /// After how long a call is given up.
    pub longest_call: Duration,
    /// How long the token is left alone after it failed.
    pub shortest_rest: Duration,
    /// How long at most, after it failed again and again.
    pub longest_rest: Duration,
}

impl Default for TokenOptions {
    /// 8 sessions; keys that can leave the token are refused; 10 seconds for a session and 10 for a call; rests of one
    /// second to a minute.
    fn default() -> Self {
        Self {
            sessions: NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN),
            weakest_protection: KeyProtection::NonExtractable,
            longest_queue: Duration::from_secs(10),
            longest_call: Duration::from_secs(10),
            shortest_rest: Duration::from_secs(1),
            longest_rest: Duration::from_secs(60),
        }
    }
}

impl TokenSigner {
    /// Opens the token that a URI names, with the default options. The PIN is tried once.
    ///
    /// # Errors
    /// [`OpenTokenError`].
    pub fn open(uri: &TokenUri, pin: Pin) -> Result<Self, OpenTokenError> {
        Self::open_with(uri, pin, TokenOptions::default())
    }

    /// Opens the token that a URI names. If the URI has `object` or `id`, exactly one private key must match, and the
    /// signer serves that key alone.
    ///
    /// # Errors
    /// [`OpenTokenError`].
    pub fn open_with(uri: &TokenUri, pin: Pin, options: TokenOptions) -> Result<Self, OpenTokenError> {
        let signer = Self::prepare(uri, pin, options)?;
        signer.keeper.open()?;
        signer.check_keys()?;
        Ok(signer)
    }

    /// Opens the token that a URI names, or waits for it: a token that is not there, or does not work, is looked for until it
    /// does, and whoever wants a signature meanwhile is told when to come again (case H-04).
    ///
    /// # Errors
    /// [`OpenTokenError`], for what waiting does not mend: a PIN that is refused, a key that is not there or not alone, a
    /// module that cannot be loaded.
    pub fn attend(uri: &TokenUri, pin: Pin, options: TokenOptions) -> Result<Self, OpenTokenError> {
        let signer = Self::prepare(uri, pin, options)?;
        match signer.keeper.open() {
            Ok(()) => {}
            Err(cause) if cause.is_trouble() => {
                signer.keeper.wait_for_it(&cause);
                return Ok(signer);
            }
            Err(cause) => return Err(cause.into()),
        }
        match signer.check_keys() {
            Err(OpenTokenError::Token(cause)) if cause.is_trouble() => Ok(signer),
            checked => checked.map(|()| signer),
        }
    }

    fn prepare(uri: &TokenUri, pin: Pin, options: TokenOptions) -> Result<Self, OpenTokenError> {
        let way = Way {
            module: module::load(uri.module_path())?,
            wanted: uri.token().clone(),
            pin,
            limit: options.sessions,
            pin_refused: Arc::new(AtomicBool::new(false)),
        };
        let patience = Patience {
            pace: Pace { queue: options.longest_queue, call: options.longest_call },
            shortest_rest: options.shortest_rest,
            longest_rest: options.longest_rest,
            threads: options.sessions,
        };
        Ok(Self {
            keeper: Keeper::new(way, uri.key().clone(), patience),
            wanted: uri.key().clone(),
            allowed: options.weakest_protection,
        })
    }

    fn check_keys(&self) -> Result<(), OpenTokenError> {
        let objects = self.list()?;
        if self.wanted.is_one() { self.check_one(objects) } else { Ok(()) }
    }

    /// Returns what the token said of itself when it was opened; before it was there, what the URI says of it.
    #[must_use]
    pub fn token(&self) -> TokenDescription {
        self.keeper.described()
    }

    /// Tells how the token stands.
    #[must_use]
    pub fn state(&self) -> TokenState {
        self.keeper.state()
    }

    /// Tells how the token stands and what it did, for readiness and metrics.
    #[must_use]
    pub fn standing(&self) -> TokenStanding {
        self.keeper.standing()
    }

    /// Sets who is told when the token fails and when it works again; at once, if it does not work now.
    pub fn observe(&self, observer: Observer) {
        self.keeper.observe(observer);
    }

    /// Lists the private EC keys on the token that the URI means, also those that cannot be used, each with the reason.
    ///
    /// # Errors
    /// [`UseTokenError`].
    pub fn keys(&self) -> Result<Vec<PrivateKeyObject>, UseTokenError> {
        self.list()
    }

    /// Makes a key pair on the token: the private key is sensitive and cannot be extracted, both halves have the
    /// [`KeyRef`] as `CKA_ID` and `label` as `CKA_LABEL`.
    ///
    /// # Errors
    /// [`GenerateKeyError`]; no usable key was made.
    pub fn generate(&self, curve: Curve, label: &str) -> Result<PublicKey, GenerateKeyError> {
        self.generate_for(curve, label, (Export::Never, KeyUse::Signing))
    }

    /// The same for a key that may leave the token, wrapped, where `export` says so, or that may do something else; it is
    /// sensitive in any case.
    ///
    /// # Errors
    /// [`GenerateKeyError`]; no usable key was made.
    pub fn generate_for(
        &self,
        curve: Curve,
        label: &str,
        (export, purpose): (Export, KeyUse),
    ) -> Result<PublicKey, GenerateKeyError> {
        if self.wanted.is_one() {
            return Err(GenerateKeyError::UriNamesAKey);
        }
        if label.is_empty() {
            return Err(GenerateKeyError::NoLabel);
        }
        let same_label = Keys { label: Some(label.to_owned()), id: None };
        if let Some(object) = self.list_keys(same_label)?.into_iter().next() {
            return Err(GenerateKeyError::LabelTaken { object: Box::new(object) });
        }
        let owned = label.to_owned();
        let made = self.keeper.call(move |sessions, ticket| {
            sessions.work(ticket, Access::ReadWrite, |work| {
                generate_in(work.session(), (curve, export, purpose), &owned)
            })
        })?;
        let key = made?;
        let public_key = key.public_key.clone();
        self.keeper.remember([key]);
        Ok(public_key)
    }

    /// Destroys a key pair (`C_DestroyObject`, both halves, or the one that is left) and looks that the private half is gone.
    /// What the token did with the memory, and copies that its maker's tools have made, are beyond its reach.
    ///
    /// # Errors
    /// [`DestroyKeyError`]; the key may then be destroyed or not.
    pub fn destroy(&self, key: &KeyRef) -> Result<(), DestroyKeyError> {
        let known = match self.recall(key) {
            Some(known) => Some(known),
            None => self.list().map(|_| self.recall(key))?,
        };
        // Keys made here have their name as CKA_ID: by it the half is found that a destruction left which was cut short.
        let id = known.map_or_else(|| key.octets().to_vec(), |known| known.id);
        let wanted = id.clone();
        let destroyed = self.keeper.call(move |sessions, ticket| {
            sessions.work(ticket, Access::ReadWrite, |work| {
                let halves = key::halves(work.session(), &wanted)?;
                for object in &halves {
                    work.session().destroy_object(*object).map_err(CallFailed::from)?;
                }
                Ok(halves.len())
            })
        })?;
        if destroyed == 0 {
            return Err(DestroyKeyError::NotThere { key: *key });
        }
        self.keeper.known.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        // By its CKA_ID: without its public half a private key has no name any more, and is there all the same.
        let left = self.list()?;
        if left.iter().any(|object| object.id == id) {
            return Err(DestroyKeyError::StillThere { key: *key });
        }
        Ok(())
    }

    /// Tells whether no EC key, and no half of one, has this label.
    ///
    /// # Errors
    /// [`UseTokenError`].
    pub fn is_free(&self, label: &str) -> Result<bool, UseTokenError> {
        Ok(self.labelled(label)?.is_empty())
    }

    /// Destroys every EC key, and every half of one, with this label, and looks that they are gone. For what somebody knows to
    /// be the remains of a key that was being made: such halves may have no `CKA_ID`. Returns the public keys of those that
    /// had one.
    ///
    /// # Errors
    /// [`DestroyKeyError`]; keys may then be destroyed or not.
    pub fn destroy_labelled(&self, label: &str) -> Result<Vec<PublicKey>, DestroyKeyError> {
        let found = self.labelled(label)?;
        let owned = label.to_owned();
        self.keeper.call(move |sessions, ticket| {
            sessions.work(ticket, Access::ReadWrite, |work| {
                for (half, _) in key::labelled(work.session(), &owned)? {
                    work.session().destroy_object(half).map_err(CallFailed::from)?;
                }
                Ok(())
            })
        })?;
        if !self.is_free(label)? {
            return Err(DestroyKeyError::LabelStillThere { label: label.to_owned() });
        }
        let keys: Vec<PublicKey> = found.into_iter().filter_map(|(_, key)| key).collect();
        let mut known = self.keeper.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| !keys.contains(&known.public_key));
        Ok(keys)
    }

    /// Reads the keys that the URI means and remembers those that can be used.
    fn list(&self) -> Result<Vec<PrivateKeyObject>, UseTokenError> {
        self.list_keys(self.wanted.clone()).inspect(|objects| {
            self.keeper.remember(objects.iter().filter_map(|object| object.key.clone().ok()));
        })
    }

    fn list_keys(&self, wanted: Keys) -> Result<Vec<PrivateKeyObject>, UseTokenError> {
        self.keeper.call(move |sessions, ticket| sessions.list(ticket, &wanted))
    }

    fn labelled(&self, label: &str) -> Result<Vec<(ObjectHandle, Option<PublicKey>)>, UseTokenError> {
        let label = label.to_owned();
        self.keeper.call(move |sessions, ticket| sessions.labelled(ticket, &label))
    }

    fn check_one(&self, mut objects: Vec<PrivateKeyObject>) -> Result<(), OpenTokenError> {
        if objects.len() > 1 {
            return Err(OpenTokenError::AmbiguousKey { wanted: self.wanted.to_string(), there: objects });
        }
        let Some(object) = objects.pop() else {
            return Err(OpenTokenError::NoSuchKey {
                wanted: self.wanted.to_string(),
                there: self.list_keys(Keys::default())?,
            });
        };
        match &object.key {
            Ok(key) => Ok(self.check_protection(key)?),
            Err(_) => Err(OpenTokenError::UnusableKey { object: Box::new(object) }),
        }
    }

    /// Finds a key among those known, looking at the token once more when it is not.
    fn find(&self, key: &KeyRef) -> Result<TokenKey, SignError> {
        let known = self.recall(key);
        let found = match known {
            Some(found) => Some(found),
            None => {
                self.list().map_err(into_sign_error)?;
                self.recall(key)
            }
        };
        let found = found.ok_or(SignError::KeyNotFound { key: *key })?;
        self.check_protection(&found).map_err(into_sign_error)?;
        Ok(found)
    }

    /// Reads whether a private key can be, or ever was, elsewhere.
    ///
    /// # Errors
    /// [`UseTokenError`].
    pub fn attributes(&self, key: &TokenKey) -> Result<KeyAttributes, UseTokenError> {
        let key = key.clone();
        self.keeper.call(move |sessions, ticket| {
            sessions.work(ticket, Access::ReadOnly, |work| {
                match key::find(work.session(), &key.id)?.as_slice() {
                    [handle] => Ok(KeyAttributes::read(work.session(), *handle)?),
                    [] => Err(UseTokenError::KeyGone { key: key.public_key.key_ref() }),
                    several => Err(UseTokenError::AmbiguousKey { id: key.id.clone(), count: several.len() }),
                }
            })
        })
    }

    /// Tells whether the token had this key when it was last looked at.
    pub(crate) fn holds(&self, key: &KeyRef) -> bool {
        self.recall(key).is_some()
    }

    fn recall(&self, key: &KeyRef) -> Option<TokenKey> {
        let known = self.keeper.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn check_protection(&self, key: &TokenKey) -> Result<(), UseTokenError> {
        match (key.protection, self.allowed) {
            (KeyProtection::NonExtractable, _) | (_, KeyProtection::Extractable) => Ok(()),
            (KeyProtection::Extractable, KeyProtection::NonExtractable) => {
                Err(UseTokenError::ExtractableKey { key: key.public_key.key_ref() })
            }
        }
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.keeper.known.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("TokenSigner")
            .field("token", &self.token())
            .field("keys", &known.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why a token was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenTokenError {
    /// The token library cannot be used.
    #[error(transparent)]
    Module(#[from] LoadModuleError),
    /// The token is not there, refuses the PIN, or cannot be read.
    #[error(transparent)]
    Token(#[from] UseTokenError),
    /// The URI names a key, and no private EC key is so.
    #[error("no private EC key on the token is {wanted}; keys there: {keys}", keys = listed(there))]
    NoSuchKey {
        /// What was wanted, as in the URI.
        wanted: String,
        /// The keys that are there.
        there: Vec<PrivateKeyObject>,
    },
    /// The URI names a key, and several are so (case H-10).
    #[error("more than one private EC key on the token is {wanted}: {keys}; name one by id=", keys = listed(there))]
    AmbiguousKey {
        /// What was wanted, as in the URI.
        wanted: String,
        /// The keys that are so.
        there: Vec<PrivateKeyObject>,
    },
    /// The URI names a key that cannot be used.
    #[error("the private key on the token cannot be used: {object}")]
    UnusableKey {
        /// The key.
        object: Box<PrivateKeyObject>,
    },
}

/// Why a key on a token was not destroyed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyKeyError {
    /// There is neither half of it.
    #[error("no key on the token is {key}")]
    NotThere {
        /// The key.
        key: KeyRef,
    },
    /// The token said that it was destroyed, and it is there.
    #[error("the private key {key} was destroyed and is still on the token")]
    StillThere {
        /// The key.
        key: KeyRef,
    },
    /// The token said that they were destroyed, and some are there.
    #[error("the keys labelled {label:?} were destroyed and are still on the token")]
    LabelStillThere {
        /// The label.
        label: String,
    },
    /// The token is not there, refuses the PIN, or cannot destroy the key.
    #[error(transparent)]
    Token(#[from] UseTokenError),
}
