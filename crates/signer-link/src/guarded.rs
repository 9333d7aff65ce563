//! The desk of a signer that looks: charters, counts and rates of its keys, and the log before each signature.

mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::{Octets, OctetsError};
use ca_core::ports::{Clock, SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::ToBeSigned;
use ca_core::validity::UnixTime;

use crate::charter::{KeyCharter, Subject};
use crate::denial::{Denial, Meaning};
use crate::desk::{Asker, KeyAbsence, KeyState, SignerState, SigningDesk, TokenReport};
use crate::log::{Entry, LogPlan, OnFailure, OpenLogError, SIGNED, SignatureLog};
use memory::Memory;

/// What a guarded desk holds keys and time with.
#[derive(Clone)]
pub struct Means {
    /// Holds the keys.
    pub signer: Arc<dyn Signer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Tells how the tokens stand.
    pub tokens: Arc<dyn Fn() -> Vec<TokenReport> + Send + Sync>,
}

impl core::fmt::Debug for Means {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Means").finish_non_exhaustive()
    }
}

/// Signs what its charters allow, and keeps a log of it.
pub struct GuardedDesk {
    means: Means,
    keys: BTreeMap<KeyRef, GuardedKey>,
    log: SignatureLog,
}

struct GuardedKey {
    charter: KeyCharter,
    memory: Mutex<Memory>,
    /// Its public half, from when its token was there for the first time.
    public_key: OnceLock<PublicKey>,
}

impl GuardedKey {
    /// Returns the public half as the token has it, which is that of the certificate where there is one (case H-07).
    fn public_key(&self, signer: &dyn Signer) -> Result<&PublicKey, SignError> {
        if let Some(known) = self.public_key.get() {
            return Ok(known);
        }
        let key = self.charter.key;
        let held = signer.public_key(&key)?;
        if self.charter.certified().is_some_and(|certified| *certified != held) {
            let cause =
                format!("the token holds another key under the name {key} than the certificate names");
            return Err(SignError::Refused { cause: cause.into() });
        }
        Ok(self.public_key.get_or_init(|| held))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Numbers are whole after every panic of ours.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GuardedDesk {
    /// Opens the log, and remembers out of it what was signed before. `failed` is told when the log cannot be written any more:
    /// from then on nothing is signed.
    ///
    /// # Errors
    /// [`OpenLogError`].
    pub fn open(
        means: Means,
        charters: Vec<KeyCharter>,
        log: LogPlan,
        failed: OnFailure,
    ) -> Result<Self, OpenLogError> {
        let (log, mut recollection) = SignatureLog::open(log, failed)?;
        let keys = charters.into_iter().map(|charter| {
            let key = charter.key;
            let memory = Mutex::new(Memory::new(recollection.take(&key)));
            (key, GuardedKey { charter, memory, public_key: OnceLock::new() })
        });
        Ok(Self { means, keys: keys.collect(), log })
    }

    /// Returns how often the log was synced since it was opened.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.log.syncs()
    }

    fn sign_guarded(
        &self,
        (asker, now): (Asker, UnixTime),
        key: &GuardedKey,
        octets: Octets,
    ) -> Result<EcdsaSignature, Denial> {
        // While its token is away nothing is known of the key: nothing is signed, and the log would only grow.
        let public_key = key.public_key(&*self.means.signer)?;
        let (subject, judged) = key.charter.judge(public_key, &octets, now);
        let tbs = ToBeSigned::read(public_key.curve(), octets).map_err(unreadable)?;
        let digest = sha256(&tbs).map_err(unreadable)?;
        let judged = judged.and_then(|()| key.memory().follow(&subject, digest));
        let outcome = judged.and_then(|()| self.sign_verified(public_key, &tbs));
        let told = match &outcome {
            Ok(_) => SIGNED,
            // Nothing was signed, and it is not about what was asked: the log would only grow.
            Err(denial) if denial.meaning == Meaning::Unavailable => return outcome,
            Err(denial) => &denial.code,
        };
        let entry = entry_of((asker, now), key, subject, (digest, told));
        self.log.append(entry).map_err(|error| Denial::unknown("log.ended", error))?;
        outcome
    }

    /// Signs, and looks that it is a signature.
    fn sign_verified(&self, key: &PublicKey, tbs: &ToBeSigned) -> Result<EcdsaSignature, Denial> {
        let signature = self.means.signer.sign_read(&key.key_ref(), tbs)?;
        // H-06, H-07: what does not verify never leaves, and nobody can say that nothing was signed.
        key.verify_digest(tbs.digest(), &signature).map_err(|_| {
            let sentence = format!("a signature by key {} does not verify", key.key_ref());
            Denial::unknown("signature.broken", sentence)
        })?;
        Ok(signature)
    }
}

fn entry_of(
    (asker, time): (Asker, UnixTime),
    key: &GuardedKey,
    subject: Subject,
    (digest, outcome): ([u8; 32], &str),
) -> Entry {
    let Subject { kind, issuer, name, scope, number: _ } = subject;
    Entry {
        time,
        user: asker.user,
        key: key.charter.key,
        kind,
        issuer,
        name,
        scope,
        digest,
        outcome: outcome.to_owned(),
    }
}

/// The SHA-256 of what is to be signed, which was made already where the key is on P-256.
fn sha256(tbs: &ToBeSigned) -> Result<[u8; 32], OctetsError> {
    match <[u8; 32]>::try_from(tbs.digest().octets()) {
        Ok(digest) => Ok(digest),
        Err(_) => tbs.octets().sha256(),
    }
}

fn unreadable(error: impl core::fmt::Display) -> Denial {
    Denial::unavailable("signer.no-room", error, 60)
}

impl SigningDesk for GuardedDesk {
    fn keys(&self) -> Vec<PublicKey> {
        let signer = &*self.means.signer;
        let known = |key: &GuardedKey| match key.public_key(signer) {
            Ok(held) => Some(held.clone()),
            // What its certificate names, since requests for it are answered in time.
            Err(SignError::Unavailable { .. }) => key.charter.certified().cloned(),
            Err(_) => None,
        };
        self.keys.values().filter_map(known).collect()
    }

