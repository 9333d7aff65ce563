//! Secrets of devices, wrapped anew on a token: unwrapped into a session object that nobody can read, wrapped under another key, gone.
//!
//! In clear they are on the token alone, for as long as one call takes. The program holds blobs. What PKCS#11 cannot promise: whoever has the
//! PIN can tell the token to unwrap the same blob into an object that may be read; the PIN is as good as the secrets.
//! Not the signer's sessions: nothing is recovered here, and no call has a deadline. Whoever asks for a thousand devices takes up where
//! the token went away; RFC 3394 and RFC 5649 give the same octets every time.

mod desk;
mod transfer;

use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ca_core::record::WrappedSecret;

use crate::secret_shape::SecretShapeError;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::token::TokenDescription;
use crate::wrap::Door;
use desk::Desk;

pub use transfer::{KeyTransfer, NewKeys};

/// How many sessions a vault has where nobody says otherwise.
pub const SESSIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// A token on which secrets are wrapped anew, by a bounded number of sessions at once.
pub struct SecretVault {
    token: TokenDescription,
    desks: Vec<Mutex<Desk>>,
    next: AtomicUsize,
}

impl SecretVault {
    /// Opens the token with [`SESSIONS`] sessions.
    ///
    /// # Errors
    /// [`OpenTokenError`].
    pub fn open(door: Door<'_>) -> Result<Self, OpenTokenError> {
        Self::open_with(door, SESSIONS)
    }

    /// Opens the token with as many sessions. The PIN is tried once.
    ///
    /// # Errors
    /// [`OpenTokenError`].
    pub fn open_with(door: Door<'_>, sessions: NonZeroUsize) -> Result<Self, OpenTokenError> {
        let first = Desk::open(door)?;
        let token = first.token();
        let mut desks = vec![Mutex::new(first)];
        for _ in 1..sessions.get() {
            // The login is the program's, and not the session's (PKCS#11 v3.1 §5.6.8).
            desks.push(Mutex::new(Desk::open_beside(door)?));
        }
        Ok(Self { token, desks, next: AtomicUsize::new(0) })
    }

    /// Returns the token.
    #[must_use]
    pub const fn token(&self) -> &TokenDescription {
        &self.token
    }

    /// Tells whether the token has one key with this label that can take secrets in and stays there.
    ///
    /// # Errors
    /// [`RewrapError`].
    pub fn look_for(&self, label: &str, role: Role) -> Result<(), RewrapError> {
        self.desk().key(label, role).map(drop)
    }

    /// Wraps a secret under the key labelled `to` instead of the one that it is under.
    ///
    /// # Errors
    /// [`RewrapError`]. The secret is as it was.
    pub fn rewrap(&self, secret: &WrappedSecret, to: &str) -> Result<WrappedSecret, RewrapError> {
        self.desk().rewrap(secret, to)
    }

    /// Does so with many, in all sessions at once; the answers are in their order. Once the token itself fails, the rest is not asked of
    /// it, and is answered with [`RewrapError::NotAsked`].
    #[must_use]
    pub fn rewrap_all(&self, secrets: &[WrappedSecret], to: &str) -> Vec<Result<WrappedSecret, RewrapError>> {
        self.each(secrets, |desk, secret| desk.rewrap(secret, to))
    }

    /// Makes new keys for a device, as class 64 method `key_transfer` wants them and as they are stored. See [`KeyTransfer`].
    ///
    /// # Errors
    /// [`RewrapError`]. Nothing was made.
    pub fn key_transfer(
        &self,
        kek: &WrappedSecret,
        wanted: &NewKeys<'_>,
    ) -> Result<Vec<KeyTransfer>, RewrapError> {
        transfer::make(&mut self.desk(), kek, wanted)
    }

    /// Does so for many devices, in all sessions at once; the answers are in their order, as those of [`Self::rewrap_all`].
    #[must_use]
    pub fn key_transfer_all(
        &self,
        keks: &[WrappedSecret],
        wanted: &NewKeys<'_>,
    ) -> Vec<Result<Vec<KeyTransfer>, RewrapError>> {
        self.each(keks, |desk, kek| transfer::make(desk, kek, wanted))
    }

    /// Works through a list in all sessions at once.
    fn each<T: Sync, R: Send>(
        &self,
        list: &[T],
        work: impl Fn(&mut Desk, &T) -> Result<R, RewrapError> + Sync,
    ) -> Vec<Result<R, RewrapError>> {
        let length = list.len().div_ceil(self.desks.len()).max(1);
        let work = &work;
        let parts: Vec<Vec<Result<R, RewrapError>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = list
                .chunks(length)
                .zip(&self.desks)
                .map(|(part, desk)| (part.len(), scope.spawn(move || part_of(part, desk, work))))
                .collect();
            let join = |(length, thread): (usize, std::thread::ScopedJoinHandle<'_, _>)| {
                thread.join().unwrap_or_else(|_| not_asked(length))
            };
            threads.into_iter().map(join).collect()
        });
        parts.into_iter().flatten().collect()
    }

    /// Takes a session that is free, or waits for one in turn.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        if let Some(free) = self.desks.iter().find_map(|desk| desk.try_lock().ok()) {
            return free;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.desks.len();
        #[expect(
            clippy::indexing_slicing,
            reason = "there is at least one desk, and the turn is a remainder"
        )]
        lock(&self.desks[turn])
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    // A desk is a session and what was looked up in it: nothing in it is half done after a panic.
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn part_of<T, R>(
    part: &[T],
    desk: &Mutex<Desk>,
    work: impl Fn(&mut Desk, &T) -> Result<R, RewrapError>,
) -> Vec<Result<R, RewrapError>> {
    let mut desk = lock(desk);
    let mut done = Vec::with_capacity(part.len());
    for one in part {
        let answer = work(&mut desk, one);
        let failed = answer.as_ref().is_err_and(RewrapError::is_of_the_token);
        done.push(answer);
        if failed {
            break;
        }
    }
    done.extend(not_asked(part.len() - done.len()));
    done
}

fn not_asked<R>(count: usize) -> Vec<Result<R, RewrapError>> {
    (0..count).map(|_| Err(RewrapError::NotAsked)).collect()
}

impl fmt::Debug for SecretVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVault")
            .field("token", &self.token)
            .field("sessions", &self.desks.len())
            .finish_non_exhaustive()
    }
}

/// What a key is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Secrets are under it, and are unwrapped.
    Unwraps,
    /// Secrets are to be under it.
    Wraps,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwraps => "unwrap",
            Self::Wraps => "wrap",
        })
    }
}

/// Why a secret was not wrapped anew. Nothing of the secret, wrapped or not, is ever part of it.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// Its octets cannot be a wrapped secret.
    #[error(transparent)]
    Shape(#[from] SecretShapeError),
    /// The token has no such key.
    #[error("the token has no secret key {label:?}")]
    UnknownKey {
        /// The label.
        label: String,
    },
    /// Which key is meant would be a guess.
    #[error("{count} secret keys on the token have the label {label:?}")]
    AmbiguousKey {
        /// The label.
        label: String,
        /// How many there are.
        count: usize,
    },
    /// The key is none that secrets may be under.
    #[error(
        "the key {label:?} may not {role} here: it must be an AES key that is sensitive, cannot leave the token, may {role}, and does \
         nothing but wrap and unwrap"
    )]
    UnfitKey {
        /// The label.
        label: String,
        /// What it was wanted for.
        role: Role,
    },
    /// The integrity check failed.
    #[error("it does not unwrap under {label:?}: it was altered, or is under another key")]
    NotUnwrapped {
        /// The label.
        label: String,
    },
    /// The token takes it in and does not give it out.
    #[error("the token unwraps it, and cannot wrap a secret of this length")]
    NotWrapped,
    /// The token added octets.
    #[error(
        "the token cannot wrap a password of this length: it fills it up to a multiple of 8 octets, and it would be another one"
    )]
    LengthLost,
    /// Nobody can tell whether the token added octets.
    #[error("the token does not let anybody see whether a password stays the same (C_DigestKey)")]
    LengthUnproven,
    /// A device key that is no KEK.
    #[error("keys are transferred under a KEK, and this is none")]
    NotAKek,
    /// The token fails.
    #[error(transparent)]
    Token(#[from] UseTokenError),
    /// The token failed before.
    #[error("the token failed before this was asked of it")]
    NotAsked,
}

impl RewrapError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape(shape) => shape.code(),
            Self::UnknownKey { .. } => "secret.unknown-key",
            Self::AmbiguousKey { .. } => "secret.ambiguous-key",
            Self::UnfitKey { .. } => "secret.unfit-key",
            Self::NotUnwrapped { .. } => "secret.not-unwrapped",
            Self::NotWrapped => "secret.not-wrapped",
            Self::LengthLost => "secret.length-lost",
            Self::LengthUnproven => "secret.length-unproven",
            Self::NotAKek => "secret.not-a-kek",
            Self::Token(_) => "secret.token-fails",
            Self::NotAsked => "secret.not-asked",
        }
    }

    /// Tells whether the token is at fault, so that the same may succeed later.
    #[must_use]
    pub const fn is_of_the_token(&self) -> bool {
        match self {
            Self::Token(_) | Self::NotAsked => true,
            Self::Shape(_)
            | Self::UnknownKey { .. }
            | Self::AmbiguousKey { .. }
            | Self::UnfitKey { .. }
            | Self::NotUnwrapped { .. }
            | Self::NotWrapped
            | Self::LengthLost
            | Self::LengthUnproven
            | Self::NotAKek => false,
        }
    }
}