    fn awaited(&self) -> (Vec<KeyRef>, Option<Duration>) {
        let (mut awaited, mut soonest) = (Vec::new(), None);
        for (name, key) in &self.keys {
            if let Err(SignError::Unavailable { again_in, .. }) = key.public_key(&*self.means.signer)
                && key.charter.certified().is_none()
            {
                awaited.push(*name);
                soonest = soonest.or(again_in);
            }
        }
        (awaited, soonest)
    }

    fn state(&self) -> SignerState {
        let (head, today) = (self.log.head(), self.means.clock.now().days());
        let keys = self.keys.iter().map(|(name, key)| {
            let memory = key.memory();
            KeyState {
                key: *name,
                purposes: key.charter.purposes().to_owned(),
                signed: memory.signed(),
                denied: memory.denied(),
                today: memory.signed_on(today),
                absence: match self.means.signer.check_at_hand(name) {
                    Err(SignError::Unavailable { again_in, .. }) => Some(KeyAbsence { again_in }),
                    Ok(()) | Err(_) => None,
                },
            }
        });
        let tokens = (self.means.tokens)();
        SignerState { records: head.records, head: head.hash, keys: keys.collect(), tokens }
    }

    fn sign(&self, asker: Asker, key: &KeyRef, octets: Octets) -> Result<EcdsaSignature, Denial> {
        let Some(guarded) = self.keys.get(key) else {
            tracing::warn!(%asker, %key, "signer: no such key");
            return Err(Denial::no_such_key(key));
        };
        let now = self.means.clock.now();
        let turn = guarded.memory().take_turn(guarded.charter.rates, now);
        let outcome = match turn {
            Ok(()) => {
                let outcome = self.sign_guarded((asker, now), guarded, octets);
                guarded.memory().end_turn(outcome.is_ok(), now);
                outcome
            }
            Err(denial) => {
                guarded.memory().count_denied();
                Err(denial)
            }
        };
        if let Err(denial) = &outcome {
            tracing::warn!(%asker, %key, code = denial.code, why = denial.sentence, "signer: denied");
        }
        outcome
    }
}

impl core::fmt::Debug for GuardedDesk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}
